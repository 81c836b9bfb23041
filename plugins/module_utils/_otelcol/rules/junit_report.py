# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report as JUnit XML: each config is a test. Private."""

from __future__ import annotations

import re
from html import escape

from .report_model import Checked, Report, count_in_words, finding_line, suppressed_line

# Characters that XML 1.0 does not allow.
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_UNKNOWN = "\ufffd"
_SPACES = {ord(character): f"&#{ord(character)};" for character in "\t\n\r"}  # blanks to readers of attributes


def junit(report: Report) -> str:
    """Return JUnit XML. Findings at or above `fail_on` are failures; other findings are output."""
    failed = [config for config in report.checked if any(report.fails(finding) for finding in config.findings)]
    seconds = [config.seconds for config in report.checked if config.seconds is not None]
    head = f'name="{report.suite}" tests="{len(report.checked)}" failures="{len(failed)}" errors="0"'
    head += _time_attribute(sum(seconds) if seconds else None)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>", f"  <testsuite {head}>"]
    for config in report.checked:
        lines += _test_case(config, report)
    return "\n".join([*lines, "  </testsuite>", "</testsuites>"]) + "\n"


def _time_attribute(seconds: float | None) -> str:
    return "" if seconds is None else f' time="{seconds:.3f}"'


def _test_case(config: Checked, report: Report) -> list[str]:
    """Return the lines of a config, which is one test."""
    fatal = [finding_line(finding) for finding in config.findings if report.fails(finding)]
    milder = [finding_line(finding) for finding in config.findings if not report.fails(finding)]
    milder += [suppressed_line(suppression) for suppression in config.suppressed]
    place = f"classname={_attribute(config.group or report.suite)} name={_attribute(config.name)}"
    lines = [f"    <testcase {place}{_time_attribute(config.seconds)}>"]
    if fatal:
        message = _attribute(count_in_words(len(fatal), "finding"))
        lines.append(f"      <failure message={message}>{_content(fatal)}</failure>")
    if milder:
        lines.append(f"      <system-out>{_content(milder)}</system-out>")
    return [*lines, "    </testcase>"]


def _content(lines: list[str]) -> str:
    return escape(_ILLEGAL.sub(_UNKNOWN, "\n".join(lines)), quote=False)


def _attribute(text: str) -> str:
    return f'"{escape(_ILLEGAL.sub(_UNKNOWN, text)).translate(_SPACES)}"'
