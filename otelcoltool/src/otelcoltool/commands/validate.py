# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`otelcoltool validate`: reports all findings, as module pipeline_validate does."""

from __future__ import annotations

import sys

from ..command_line import CLEAN, FOUND, Request, warn
from ..module_utils._otelcol.rules.reports import FORMATS
from ..plugin_utils._otelcol import _builds, _validate


def run(request: Request) -> int:
    """Print the report, or write it to a file and print the text; return the exit code. Raises Problem."""
    arguments = request.arguments
    with _builds.tables_from(arguments["catalogue"] or ""):
        done = _validate.judged(arguments, how=request.reading)
    for warning in done.warnings:
        warn(warning)
    to_file = arguments["output_path"] != _validate.NOWHERE
    sys.stdout.write(FORMATS["text"](done.report) if to_file else done.result["report"])
    return FOUND if any(done.report.fatal()) else CLEAN
