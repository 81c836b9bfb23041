# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A collector's config with other ends: a test sends to its receivers and reads what reaches its exporters.

Processors, connectors and their order stay as they are. What else changes is a row of a table, and every change is
listed. Private.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..errors import Problem
from ..traits import kind_of
from . import outreach
from .checked_pipelines import checked_pipelines, fed_receivers, used_exporters, used_ids
from .kept_components import asks_cluster, flushes_of, kept_components
from .pipeline_stages import add_stages
from .replaced_ends import Ends, numbered_id, reads_files, replaced_receivers, sink_settings

# The name under which the test gets what file_log reads, before any processor.
TAP = "what file_log read"
_TAP_PIPELINE = "logs/what_file_log_read"


@dataclass(frozen=True)
class Harness:
    """The config of a test, its differences from the user's, and where a test may send.

    `receivers` has the signals that each receiver of the user feeds. Those in `reading` read what the test puts there,
    and nothing is sent to them. `exporters` are those of the user in pipelines, and `sinks` has the one that each
    exporter of the test stands for. `flushes` says how often components send until everything has left the pipelines;
    0 if the Collector's stop sends the rest.
    """

    config: dict[str, Any]
    changes: tuple[str, ...]
    receivers: Mapping[str, tuple[str, ...]]
    exporters: tuple[str, ...]
    reading: tuple[str, ...] = ()
    flushes: int = 0
    uses_cluster: bool = False
    sinks: Mapping[str, str] = field(default_factory=dict)


class _IdsOfEnds(NamedTuple):
    """For each receiver and each exporter of the user, the id of what stands for it in the test."""

    sources: Mapping[str, str]
    sinks: Mapping[str, str]


def build_harness(config: Mapping[str, Any], ends: Ends, traced: bool = False) -> Harness:
    """Return the config with the ends of a test. Raises Problem for one that cannot be tested.

    If it is traced, what leaves each processor is sent to the test too, under the name that `stage_name` returns.
    """
    outreach.check_outreach(config, {})
    receivers = fed_receivers(config)
    reading = tuple(receiver for receiver in receivers if ends.reads(receiver))
    ids = _IdsOfEnds(_source_ids(receivers, ends), _sink_ids(used_exporters(config), ends))
    processor_ids, connector_ids = used_ids(config, "processors"), list(config.get("connectors") or ())
    flushes = flushes_of([*processor_ids, *connector_ids])
    replaced = replaced_receivers(config, ids.sources, ends, waits=flushes > 0)
    processors = kept_components(config, "processors", processor_ids)
    connectors = kept_components(config, "connectors", connector_ids)
    tested: dict[str, Any] = {
        "receivers": replaced.components,
        "processors": processors.components,
        "connectors": connectors.components,
        "exporters": {sink: sink_settings(exporter, ends) for exporter, sink in ids.sinks.items()},
        "service": {
            "telemetry": {"metrics": {"level": "none"}, "logs": {"level": "info"}},
            "pipelines": _pipelines_with_ends(config, ids),
        },
    }
    _add_tap(tested, reading, ends)
    if traced:
        add_stages(tested, ends)
    return Harness(
        config={name: part for name, part in tested.items() if part},
        changes=(*replaced.changes, *processors.changes, *connectors.changes, *_changes_of_ends(config, ids.sinks)),
        receivers=receivers,
        exporters=tuple(ids.sinks),
        reading=reading,
        flushes=flushes,
        uses_cluster=asks_cluster([*processor_ids, *connector_ids]),
        sinks={sink: exporter for exporter, sink in ids.sinks.items()},
    )


def _source_ids(receivers: Iterable[str], ends: Ends) -> dict[str, str]:
    """Return for each receiver the id of the one in its place; one that reads what the test puts there stays."""
    sources = {}
    for number, receiver in enumerate(receivers):
        sources[receiver] = receiver if ends.reads(receiver) else numbered_id("otlp", number, receiver)
    return sources


def _sink_ids(exporters: Iterable[str], ends: Ends) -> dict[str, str]:
    """Return for each exporter the id of the one in its place."""
    return {exporter: numbered_id(ends.otlp_http, number, exporter) for number, exporter in enumerate(exporters)}


def _pipelines_with_ends(config: Mapping[str, Any], ids: _IdsOfEnds) -> dict[str, dict[str, Any]]:
    """Return the pipelines with the ends of the test; the processors between stay."""
    pipelines = {}
    for pipeline in checked_pipelines(config):
        processors = pipeline.ids.get("processors")
        pipelines[pipeline.name] = {
            **({"processors": list(processors)} if processors else {}),
            "receivers": _replaced_ids(pipeline.ids.get("receivers"), ids.sources),
            "exporters": _replaced_ids(pipeline.ids.get("exporters"), ids.sinks),
        }
    return pipelines


def _replaced_ids(listed: Iterable[str] | None, replacements: Mapping[str, str]) -> list[str]:
    """Return ids of a pipeline with others in place of some; connectors stay."""
    return [replacements.get(component_id, component_id) for component_id in listed or ()]


def _add_tap(tested: dict[str, Any], reading: Iterable[str], ends: Ends) -> None:
    """Add to the config of a test an exporter that sends what file_log reads, before any processor."""
    files = [receiver for receiver in reading if reads_files(receiver)]
    if files:
        sink = f"{ends.otlp_http}/tap"
        tested["exporters"][sink] = sink_settings(TAP, ends)
        tested["service"]["pipelines"][_TAP_PIPELINE] = {"receivers": files, "exporters": [sink]}


def _changes_of_ends(config: Mapping[str, Any], exporters: Iterable[str]) -> Iterator[str]:
    """Yield a line for each exporter and each extension, which no test has."""
    for exporter in exporters:
        yield f"exporters.{exporter}: an OTLP sink on loopback"
    for extension in config.get("extensions") or ():
        yield f"extensions.{extension}: left out"


def receiver_of_signal(harness: Harness, signal: str, named: str, where: str) -> str:
    """Return the receiver that gets a signal: the named one, or the only one, or the only one of type otlp.

    Raises Problem if none can, or if several could and none is named; `where` is the place in the file of tests.
    """
    able = list(_able_receivers(harness, signal))
    if named and named in able:
        return named
    if named:
        wrong = f"the receiver '{named}' does not feed a pipeline of {signal}"
        raise Problem(wrong, where=where, fix=f"Receivers that do: {_sorted_names(able)}.")
    if not able:
        fix = "Add a pipeline, or remove this part of the test."
        raise Problem(f"no receiver takes {signal}", where=where, fix=fix)
    preferred = [receiver for receiver in able if kind_of(receiver) == "otlp"] or able
    if len(preferred) > 1:
        wrong = f"several receivers take {signal}: {_sorted_names(preferred)}"
        raise Problem(wrong, where=where, fix="Name one with `to`.")
    return preferred[0]


def _able_receivers(harness: Harness, signal: str) -> Iterator[str]:
    """Yield the receivers to which a test can send a signal."""
    for receiver, signals in harness.receivers.items():
        if signal in signals and receiver not in harness.reading:
            yield receiver


def _sorted_names(names: Iterable[str]) -> str:
    """Return names as a message lists them."""
    return ", ".join(sorted(names)) or "none"
