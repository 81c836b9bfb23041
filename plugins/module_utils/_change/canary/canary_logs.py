# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors in the log of a canary, each with whether the rest has it too. Private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..._otelcol.traits import prints_records
from ..._telemetry.logs import VARIABLE_PART
from .count_rows import Row
from .sides import Sides

_HARMLESS_LEVELS = ("info", "debug", "warn")


def build_log_rows(sides: Sides) -> Iterator[dict[str, Any]]:
    """Yield the errors of the canary.

    `known` says that the rest has it too, `calm` that its component works all the same, and `error_kind` is the same
    for the same error in a later reading.
    """
    rest_errors = {_identify_error(entry) for entry in sides.rest_facts["logs"]}
    working_components = set(_find_working_components(sides.canary_facts))
    for entry in _find_canary_errors(sides.canary_facts):
        is_calm = entry["about"] in working_components and not _is_partial(entry)
        error = _identify_error(entry)
        yield {**entry, "error_kind": error.error_kind, "known": error in rest_errors, "calm": is_calm}


def _find_canary_errors(facts: Mapping[str, Any]) -> Iterator[Row]:
    """Yield the errors in a log. What an exporter prints there may look like a line of the Collector."""
    has_printed = any(prints_records(row["id"]) for row in facts["exports"])
    for entry in facts["logs"]:
        if _is_error(entry) and (entry["about"] or not has_printed):
            yield entry


def _is_error(entry: Row) -> bool:
    return entry["level"] not in _HARMLESS_LEVELS or bool(entry["error"]) or _is_partial(entry)


def _is_partial(entry: Row) -> bool:
    """Return whether a backend took a request, but not all of its items. Source: the OTLP exporters."""
    return str(entry["message"]).startswith("Partial success")


class _LogError(NamedTuple):
    """What an entry of a log says, without what differs from pod to pod, and the role of its component."""

    component_role: str
    error_kind: str


def _identify_error(entry: Row) -> _LogError:
    role = entry["about"].partition("/")[0]
    return _LogError(role, entry["cause"] or VARIABLE_PART.sub("#", entry["said"]))


def _find_working_components(facts: Mapping[str, Any]) -> Iterator[str]:
    """Yield the components that move items, as entries of the log call them."""
    for row in facts["receives"]:
        if row["accepted"]:
            yield f"receivers/{row['id']}"
    for row in facts["exports"]:
        if row["sent"] and row["sent"] > row["failed"]:
            yield f"exporters/{row['id']}"
