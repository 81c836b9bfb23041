# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which components of a config need headers of the requests that a collector gets. Private.

client_metadata.py asks here, to find what drops such a header before. A demand is a header that a component needs, and
what it does with it. For example, this config has one demanding component: exporter `otlp` in pipeline `traces`,
because its extension `headers_setter` passes on header `x-tenant`. Processor `batch` stands before it.

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

from ..config.paths import Path, mapping_at, mappings_at, value_at
from ..needs.started_components import StartedComponent
from ..traits import Trait, kind_of, traits_of
from .subject import Subject, once_per_subject
from .view import Pipeline

# ── What client_metadata.py and sent_headers.py have to know too ──

# The type of the extension that adds headers to requests of exporters, without underscores.
SETTER_TYPE = "headerssetter"
# The action of an extension headers_setter that takes a header away.
DELETE_ACTION = "delete"
# Where an exporter names the extension of its requests.
AUTHENTICATOR_PATH: Path = ("auth", "authenticator")
# Where the queue of an exporter makes batches, and lists the headers by which it divides data.
QUEUE_BATCH_PATH: Path = ("sending_queue", "batch")
PARTITION_PATH: Path = (*QUEUE_BATCH_PATH, "partition", "metadata_keys")

# ── Which settings name headers ──

# What components do with headers, as messages say it.
_DIVIDES = "divides by headers"
_ROUTES = "routes by headers"
_TO_ATTRIBUTES = "writes headers into attributes"
_TO_MESSAGES = "writes headers into messages"
_PASSES_ON = "passes on headers"


class _HeaderSetting(NamedTuple):
    """A setting that names headers which a component needs."""

    section: str
    kind: str
    """The type of the component without underscores; empty for all components of the section."""
    path: Path
    """Where the setting is in the settings of the component."""
    value_type: type[list[Any] | str]
    """The type of the value: a list of headers, or the text of one."""
    action_text: str
    """What the component does with the headers, one of the texts above."""


# Sources: processor/batchprocessor and exporter/exporterhelper of the Collector; kafkaexporter of contrib.
_HEADER_SETTINGS = (
    _HeaderSetting("processors", "batch", ("metadata_keys",), list, _DIVIDES),
    _HeaderSetting("exporters", "", PARTITION_PATH, list, _DIVIDES),
    _HeaderSetting("exporters", "kafka", ("include_metadata_keys",), list, _TO_MESSAGES),
    _HeaderSetting("exporters", "kafka", ("traces", "topic_from_metadata_key"), str, _TO_MESSAGES),
    _HeaderSetting("exporters", "kafka", ("metrics", "topic_from_metadata_key"), str, _TO_MESSAGES),
    _HeaderSetting("exporters", "kafka", ("logs", "topic_from_metadata_key"), str, _TO_MESSAGES),
    _HeaderSetting("exporters", "kafka", ("profiles", "topic_from_metadata_key"), str, _TO_MESSAGES),
)

# How an entry of `actions` takes the value of a header: `from_context: metadata.x-tenant`. Source: attributesprocessor
# of contrib.
_CONTEXT_PREFIX = "metadata."

# A header in a condition of a connector: `request["x-tenant"]` or `otelcol.client.metadata["x-tenant"]`. The group is
# empty for a name that is not written as a text, such as `request[key]`. Source: routingconnector of contrib.
_HEADER_EXPRESSION = re.compile(
    r"\b(?:otelcol\.(?:client|grpc)\.metadata|request)\s{0,9}\[(?:\s{0,9}\"([^\"]{1,200})\")?"
)


# ── What a component needs ──


@dataclass(frozen=True)
class HeaderDemand:
    """A header of the requests that a component needs."""

    component_id: str
    action_text: str
    """What the component does with headers, one of the texts above, such as `routes by headers`."""
    header: str = ""
    """Empty for any header, or for one that is not known."""
    has_default: bool = False
    """Whether requests without the header get a value."""

    @property
    def header_to_write(self) -> str:
        """The header as a fix names it: a placeholder if it is not known."""
        return self.header or "HEADER"


@dataclass(frozen=True)
class DemandingComponent:
    """A component in a pipeline that needs headers."""

    pipeline: Pipeline
    component_id: str
    demands: tuple[HeaderDemand, ...]
    processors_before: tuple[str, ...]
    """The ids of the processors of the pipeline before it, which may forget the headers."""


