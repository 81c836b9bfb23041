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
from ..traits import PROCESSORS, RECEIVERS, Trait, traits_of, types_that
from .subject import AskedHeader, Fault, Subject, once, rules
from .view import Part, Pipeline, kind_of

_BATCH = "batch"
_INCLUDE = "include_metadata"
_CONTEXT = "metadata."
_SETTER = "headerssetter"
_METADATA = re.compile(r"\b(?:otelcol\.(?:client|grpc)\.metadata|request)\s{0,9}\[(?:\s{0,9}\"([^\"]{1,200})\")?")
_AUTHENTICATOR: Path = ("auth", "authenticator")
_QUEUE: Path = ("sending_queue", "batch")
_PARTITION: Path = (*_QUEUE, "partition", "metadata_keys")
# Where the exporter that divides data among gateways has the settings of its client.
DIVIDED_CLIENT = ("protocol", "otlp")
_SIGNALS = ("traces", "metrics", "logs", "profiles")


@dataclass(frozen=True)
class Demand:
    """A component that needs a header of the requests: its id, what it does with headers, and the header.

    No header stands for any, or for one that is not known. With `usual` it has a value for requests without it.
    """

    component: str
    does: str
    header: str = ""
    usual: bool = False


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
def _asking(subject: Subject) -> Iterator[Asking]:
    """Yield each place of a pipeline at which a component needs headers."""
    wanted = {(part.section, part.id): tuple(_demands(subject, part)) for part in subject.view.parts}
    for pipeline in subject.view.pipelines:
        for index, name in enumerate(pipeline.processors):
            if found := wanted.get(("processors", name)):
                yield Asking(pipeline, name, found, tuple(pipeline.processors[:index]))
        for name in pipeline.exporters:
            if found := wanted.get(("exporters", name)) or wanted.get(("connectors", name)):
                yield Asking(pipeline, name, found, tuple(pipeline.processors))


def _demands(subject: Subject, part: Part) -> Iterator[Demand]:
    if part.section == "processors":
        yield from _of_processor(part)
    elif part.section == "connectors" and part.kind == "routing":
        yield from (Demand(part.id, "routes by headers", header) for header in _routing_headers(part.settings))
    elif part.section == "exporters":
        yield from _of_exporter(part)
        yield from _of_headers(subject, at(part.settings, _AUTHENTICATOR))


def _of_processor(part: Part) -> Iterator[Demand]:
    if part.kind == _BATCH:
        yield from _each(part.id, "divides by headers", items(part.settings, "metadata_keys"))
    for row in (*mappings(part.settings, "actions"), *mappings(part.settings, "attributes")):
        source = row.get("from_context")
        if part.kind in ("attributes", "resource") and isinstance(source, str) and source.startswith(_CONTEXT):
            yield Demand(part.id, "writes headers into attributes", source.removeprefix(_CONTEXT))


def _of_exporter(part: Part) -> Iterator[Demand]:
    yield from _each(part.id, "divides by headers", items(at(part.settings, _PARTITION)))
    if part.kind == "kafka":
        topics = [at(part.settings, (signal, "topic_from_metadata_key")) for signal in _SIGNALS]
        given = [*items(part.settings, "include_metadata_keys"), *topics]
        yield from _each(part.id, "writes headers into messages", given)


def _each(component: str, does: str, headers: Iterable[Any]) -> Iterator[Demand]:
    yield from (Demand(component, does, header) for header in headers if header and isinstance(header, str))


def _of_headers(subject: Subject, extension: Any) -> Iterator[Demand]:
    """Yield the headers that an extension headers_setter takes from the requests."""
    if not isinstance(extension, str) or kind_of(extension) != _SETTER:
        return
    for row in mappings(section(subject.config, "extensions", extension), "headers"):
        if isinstance(source := row.get("from_context"), str):
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
    told: set[Path] = set()
    for asking in _asking(subject):
        servers = list(_servers(subject, asking.pipeline))
        kept = any(server.keeps for server in servers)
        demand = next((one for one in asking.demands if not (one.usual and kept)), None)
        for server in servers if demand else ():
            if demand and not server.keeps and server.path not in told:
                told.add(server.path)
                message = f"'{demand.component}' {demand.does}, which '{server.receiver}' drops"
                yield Fault(server.path, message, f"Add `{_INCLUDE}: true`.")


def _servers(subject: Subject, pipeline: Pipeline) -> Iterator[Server]:
    """Yield the servers whose data gets to a pipeline, also through connectors."""
    receivers = {part.id: part for part in subject.view.of("receivers", *types_that(RECEIVERS, Trait.KEEPS_HEADERS))}
    for name in dict.fromkeys(name for one in (pipeline, *_before(subject, pipeline)) for name in one.receivers):
        for path, settings in _settings_of(receivers[name]) if name in receivers else ():
            yield Server(name, path, at(settings, (_INCLUDE,), False) is not False)


def _settings_of(part: Part) -> Iterator[tuple[Path, Any]]:
    """Yield each server of a receiver that can keep headers: all but those of UDP."""
    if part.kind == "zipkin":
        yield part.path, part.settings
    for protocol, settings in section(part.settings, "protocols").items():
        if protocol in ("grpc", "http", "thrift_http"):
            yield (*part.path, "protocols", protocol), settings


