# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints at the end what tests have counted: mutants by rule, and public configs by source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the tables that tests recorded; with workers, too."""
    told: dict[str, list[Any]] = {"mutants": [], "corpus": []}
    for key, value in _list_records(terminalreporter):
        told.setdefault(key, []).append(value)
    if told["mutants"]:
        counts = sorted((name, count) for name, count in told["mutants"])
        terminalreporter.section(f"{sum(count for _name, count in counts)} mutants")
        terminalreporter.line("  ".join(f"{name} {count}" for name, count in counts))
    if told["corpus"]:
        terminalreporter.section("public configs")
        for line in told["corpus"]:
            terminalreporter.line(str(line))


def _list_records(terminalreporter: pytest.TerminalReporter) -> Iterator[tuple[str, Any]]:
    """Yield what tests recorded with `record_property`, and not what set them up."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", "") == "call":
                yield from getattr(report, "user_properties", ())
