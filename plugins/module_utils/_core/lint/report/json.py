# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report for programs. Private."""

from __future__ import annotations

import json

from .model import Report


def render(report: Report) -> str:
    """Return the report as JSON, with the keys of the task's result."""
    return json.dumps(as_dict(report), indent=2, ensure_ascii=False) + "\n"


def as_dict(report: Report) -> dict[str, object]:
    """Return the report as data."""
    return {
        "findings": [finding.as_dict() for finding in report.findings],
        "suppressed": [{**one.finding.as_dict(), "reason": one.reason} for one in report.suppressed],
        "checked": [item.name for item in report.checked],
        "skipped": list(report.skipped),
        "counts": report.counts,
    }