@once_per_subject
def find_demanding_components(subject: Subject) -> Iterator[DemandingComponent]:
    """Yield each component that needs headers, once for each pipeline that lists it."""
    demands_by_component = {
        (part.section, part.id): tuple(_find_demands(subject, part)) for part in subject.view.started_components
    }
    for pipeline in subject.view.pipelines:
        for index, component_id in enumerate(pipeline.processors):
            demands = demands_by_component.get(("processors", component_id))
            if demands:
                yield DemandingComponent(pipeline, component_id, demands, tuple(pipeline.processors[:index]))
        for component_id in pipeline.exporters:
            # A pipeline lists connectors among its exporters, and no connector has the id of an exporter.
            exporter_demands = demands_by_component.get(("exporters", component_id))
            connector_demands = demands_by_component.get(("connectors", component_id))
            demands = exporter_demands or connector_demands
            if demands:
                yield DemandingComponent(pipeline, component_id, demands, tuple(pipeline.processors))


def _find_demands(subject: Subject, part: StartedComponent) -> Iterator[HeaderDemand]:
    """Yield what a component needs of the headers of requests, by its settings and by what its section has."""
    yield from _find_setting_demands(part)
    if part.section == "processors":
        yield from _find_action_demands(part)
    elif part.section == "connectors":
        yield from _find_route_demands(part)
    elif part.section == "exporters":
        yield from _find_setter_demands(part, subject.config)


def _find_setting_demands(part: StartedComponent) -> Iterator[HeaderDemand]:
    """Yield a demand for each header that a setting of the table names: `{metadata_keys: [x-tenant]}` of batch."""
    for header_setting in _HEADER_SETTINGS:
        if part.section != header_setting.section or header_setting.kind not in ("", part.kind):
            continue
        value = value_at(part.settings, header_setting.path)
        if not isinstance(value, header_setting.value_type):
            continue
        for header in value if isinstance(value, list) else [value]:
            if header and isinstance(header, str):  # a list in settings may have anything
                yield HeaderDemand(part.id, header_setting.action_text, header)


def _find_action_demands(part: StartedComponent) -> Iterator[HeaderDemand]:
    """Yield the headers that processor attributes or resource writes into attributes.

    `{actions: [{key: tenant, action: insert, from_context: metadata.x-tenant}]}` needs `x-tenant`.
    """
    if Trait.EDITS_BY_ACTIONS not in traits_of(part.section, part.kind):
        return
    for attribute_action in (*mappings_at(part.settings, "actions"), *mappings_at(part.settings, "attributes")):
        context_key = attribute_action.get("from_context")
        if isinstance(context_key, str) and context_key.startswith(_CONTEXT_PREFIX):
            yield HeaderDemand(part.id, _TO_ATTRIBUTES, context_key.removeprefix(_CONTEXT_PREFIX))


def _find_route_demands(part: StartedComponent) -> Iterator[HeaderDemand]:
    """Yield the headers by which connector routing routes, each once.

    `{table: [{condition: request["x-tenant"] == "a", …}]}` needs `x-tenant`.
    """
    if part.kind != "routing":
        return
    headers: list[str] = []
    for route in mappings_at(part.settings, "table"):
        headers += _HEADER_EXPRESSION.findall(f"{route.get('condition')} {route.get('statement')}")
    for header in dict.fromkeys(headers):
        yield HeaderDemand(part.id, _ROUTES, header)


def _find_setter_demands(part: StartedComponent, config: Any) -> Iterator[HeaderDemand]:
    """Yield the headers that extension headers_setter of an exporter takes from the requests.

    `{headers: [{key: X-Tenant, from_context: x-tenant}]}` needs `x-tenant`.
    """
    extension_id = value_at(part.settings, AUTHENTICATOR_PATH)
    if not isinstance(extension_id, str) or kind_of(extension_id) != SETTER_TYPE:
        return
    for set_header in mappings_at(mapping_at(config, "extensions", extension_id), "headers"):
        context_key = set_header.get("from_context")
        if isinstance(context_key, str) and set_header.get("action") != DELETE_ACTION:
            has_default = bool(set_header.get("default_value"))
            yield HeaderDemand(extension_id, _PASSES_ON, context_key, has_default=has_default)
