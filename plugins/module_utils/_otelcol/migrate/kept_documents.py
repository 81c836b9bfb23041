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

_DYNAMIC_KEYS = tuple(f"{key.removesuffix('_index')}_dynamic_index" for key in INDEX_KEYS)
# How documents were mapped by default before OTEL_BY_DEFAULT.
_OLD_DEFAULT_MODE = "none"


def elasticsearch_documents(config: Any, target: Target) -> Iterator[Change | Unsolved]:
    """Yield exporters that would map documents otherwise than before, and attributes that nothing reads any more."""
    if not from_version(target, OTEL_BY_DEFAULT):
        return
    exporters = [name for name in section(config, "exporters") if type_of(name) == "elasticsearch"]
    if not exporters:
        return
    for name in exporters:
        settings = section(config, "exporters", name)
        edits = [*_without_dynamic(name, settings), *_kept_mapping(name, settings, target)]
        if edits:
            yield Change(("exporters", name), "mapping and index as before", _reasons(settings), tuple(edits))
    yield from _unread_attributes(config)


def _unread_attributes(config: Any) -> Iterator[Unsolved]:
    """Yield the texts that name an attribute which the exporter no longer reads."""
    for path, value in leaves(config):
        unread = UNREAD.search(value) if isinstance(value, str) else None
        if unread:
            why = f"Nothing reads it since {OTEL_BY_DEFAULT}: set `elasticsearch.index` to the whole name of the index."
            yield Unsolved(path, f"{unread[0]} names no index", why)


def _without_dynamic(name: str, settings: Mapping[str, Any]) -> Iterator[Edit]:
    """Yield the edits that remove the keys of dynamic indexes, which do nothing any more."""
    for key in _DYNAMIC_KEYS:
        if key in settings:
            yield Replace(("exporters", name, key))


def _kept_mapping(name: str, settings: Mapping[str, Any], target: Target) -> Iterator[Edit]:
    """Yield the edit that keeps the mapping: that of `mode` where it is ignored, else the old default.

    OTEL_BY_DEFAULT is the version from which on documents are mapped as otel by default, before that as none.
    MODE_IGNORED is the later version from which on `mode` does nothing, and the first of `allowed_modes` counts. A
    config of before, on its way to a version from MODE_IGNORED on::

        elasticsearch/with_mode: {mapping: {mode: ecs}}
        elasticsearch/without_mode: {logs_index: app-logs}

    keeps its mappings as::

        elasticsearch/with_mode: {mapping: {allowed_modes: [ecs]}}
        elasticsearch/without_mode: {logs_index: app-logs, mapping: {allowed_modes: [none]}}

    Below MODE_IGNORED the first exporter stays as it is, and the second one gets `mapping: {mode: none}`.
    """
    mapping = settings.get("mapping")
    if isinstance(mapping, str) or at(mapping, ("allowed_modes",)):
        return
    path: Path = ("exporters", name, "mapping")
    ignores_mode = from_version(target, MODE_IGNORED)
    mode = at(mapping, ("mode",))
    if mode and ignores_mode:
        yield Replace((*path, "mode"), (("allowed_modes", [mode]),))
    if not mode and _uses_old_default(settings):
        yield _with_old_default_mode(path, settings, ignores_mode=ignores_mode)


def _with_old_default_mode(path: Path, settings: Mapping[str, Any], *, ignores_mode: bool) -> Edit:
    """Return the edit that writes the old default into a mapping, which it makes if there is none."""
    key: str = "allowed_modes" if ignores_mode else "mode"
    value: Any = [_OLD_DEFAULT_MODE] if ignores_mode else _OLD_DEFAULT_MODE
    mapping = settings.get("mapping")
    if isinstance(mapping, dict) and mapping:
        return Add((*path, key), value)
    if "mapping" in settings:
        return Replace(path, (("mapping", {key: value}),))
    return Add(path, {key: value})


def _uses_old_default(settings: Mapping[str, Any]) -> bool:
    """Whether settings rely on the old default: they route by keys of then, or name an index that is no data stream."""
    if any(key in settings for key in _DYNAMIC_KEYS):
        return True
    indexes = [settings[key] for key in INDEX_KEYS if settings.get(key)]
    return not all(is_data_stream(index) for index in indexes)


def _reasons(settings: Mapping[str, Any]) -> str:
    """Return why the mapping and the keys of an exporter change, in sentences."""
    if at(settings, ("mapping", "mode")):
        reasons = [f"`mode` does nothing since {MODE_IGNORED}."]
    else:
        since = f"Documents are mapped as otel by default since {OTEL_BY_DEFAULT}"
        reasons = [f"{since}, for data streams; before as none."]
    for key in _DYNAMIC_KEYS:
        if key in settings:
            reasons.append(_reason_of_dynamic(key, settings))
    return " ".join(reasons)


def _reason_of_dynamic(key: str, settings: Mapping[str, Any]) -> str:
    """Return why a key of a dynamic index goes, and where the documents go without it."""
    index = key.replace("_dynamic", "")
    where = f"all documents go to `{index}`" if settings.get(index) else "attributes choose the index always"
    return f"`{key}` does nothing since {OTEL_BY_DEFAULT}; {where}."
