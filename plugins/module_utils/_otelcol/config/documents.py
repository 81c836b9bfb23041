# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where collector configs are in files: plain, in ConfigMaps, in custom resources, and in lists of these. Private.

Validation and migration take whatever file a user has: `_inputs.py` in plugin_utils reads its YAML documents and asks
here. For a file whose second document is ConfigMap `otel` with a config below `data.relay`, the answer is
`FoundConfig(document_index=1, path=("data", "relay"), is_text=True, …, label="ConfigMap otel relay")`.

An object is one of Kubernetes. The owner of a config is the object that holds it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from ..errors import find_nearest
from .paths import SECTIONS, Path, mapping_at, value_at

CUSTOM_RESOURCE = "OpenTelemetryCollector"
OPERATOR_GROUP = "opentelemetry.io/"
# The keys of a config.
TOP_LEVEL = (*SECTIONS, "service")
# A key and its colon. Group: its name. `service::pipelines` is a key too: the Collector splits keys at `::`.
_KEY = r"[\"']?([a-z]{1,20})(?:[\"']?\s*:|::)"
# A key in braces, as in JSON, after a brace, a comma or a blank.
_KEY_IN_FLOW = re.compile(rf"(?<=[{{,\s]){_KEY}")
_PIPELINES = "pipelines"
# How near a key must be to a section to be a misspelt one: `reciever` and `services` are, `server` is not.
_LEAST_SIMILARITY = 0.8
# The first line that is neither empty nor a comment, `---` or a directive. Groups: its indentation, an opening brace.
_FIRST_LINE = re.compile(r"^(?![ \t]*(?:#|---|%|$))([ \t]*)(\{)?", re.MULTILINE)
_OBJECT_KEY_PATTERNS = (re.compile(r"\bkind[\"']?\s*:"), re.compile(r"\bapiVersion[\"']?\s*:"))
# One section alone is found in many files that are no collector config.
_ENOUGH_SECTIONS = 2


@dataclass(frozen=True)
class FoundConfig:
    """A collector config in the documents of a file: which document, the path in it, and the object that holds it."""

    document_index: int
    """The number of the document, from 0."""
    path: Path
    is_text: bool
    """Whether the value at the path is YAML text, and not the config itself."""
    owner: Mapping[str, Any]
    """The object that holds the config; empty for a plain config."""
    label: str
    """The name of the owner and the key in it, such as `ConfigMap otel relay`; empty for a plain config."""


class _ConfigPath(NamedTuple):
    """Where an object holds a config, and whether it is YAML text there."""

    path: Path
    is_text: bool


class _UnpackedObject(NamedTuple):
    """An object, and its path in the document: `("items", 0)` for the first one of a list."""

    path: Path
    manifest: Mapping[str, Any]


def find_configs(documents: Sequence[Any], *, is_declared_config: bool) -> list[FoundConfig]:
    """Return every collector config in the documents; `is_declared_config` says that the user calls the file one."""
    configs: list[FoundConfig] = []
    for document_index, data in enumerate(documents):
        configs += _find_document_configs(document_index, data, is_declared_config)
    return configs


def find_custom_resources(documents: Sequence[Any]) -> list[FoundConfig]:
    """Return every custom resource of the operator that holds no config, lists opened: the path leads to it."""
    resources = []
    for document_index, data in enumerate(documents):
        for path, manifest in _unpack_objects(data):
            has_config = any(True for _config_path in _find_config_paths(manifest))
            if _is_operator_object(manifest) and not has_config:
                label = _describe_object(manifest, ())
                resources.append(FoundConfig(document_index, path, is_text=False, owner=manifest, label=label))
    return resources


def _is_operator_object(manifest: Mapping[str, Any]) -> bool:
    """Whether an object is the operator's, or is meant to be: its group may be misspelt."""
    return manifest["kind"] == CUSTOM_RESOURCE or str(manifest["apiVersion"]).startswith(OPERATOR_GROUP)


def find_objects(documents: Sequence[Any]) -> list[Mapping[str, Any]]:
    """Return every Kubernetes object in the documents, lists opened."""
    objects: list[Mapping[str, Any]] = []
    for data in documents:
        objects += [unpacked_object.manifest for unpacked_object in _unpack_objects(data)]
    return objects


def looks_like_config(text: str) -> bool:
    """Whether YAML text is most likely a collector config, without reading it: by the keys of its top level.

    `receivers: …` and `service: …` at the margin of the text make one; so do `{"receivers": …, "service": …}`.
    """
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
            yield FoundConfig(document_index, (), is_text=False, owner={}, label="")
        return
    for path, manifest in _unpack_objects(data):
        for config_path, is_text in _find_config_paths(manifest):
            label = _describe_object(manifest, config_path)
            yield FoundConfig(document_index, (*path, *config_path), is_text=is_text, owner=manifest, label=label)


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


def _unpack_objects(data: Any) -> Iterator[_UnpackedObject]:
    """Yield the object that a document is, or those that a list holds."""
    if not is_object(data):
        return
    listed_objects = data.get("items")
    if not data["kind"].endswith("List") or not isinstance(listed_objects, list):
        yield _UnpackedObject((), data)
        return
    for index, manifest in enumerate(listed_objects):
        if is_object(manifest) and not manifest["kind"].endswith("List"):
            yield _UnpackedObject(("items", index), manifest)


def _find_config_paths(manifest: Mapping[str, Any]) -> Iterator[_ConfigPath]:
    """Yield where an object holds collector configs."""
    if manifest["kind"] == "ConfigMap":
        for key, value in mapping_at(manifest, "data").items():
            if isinstance(value, str) and looks_like_config(value):
                yield _ConfigPath(("data", key), is_text=True)
    elif manifest["kind"] == CUSTOM_RESOURCE and str(manifest["apiVersion"]).startswith(OPERATOR_GROUP):
        config = value_at(manifest, ("spec", "config"))
        if config:
            yield _ConfigPath(("spec", "config"), is_text=isinstance(config, str))


def _describe_object(manifest: Mapping[str, Any], path: Path) -> str:
    """Return an object as messages name it, with the key of a ConfigMap at which the path ends."""
    name = value_at(manifest, ("metadata", "name"), "?")
    data_key = f" {path[-1]}" if manifest["kind"] == "ConfigMap" else ""
    return f"{manifest['kind']} {name}{data_key}"
