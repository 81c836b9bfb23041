# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on documents of exporter elasticsearch: their mapping, and the index or data stream that they go to.

Sources: exporter/elasticsearchexporter of opentelemetry-collector-contrib (README, bulkindexer.go, exporter.go and
config.go at 0.157.0) and its pull request 38500; "Data streams" of Elasticsearch's documentation. Private.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    exporters.elasticsearch.logs_index: warning [index-without-stream] 'elasticsearch' maps documents as ecs, for
    which it demands a data stream, and 'app' has the name of an index. Add `mapping: {allowed_modes: [none]}`, name
    a data stream such as `logs-app-default`, or leave `logs_index` out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..config.paths import list_at, value_at
from .build_facts import TargetBuild, is_from_version
from .rule_definitions import Fault, about, define_rules
from .subject import Subject

# From which version on documents are mapped as otel by default, before that as none; the same version reads
# elasticsearch.index in place of a prefix and a suffix, and always routes by attributes where no index is given.
OTEL_BY_DEFAULT = "0.122.0"
# From which version on `mapping.mode` does nothing; the first of `allowed_modes` counts, if otel is not among them.
MODE_IGNORED = "0.145.0"
INDEX_KEYS = ("logs_index", "metrics_index", "traces_index")
UNREAD_ATTRIBUTE = re.compile(r"elasticsearch\.index\.(?:prefix|suffix)\b")
_OTEL = "otel"
_VARIABLE = "${"
# Mappings with which the exporter demands a data stream.
_DATA_STREAM_MAPPINGS = (_OTEL, "ecs")
# The name of a data stream: `logs-app-default`.
_DATA_STREAM = re.compile(r"(?:logs|metrics|traces|profiles)-[^-]+-.+\Z")
_README = "https://github.com/open-telemetry/opentelemetry-collector-contrib/blob/main/exporter/elasticsearchexporter/README.md"


def is_data_stream(index: Any) -> bool:
    """Whether an index has a name for which Elasticsearch makes a data stream by its own templates."""
    if not isinstance(index, str):
        return False
    # A variable may bring such a name.
    return _VARIABLE in index or bool(_DATA_STREAM.match(index))


def find_default_mapping(settings: Mapping[str, Any], target: TargetBuild | None) -> str:
    """Return how an exporter maps documents that name no mapping; empty if a variable decides."""
    mode = value_at(settings, ("mapping", "mode"))
    # Each version has its own answer, from old to new: `mode`, then none, then the modes that are allowed.
    if mode is not None and not is_from_version(target, MODE_IGNORED):
        return "" if _VARIABLE in str(mode) else str(mode)
    if not is_from_version(target, OTEL_BY_DEFAULT):
        return "none"
    allowed_modes = _list_allowed_modes(settings)
    if any(_VARIABLE in allowed_mode for allowed_mode in allowed_modes):
        return ""
    return _OTEL if not allowed_modes or _OTEL in allowed_modes else allowed_modes[0]


def _list_allowed_modes(settings: Mapping[str, Any]) -> list[str]:
    """Return the mappings that documents may ask for; the Collector reads a text as a list with this text."""
    allowed = value_at(settings, ("mapping", "allowed_modes"))
    if isinstance(allowed, str):
        return [allowed]
    return [str(mode) for mode in list_at(settings, "mapping", "allowed_modes")]


@about(exporters=["elasticsearch"])
def index_without_stream(subject: Subject) -> Iterator[Fault]:
    """Yield indexes of documents that are mapped for data streams; Elasticsearch refuses each of those documents."""
    if subject.target is None:
        return
    for part in subject.view.find_parts("exporters", "elasticsearch"):
        mapping = find_default_mapping(part.settings, subject.target)
        if mapping not in _DATA_STREAM_MAPPINGS:
            continue
        for key in INDEX_KEYS:
            index = part.settings.get(key)
            if index and not is_data_stream(index):
                message = (
                    f"'{part.id}' maps documents as {mapping}, for which it demands a data stream, and '{index}' has "
                    "the name of an index"
                )
                fix = (
                    "Add `mapping: {allowed_modes: [none]}`, name a data stream such as `logs-app-default`, or leave "
                    f"`{key}` out."
                )
                yield Fault((*part.path, key), message, fix)


@about(exporters=["elasticsearch"])
def mapping_changed(subject: Subject) -> Iterator[Fault]:
    """Yield exporters that leave the mapping to a default which changed from none to otel."""
    if not is_from_version(subject.target, OTEL_BY_DEFAULT):
        return
    for part in subject.view.find_parts("exporters", "elasticsearch"):
        mapping = part.settings.get("mapping")
        is_given = isinstance(mapping, str) or value_at(mapping, ("allowed_modes",)) or value_at(mapping, ("mode",))
        if not is_given:
            message = f"'{part.id}' maps documents as otel, the default since {OTEL_BY_DEFAULT}; before, it was none"
            fix = "Write `mapping: {allowed_modes: [otel]}` to say so, or `[none]` for documents as before."
            yield Fault(part.path, message, fix)


@about(exporters=["elasticsearch"])
def mapping_mode_ignored(subject: Subject) -> Iterator[Fault]:
    """Yield modes of mappings that this version ignores, so that it maps documents otherwise."""
    if not is_from_version(subject.target, MODE_IGNORED):
        return
    for part in subject.view.find_parts("exporters", "elasticsearch"):
        mode = value_at(part.settings, ("mapping", "mode"))
        used_mode = find_default_mapping(part.settings, subject.target)
        if mode and str(mode) != used_mode:
            mapped_as = used_mode or "others say"
            message = f"'mode' does nothing since {MODE_IGNORED}: '{part.id}' maps documents as {mapped_as}"
            fix = f"Write `mapping: {{allowed_modes: [{mode}]}}`."
            yield Fault((*part.path, "mapping", "mode"), message, fix)


@about(exporters=["elasticsearch"])
def unread_index_attribute(subject: Subject) -> Iterator[Fault]:
    """Yield attributes that named a part of an index, which nothing reads any more."""
    if not is_from_version(subject.target, OTEL_BY_DEFAULT) or not subject.view.find_parts(
        "exporters", "elasticsearch"
    ):
        return
    for path, value in subject.view.scalar_leaves:
        attribute_match = UNREAD_ATTRIBUTE.search(value) if isinstance(value, str) else None
        if attribute_match:
            message = f"exporter elasticsearch does not read '{attribute_match[0]}' since {OTEL_BY_DEFAULT}"
            yield Fault(path, message, "Set `elasticsearch.index` to the whole name of the index.")


RULES = (
    *define_rules("warning", index_without_stream, mapping_mode_ignored, unread_index_attribute, documentation=_README),
    *define_rules("info", mapping_changed, documentation=_README),
)
