# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report for test dashboards: each checked config is a test case. Private."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

from .model import Checked, Report, counted
from .text import line

# What XML 1.0 cannot hold, escaped or not.
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SUITE = "o11y.opentelemetry.pipeline_validate"


def render(report: Report) -> str:
    """Return JUnit XML: a config fails with all findings that are severe enough, milder ones are its output."""
    failed = sum(any(report.fails(finding) for finding in item.findings) for item in report.checked)
    head = f'name="{_SUITE}" tests="{len(report.checked)}" failures="{failed}" errors="0"'
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>", f"  <testsuite {head}>"]
    lines += [line for item in report.checked for line in _case(item, report)]
    return "\n".join([*lines, "  </testsuite>", "</testsuites>"]) + "\n"


def _case(item: Checked, report: Report) -> list[str]:
    fatal = [line(finding) for finding in item.findings if report.fails(finding)]
    milder = [line(finding) for finding in item.findings if not report.fails(finding)]
    milder += [f"{line(one.finding)} (suppressed: {one.reason})" for one in item.suppressed]
    lines = [f'    <testcase classname="{_SUITE}" name={_attribute(item.name)}>']
    if fatal:
        message = _attribute(counted(len(fatal), "finding"))
        lines.append(f"      <failure message={message}>{_text(fatal)}</failure>")
    if milder:
        lines.append(f"      <system-out>{_text(milder)}</system-out>")
    return [*lines, "    </testcase>"]


def _text(lines: list[str]) -> str:
    return escape(_legal("\n".join(lines)))


def _attribute(text: str) -> str:
    return quoteattr(_legal(text))


def _legal(text: str) -> str:
    return _ILLEGAL.sub("\ufffd", text)
