# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on the headers of requests: a sender adds them, a receiver keeps them with `include_metadata`, a batch forgets.

Sources: config/confighttp, config/configgrpc, processor/batchprocessor and exporter/exporterhelper of the Collector;
headerssetterextension, attributesprocessor, routingconnector and kafkaexporter of contrib. Private.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    receivers.zipkin: warning [metadata-missing] 'batch' divides by headers, which 'zipkin' drops. Add
    `include_metadata: true`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..config.paths import Path, mapping_at, value_at
from ..needs.started_components import StartedComponent
from ..traits import PROCESSORS, RECEIVERS, Trait, kind_of, traits_of, types_with_traits
from .header_demands import (
    PARTITION_PATH,
    QUEUE_BATCH_PATH,
    DemandingComponent,
    HeaderDemand,
    find_demanding_components,
)
from .rule_definitions import Fault, define_rules
from .sent_headers import list_sent_headers
from .subject import AskedHeader, Receiving, Subject
from .view import Pipeline

_BATCH = "batch"
# The setting with which a server keeps headers.
_INCLUDE_METADATA = "include_metadata"
_KEEPING_RECEIVERS = types_with_traits(RECEIVERS, Trait.KEEPS_HEADERS)
# The protocols of a receiver whose servers can keep headers; those of UDP have none.
_KEEPING_PROTOCOLS = ("grpc", "http", "thrift_http")


@dataclass(frozen=True)
class Server:
    """A server of a receiver: receiver otlp has one for gRPC and one for HTTP."""

    receiver: str
    """The id of the receiver."""
    path: Path
    """Leads to the settings of the server in the config."""
    keeps_headers: bool
    """Whether it keeps the headers of requests for the components behind it."""


# ── A receiver drops headers ──


def metadata_missing(subject: Subject) -> Iterator[Fault]:
    """Yield receivers that drop the headers of requests, which a component behind them needs.

    Without the header, a connector routes all data the default way, and a backend gets all data without its tenant.
    """
    faulty_paths: set[Path] = set()  # several components may need headers that one server drops: one fault is enough
    for demanding_component in find_demanding_components(subject):
        servers = list(_find_servers(subject, demanding_component.pipeline))
        demand = _find_unmet_demand(demanding_component, servers)
        if demand is None:
            continue
        for server in servers:
            if not server.keeps_headers and server.path not in faulty_paths:
                faulty_paths.add(server.path)
                message = f"'{demand.component_id}' {demand.action_text}, which '{server.receiver}' drops"
                yield Fault(server.path, message, f"Add `{_INCLUDE_METADATA}: true`.")


def _find_unmet_demand(demanding_component: DemandingComponent, servers: Iterable[Server]) -> HeaderDemand | None:
    """Return the first demand that needs every server to keep headers: for one with a default, a single one will do."""
    any_keeps_headers = any(server.keeps_headers for server in servers)
    for demand in demanding_component.demands:
        if not (demand.has_default and any_keeps_headers):
            return demand
    return None


def _find_servers(subject: Subject, pipeline: Pipeline) -> Iterator[Server]:
    """Yield the servers whose data gets to a pipeline, also through connectors."""
    keeping_parts = {part.id: part for part in subject.view.find_parts("receivers", *_KEEPING_RECEIVERS)}
    receiver_ids: dict[str, None] = {}
    for feeding_pipeline in (pipeline, *_find_earlier_pipelines(subject, pipeline)):
        receiver_ids.update(dict.fromkeys(feeding_pipeline.receivers))
    for receiver_id in receiver_ids:
        if receiver_id in keeping_parts:
            yield from _list_servers(keeping_parts[receiver_id])


def _list_servers(receiver: StartedComponent) -> Iterator[Server]:
    """Yield each server of a receiver that can keep headers."""
    if receiver.kind == "zipkin":
        yield Server(receiver.id, receiver.path, _keeps_headers(receiver.settings))
    for protocol, settings in mapping_at(receiver.settings, "protocols").items():
        if protocol in _KEEPING_PROTOCOLS:
            yield Server(receiver.id, (*receiver.path, "protocols", protocol), _keeps_headers(settings))


def _keeps_headers(settings: Any) -> bool:
    """Return whether a server keeps headers, or may by a variable. The default is to drop them."""
    return value_at(settings, (_INCLUDE_METADATA,), False) is not False


def _find_earlier_pipelines(subject: Subject, pipeline: Pipeline) -> list[Pipeline]:
    """Return the pipelines whose records connectors hand on to this one."""
    if not subject.connectors:
        return []
    pipelines = {candidate.key: candidate for candidate in subject.view.pipelines}
    return [pipelines[key] for key in subject.view.pipeline_graph.find_feeding_pipelines(pipeline.key)]


# ── A batch forgets headers ──


def metadata_forgotten(subject: Subject) -> Iterator[Fault]:
    """Yield processors and batches of exporters that forget the headers of requests before a component needs them."""
    faulty_paths: set[Path] = set()
    for demanding_component in find_demanding_components(subject):
        for demand in demanding_component.demands:
            for fault in (
                *_find_forgetting_processors(subject, demanding_component, demand),
                *_find_forgetting_batches(subject, demanding_component, demand),
            ):
                if fault.path not in faulty_paths:
                    faulty_paths.add(fault.path)
                    yield fault


