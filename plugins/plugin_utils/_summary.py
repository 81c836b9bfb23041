# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run says of its collectors to people: a few lines. Private."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..module_utils._otelcol.rules.report_model import format_count

# Of a host with more collectors than anybody reads, so many are shown.
MOST_SHOWN = 10
# Each line is shorter than what Ansible's output breaks.
NEXT_STEPS = (
    "next, playbook o11y.opentelemetry.verify sends test data through them",
    "if no data arrives, playbook o11y.opentelemetry.diagnose says why",
)


def build_summary_lines(collectors: Sequence[Mapping[str, Any]], findings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the collectors with their addresses, the warnings by their rules, and what to do next."""
    lines = [f"{_full_name(collector)} {collector['addresses']}" for collector in collectors[:MOST_SHOWN]]
    if len(collectors) > MOST_SHOWN:
        lines.append(f"and {len(collectors) - MOST_SHOWN} more")
    for collector in collectors:
        if collector["critical_components"]:
            lines.append(f"{_full_name(collector)} scrapes {', '.join(collector['critical_components'])}")
    warnings = [finding for finding in findings if finding["severity"] == "warning"]
    if warnings:
        rules = dict.fromkeys(f"{warning['rule']} ({warning['collector']})" for warning in warnings)
        lines.append(f"{format_count(len(warnings), 'warning')} of {', '.join(rules)}")
    return [*lines, *NEXT_STEPS]


def _full_name(collector: Mapping[str, Any]) -> str:
    return f"{collector['kind']} {collector['namespace']}/{collector['name']}"
