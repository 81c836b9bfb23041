# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The components of a config: those that it configures, and those that its pipelines list. Private.

For example, of `exporters: {otlp_http/eu: {endpoint: …}}` the configured component has the section `exporters`, the id
`otlp_http/eu` and the type `otlp_http`. In `pipelines: {traces/b: {exporters: [otlp_http/eu]}}`, the listed component
has the signal `traces` and the role `exporters`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ..catalogue.rows import SECTION_ORDER
from ..config.component_ids import trim_id
from ..config.paths import ROLES, Path, list_at, mapping_at
from .subject import Subject, once_per_subject

# The path of the settings of the Collector's own telemetry.
TELEMETRY = ("service", "telemetry")


class ConfiguredComponent(NamedTuple):
    """A component of a config, whether a pipeline uses it or not."""

    section: str
    id: str
    type: str
    """The type as the id spells it, with underscores."""
    settings: Any

    @property
    def config_path(self) -> tuple[str, str]:
        """Where it stands in the config."""
        return self.section, self.id


class ListedComponent(NamedTuple):
    """A component in a pipeline."""

    path: Path
    """Where its id stands: `("service", "pipelines", "traces", "exporters", 0)`."""
    signal: str
    """That of the pipeline."""
    role: str
    """`receivers`, `processors` or `exporters`; a connector is a receiver or an exporter."""
    id: str
    """The id as the Collector reads it: without white space around type and name."""

    def is_connector(self, subject: Subject) -> bool:
        """Whether it is a connector of a config. A processor may have the id of one: their sections differ."""
        return self.role != "processors" and self.id in subject.connectors


def component_type(component_id: object) -> str:
    """Return the type of a component id as it is spelled; an empty string for an invalid id."""
    return component_id.partition("/")[0].strip() if isinstance(component_id, str) else ""


@once_per_subject
def configured_components(subject: Subject) -> Iterator[ConfiguredComponent]:
    """Yield every component of the config with a valid id, whether a pipeline uses it or not."""
    for section_name in SECTION_ORDER:
        for component_id, settings in mapping_at(subject.config, section_name).items():
            type_name = component_type(component_id)
            if type_name:
                yield ConfiguredComponent(section_name, component_id, type_name, settings)


@once_per_subject
def listed_components(subject: Subject) -> Iterator[ListedComponent]:
    """Yield every component in a pipeline."""
    for pipeline, ids_by_role in mapping_at(subject.config, "service", "pipelines").items():
        for role in ROLES:
            for index, component_id in enumerate(list_at(ids_by_role, role)):
                if isinstance(component_id, str):
                    path = ("service", "pipelines", pipeline, role, index)
                    yield ListedComponent(path, component_type(pipeline), role, trim_id(component_id))


@once_per_subject
def used_components(subject: Subject) -> Iterator[ListedComponent]:
    """Yield every component in a pipeline that is no connector."""
    for component in listed_components(subject):
        if not component.is_connector(subject):
            yield component
