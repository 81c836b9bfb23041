# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exporter elasticsearch keeps the documents and indexes that a config had before defaults changed. Private.

The exporter maps records to documents of Elasticsearch. A newer version maps them otherwise if the config does not say
how, and then dashboards and queries find nothing. This step of a migration (steps.py) writes the old default down:

    elasticsearch: {logs_index: app-logs}    →    elasticsearch: {logs_index: app-logs, mapping: {mode: none}}

`_keep_mapping` has more examples. The sources are those of the rules in _otelcol/rules/elasticsearch_documents.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..config.paths import Path, iter_leaves, mapping_at, value_at
from ..rules.build_facts import TargetBuild, is_from_version
from ..rules.elasticsearch_documents import INDEX_KEYS, MODE_IGNORED, OTEL_BY_DEFAULT, UNREAD_ATTRIBUTE, is_data_stream
from .component_mentions import type_of
from .data_edits import Add, ConfigChange, Edit, Replace, Unsolved

# The keys that chose an index by attributes, such as `logs_dynamic_index`.
_DYNAMIC_KEYS = tuple(f"{key.removesuffix('_index')}_dynamic_index" for key in INDEX_KEYS)
# How documents were mapped by default before OTEL_BY_DEFAULT.
_OLD_DEFAULT_MODE = "none"


def keep_elasticsearch_documents(config: Any, target: TargetBuild) -> Iterator[ConfigChange | Unsolved]:
    """Yield exporters that would map documents otherwise than before, and attributes that nothing reads any more."""
    if not is_from_version(target, OTEL_BY_DEFAULT):
        return
    exporters = [
        exporter_id for exporter_id in mapping_at(config, "exporters") if type_of(exporter_id) == "elasticsearch"
    ]
    if not exporters:
        return
    for exporter_id in exporters:
        settings = mapping_at(config, "exporters", exporter_id)
        edits = [*_drop_dynamic_keys(exporter_id, settings), *_keep_mapping(exporter_id, settings, target)]
        if edits:
            yield ConfigChange(
                ("exporters", exporter_id), "mapping and index as before", _explain_change(settings), tuple(edits)
            )
    yield from _find_unread_attributes(config)


def _find_unread_attributes(config: Any) -> Iterator[Unsolved]:
    """Yield the texts that name an attribute which the exporter no longer reads."""
    for path, value in iter_leaves(config):
        unread_match = UNREAD_ATTRIBUTE.search(value) if isinstance(value, str) else None
        if unread_match:
            why = f"Nothing reads it since {OTEL_BY_DEFAULT}: set `elasticsearch.index` to the whole name of the index."
            yield Unsolved(path, f"{unread_match[0]} names no index", why)


def _drop_dynamic_keys(exporter_id: str, settings: Mapping[str, Any]) -> Iterator[Edit]:
    """Yield the edits that remove the keys of dynamic indexes, which do nothing any more."""
    for key in _DYNAMIC_KEYS:
        if key in settings:
            yield Replace(("exporters", exporter_id, key))


def _keep_mapping(exporter_id: str, settings: Mapping[str, Any], target: TargetBuild) -> Iterator[Edit]:
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
    if isinstance(mapping, str) or value_at(mapping, ("allowed_modes",)):
        return
    path: Path = ("exporters", exporter_id, "mapping")
    ignores_mode = is_from_version(target, MODE_IGNORED)
    mode = value_at(mapping, ("mode",))
    if mode and ignores_mode:
        yield Replace((*path, "mode"), (("allowed_modes", [mode]),))
    if not mode and _uses_old_default(settings):
        yield _write_old_default_mode(path, settings, ignores_mode=ignores_mode)


def _write_old_default_mode(path: Path, settings: Mapping[str, Any], *, ignores_mode: bool) -> Edit:
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


def _explain_change(settings: Mapping[str, Any]) -> str:
    """Return why the mapping and the keys of an exporter change, in sentences."""
    if value_at(settings, ("mapping", "mode")):
        reasons = [f"`mode` does nothing since {MODE_IGNORED}."]
    else:
        since = f"Documents are mapped as otel by default since {OTEL_BY_DEFAULT}"
        reasons = [f"{since}, for data streams; before as none."]
    for key in _DYNAMIC_KEYS:
        if key in settings:
            reasons.append(_explain_dynamic_key(key, settings))
    return " ".join(reasons)


def _explain_dynamic_key(key: str, settings: Mapping[str, Any]) -> str:
    """Return why a key of a dynamic index goes, and where the documents go without it."""
    index_key = key.replace("_dynamic", "")
    destination = (
        f"all documents go to `{index_key}`" if settings.get(index_key) else "attributes choose the index always"
    )
    return f"`{key}` does nothing since {OTEL_BY_DEFAULT}; {destination}."
