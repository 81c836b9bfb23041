# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A collector's config with other ends: a test sends to its receivers and reads what reaches its exporters.

Processors, connectors and their order stay as they are. Each receiver of the user has a receiver of the test in its
place, called a source, and each exporter has one that sends to the test, called a sink (replaced_ends.py). For
`receivers: [zipkin]`, `exporters: [kafka/a]` the config of the test has ::

    receivers: {otlp/0_zipkin: {protocols: {http: {endpoint: "127.0.0.1:1234"}}}}
    exporters: {otlp_http/0_kafka_a: {endpoint: "http://127.0.0.1:1235/kafka%2Fa", …}}

The tap is a pipeline that sends to the test what receivers file_log read, so that the test sees when they are done.
run_case.py runs the harness of a test, replay.py that of a forecast. Private.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..errors import Problem
from ..traits import kind_of
from . import outreach
from .checked_pipelines import list_used_exporters, list_used_ids, map_signals_of_receivers, read_checked_pipelines
from .kept_components import count_flushes, keep_components, needs_cluster
from .pipeline_stages import add_stages
from .replaced_ends import ReplacedEnds, build_sink_settings, is_file_log, make_numbered_id, replace_receivers

# The name under which the test gets what file_log reads, before any processor.
TAP_NAME = "what file_log read"
_TAP_PIPELINE = "logs/what_file_log_read"


@dataclass(frozen=True)
class Harness:
    """The config of a test, its differences from the user's, and where a test may send."""

    config: dict[str, Any]
    changes: tuple[str, ...]
    """A line for each difference, such as `receivers.zipkin: OTLP on loopback`."""
    signals_by_receiver: Mapping[str, tuple[str, ...]]
    """The signals that each receiver of the user feeds."""
    exporters: tuple[str, ...]
    """The exporters of the user in pipelines."""
    reading_receivers: tuple[str, ...] = ()
    """Receivers that read files or pages of the test: nothing is sent to them."""
    flush_count: int = 0
    """How often components that send at an interval must have sent until everything has left the pipelines.

    It is 0 if there is no such component: then the stop of the Collector sends all that is left.
    """
    uses_cluster: bool = False
    """Whether a component asks the Kubernetes API of the test."""
    exporter_by_sink: Mapping[str, str] = field(default_factory=dict)
    """The exporter of the user that each sink stands for."""


class _IdsOfEnds(NamedTuple):
    """For each receiver and each exporter of the user, the id of what stands for it in the test."""

    source_by_receiver: Mapping[str, str]
    sink_by_exporter: Mapping[str, str]


def build_harness(config: Mapping[str, Any], ends: ReplacedEnds, is_traced: bool = False) -> Harness:
    """Return the config with the ends of a test. Raises Problem for one that cannot be tested.

    If it is traced, what leaves each processor is sent to the test too, under the name that `name_stage` returns.
    """
    outreach.check_outreach(config, {})
    receivers = map_signals_of_receivers(config)
    reading_receivers = tuple(receiver for receiver in receivers if ends.reads_test_data(receiver))
    end_ids = _IdsOfEnds(_map_source_ids(receivers, ends), _map_sink_ids(list_used_exporters(config), ends))
    processor_ids, connector_ids = list_used_ids(config, "processors"), list(config.get("connectors") or ())
    flushes = count_flushes([*processor_ids, *connector_ids])
    replaced_section = replace_receivers(config, end_ids.source_by_receiver, ends, is_time_based=flushes > 0)
    processors = keep_components(config, "processors", processor_ids)
    connectors = keep_components(config, "connectors", connector_ids)
    test_config: dict[str, Any] = {
        "receivers": replaced_section.components,
        "processors": processors.components,
        "connectors": connectors.components,
        "exporters": {sink: build_sink_settings(exporter, ends) for exporter, sink in end_ids.sink_by_exporter.items()},
        "service": {
            "telemetry": {"metrics": {"level": "none"}, "logs": {"level": "info"}},
            "pipelines": _build_pipelines_with_ends(config, end_ids),
        },
    }
    _add_tap(test_config, reading_receivers, ends)
    if is_traced:
        add_stages(test_config, ends)
    return Harness(
        config={name: config_part for name, config_part in test_config.items() if config_part},
        changes=(
            *replaced_section.changes,
            *processors.changes,
            *connectors.changes,
            *_list_changes_of_ends(config, end_ids.sink_by_exporter),
        ),
        signals_by_receiver=receivers,
        exporters=tuple(end_ids.sink_by_exporter),
        reading_receivers=reading_receivers,
        flush_count=flushes,
        uses_cluster=needs_cluster([*processor_ids, *connector_ids]),
        exporter_by_sink={sink: exporter for exporter, sink in end_ids.sink_by_exporter.items()},
    )