def _find_forgetting_processors(
    subject: Subject, demanding_component: DemandingComponent, demand: HeaderDemand
) -> Iterator[Fault]:
    """Yield the earlier processors of a pipeline that forget the header of a demand."""
    processors = mapping_at(subject.config, "processors")
    for index, processor_id in enumerate(demanding_component.processors_before):
        if kind_of(processor_id) == _BATCH:
            forgets_header = not _lists_header(processors, (processor_id, "metadata_keys"), demand)
            fix = f"Add `metadata_keys: [{demand.header_to_write}]` to '{processor_id}'."
        else:
            forgets_header = Trait.REGROUPS in traits_of(PROCESSORS, processor_id)
            fix = (
                f"Write the header into an attribute before '{processor_id}', with processor attributes and"
                " `from_context`."
            )
        if forgets_header:
            message = f"'{demand.component_id}' {demand.action_text}, which the earlier '{processor_id}' forgets"
            yield Fault((*demanding_component.pipeline.config_path, "processors", index), message, fix)


def _find_forgetting_batches(
    subject: Subject, demanding_component: DemandingComponent, demand: HeaderDemand
) -> Iterator[Fault]:
    """Yield the batches of an exporter whose requests are signed, or sent, with a header that a batch has no more."""
    exporter_id = demanding_component.component_id
    settings = mapping_at(subject.config, "exporters", exporter_id)
    batch_settings = value_at(settings, QUEUE_BATCH_PATH)
    is_turned_off = (
        value_at(settings, (QUEUE_BATCH_PATH[0], "enabled")) is False or value_at(batch_settings, ("enabled",)) is False
    )
    if is_turned_off or not isinstance(batch_settings, Mapping):
        return
    if not _lists_header(settings, PARTITION_PATH, demand):
        message = f"'{demand.component_id}' {demand.action_text}, which the batches of '{exporter_id}' forget"
        fix = f"Add `partition: {{metadata_keys: [{demand.header_to_write}]}}` here."
        yield Fault(("exporters", exporter_id, *QUEUE_BATCH_PATH), message, fix)


def _lists_header(settings: Any, path: Path, demand: HeaderDemand) -> bool:
    """Whether a list of headers has the one that is needed, or may have it; the case of headers does not count."""
    listed_headers = value_at(settings, path)
    if not isinstance(listed_headers, list):
        return isinstance(listed_headers, str)  # a variable may bring the list
    if not demand.header:
        return bool(listed_headers)  # nobody knows which header is needed, so any may be it
    return demand.header.lower() in [str(header).lower() for header in listed_headers]


# ── A sender adds no header ──


def header_unsent(subject: Subject) -> Iterator[Fault]:
    """Yield exporters that send no header by which a collector of the inventory behind them tells requests apart.

    Applications may send the header to that collector themselves, so the exporter may be right.
    """
    for exporter, receiving in subject.receiving_collectors.items():
        headers = list_sent_headers(subject, exporter)
        if headers is None:
            continue
        signals = {kind_of(pipeline.key) for pipeline in subject.view.pipelines if exporter in pipeline.exporters}
        for header, reader in _map_header_readers(receiving, signals).items():
            if header not in headers:
                message = f"'{exporter}' sends no header '{header}', and {reader}"
                fix = (
                    f"Add `headers: {{{header}: VALUE}}`, or pass on that of the requests by extension headers_setter."
                )
                yield Fault(("exporters", exporter), message, fix)


def _map_header_readers(receiving: Iterable[Receiving], signals: set[str]) -> dict[str, str]:
    """Return who reads each header of requests of some signals, in words; of several readers, the last one."""
    readers: dict[str, str] = {}
    for receiving_collector in receiving:
        for asked_header in receiving_collector.asked_headers:
            if asked_header.signals & signals:
                readers[asked_header.header] = (
                    f"'{asked_header.component_id}' of '{receiving_collector.collector}' {asked_header.action_text}"
                )
    return readers


def find_asked_headers(config: Any) -> list[AskedHeader]:
    """Return the headers that a collector keeps and needs of the requests of OTLP that it gets, each by its name."""
    subject = Subject(config)
    headers: list[AskedHeader] = []
    for demanding_component in find_demanding_components(subject):
        if not any(server.keeps_headers for server in _find_servers(subject, demanding_component.pipeline)):
            continue
        signals = _find_signals_from_otlp(subject, demanding_component.pipeline)
        for demand in demanding_component.demands:
            if demand.header and not demand.has_default:
                headers.append(AskedHeader(demand.component_id, demand.action_text, demand.header.lower(), signals))
    return headers


def _find_signals_from_otlp(subject: Subject, pipeline: Pipeline) -> frozenset[str]:
    """Return the signals that get to a pipeline over OTLP, also through connectors."""
    signals: set[str] = set()
    for feeding_pipeline in (pipeline, *_find_earlier_pipelines(subject, pipeline)):
        if any(kind_of(receiver_id) == "otlp" for receiver_id in feeding_pipeline.receivers):
            signals.add(kind_of(feeding_pipeline.key))
    return frozenset(signals)


_HEADERS = (
    "https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/extension/headerssetterextension"
)
_BATCHES = "https://github.com/open-telemetry/opentelemetry-collector/blob/main/processor/batchprocessor/README.md"
_CLIENTS = "https://github.com/open-telemetry/opentelemetry-collector/blob/main/config/configgrpc/README.md"
RULES = (
    *define_rules("warning", metadata_missing, documentation=_HEADERS),
    *define_rules("warning", metadata_forgotten, documentation=_BATCHES),
    *define_rules("info", header_unsent, documentation=_CLIENTS),
)
