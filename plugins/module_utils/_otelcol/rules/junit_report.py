# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report as JUnit XML: each config is a test. Private.

For example, a report with `fail_on: error` and two configs, of which one has an error, becomes:

    <testsuites>
      <testsuite name="o11y.opentelemetry.pipeline_validate" tests="2" failures="1" errors="0">
        <testcase classname="o11y.opentelemetry.pipeline_validate" name="a.yaml">
          <failure message="1 finding">a.yaml:4:3 receivers.otlp: error [open-on-node] …</failure>
        </testcase>
        <testcase classname="o11y.opentelemetry.pipeline_validate" name="b.yaml">
        </testcase>
      </testsuite>
    </testsuites>
"""

from __future__ import annotations

import re
from html import escape

from .report_model import CheckedConfig, Report, format_count, format_finding_line, format_suppressed_line

# Characters that XML 1.0 does not allow.
_ILLEGAL_CHARACTER = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_REPLACEMENT_CHARACTER = "\ufffd"
_SPACE_ENTITIES = {ord(character): f"&#{ord(character)};" for character in "\t\n\r"}  # blanks to readers of attributes


def render_junit(report: Report) -> str:
    """Return JUnit XML. Findings at or above `fail_on` are failures; other findings are output."""
    failed_configs = [
        config for config in report.checked_configs if any(report.is_fatal(finding) for finding in config.findings)
    ]
    seconds = [config.seconds for config in report.checked_configs if config.seconds is not None]
    suite_attributes = (
        f'name="{report.suite_name}" tests="{len(report.checked_configs)}" failures="{len(failed_configs)}" errors="0"'
    )
    # Reports of pipeline_validate have no times, and those of tests have.
    suite_attributes += _render_time_attribute(sum(seconds) if seconds else None)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>", f"  <testsuite {suite_attributes}>"]
    for config in report.checked_configs:
        lines += _render_test_case(config, report)
    return "\n".join([*lines, "  </testsuite>", "</testsuites>"]) + "\n"


def _render_time_attribute(seconds: float | None) -> str:
    return "" if seconds is None else f' time="{seconds:.3f}"'


def _render_test_case(config: CheckedConfig, report: Report) -> list[str]:
    """Return the lines of a config, which is one test."""
    failure_lines = [format_finding_line(finding) for finding in config.findings if report.is_fatal(finding)]
    other_lines = [format_finding_line(finding) for finding in config.findings if not report.is_fatal(finding)]
    other_lines += [format_suppressed_line(suppression) for suppression in config.suppressed_findings]
    name_attributes = (
        f"classname={_quote_attribute(config.group or report.suite_name)} name={_quote_attribute(config.name)}"
    )
    lines = [f"    <testcase {name_attributes}{_render_time_attribute(config.seconds)}>"]
    if failure_lines:
        message = _quote_attribute(format_count(len(failure_lines), "finding"))
        lines.append(f"      <failure message={message}>{_escape_content(failure_lines)}</failure>")
    if other_lines:
        lines.append(f"      <system-out>{_escape_content(other_lines)}</system-out>")
    return [*lines, "    </testcase>"]


def _escape_content(lines: list[str]) -> str:
    return escape(_ILLEGAL_CHARACTER.sub(_REPLACEMENT_CHARACTER, "\n".join(lines)), quote=False)


def _quote_attribute(text: str) -> str:
    return f'"{escape(_ILLEGAL_CHARACTER.sub(_REPLACEMENT_CHARACTER, text)).translate(_SPACE_ENTITIES)}"'
