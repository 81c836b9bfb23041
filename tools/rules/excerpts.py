# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What docs/rules.md shows of the config of a case: its parts around the place at which the rule finds something.

`examples.py` calls `format_excerpt`. A path is the place of a finding, such as `service.pipelines.traces.exporters`; a
part is a section of the config, or one key of it, such as `service.pipelines`. For example, the rule finds something at
that path:

    receivers: {otlp: {}}                          connectors: {count: {}}
    connectors: {count: {}}                   →    service:
    service:                                         pipelines: {traces: {…}}
      extensions: [pprof]
      pipelines: {traces: {…}}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import yaml

from plugins.module_utils._otelcol.catalogue.rows import SECTION_ORDER

# The keys by which a custom resource says what it is.
_RESOURCE_KEYS = ("apiVersion", "kind")
# The sections whose components a key of `service` names, and that explain it.
_SECTIONS_BESIDE = {"pipelines": "connectors", "extensions": "extensions"}
# The config of a custom resource in cases that are not about the config.
_PLACEHOLDER_CONFIG: Any = {"service": {}}


class ExampleCase(Protocol):
    """What is used here of a case of a rule, which tests/unit/…/rules/cases.py defines."""

    rule: str
    name: str
    config: Any
    path: str | None
    """Where the rule finds something, as in `exporters.otlp.endpoint`; None in a right case."""
    more: Mapping[str, Any]
    """What is known beside the config, by the names of the fields of Subject."""


class _Part(NamedTuple):
    """A part of a config: a section, or one key of it."""

    section: str
    key: str = ""
    """Empty for the whole section."""

    def find_in(self, config: Mapping[Any, Any]) -> Any:
        """Return what a config has at the part; None if it has nothing there."""
        value = config.get(self.section)
        if not self.key:
            return value
        return value.get(self.key) if isinstance(value, dict) else None


def format_excerpt(case: ExampleCase, path: str, chosen_parts: tuple[str, ...] = ()) -> str:
    """Return what is shown of a case, as YAML: the parts that were chosen, else those that explain a path.

    A chosen part is `SECTION` or `SECTION.KEY`, such as `receivers` or `service.pipelines`.
    """
    config = _extract_relevant_config(case, path)
    if not isinstance(config, dict):
        return _format_yaml(config)
    shown_parts = [_Part(*part.split(".", 1)) for part in chosen_parts] or _list_parts_around(config, path)
    shown_config: dict[str, Any] = {}
    for part in shown_parts:
        value = part.find_in(config)
        if value is None:
            continue
        if part.key:
            shown_config[part.section] = {**shown_config.get(part.section, {}), part.key: value}
        else:
            shown_config[part.section] = value
    return _format_yaml(_drop_empty_sections(shown_config or config))


def _extract_relevant_config(case: ExampleCase, path: str) -> Any:
    """Return what a finding at a path is about: the config, or the parts of the custom resource that it is in.

    A case has its custom resource as `custom_resource`. Its `config` is a placeholder if the case is not about it; then
    it is left out. If the finding is in the config of a resource, its receivers alone are shown.
    """
    resource = case.more.get("custom_resource")
    if resource is None:
        return case.config
    if path in _RESOURCE_KEYS:
        return {key: resource[key] for key in _RESOURCE_KEYS}
    spec = dict(resource["spec"])
    is_about_whole_spec = path == "spec"
    if not is_about_whole_spec and spec.get("config") == _PLACEHOLDER_CONFIG:
        del spec["config"]
    is_about_config = path and not path.startswith("spec")
    if is_about_config:
        spec["config"] = {"receivers": case.config["receivers"]}
    return {"spec": spec}


def _list_parts_around(config: Mapping[Any, Any], path: str) -> list[_Part]:
    """Return the parts of a config, or of a custom resource, that explain a path.

    | path begins with | parts |
    |---|---|
    | `service.pipelines` | `connectors`, `service.pipelines` |
    | `service.extensions` | `extensions`, `service.extensions` |
    | `service.KEY` | `service.KEY` |
    | `apiVersion`, `kind` | both |
    | another section of the config | that section |
    """
    first_key, second_key = (*path.replace("[", ".").split("."), "", "")[:2]
    if first_key == "service" and second_key:
        section_beside = _SECTIONS_BESIDE.get(second_key)
        own_part = _Part(first_key, second_key)
        return [_Part(section_beside), own_part] if section_beside else [own_part]
    if first_key in _RESOURCE_KEYS:
        return [_Part(key) for key in _RESOURCE_KEYS]
    return [_Part(first_key)] if first_key in config else []


def _drop_empty_sections(value: Any) -> Any:
    """Return data without empty sections of components, and with `{}` in place of null."""
    if isinstance(value, dict):
        kept_entries: dict[Any, Any] = {}
        for key, child in value.items():
            is_empty_section = key in SECTION_ORDER and child in ([], {})
            if not is_empty_section:
                kept_entries[key] = _drop_empty_sections(child)
        return kept_entries
    if isinstance(value, list):
        return [_drop_empty_sections(entry) for entry in value]
    return {} if value is None else value


def _format_yaml(data: Any) -> str:
    return str(yaml.safe_dump(data, sort_keys=False, default_flow_style=None, width=100))
