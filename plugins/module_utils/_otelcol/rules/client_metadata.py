# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on the headers of requests: a sender adds them, a receiver keeps them with `include_metadata`, a batch forgets.

Sources: config/confighttp, config/configgrpc, processor/batchprocessor and exporter/exporterhelper of the Collector;
headerssetterextension, attributesprocessor, routingconnector and kafkaexporter of contrib. Private.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..config.paths import Path, at, items, mappings, section
from ..needs.listeners import Part
from ..traits import PROCESSORS, RECEIVERS, Trait, kind_of, traits_of, types_that
from .subject import AskedHeader, Fault, Receiving, Subject, once, rules
from .view import Pipeline

_BATCH = "batch"
_INCLUDE = "include_metadata"
_CONTEXT = "metadata."
_SETTER = "headerssetter"
# The actions of an extension headers_setter that add no header.
_CHANGES, _DELETES = "update", "delete"
_METADATA = re.compile(r"\b(?:otelcol\.(?:client|grpc)\.metadata|request)\s{0,9}\[(?:\s{0,9}\"([^\"]{1,200})\")?")
_AUTHENTICATOR: Path = ("auth", "authenticator")
_QUEUE: Path = ("sending_queue", "batch")
_PARTITION: Path = (*_QUEUE, "partition", "metadata_keys")
# Where the exporter that divides data among gateways has the settings of its client.
DIVIDED_CLIENT = ("protocol", "otlp")
_SIGNALS = ("traces", "metrics", "logs", "profiles")
_KEEPING = types_that(RECEIVERS, Trait.KEEPS_HEADERS)


@dataclass(frozen=True)
class Demand:
    """A component that needs a header of the requests: its id, what it does with headers, and the header.

    No header stands for any, or for one that is not known. With `has_default`, requests without the header get a value.
    """

    component: str
    does: str
    header: str = ""
    has_default: bool = False

    @property
    def header_to_write(self) -> str:
        """The header as a fix names it: a placeholder if it is not known."""
        return self.header or "HEADER"


@dataclass(frozen=True)
class Server:
    """The server of a receiver: its component, the path of its settings, and whether it keeps headers."""

    receiver: str
    path: Path
    keeps: bool


@dataclass(frozen=True)
class Asking:
    """A pipeline with the demands of one of its components. The processors before it may forget what it asks for."""

    pipeline: Pipeline
    component: str
    demands: tuple[Demand, ...]
    before: tuple[str, ...]


@once
def _asking_places(subject: Subject) -> Iterator[Asking]:
    """Yield each place of a pipeline at which a component needs headers."""
    demands_of = {(part.section, part.id): tuple(_demands(subject, part)) for part in subject.view.parts}
    for pipeline in subject.view.pipelines:
        for index, name in enumerate(pipeline.processors):
            demands = demands_of.get(("processors", name))
            if demands:
                yield Asking(pipeline, name, demands, tuple(pipeline.processors[:index]))
        for name in pipeline.exporters:
            demands = demands_of.get(("exporters", name)) or demands_of.get(("connectors", name))
            if demands:
                yield Asking(pipeline, name, demands, tuple(pipeline.processors))


def _demands(subject: Subject, part: Part) -> Iterator[Demand]:
    """Yield what a component needs of the headers of requests."""
    if part.section == "processors":
        yield from _demands_of_processor(part)
    elif part.section == "connectors" and part.kind == "routing":
        for header in _routing_headers(part.settings):
            yield Demand(part.id, "routes by headers", header)
    elif part.section == "exporters":
        yield from _demands_of_exporter(part)
        yield from _demands_of_setter(subject, at(part.settings, _AUTHENTICATOR))


def _demands_of_processor(part: Part) -> Iterator[Demand]:
    """Yield the headers by which a processor divides data, and those that it writes into attributes."""
    if part.kind == _BATCH:
        yield from _demands_for(part.id, "divides by headers", items(part.settings, "metadata_keys"))
    if part.kind not in ("attributes", "resource"):
        return
    for row in (*mappings(part.settings, "actions"), *mappings(part.settings, "attributes")):
        source = row.get("from_context")
        if isinstance(source, str) and source.startswith(_CONTEXT):
            yield Demand(part.id, "writes headers into attributes", source.removeprefix(_CONTEXT))


def _demands_of_exporter(part: Part) -> Iterator[Demand]:
    """Yield the headers by which the queue of an exporter divides data, and those that it writes into messages."""
    yield from _demands_for(part.id, "divides by headers", items(at(part.settings, _PARTITION)))
    if part.kind == "kafka":
        topics = [at(part.settings, (signal, "topic_from_metadata_key")) for signal in _SIGNALS]
        written_headers = [*items(part.settings, "include_metadata_keys"), *topics]
        yield from _demands_for(part.id, "writes headers into messages", written_headers)


def _demands_for(component: str, does: str, headers: Iterable[Any]) -> Iterator[Demand]:
    """Yield a demand for each header that is a text; settings may have anything."""
    for header in headers:
        if header and isinstance(header, str):
            yield Demand(component, does, header)


