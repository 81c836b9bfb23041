# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`otelcoltool test`: runs tests of configs with a real Collector.

The work is that of module pipeline_test. This file prints its result as text, or as JSON.
"""

from __future__ import annotations

import json
from typing import Any, TypedDict, cast

from ..command_request import CommandRequest
from ..messages import EXIT_CLEAN, EXIT_FOUND, warn_user
from ..module_utils._otelcol.errors import Problem
from ..option_texts import replace_playbook_words
from ..plugin_utils._otelcol._testing import config_tests


class ConfigTestsResult(TypedDict, total=False):
    """What is used here of the result of module pipeline_test."""

    report: str
    """A line for each test, and what it found."""
    tests: list[dict[str, Any]]
    """What each test found."""
    failure: str
    """Why the run failed, in one line; empty if it did not."""


def run(request: CommandRequest) -> int:
    """Run the tests, and print what each found; return the exit code. Raises Problem if they cannot be run."""
    result = _run_tests(request)
    if request.format == "json":
        print(_format_json(result))
    else:
        print(replace_playbook_words(f"{result['report']}\n{_describe_outcome(result)}"))
    is_failure_fatal = request.arguments["fail_on"] == "failure"
    return EXIT_FOUND if result["failure"] and is_failure_fatal else EXIT_CLEAN


def _run_tests(request: CommandRequest) -> ConfigTestsResult:
    """Return what the tests found. The module ends with a Problem if one failed, which has the result too."""
    try:
        arguments = cast("config_tests.TestArguments", request.arguments)
        result = config_tests.run_config_tests(arguments, warn_user, request.check)
    except Problem as problem:
        ran_no_test = not problem.facts
        if ran_no_test:
            raise
        result = problem.facts
    return cast("ConfigTestsResult", result)


def _format_json(result: ConfigTestsResult) -> str:
    """Return the result as JSON, without the report, which says the same as text."""
    return json.dumps({key: value for key, value in result.items() if key != "report"}, indent=2)


def _describe_outcome(result: ConfigTestsResult) -> str:
    """Return why the run failed, or that all tests passed."""
    test_count = len(result["tests"])
    return result["failure"] or f"{test_count} of {test_count} tests passed"
