# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which exporters of a config print records to the log of their own collector, and how much. Private.

Sources: the README of the debug exporter, and its normal.go and detailed.go; the README of the former logging exporter.

For example, with `exporters: {debug: {verbosity: detailed}}` in a pipeline of logs, `find_printing_exporters` returns
`{"debug": "detailed"}`: a record becomes several lines of the log. loops.py asks here for the config itself, and
data_flow.py for the configs of other collectors.
"""

from __future__ import annotations

from ..config.paths import value_at
from ..needs.started_components import StartedComponent
from ..traits import EXPORTERS, Trait, kind_of, types_with_traits
from .view import View

# The verbosity of a debug exporter at which it prints a line for each batch. It is the default.
BASIC = "basic"
# Levels of the Collector's own log at which it shows none of what a debug exporter prints.
_SILENT_LEVELS = ("warn", "warning", "error", "dpanic", "panic", "fatal")
# What the former logging exporter prints, by its level; nothing but a line for each batch at higher ones.
_VERBOSITY_OF_LEVEL = {"debug": "detailed", "info": "normal"}
PRINTING_EXPORTERS = types_with_traits(EXPORTERS, Trait.PRINTS)


def find_printing_exporters(view: View) -> dict[str, str]:
    """Return the verbosity of each exporter that prints log records to the log of its collector, by its id."""
    level = str(value_at(view.config, ("service", "telemetry", "logs", "level")) or "").lower()
    used_exporters: set[str] = set()
    for pipeline in view.pipelines:
        if kind_of(pipeline.key) == "logs":
            used_exporters.update(pipeline.exporters)
    verbosities: dict[str, str] = {}
    for part in view.find_parts(EXPORTERS, *PRINTING_EXPORTERS):
        # With its own logger, a debug exporter prints whatever the level of the Collector's log is.
        is_silent = level in _SILENT_LEVELS and part.settings.get("use_internal_logger") is not False
        if part.id in used_exporters and not is_silent:
            verbosities[part.id] = _find_verbosity(part)
    return verbosities


def _find_verbosity(part: StartedComponent) -> str:
    """Return what an exporter prints: `basic`, `normal`, `detailed`, or what else its setting says."""
    verbosity = part.settings.get("verbosity")
    if verbosity:
        return str(verbosity).lower()
    if part.kind != "logging":
        return BASIC
    level = str(part.settings.get("loglevel") or "info").lower()
    return _VERBOSITY_OF_LEVEL.get(level, BASIC)