def _before(subject: Subject, pipeline: Pipeline) -> list[Pipeline]:
    """Return the pipelines whose records connectors hand on to this one."""
    if not subject.connectors:
        return []
    pipelines = {one.key: one for one in subject.view.pipelines}
    return [pipelines[key] for key in subject.view.graph.before(pipeline.key)]


def metadata_forgotten(subject: Subject) -> Iterator[Fault]:
    """Yield processors and batches of exporters that forget the headers of requests before a component needs them."""
    told: set[Path] = set()
    for asking in _asking(subject):
        for demand in asking.demands:
            for fault in (*_forgotten_before(subject, asking, demand), *_forgotten_by_queue(subject, asking, demand)):
                if fault.path not in told:
                    told.add(fault.path)
                    yield fault


def _forgotten_before(subject: Subject, asking: Asking, demand: Demand) -> Iterator[Fault]:
    processors = section(subject.config, "processors")
    for index, name in enumerate(asking.before):
        path = (*asking.pipeline.path, "processors", index)
        message = f"'{demand.component}' {demand.does}, which the earlier '{name}' forgets"
        fix = f"Write the header into an attribute before '{name}', with processor attributes and `from_context`."
        forgets = Trait.REGROUPS in traits_of(PROCESSORS, name)
        if kind_of(name) == _BATCH:
            forgets = not _has(processors, (name, "metadata_keys"), demand)
            fix = f"Add `metadata_keys: [{demand.header or 'HEADER'}]` to '{name}'."
        if forgets:
            yield Fault(path, message, fix)


def _forgotten_by_queue(subject: Subject, asking: Asking, demand: Demand) -> Iterator[Fault]:
    """Yield the batches of an exporter whose requests are signed, or sent, with a header that a batch has no more."""
    settings = section(subject.config, "exporters", asking.component)
    batch = at(settings, _QUEUE)
    is_off = at(settings, (_QUEUE[0], "enabled")) is False or at(batch, ("enabled",)) is False
    if isinstance(batch, Mapping) and not is_off and not _has(settings, _PARTITION, demand):
        message = f"'{demand.component}' {demand.does}, which the batches of '{asking.component}' forget"
        fix = f"Add `partition: {{metadata_keys: [{demand.header or 'HEADER'}]}}` here."
        yield Fault(("exporters", asking.component, *_QUEUE), message, fix)


def _has(settings: Any, path: Path, demand: Demand) -> bool:
    """Whether a list of headers has the one that is needed; their case does not count."""
    listed = at(settings, path)
    if not isinstance(listed, list):
        return isinstance(listed, str)
    known = [str(header).lower() for header in listed]
    return demand.header.lower() in known if demand.header else bool(known)


def asked_headers(config: Any) -> list[AskedHeader]:
    """Return the headers that a collector keeps and needs of the requests of OTLP that it gets, each by its name."""
    subject = Subject(config)
    headers: list[AskedHeader] = []
    for asking in _asking(subject):
        if not any(server.keeps for server in _servers(subject, asking.pipeline)):
            continue
        signals = _signals_from_otlp(subject, asking.pipeline)
        for demand in asking.demands:
            if demand.header and not demand.usual:
                headers.append(AskedHeader(demand.component, demand.does, demand.header.lower(), signals))
    return headers


def _signals_from_otlp(subject: Subject, pipeline: Pipeline) -> frozenset[str]:
    """Return the signals that get to a pipeline over OTLP, also through connectors."""
    entries = (pipeline, *_before(subject, pipeline))
    return frozenset(kind_of(one.key) for one in entries if any(kind_of(name) == "otlp" for name in one.receivers))


def header_unsent(subject: Subject) -> Iterator[Fault]:
    """Yield exporters that send no header by which a collector of the inventory behind them tells requests apart.

    Applications may send the header to that collector themselves, so the exporter may be right.
    """
    for exporter, receiving in subject.receiving.items():
        sent = _sent_headers(subject, exporter)
        signals = {kind_of(one.key) for one in subject.view.pipelines if exporter in one.exporters}
        lost = {
            asked.header: (asked, other.collector)
            for other in receiving
            for asked in other.headers
            if sent is not None and asked.header not in sent and asked.signals & signals
        }
        for header, (asked, collector) in lost.items():
            message = f"'{exporter}' sends no header '{header}', and '{asked.component}' of '{collector}' {asked.does}"
            fix = f"Add `headers: {{{header}: VALUE}}`, or pass on that of the requests by extension headers_setter."
            yield Fault(("exporters", exporter), message, fix)


def _sent_headers(subject: Subject, exporter: str) -> set[str] | None:
    """Return the headers that an exporter adds to its requests, in lower case; nothing if they are not known."""
    settings = section(subject.config, "exporters", exporter)
    client = section(settings, *DIVIDED_CLIENT) or settings
    headers, extension = client.get("headers") or {}, at(client, _AUTHENTICATOR)
    is_known = isinstance(headers, (Mapping, list)) and (extension is None or kind_of(str(extension)) == _SETTER)
    if not is_known:
        return None
    own = headers if isinstance(headers, Mapping) else [row.get("name") for row in mappings(client, "headers")]
    passed = [row.get("key") for row in mappings(section(subject.config, "extensions", str(extension)), "headers")]
    return {str(header).lower() for header in (*own, *passed)}


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
