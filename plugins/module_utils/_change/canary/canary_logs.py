# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors in the log of a canary, and which of them count: check `log_errors` reads these rows. Private.

An error counts if the rest does not have it (else it is `known`), and if the component that logs it does not work (else
it is `calm`). An entry is what `group_log_failures` makes of all messages about one failure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..._otelcol.traits import prints_records
from ..._telemetry.logs import VARIABLE_PART, LogFailure
from .fact_rows import JudgedLogRow, RevisionFacts
from .sides import Sides

_HARMLESS_LEVELS = ("info", "debug", "warn")


def build_log_rows(sides: Sides) -> Iterator[JudgedLogRow]:
    """Yield the errors in the log of the canary, each with what the comparison says of it."""
    rest_errors = {_identify_error(entry) for entry in sides.rest_facts["logs"]}
    working_components = set(_find_working_components(sides.canary_facts))
    for entry in _find_canary_errors(sides.canary_facts):
        error = _identify_error(entry)
        component_works = entry["about"] in working_components
        yield {
            **entry,
            "error_kind": error.error_kind,
            "known": error in rest_errors,
            # That an exporter sends items does not excuse a partial success: of each request, some items are refused.
            "calm": component_works and not _is_partial_success(entry),
        }


def _find_canary_errors(canary_facts: RevisionFacts) -> Iterator[LogFailure]:
    """Yield the entries of a log that say that something failed.

    An exporter such as `debug` prints data to the log, which may look like an entry of the Collector. So beside such an
    exporter, only entries that name a component count.
    """
    has_printing_exporter = any(prints_records(row["id"]) for row in canary_facts["exports"])
    for entry in canary_facts["logs"]:
        is_surely_of_collector = bool(entry["about"]) or not has_printing_exporter
        if is_surely_of_collector and _is_error(entry):
            yield entry


def _is_error(entry: LogFailure) -> bool:
    if entry["level"] not in _HARMLESS_LEVELS or entry["error"]:
        return True
    return _is_partial_success(entry)


def _is_partial_success(entry: LogFailure) -> bool:
    """Return whether a backend took a request, but not all of its items. Source: the OTLP exporters."""
    return str(entry["message"]).startswith("Partial success")


class _LogError(NamedTuple):
    """By what an error of the canary is the same as one of the rest.

    `component_role` is `exporters` for the component `exporters/otlp`. `error_kind` is the id of a known cause, else
    the text without what differs from pod to pod.
    """

    component_role: str
    error_kind: str


def _identify_error(entry: LogFailure) -> _LogError:
    component_role, _slash, _component_id = entry["about"].partition("/")
    text_without_variables = VARIABLE_PART.sub("#", entry["said"])
    return _LogError(component_role, entry["cause"] or text_without_variables)


def _find_working_components(canary_facts: RevisionFacts) -> Iterator[str]:
    """Yield the components that move items, as entries of the log name them, such as `exporters/otlp`."""
    for receiver in canary_facts["receives"]:
        if receiver["accepted"]:
            yield f"receivers/{receiver['id']}"
    for exporter in canary_facts["exports"]:
        if exporter["sent"] and exporter["sent"] > exporter["failed"]:
            yield f"exporters/{exporter['id']}"
