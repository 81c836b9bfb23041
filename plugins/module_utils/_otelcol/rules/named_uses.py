# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts in the settings of components that name an extension or a pipeline. Private.

For example, this exporter names the extension `oidc`, by the keys `auth` and `authenticator`:

    exporters: {otlp_grpc: {endpoint: "backend:4317", auth: {authenticator: oidc}}}

`list_extension_uses` yields `NamedUse(("exporters", "otlp_grpc", "auth", "authenticator"), "oidc", False)`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..catalogue.reference_keys import ReferenceKey
from ..config.paths import SECTIONS, Path, iter_leaves
from .build_facts import Build
from .configured_components import ConfiguredComponent, configured_components
from .settings_cache import find_in_components
from .structure import is_expression
from .subject import Subject

# The ends of paths that name an extension, used if the build is unknown.
_USUAL_EXTENSION_KEYS: list[Path] = [("auth", "authenticator"), ("sending_queue", "storage")]


class NamedUse(NamedTuple):
    """A text in the settings of a component that names an extension or a pipeline."""

    path: Path
    """Where it stands in the config."""
    name: str
    may_be_built_in: bool
    """Whether the component may know the name itself, without such an extension."""

    @property
    def component_id(self) -> str:
        """The id of the component in whose settings it stands."""
        return str(self.path[1])


def list_extension_uses(subject: Subject) -> Iterator[NamedUse]:
    """Yield every name of an extension, at the catalogue's keys if the build is known, else at the usual keys."""
    if subject.target:
        yield from _list_catalogued_uses(subject, "extensions")
        return
    for component in configured_components(subject):
        yield from _list_uses_in_settings(component, [], _USUAL_EXTENSION_KEYS)


def list_pipeline_uses(subject: Subject) -> Iterator[NamedUse]:
    """Yield every name of a pipeline in the settings of connectors; none if the build is unknown."""
    yield from _list_catalogued_uses(subject, "pipelines")


def _list_catalogued_uses(subject: Subject, target_section: str) -> Iterator[NamedUse]:
    """Yield the names at the catalogue's keys that are names of extensions, or of pipelines."""
    for _component, use in find_in_components(subject, _list_uses_in_component):
        if use.target_section == target_section:
            yield use.named_use


class _CatalogueUse(NamedTuple):
    """A use that the catalogue knows, and the section of what it names: `extensions`, or `pipelines`."""

    target_section: str
    named_use: NamedUse


def _list_uses_in_component(build: Build, component: ConfiguredComponent) -> Iterator[_CatalogueUse]:
    """Yield each name in the settings of a component. Only connectors name pipelines."""
    if component.section not in SECTIONS:
        return
    target_sections = ("extensions", "pipelines") if component.section == "connectors" else ("extensions",)
    for target_section in target_sections:
        keys = build.find_reference_keys(component.section, component.type, target_section)
        for use in _list_uses_in_settings(component, keys.exact_references, keys.path_ends):
            yield _CatalogueUse(target_section, use)


def _list_uses_in_settings(
    component: ConfiguredComponent, exact_references: list[ReferenceKey], path_ends: list[Path]
) -> Iterator[NamedUse]:
    """Yield the texts that name something, at known paths or at the ends of paths at any depth.

    For example, the end `("auth", "authenticator")` fits the path `protocols.grpc.auth.authenticator`.
    """
    if not isinstance(component.settings, dict):
        return
    uses_by_path: dict[Path, NamedUse] = {}
    for use in (*_list_exact_uses(component, exact_references), *_list_uses_at_ends(component, path_ends)):
        uses_by_path[use.path] = use
    for use in uses_by_path.values():
        if use.name and not is_expression(use.name):
            yield use


def _list_exact_uses(component: ConfiguredComponent, exact_references: list[ReferenceKey]) -> Iterator[NamedUse]:
    """Yield the texts at known paths."""
    for reference in exact_references:
        for path, name in reference.find_ids(component.settings):
            yield NamedUse((*component.config_path, *path), name, reference.takes_built_in_names)


def _list_uses_at_ends(component: ConfiguredComponent, path_ends: list[Path]) -> Iterator[NamedUse]:
    """Yield the texts whose paths end like one of the ends."""
    path_ends_by_key = _group_by_last_key(path_ends)
    for path, value in iter_leaves(component.settings):
        possible_ends = path_ends_by_key.get(path[-1], ())
        if isinstance(value, str) and any(_has_path_end(path, path_end) for path_end in possible_ends):
            yield NamedUse((*component.config_path, *path), value, may_be_built_in=False)


def _group_by_last_key(path_ends: list[Path]) -> dict[str | int, list[Path]]:
    """Return the ends of paths by their last keys, which are no wildcards: most leaves then need no comparison."""
    path_ends_by_key: dict[str | int, list[Path]] = {}
    for path_end in path_ends:
        path_ends_by_key.setdefault(path_end[-1], []).append(path_end)
    return path_ends_by_key


def _has_path_end(path: Path, path_end: Path) -> bool:
    """Whether a path ends like this; `*` stands for any key before the last one."""
    tail = path[-len(path_end) :]
    if len(tail) != len(path_end):
        return False
    return all(part in ("*", key) for part, key in zip(path_end, tail, strict=True))