def _demands_of_setter(subject: Subject, extension: Any) -> Iterator[Demand]:
    """Yield the headers that an extension headers_setter takes from the requests."""
    if not isinstance(extension, str) or kind_of(extension) != _SETTER:
        return
    for row in mappings(section(subject.config, "extensions", extension), "headers"):
        source = row.get("from_context")
        if isinstance(source, str) and row.get("action") != _DELETES:
            yield Demand(extension, "passes on headers", source, bool(row.get("default_value")))


def _routing_headers(settings: Mapping[str, Any]) -> list[str]:
    """Return the headers by which a connector routes, each once; no text for one that is not written as a text."""
    headers: list[str] = []
    for row in mappings(settings, "table"):
        headers += _METADATA.findall(f"{row.get('condition')} {row.get('statement')}")
    return list(dict.fromkeys(headers))


def metadata_missing(subject: Subject) -> Iterator[Fault]:
    """Yield receivers that drop the headers of requests, which a component behind them needs.

    Without the header, a connector routes all data the default way, and a backend gets all data without its tenant.
    """
    faulty_paths: set[Path] = set()
    for asking in _asking_places(subject):
        servers = list(_servers(subject, asking.pipeline))
        demand = _unmet_demand(asking, servers)
        if demand is None:
            continue
        for server in servers:
            if not server.keeps and server.path not in faulty_paths:
                faulty_paths.add(server.path)
                message = f"'{demand.component}' {demand.does}, which '{server.receiver}' drops"
                yield Fault(server.path, message, f"Add `{_INCLUDE}: true`.")


def _unmet_demand(asking: Asking, servers: Iterable[Server]) -> Demand | None:
    """Return the first demand that needs every server to keep headers: for one with a default, a single one will do."""
    one_keeps = any(server.keeps for server in servers)
    for demand in asking.demands:
        if not (demand.has_default and one_keeps):
            return demand
    return None


def _servers(subject: Subject, pipeline: Pipeline) -> Iterator[Server]:
    """Yield the servers whose data gets to a pipeline, also through connectors."""
    keeping_parts = {part.id: part for part in subject.view.of("receivers", *_KEEPING)}
    names: dict[str, None] = {}
    for entry in (pipeline, *_earlier_pipelines(subject, pipeline)):
        names.update(dict.fromkeys(entry.receivers))
    for name in names:
        if name in keeping_parts:
            for path, settings in _server_settings(keeping_parts[name]):
                yield Server(name, path, at(settings, (_INCLUDE,), False) is not False)


def _server_settings(part: Part) -> Iterator[tuple[Path, Any]]:
    """Yield each server of a receiver that can keep headers: all but those of UDP."""
    if part.kind == "zipkin":
        yield part.path, part.settings
    for protocol, settings in section(part.settings, "protocols").items():
        if protocol in ("grpc", "http", "thrift_http"):
            yield (*part.path, "protocols", protocol), settings


def _earlier_pipelines(subject: Subject, pipeline: Pipeline) -> list[Pipeline]:
    """Return the pipelines whose records connectors hand on to this one."""
    if not subject.connectors:
        return []
    pipelines = {candidate.key: candidate for candidate in subject.view.pipelines}
    return [pipelines[key] for key in subject.view.graph.before(pipeline.key)]


def metadata_forgotten(subject: Subject) -> Iterator[Fault]:
    """Yield processors and batches of exporters that forget the headers of requests before a component needs them."""
    faulty_paths: set[Path] = set()
    for asking in _asking_places(subject):
        for demand in asking.demands:
            for fault in (*_forgotten_before(subject, asking, demand), *_forgotten_by_queue(subject, asking, demand)):
                if fault.path not in faulty_paths:
                    faulty_paths.add(fault.path)
                    yield fault


def _forgotten_before(subject: Subject, asking: Asking, demand: Demand) -> Iterator[Fault]:
    """Yield the earlier processors of a pipeline that forget the header of a demand."""
    processors = section(subject.config, "processors")
    for index, name in enumerate(asking.before):
        if kind_of(name) == _BATCH:
            forgets = not _lists_header(processors, (name, "metadata_keys"), demand)
            fix = f"Add `metadata_keys: [{demand.header_to_write}]` to '{name}'."
        else:
            forgets = Trait.REGROUPS in traits_of(PROCESSORS, name)
            fix = f"Write the header into an attribute before '{name}', with processor attributes and `from_context`."
        if forgets:
            message = f"'{demand.component}' {demand.does}, which the earlier '{name}' forgets"
            yield Fault((*asking.pipeline.path, "processors", index), message, fix)


def _forgotten_by_queue(subject: Subject, asking: Asking, demand: Demand) -> Iterator[Fault]:
    """Yield the batches of an exporter whose requests are signed, or sent, with a header that a batch has no more."""
    settings = section(subject.config, "exporters", asking.component)
    batch = at(settings, _QUEUE)
    is_off = at(settings, (_QUEUE[0], "enabled")) is False or at(batch, ("enabled",)) is False
    if is_off or not isinstance(batch, Mapping):
        return
    if not _lists_header(settings, _PARTITION, demand):
        message = f"'{demand.component}' {demand.does}, which the batches of '{asking.component}' forget"
        fix = f"Add `partition: {{metadata_keys: [{demand.header_to_write}]}}` here."
        yield Fault(("exporters", asking.component, *_QUEUE), message, fix)


