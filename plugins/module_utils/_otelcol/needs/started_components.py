# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The components of a config that the Collector starts, since a pipeline or the service names them. Private.

The Collector leaves a component alone that stands in a section and is named nowhere: it opens no port, needs no right
and sends nothing. For the config

    receivers: {otlp: {protocols: {grpc: {}}}, zipkin: {}}
    exporters: {debug: {}}
    service: {pipelines: {traces: {receivers: [otlp], exporters: [debug]}}}

`list_started_components` yields otlp and debug, and not zipkin. The needs of a config, the rules and the diagnosis ask
for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ..config.component_ids import trim_id
from ..config.paths import ROLES, mapping_at
from ..config.pipelines import read_listed_ids
from ..traits import kind_of

# The sections in the order in which their components are listed.
_LISTED_SECTIONS = ("extensions", "receivers", "processors", "exporters", "connectors")


class StartedComponent(NamedTuple):
    """A component that a pipeline or the service starts."""

    section: str
    id: str
    """The id as the Collector reads it: without white space around type and name."""
    kind: str
    """The type in a spelling that old and new names share, see `kind_of`."""
    settings: dict[str, Any]
    key: str = ""
    """The id as the key in its section spells it; empty if it is the same."""

    @property
    def path(self) -> tuple[str, str]:
        """Where it stands in the config."""
        return (self.section, self.key or self.id)

    @property
    def type(self) -> str:
        """The type, as the config spells it."""
        return self.id.split("/", 1)[0]


def list_started_components(config: Any) -> Iterator[StartedComponent]:
    """Yield the components that a pipeline or the service names, extensions first.

    What stands in a section and is named nowhere is not started, so it opens no port. Settings that are no mapping
    count as empty. So do those below a key with white space around type or name: the Collector looks for them below the
    id without it. Source: Configs.Unmarshal of otelcol/internal/configunmarshaler in opentelemetry-collector.
    """
    started_ids = _started_ids(config)
    for section_name in _LISTED_SECTIONS:
        section = mapping_at(config, section_name)
        for key, settings in section.items():
            component_id = trim_id(key)
            is_started = isinstance(key, str) and (section_name, component_id) in started_ids
            if is_started and key == component_id:
                known_settings = settings if isinstance(settings, dict) else {}
                yield StartedComponent(section_name, component_id, kind_of(component_id), known_settings)
            elif is_started and component_id not in section:
                yield StartedComponent(section_name, component_id, kind_of(component_id), {}, key)


def _started_ids(config: Any) -> set[tuple[str, str]]:
    """Return the sections and ids of what the service and its pipelines name."""
    ids = {("extensions", name) for name in read_listed_ids(mapping_at(config, "service"), "extensions")}
    for pipeline in mapping_at(config, "service", "pipelines").values():
        for role, sections in ROLES.items():
            for name in read_listed_ids(pipeline, role):
                ids.update((section_name, name) for section_name in sections)
    return ids
