# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report for people. Private."""

from __future__ import annotations

from ..finding import Finding
from .model import Report, counted


def render(report: Report) -> str:
    """Return one line per finding, accepted ones with their reason, and a last line that counts."""
    lines = [line(finding) for finding in report.findings]
    lines += [f"{line(one.finding)} (suppressed: {one.reason})" for one in report.suppressed]
    counts = report.counts
    found = ", ".join(counted(counts[name], name) for name in ("error", "warning")) + f", {counts['info']} info"
    rest = "".join(f", {counts[name]} {name}" for name in ("suppressed", "skipped") if counts[name])
    lines.append(f"{counted(counts['checked'], 'config')} checked: {found}{rest}")
    return "\n".join(lines) + "\n"


def line(finding: Finding) -> str:
    """Return a finding in one line; one without a place begins with its severity."""
    return str(finding).removeprefix(": ")