def _lists_header(settings: Any, path: Path, demand: Demand) -> bool:
    """Whether a list of headers has the one that is needed, or may have it; the case of headers does not count."""
    listed = at(settings, path)
    if not isinstance(listed, list):
        return isinstance(listed, str)
    if not demand.header:
        return bool(listed)
    return demand.header.lower() in [str(header).lower() for header in listed]


def asked_headers(config: Any) -> list[AskedHeader]:
    """Return the headers that a collector keeps and needs of the requests of OTLP that it gets, each by its name."""
    subject = Subject(config)
    headers: list[AskedHeader] = []
    for asking in _asking_places(subject):
        if not any(server.keeps for server in _servers(subject, asking.pipeline)):
            continue
        signals = _signals_from_otlp(subject, asking.pipeline)
        for demand in asking.demands:
            if demand.header and not demand.has_default:
                headers.append(AskedHeader(demand.component, demand.does, demand.header.lower(), signals))
    return headers


def _signals_from_otlp(subject: Subject, pipeline: Pipeline) -> frozenset[str]:
    """Return the signals that get to a pipeline over OTLP, also through connectors."""
    signals: set[str] = set()
    for entry in (pipeline, *_earlier_pipelines(subject, pipeline)):
        if any(kind_of(name) == "otlp" for name in entry.receivers):
            signals.add(kind_of(entry.key))
    return frozenset(signals)


def header_unsent(subject: Subject) -> Iterator[Fault]:
    """Yield exporters that send no header by which a collector of the inventory behind them tells requests apart.

    Applications may send the header to that collector themselves, so the exporter may be right.
    """
    for exporter, receiving in subject.receiving.items():
        sent_headers = _sent_headers(subject, exporter)
        if sent_headers is None:
            continue
        signals = {kind_of(pipeline.key) for pipeline in subject.view.pipelines if exporter in pipeline.exporters}
        for header, reader in _readers_of_headers(receiving, signals).items():
            if header not in sent_headers:
                message = f"'{exporter}' sends no header '{header}', and {reader}"
                fix = (
                    f"Add `headers: {{{header}: VALUE}}`, or pass on that of the requests by extension headers_setter."
                )
                yield Fault(("exporters", exporter), message, fix)


def _readers_of_headers(receiving: Iterable[Receiving], signals: set[str]) -> dict[str, str]:
    """Return who reads each header of requests of some signals, in words; of several readers, the last one."""
    readers: dict[str, str] = {}
    for other in receiving:
        for asked in other.headers:
            if asked.signals & signals:
                readers[asked.header] = f"'{asked.component}' of '{other.collector}' {asked.does}"
    return readers


def _sent_headers(subject: Subject, exporter: str) -> set[str] | None:
    """Return the headers that an exporter adds to its requests, in lower case; nothing if they are not known."""
    settings = section(subject.config, "exporters", exporter)
    client = section(settings, *DIVIDED_CLIENT) or settings
    headers = client.get("headers") or {}
    if isinstance(headers, Mapping):
        own_headers = list(headers)
    elif isinstance(headers, list):
        own_headers = [row.get("name") for row in mappings(client, "headers")]
    else:
        return None
    headers_of_requests = {str(header).lower() for header in own_headers}
    extension = at(client, _AUTHENTICATOR)
    if extension is None:
        return headers_of_requests
    set_headers = _headers_set_by(subject, str(extension))
    return None if set_headers is None else headers_of_requests | set_headers


def _headers_set_by(subject: Subject, extension: str) -> set[str] | None:
    """Return the headers that an extension adds to requests, in lower case; nothing if they are not known.

    Actions work in the order of the rows. Only `insert` and `upsert`, the default, add a header: `update` changes one
    that is there. Source: the README of headerssetterextension.
    """
    rows = at(subject.config, ("extensions", extension, "headers"))
    if kind_of(extension) != _SETTER or not isinstance(rows, list):
        return None
    set_headers: set[str] = set()
    for row in rows:
        header, action = at(row, ("key",)), at(row, ("action",))
        if action == _DELETES:
            set_headers.discard(str(header).lower())
        elif action != _CHANGES and isinstance(header, str):
            set_headers.add(header.lower())
    return set_headers


_HEADERS = (
    "https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/extension/headerssetterextension"
)
_BATCHES = "https://github.com/open-telemetry/opentelemetry-collector/blob/main/processor/batchprocessor/README.md"
_CLIENTS = "https://github.com/open-telemetry/opentelemetry-collector/blob/main/config/configgrpc/README.md"
RULES = (
    *rules("warning", metadata_missing, documentation=_HEADERS),
    *rules("warning", metadata_forgotten, documentation=_BATCHES),
    *rules("info", header_unsent, documentation=_CLIENTS),
)
