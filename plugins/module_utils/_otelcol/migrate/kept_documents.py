# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exporter elasticsearch keeps the documents and indexes that a config had before defaults changed. Private.

The sources are those of the rules in _otelcol/rules/elasticsearch_documents.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..config.paths import Path, at, leaves, section
from ..rules.batching import from_version
from ..rules.build_facts import Target
from ..rules.elasticsearch_documents import INDEX_KEYS, MODE_IGNORED, OTEL_BY_DEFAULT, UNREAD, is_data_stream
from .data_edits import Add, Change, Edit, Replace, Unsolved, type_of

_DYNAMIC = tuple(f"{key.removesuffix('_index')}_dynamic_index" for key in INDEX_KEYS)
_BEFORE = "none"


def elasticsearch_documents(config: Any, target: Target) -> Iterator[Change | Unsolved]:
    """Yield exporters that would map documents otherwise than before, and attributes that nothing reads any more."""
    exporters = section(config, "exporters").items() if from_version(target, OTEL_BY_DEFAULT) else ()
    found = [name for name, _settings in exporters if type_of(name) == "elasticsearch"]
    for name in found:
        settings = section(config, "exporters", name)
        edits = [*_without_dynamic(name, settings), *_mapping(name, settings, target)]
        if edits:
            yield Change(("exporters", name), "mapping and index as before", _why(settings), tuple(edits))
    for path, value in leaves(config) if found else ():
        unread = UNREAD.search(value) if isinstance(value, str) else None
        if unread:
            why = f"Nothing reads it since {OTEL_BY_DEFAULT}: set `elasticsearch.index` to the whole name of the index."
            yield Unsolved(path, f"{unread[0]} names no index", why)


def _without_dynamic(name: str, settings: Mapping[str, Any]) -> Iterator[Edit]:
    yield from (Replace(("exporters", name, key)) for key in _DYNAMIC if key in settings)


def _mapping(name: str, settings: Mapping[str, Any], target: Target) -> Iterator[Edit]:
    """Yield the edit that keeps the mapping: that of `mode` where it is ignored, else the default of then."""
    mapping = settings.get("mapping")
    if isinstance(mapping, str) or at(mapping, ("allowed_modes",)):
        return
    path: Path = ("exporters", name, "mapping")
    ignores_mode = from_version(target, MODE_IGNORED)
    mode = at(mapping, ("mode",))
    if mode:
        if ignores_mode:
            yield Replace((*path, "mode"), (("allowed_modes", [mode]),))
    elif _is_of_then(settings):
        key, value = ("allowed_modes", [_BEFORE]) if ignores_mode else ("mode", _BEFORE)
        new: Any = {key: value}
        if isinstance(mapping, dict) and mapping:
            yield Add((*path, key), value)
        else:
            yield Replace(path, (("mapping", new),)) if "mapping" in settings else Add(path, new)


def _is_of_then(settings: Mapping[str, Any]) -> bool:
    """Whether settings are from before the default changed: they route as then, or name an index of then."""
    indexes = [settings[key] for key in INDEX_KEYS if settings.get(key)]
    return any(key in settings for key in _DYNAMIC) or any(not is_data_stream(index) for index in indexes)


def _why(settings: Mapping[str, Any]) -> str:
    reasons = [f"Documents are mapped as otel by default since {OTEL_BY_DEFAULT}, for data streams; before as none."]
    if at(settings, ("mapping", "mode")):
        reasons = [f"`mode` does nothing since {MODE_IGNORED}."]
    for key in _DYNAMIC:
        if key in settings:
            index = key.replace("_dynamic", "")
            kept = f"; all documents go to `{index}`" if settings.get(index) else "; attributes choose the index always"
            reasons.append(f"`{key}` does nothing since {OTEL_BY_DEFAULT}{kept}.")
    return " ".join(reasons)
