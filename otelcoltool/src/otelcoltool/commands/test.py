# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`otelcoltool test`: runs tests of configs with a real Collector, as module pipeline_test does."""

from __future__ import annotations

import json
from typing import Any

from ..command_line import EXIT_CLEAN, EXIT_FOUND, Request, warn_user
from ..module_utils._otelcol.errors import Problem
from ..options import replace_playbook_words
from ..plugin_utils._otelcol._testing import config_tests


def run(request: Request) -> int:
    """Run the tests, and print what each found; return the exit code. Raises Problem if they cannot be run."""
    try:
        result = config_tests.run_config_tests(request.arguments, warn_user, request.check)
    except Problem as problem:
        if not problem.facts:
            raise
        result = problem.facts
    print(
        _format_json(result)
        if request.format == "json"
        else replace_playbook_words(f"{result['report']}{_describe_outcome(result)}")
    )
    return EXIT_FOUND if result["failure"] and request.arguments["fail_on"] == "failure" else EXIT_CLEAN


def _format_json(result: dict[str, Any]) -> str:
    return json.dumps({key: value for key, value in result.items() if key != "report"}, indent=2)


def _describe_outcome(result: dict[str, Any]) -> str:
    tests = len(result["tests"])
    return f"\n{result['failure'] or f'{tests} of {tests} tests passed'}"
