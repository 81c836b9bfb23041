# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints at the end what tests have counted: mutants by rule, and public configs by source."""

from __future__ import annotations

from typing import Any

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the tables that tests recorded; with workers, too."""
    told: dict[str, list[Any]] = {"mutants": [], "corpus": []}
    for reports in terminalreporter.stats.values():
        for report in reports:
            for key, value in getattr(report, "user_properties", ()) if getattr(report, "when", "") == "call" else ():
                told.setdefault(key, []).append(value)
    if told["mutants"]:
        counts = sorted((name, count) for name, count in told["mutants"])
        terminalreporter.section(f"{sum(count for _name, count in counts)} mutants")
        terminalreporter.line("  ".join(f"{name} {count}" for name, count in counts))
    if told["corpus"]:
        terminalreporter.section("public configs")
        for line in told["corpus"]:
            terminalreporter.line(str(line))
