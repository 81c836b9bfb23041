# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report as annotations of GitHub Actions: workflow commands on standard output. Private."""

from __future__ import annotations

from ..finding import Finding
from .model import Report

_LEVELS = {"error": "error", "warning": "warning", "info": "notice"}


def render(report: Report) -> str:
    """Return one workflow command per finding."""
    return "".join(f"{_command(finding)}\n" for finding in report.findings)


def _command(finding: Finding) -> str:
    place = {"file": finding.position.file, "line": finding.position.line, "col": finding.position.column}
    properties = {**{key: value for key, value in place.items() if value}, "title": finding.rule}
    listed = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
    where = f"{finding.path}: " if finding.path else ""
    text = f"{where}{finding.message}{'' if finding.message.endswith(('.', '!', '?')) else '.'} {finding.fix}".rstrip()
    return f"::{_LEVELS[finding.severity]} {listed}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
