# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where collector configs are in what people have: plain, in ConfigMaps, in custom resources, in lists. Private.

`_inputs.py` in plugin_utils gives the data of all YAML documents of a file. An object is one of Kubernetes; the owner
of a config is the object that holds it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ..errors import find_nearest
from .paths import SECTIONS, Path, mapping_at, value_at

CUSTOM_RESOURCE = "OpenTelemetryCollector"
OPERATOR_GROUP = "opentelemetry.io/"
TOP_LEVEL = (*SECTIONS, "service")
# `service::pipelines` is a key too: the Collector splits keys at `::`.
_KEY = r"[\"']?([a-z]{1,20})(?:[\"']?\s*:|::)"
# A key in braces, as in JSON, after a brace, a comma or a blank.
_KEY_IN_FLOW = re.compile(rf"(?<=[{{,\s]){_KEY}")
_PIPELINES = "pipelines"
_LEAST_SIMILARITY = 0.8  # `receiver` and `reciever` are misspelt sections; `services` is, and `server` is not
# The first line that is neither empty nor a comment, `---` or a directive. Groups: its indentation, an opening brace.
_FIRST_LINE = re.compile(r"^(?![ \t]*(?:#|---|%|$))([ \t]*)(\{)?", re.MULTILINE)
_OBJECT_KEY_PATTERNS = (re.compile(r"\bkind[\"']?\s*:"), re.compile(r"\bapiVersion[\"']?\s*:"))
# One section alone is found in many files that are no collector config.
_ENOUGH_SECTIONS = 2


@dataclass(frozen=True)
class FoundConfig:
    """A collector config in a stream of documents: which document, where in it, and the object around it if any.

    `document_index` counts from 0. `is_text` says that the value there is YAML text, not the config itself. `owner` is
    empty for a plain config, and so is `label`, which names the object and the key, such as `ConfigMap otel relay`.
    """

    document_index: int
    path: Path
    is_text: bool
    owner: Mapping[str, Any]
    label: str


def find_configs(documents: Sequence[Any], is_declared_config: bool) -> list[FoundConfig]:
    """Return every collector config in the documents; `is_declared_config` says that the user calls the file one."""
    configs: list[FoundConfig] = []
    for document_index, data in enumerate(documents):
        configs += _find_document_configs(document_index, data, is_declared_config)
    return configs


def find_custom_resources(documents: Sequence[Any]) -> list[FoundConfig]:
    """Return every custom resource of the operator that holds no config, lists opened: the path leads to it."""
    resources = []
    for document_index, data in enumerate(documents):
        for path, manifest in _unpack_objects(data, ()):
            if _is_operator_object(manifest) and not any(_find_config_paths(manifest)):
                resources.append(FoundConfig(document_index, path, False, manifest, _describe_object(manifest, ())))
    return resources


def _is_operator_object(manifest: Mapping[str, Any]) -> bool:
    """Whether an object is the operator's, or is meant to be: its group may be misspelt."""
    return manifest["kind"] == CUSTOM_RESOURCE or str(manifest["apiVersion"]).startswith(OPERATOR_GROUP)


def find_objects(documents: Sequence[Any]) -> list[Mapping[str, Any]]:
    """Return every Kubernetes object in the documents, lists opened."""
    return [manifest for data in documents for _path, manifest in _unpack_objects(data, ())]


def looks_like_config(text: str) -> bool:
    """Whether YAML text is most likely a collector config, without reading it: by the keys of its top level."""
    first_line = _FIRST_LINE.search(text)
    if first_line is None:
        return False
    margin, brace = first_line.groups()
    pattern = _KEY_IN_FLOW if brace else _compile_key_pattern(margin)
    keys = set(pattern.findall(f"\n{text}"))
    if len(keys.intersection(TOP_LEVEL)) >= _ENOUGH_SECTIONS:
        return True
    return _PIPELINES in text and _has_misspelt_sections(keys)


def _has_misspelt_sections(keys: Collection[str]) -> bool:
    """Whether keys are most likely those of a config with misspelt sections; for that it must have pipelines too.

    They stand below `service`, which other programs with exporters and processors do not have.
    """
    meant_sections = {find_nearest(key, TOP_LEVEL, _LEAST_SIMILARITY) for key in keys}
    return "service" in meant_sections and len(meant_sections - {""}) >= _ENOUGH_SECTIONS


