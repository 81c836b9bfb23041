# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configs with more processors, each at its place among those of a pipeline. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

# Returns where a processor belongs in a pipeline by its id, low numbers first.
ProcessorRank = Callable[[str], int]


def add_processors(
    config: Mapping[str, Any],
    added_settings: Mapping[str, Any],
    pipeline_processors: Mapping[str, Iterable[str]],
    rank_processor: ProcessorRank,
) -> dict[str, Any]:
    """Return a config with processors, whose settings `added_settings` has, in its pipelines.

    `pipeline_processors` has the processors for each pipeline. A processor that the config has already gets the entries
    of the lists that it does not have.
    """
    service = dict(config.get("service") or {})
    changed_pipelines = {name: dict(pipeline or {}) for name, pipeline in (service.get("pipelines") or {}).items()}
    for name, processors in pipeline_processors.items():
        changed_pipelines[name]["processors"] = _insert_processors(
            changed_pipelines[name].get("processors") or (), processors, rank_processor
        )
    merged_settings = _merge_settings(config.get("processors") or {}, added_settings)
    return {**config, "processors": merged_settings, "service": {**service, "pipelines": changed_pipelines}}


def _insert_processors(
    listed_processors: Iterable[str], added_processors: Iterable[str], rank_processor: ProcessorRank
) -> list[str]:
    """Return the processors of a pipeline with others, each at its place."""
    processors = list(listed_processors)
    for processor in added_processors:
        if processor not in processors:
            processors.insert(_find_place(processor, processors, rank_processor), processor)
    return processors


def _find_place(processor: str, listed_processors: Sequence[str], rank_processor: ProcessorRank) -> int:
    """Return the place of a processor among others: before the first that belongs after it."""
    for index, listed_processor in enumerate(listed_processors):
        if rank_processor(listed_processor) > rank_processor(processor):
            return index
    return len(listed_processors)


def _merge_settings(base_settings: Any, added_settings: Any) -> Any:
    """Return settings with others over them: mappings are merged, lists get the entries that they do not have."""
    if isinstance(base_settings, Mapping) and isinstance(added_settings, Mapping):
        merged_settings = dict(base_settings)
        for key, value in added_settings.items():
            merged_settings[key] = _merge_settings(base_settings.get(key), value)
        return merged_settings
    if isinstance(base_settings, list) and isinstance(added_settings, list):
        return [*base_settings, *(entry for entry in added_settings if entry not in base_settings)]
    return added_settings