def _map_source_ids(receivers: Iterable[str], ends: ReplacedEnds) -> dict[str, str]:
    """Return for each receiver the id of the one in its place; one that reads what the test puts there stays."""
    source_ids = {}
    for position, receiver in enumerate(receivers):
        keeps_id = ends.reads_test_data(receiver)
        source_ids[receiver] = receiver if keeps_id else make_numbered_id("otlp", position, receiver)
    return source_ids


def _map_sink_ids(exporters: Iterable[str], ends: ReplacedEnds) -> dict[str, str]:
    """Return for each exporter the id of the one in its place."""
    return {
        exporter: make_numbered_id(ends.otlp_http, position, exporter) for position, exporter in enumerate(exporters)
    }


def _build_pipelines_with_ends(config: Mapping[str, Any], end_ids: _IdsOfEnds) -> dict[str, dict[str, Any]]:
    """Return the pipelines with the ends of the test; the processors between stay."""
    pipelines = {}
    for pipeline in read_checked_pipelines(config):
        processors = pipeline.ids_by_role.get("processors")
        pipelines[pipeline.name] = {
            **({"processors": list(processors)} if processors else {}),
            "receivers": _replace_ids(pipeline.ids_by_role.get("receivers"), end_ids.source_by_receiver),
            "exporters": _replace_ids(pipeline.ids_by_role.get("exporters"), end_ids.sink_by_exporter),
        }
    return pipelines


def _replace_ids(component_ids: Iterable[str] | None, replacements: Mapping[str, str]) -> list[str]:
    """Return ids of a pipeline with others in place of some; connectors stay."""
    return [replacements.get(component_id, component_id) for component_id in component_ids or ()]


def _add_tap(test_config: dict[str, Any], reading_receivers: Iterable[str], ends: ReplacedEnds) -> None:
    """Add to the config of a test an exporter that sends what file_log reads, before any processor."""
    file_receivers = [receiver for receiver in reading_receivers if is_file_log(receiver)]
    if file_receivers:
        sink = f"{ends.otlp_http}/tap"
        test_config["exporters"][sink] = build_sink_settings(TAP_NAME, ends)
        test_config["service"]["pipelines"][_TAP_PIPELINE] = {"receivers": file_receivers, "exporters": [sink]}


def _list_changes_of_ends(config: Mapping[str, Any], exporters: Iterable[str]) -> Iterator[str]:
    """Yield a line for each exporter and each extension, which no test has."""
    for exporter in exporters:
        yield f"exporters.{exporter}: an OTLP sink on loopback"
    for extension in config.get("extensions") or ():
        yield f"extensions.{extension}: left out"


def find_receiver_of_signal(harness: Harness, signal: str, named_receiver: str, where: str) -> str:
    """Return the receiver that gets a signal: the named one, or the only one, or the only one of type otlp.

    Raises Problem if none can, or if several could and none is named; `where` is the place in the file of tests.
    """
    able_receivers = list(_list_able_receivers(harness, signal))
    if named_receiver and named_receiver in able_receivers:
        return named_receiver
    if named_receiver:
        problem = f"the receiver '{named_receiver}' does not feed a pipeline of {signal}"
        raise Problem(problem, where=where, fix=f"Receivers that do: {_join_sorted_names(able_receivers)}.")
    if not able_receivers:
        fix = "Add a pipeline, or remove this part of the test."
        raise Problem(f"no receiver takes {signal}", where=where, fix=fix)
    preferred_receivers = [receiver for receiver in able_receivers if kind_of(receiver) == "otlp"] or able_receivers
    if len(preferred_receivers) > 1:
        problem = f"several receivers take {signal}: {_join_sorted_names(preferred_receivers)}"
        raise Problem(problem, where=where, fix="Name one with `to`.")
    return preferred_receivers[0]


def _list_able_receivers(harness: Harness, signal: str) -> Iterator[str]:
    """Yield the receivers to which a test can send a signal."""
    for receiver, signals in harness.signals_by_receiver.items():
        if signal in signals and receiver not in harness.reading_receivers:
            yield receiver


def _join_sorted_names(names: Iterable[str]) -> str:
    """Return names as a message lists them."""
    return ", ".join(sorted(names)) or "none"
