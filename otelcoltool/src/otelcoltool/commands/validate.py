# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`otelcoltool validate`: reports all findings, as module pipeline_validate does."""

from __future__ import annotations

import sys

from ..command_request import CommandRequest
from ..messages import EXIT_CLEAN, EXIT_FOUND, warn_user
from ..module_utils._otelcol.rules.reports import FORMATS
from ..plugin_utils._otelcol import _builds, _validate


def run(request: CommandRequest) -> int:
    """Print the report, or write it to a file and print the text; return the exit code. Raises Problem."""
    arguments = request.arguments
    with _builds.use_tables_from(arguments["catalogue"] or ""):
        validation = _validate.run_validation(arguments, reading=request.reading)
    for warning in validation.warnings:
        warn_user(warning)
    writes_file = arguments["output_path"] != _validate.NO_OUTPUT
    sys.stdout.write(FORMATS["text"](validation.report) if writes_file else validation.result["report"])
    return EXIT_FOUND if any(validation.report.list_fatal_findings()) else EXIT_CLEAN
