# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which components of a config need headers of the requests that a collector gets, and where? Private.

For example, this config has one place: pipeline `traces`, exporter `otlp`, with the demand `headers_setter` `passes on
headers` `x-tenant`. Processor `batch` stands before it.

    extensions: {headers_setter: {headers: [{key: X-Tenant, from_context: x-tenant}]}}
    exporters: {otlp: {auth: {authenticator: headers_setter}}}
    service:
      pipelines: {traces: {receivers: [otlp], processors: [batch], exporters: [otlp]}}
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..config.paths import Path, at, mappings, section
from ..needs.listeners import Part
from ..traits import kind_of
from .subject import Subject, once
from .view import Pipeline

# The type of the extension that adds headers to requests of exporters, without underscores.
SETTER = "headerssetter"
# The action of an extension headers_setter that takes a header away.
DELETES = "delete"
# Where an exporter names the extension of its requests.
AUTHENTICATOR: Path = ("auth", "authenticator")
# Where the queue of an exporter makes batches, and lists the headers by which it divides data.
QUEUE: Path = ("sending_queue", "batch")
PARTITION: Path = (*QUEUE, "partition", "metadata_keys")

# What components do with headers, as messages say it.
_DIVIDES = "divides by headers"
_ROUTES = "routes by headers"
_TO_ATTRIBUTES = "writes headers into attributes"
_TO_MESSAGES = "writes headers into messages"
_PASSES_ON = "passes on headers"


class HeaderSetting(NamedTuple):
    """A setting that names headers which a component needs.

    `kind` is the type of the component without underscores; empty for all components of the section. `form` is that of
    the value: a list of headers, or the text of one.
    """

    section: str
    kind: str
    path: Path
    form: type[list[Any] | str]
    does: str


# Sources: processor/batchprocessor and exporter/exporterhelper of the Collector; kafkaexporter of contrib.
_SETTINGS = (
    HeaderSetting("processors", "batch", ("metadata_keys",), list, _DIVIDES),
    HeaderSetting("exporters", "", PARTITION, list, _DIVIDES),
    HeaderSetting("exporters", "kafka", ("include_metadata_keys",), list, _TO_MESSAGES),
    HeaderSetting("exporters", "kafka", ("traces", "topic_from_metadata_key"), str, _TO_MESSAGES),
    HeaderSetting("exporters", "kafka", ("metrics", "topic_from_metadata_key"), str, _TO_MESSAGES),
    HeaderSetting("exporters", "kafka", ("logs", "topic_from_metadata_key"), str, _TO_MESSAGES),
    HeaderSetting("exporters", "kafka", ("profiles", "topic_from_metadata_key"), str, _TO_MESSAGES),
)

# How an action takes the value of a header: `from_context: metadata.x-tenant`. Source: attributesprocessor of contrib.
_CONTEXT = "metadata."

# A header in a condition of a connector: `request["x-tenant"]` or `otelcol.client.metadata["x-tenant"]`. The group is
# empty for a name that is not written as a text, such as `request[key]`. Source: routingconnector of contrib.
_METADATA = re.compile(r"\b(?:otelcol\.(?:client|grpc)\.metadata|request)\s{0,9}\[(?:\s{0,9}\"([^\"]{1,200})\")?")


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
class Asking:
    """A pipeline with the demands of one of its components. The processors before it may forget what it asks for."""

    pipeline: Pipeline
    component: str
    demands: tuple[Demand, ...]
    before: tuple[str, ...]


@once
def asking_places(subject: Subject) -> Iterator[Asking]:
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
    for row in _SETTINGS:
        if part.section == row.section and row.kind in ("", part.kind):
            yield from _demands_of_setting(part, row)
    if part.section == "processors" and part.kind in ("attributes", "resource"):
        yield from _demands_of_actions(part)
    elif part.section == "connectors" and part.kind == "routing":
        yield from _demands_of_routes(part)
    elif part.section == "exporters":
        yield from _demands_of_setter(subject, at(part.settings, AUTHENTICATOR))


def _demands_of_setting(part: Part, row: HeaderSetting) -> Iterator[Demand]:
    """Yield a demand for each header that a setting names; settings may have anything."""
    value = at(part.settings, row.path)
    if not isinstance(value, row.form):
        return
    for header in value if isinstance(value, list) else [value]:
        if header and isinstance(header, str):
            yield Demand(part.id, row.does, header)


def _demands_of_actions(part: Part) -> Iterator[Demand]:
    """Yield the headers that a processor writes into attributes."""
    for row in (*mappings(part.settings, "actions"), *mappings(part.settings, "attributes")):
        source = row.get("from_context")
        if isinstance(source, str) and source.startswith(_CONTEXT):
            yield Demand(part.id, _TO_ATTRIBUTES, source.removeprefix(_CONTEXT))


def _demands_of_routes(part: Part) -> Iterator[Demand]:
    """Yield the headers by which a connector routes, each once."""
    headers: list[str] = []
    for row in mappings(part.settings, "table"):
        headers += _METADATA.findall(f"{row.get('condition')} {row.get('statement')}")
    for header in dict.fromkeys(headers):
        yield Demand(part.id, _ROUTES, header)


def _demands_of_setter(subject: Subject, extension: Any) -> Iterator[Demand]:
    """Yield the headers that the extension of an exporter takes from the requests, if it is a headers_setter."""
    if not isinstance(extension, str) or kind_of(extension) != SETTER:
        return
    for row in mappings(section(subject.config, "extensions", extension), "headers"):
        source = row.get("from_context")
        if isinstance(source, str) and row.get("action") != DELETES:
            yield Demand(extension, _PASSES_ON, source, bool(row.get("default_value")))