def may_have_object(text: str) -> bool:
    """Whether YAML text may have a Kubernetes object, without reading it."""
    return all(key.search(text) for key in _OBJECT_KEY_PATTERNS)


@lru_cache
def _compile_key_pattern(margin: str) -> re.Pattern[str]:
    """Return the pattern of a key of the top level in block style, which may be indented."""
    return re.compile(rf"\n{margin}{_KEY}")


def is_object(data: Any) -> bool:
    """Whether data is a Kubernetes object."""
    return isinstance(data, Mapping) and isinstance(data.get("kind"), str) and "apiVersion" in data


def merge_configs(layers: Sequence[Any]) -> Any:
    """Return configs merged as the Collector does with several `--config`: maps deeply, all else replaced."""
    merged: Any = None
    for layer in layers:
        merged = _merge_deeply(merged, layer)
    return merged


def _merge_deeply(base: Any, over: Any) -> Any:
    """Return a value with another one on top of it: maps deeply, all else replaced."""
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    merged = dict(base)
    for key, value in over.items():
        merged[key] = _merge_deeply(base[key], value) if key in base else value
    return merged


def _find_document_configs(document_index: int, data: Any, is_declared_config: bool) -> Iterator[FoundConfig]:
    """Yield the configs of a document: itself, or those in its objects."""
    if not is_object(data):
        if isinstance(data, Mapping) and _is_config(data, is_declared_config):
            yield FoundConfig(document_index, (), False, {}, "")
        return
    for path, manifest in _unpack_objects(data, ()):
        for config_path, is_text in _find_config_paths(manifest):
            yield FoundConfig(
                document_index, (*path, *config_path), is_text, manifest, _describe_object(manifest, config_path)
            )


def _is_config(data: Mapping[Any, Any], is_declared_config: bool) -> bool:
    """Whether a mapping is a config: it has several sections, or a service with pipelines.

    One section is enough for a mapping of which the user says so.
    """
    if is_declared_config:
        return any(str(key).partition("::")[0] in TOP_LEVEL for key in data)
    if len(_list_sections(data)) >= _ENOUGH_SECTIONS:
        return True
    services = [key for key in data if isinstance(key, str) and find_nearest(key, ("service",), _LEAST_SIMILARITY)]
    return any(mapping_at(data, key, _PIPELINES) for key in services)


def _list_sections(data: Mapping[Any, Any]) -> set[str]:
    """Return the sections of a config that a mapping has, also by keys such as `service::telemetry`."""
    section_names = set()
    for key, value in data.items():
        name, separator, _rest = str(key).partition("::")
        if name in TOP_LEVEL and (separator or isinstance(value, Mapping)):
            section_names.add(name)
    return section_names


def _unpack_objects(data: Any, path: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Yield an object with its path, or those that a list holds."""
    if not is_object(data):
        return
    listed_objects = data.get("items")
    if not data["kind"].endswith("List") or not isinstance(listed_objects, list):
        yield path, data
        return
    for index, manifest in enumerate(listed_objects):
        if is_object(manifest) and not manifest["kind"].endswith("List"):
            yield (*path, "items", index), manifest


def _find_config_paths(manifest: Mapping[str, Any]) -> Iterator[tuple[Path, bool]]:
    """Yield where an object holds collector configs, and whether as text."""
    if manifest["kind"] == "ConfigMap":
        for key, value in mapping_at(manifest, "data").items():
            if isinstance(value, str) and looks_like_config(value):
                yield ("data", key), True
    elif manifest["kind"] == CUSTOM_RESOURCE and str(manifest["apiVersion"]).startswith(OPERATOR_GROUP):
        config = value_at(manifest, ("spec", "config"))
        if config:
            yield ("spec", "config"), isinstance(config, str)


def _describe_object(manifest: Mapping[str, Any], path: Path) -> str:
    """Return an object as messages name it, with the key of a ConfigMap at which the path ends."""
    name = value_at(manifest, ("metadata", "name"), "?")
    data_key = f" {path[-1]}" if manifest["kind"] == "ConfigMap" else ""
    return f"{manifest['kind']} {name}{data_key}"
