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

from ..config.paths import ROLES, list_at, mapping_at
from ..traits import kind_of

# The sections in the order in which their components are listed.
_LISTED_SECTIONS = ("extensions", "receivers", "processors", "exporters", "connectors")


class StartedComponent(NamedTuple):
    """A component that a pipeline or the service starts."""

    section: str
    id: str
    kind: str
    """The type in a spelling that old and new names share, see `kind_of`."""
    settings: dict[str, Any]

    @property
    def path(self) -> tuple[str, str]:
        """Where it stands in the config."""
        return (self.section, self.id)

    @property
    def type(self) -> str:
        """The type, as the config spells it."""
        return self.id.split("/", 1)[0]


def list_started_components(config: Any) -> Iterator[StartedComponent]:
    """Yield the components that a pipeline or the service names, extensions first.

    What stands in a section and is named nowhere is not started, so it opens no port. Settings that are no mapping
    count as empty.
    """
    started_ids = _started_ids(config)
    for section_name in _LISTED_SECTIONS:
        for component_id, settings in mapping_at(config, section_name).items():
            if isinstance(component_id, str) and (section_name, component_id) in started_ids:
                known_settings = settings if isinstance(settings, dict) else {}
                yield StartedComponent(section_name, component_id, kind_of(component_id), known_settings)


def _started_ids(config: Any) -> set[tuple[str, str]]:
    """Return the sections and ids of what the service and its pipelines name."""
    ids = {("extensions", name) for name in _list_texts_at(config, "service", "extensions")}
    for pipeline in mapping_at(config, "service", "pipelines").values():
        for role, sections in ROLES.items():
            for name in _list_texts_at(pipeline, role):
                ids.update((section_name, name) for section_name in sections)
    return ids


def _list_texts_at(config: Any, *path: str) -> list[str]:
    """Return the texts in the list at a path."""
    return [value for value in list_at(config, *path) if isinstance(value, str)]
