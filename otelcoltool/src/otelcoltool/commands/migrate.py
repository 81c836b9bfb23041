# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`otelcoltool migrate`: moves configs to another build and lists what is left, as module pipeline_migrate does."""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from ..command_line import EXIT_CLEAN, EXIT_FOUND, Request, tell_user, warn_user
from ..module_utils._otelcol.rules.report_model import format_count
from ..plugin_utils._otelcol import _migrate

_KEYS_LEFT_OUT = ("config", "diff")


def run(request: Request) -> int:
    """Write the configs, or show how they would change; return the exit code. Raises Problem.

    A config of the standard input goes to the standard output, and the report to the standard error.
    """
    result = _migrate.migrate(request.arguments, request.check, request.reading, warn_user)
    report_text = "\n".join(_format_report(result, request))
    if "config" in result and not request.check:
        sys.stdout.write(result["config"])
        for line in report_text.splitlines():
            tell_user(line)
    else:
        print(report_text)
    has_work_left = bool(result["unsolved"]) or (request.check and result["changed"])
    return EXIT_FOUND if has_work_left else EXIT_CLEAN


def _format_report(result: Mapping[str, Any], request: Request) -> Iterator[str]:
    """Yield the report in the format that is asked for. `result` is what the module returns."""
    if request.format == "json":
        yield json.dumps({key: value for key, value in result.items() if key not in _KEYS_LEFT_OUT}, indent=2)
        return
    if request.diff:
        for difference in result["diff"]:
            yield from _format_unified_diff(difference)
    yield from _describe_result(result, request.check)


def _describe_result(result: Mapping[str, Any], is_check: bool) -> Iterator[str]:
    """Yield a line for each change, what is left to do, what tests compared, and the counts."""
    for row in result["changes"]:
        yield f"{_describe_place(row)}: {_join_sentences(row)}"
    for row in result["unsolved"]:
        yield f"{_describe_place(row)}: to do by hand: {_join_sentences(row)}"
    for row in result.get("compared", ()):
        yield from _describe_comparison(row)
    verb = "would be made" if is_check else "made"
    change_count, unsolved_count = len(result["changes"]), len(result["unsolved"])
    yield f"{format_count(change_count, 'change')} {verb}, {unsolved_count} to do by hand"


def _describe_place(row: Mapping[str, Any]) -> str:
    """Return where a row is about: the file or config, its line and the path in it."""
    line = f":{row['line']}" if row["line"] else ""
    path = f" {row['path']}" if row["path"] else ""
    return f"{row['file'] or row['config']}{line}{path}"


def _join_sentences(row: Mapping[str, Any]) -> str:
    """Return what a row says and why, as sentences."""
    full_stop = "" if row["what"].endswith((".", "!", "?")) else "."
    return f"{row['what']}{full_stop} {row['why']}".rstrip()


def _format_unified_diff(difference: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines of a unified difference of a config before and after."""
    old_lines, new_lines = difference["before"].splitlines(), difference["after"].splitlines()
    headers = difference["before_header"], f"{difference['after_header']} (migrated)"
    return difflib.unified_diff(old_lines, new_lines, *headers, lineterm="")


def _describe_comparison(row: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a comparison of a config before and after found."""
    outcome = "the same arrives" if row["same"] else "other records arrive:"
    yield f"{row['config']}: {row['why'] or outcome}"
    for line in row["differences"]:
        yield f"    {line}"
