# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`otelcoltool migrate`: moves configs to another build of the Collector, and lists what a person has to do.

The work is that of module pipeline_migrate. This file formats its result. Code hosts show findings at lines of files.
For them, a change is a warning `migration`, what a person has to do is an error `manual-migration`, and what a
Collector sends otherwise is a warning `migration-comparison`.
"""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Iterator

from ..command_request import CommandRequest
from ..messages import EXIT_CLEAN, EXIT_FOUND, tell_user, warn_user
from ..module_utils._otelcol.config.paths import Position
from ..module_utils._otelcol.errors import Problem
from ..module_utils._otelcol.rules.findings import Finding
from ..module_utils._otelcol.rules.report_model import CheckedConfig, Report, format_count
from ..module_utils._otelcol.rules.reports import FORMATS
from ..plugin_utils._otelcol import _migrate
from ..plugin_utils._otelcol._migration_result import ConfigChangeRow, DifferenceRow, MigrationResult
from ..plugin_utils._otelcol._testing.result_rows import ComparedConfigRow

# Keys of the result that the JSON does not have: both quote the text of configs.
_KEYS_LEFT_OUT = ("config", "diff")
_FORMATS_OF_FINDINGS = ("sarif", "github")


def run(request: CommandRequest) -> int:
    """Write the configs, or show how they would change; return the exit code. Raises Problem.

    A config of the standard input goes to the standard output, and the report to the standard error.
    """
    if request.format in _FORMATS_OF_FINDINGS and not request.check:
        wrong = f"`--format {request.format}` names lines of files, which the migration would change"
        raise Problem(wrong, fix="Give --check too.")
    result = _migrate.migrate(request.arguments, request.check, request.reading, warn_user)
    report_text = "\n".join(_format_report(result, request))
    # The result has the new text of a config that came from the standard input and does not go to a file (`--dest`).
    has_text_to_print = "config" in result
    if has_text_to_print and not request.check:
        sys.stdout.write(result["config"])
        _tell_report(report_text, request.format)
    else:
        sys.stdout.write(f"{report_text}\n" if report_text else "")
    has_work_left = bool(result["unsolved"]) or (request.check and result["changed"])
    return EXIT_FOUND if has_work_left else EXIT_CLEAN


def _tell_report(report_text: str, report_format: str) -> None:
    """Write the report to the standard error: lines that name the command, or what programs read."""
    if report_format != "text":
        print(report_text, file=sys.stderr)
        return
    for line in report_text.splitlines():
        tell_user(line)


def _format_report(result: MigrationResult, request: CommandRequest) -> Iterator[str]:
    """Yield the lines of the report, in the format of the request."""
    if request.format == "json":
        yield _format_json(result)
        return
    if request.format in _FORMATS_OF_FINDINGS:
        yield FORMATS[request.format](_build_findings_report(result)).rstrip("\n")
        return
    if request.diff:
        for difference in result["diff"]:
            yield from _format_unified_diff(difference)
    yield from _describe_result(result, request.check)


def _format_json(result: MigrationResult) -> str:
    """Return the result as JSON, without the text of configs."""
    return json.dumps({key: value for key, value in result.items() if key not in _KEYS_LEFT_OUT}, indent=2)


def _build_findings_report(result: MigrationResult) -> Report:
    """Return the changes, what a person has to do, and what the comparisons say, as findings."""
    findings = [_convert_to_finding(row, "migration", "warning") for row in result["changes"]]
    findings += [_convert_to_finding(row, "manual-migration", "error") for row in result["unsolved"]]
    for comparison in result.get("compared", ()):
        if comparison["why"] or not comparison["same"]:
            position = Position(comparison["config"], 0)
            message = "; ".join([_describe_outcome(comparison).rstrip(":"), *comparison["differences"]])
            findings.append(Finding(position, "", "migration-comparison", "warning", message))
    return Report([CheckedConfig("migration", tuple(findings))], result["skipped_files"])


def _convert_to_finding(row: ConfigChangeRow, rule: str, severity: str) -> Finding:
    """Return a change as a finding at its line."""
    position = Position(row["file"] or row["config"], row["line"])
    return Finding(position, row["path"], rule, severity, row["what"], row["why"])


def _describe_result(result: MigrationResult, is_check: bool) -> Iterator[str]:
    """Yield a line for each change and for each task that is left, the comparisons, and the counts at the end."""
    for row in result["changes"]:
        yield f"{_describe_place(row)}: {_join_sentences(row)}"
    for row in result["unsolved"]:
        yield f"{_describe_place(row)}: to do by hand: {_join_sentences(row)}"
    for comparison in result.get("compared", ()):
        yield from _describe_comparison(comparison)
    verb = "would be made" if is_check else "made"
    change_count, unsolved_count = len(result["changes"]), len(result["unsolved"])
    yield f"{format_count(change_count, 'change')} {verb}, {unsolved_count} to do by hand"


def _describe_place(row: ConfigChangeRow) -> str:
    """Return the place of a change, such as `agent.yml:7 exporters.otlp`."""
    line = f":{row['line']}" if row["line"] else ""
    path = f" {row['path']}" if row["path"] else ""
    return f"{row['file'] or row['config']}{line}{path}"


def _join_sentences(row: ConfigChangeRow) -> str:
    """Return what a change is and its reason, as two sentences."""
    full_stop = "" if row["what"].endswith((".", "!", "?")) else "."
    return f"{row['what']}{full_stop} {row['why']}".rstrip()


def _format_unified_diff(difference: DifferenceRow) -> Iterator[str]:
    """Return the lines of a unified diff of a file before and after."""
    return difflib.unified_diff(
        difference["before"].splitlines(),
        difference["after"].splitlines(),
        fromfile=difference["before_header"],
        tofile=f"{difference['after_header']} (migrated)",
        lineterm="",
    )


def _describe_comparison(row: ComparedConfigRow) -> Iterator[str]:
    """Yield what a Collector sends otherwise with a config after its migration."""
    yield f"{row['config']}: {_describe_outcome(row)}"
    for line in row["differences"]:
        yield f"    {line}"


def _describe_outcome(row: ComparedConfigRow) -> str:
    """Return whether the same arrives, or why nobody can tell."""
    return row["why"] or ("the same arrives" if row["same"] else "other records arrive:")
