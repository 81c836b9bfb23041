# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adds processors to a config, each at the right position among the processors of a pipeline. Private.

`_savings_options.py` of plugin_utils adds the processor that a report proposes, to see what it drops. Example: pipeline
`logs` has the processors `memory_limiter, batch`. With `filter/debug`, which ranks between both, it has

    memory_limiter, filter/debug, batch
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

# A function that returns the rank of a processor by its id: processors of low ranks come first in a pipeline.
ProcessorRank = Callable[[str], int]


def add_processors(
    config: Mapping[str, Any],
    settings_by_processor: Mapping[str, Any],
    processors_by_pipeline: Mapping[str, Iterable[str]],
    rank_processor: ProcessorRank,
) -> dict[str, Any]:
    """Return a config with more processors. The given one stays as it is.

    `settings_by_processor` has the settings of the processors by their ids: `{"filter/debug": {"logs": …}}`.
    `processors_by_pipeline` has the ids for each pipeline, which must be one of the config: `{"logs":
    ["filter/debug"]}`. If the config has a processor of this id, the settings are merged: its lists get the entries
    that they do not have.
    """
    service = dict(config.get("service") or {})
    changed_pipelines = {}
    for name, pipeline in (service.get("pipelines") or {}).items():
        changed_pipelines[name] = dict(pipeline or {})
    for name, processors in processors_by_pipeline.items():
        changed_pipelines[name]["processors"] = _insert_processors(
            changed_pipelines[name].get("processors") or (), processors, rank_processor
        )
    merged_settings = _merge_settings(config.get("processors") or {}, settings_by_processor)
    return {**config, "processors": merged_settings, "service": {**service, "pipelines": changed_pipelines}}


def _insert_processors(
    listed_processors: Iterable[str], added_processors: Iterable[str], rank_processor: ProcessorRank
) -> list[str]:
    """Return the processors of a pipeline with the added ones, each once and at its position."""
    processors = list(listed_processors)
    for processor in added_processors:
        if processor not in processors:
            processors.insert(_find_position(processor, processors, rank_processor), processor)
    return processors


def _find_position(processor: str, listed_processors: Sequence[str], rank_processor: ProcessorRank) -> int:
    """Return the index at which to insert a processor: that of the first one with a higher rank, or the end."""
    for index, listed_processor in enumerate(listed_processors):
        if rank_processor(listed_processor) > rank_processor(processor):
            return index
    return len(listed_processors)


def _merge_settings(earlier: Any, added: Any) -> Any:
    """Return a value of a config with another over it: mappings are merged, lists get the entries that they lack.

    An example: `{a: [1], b: 2}` and `{a: [1, 3], b: 4}` give `{a: [1, 3], b: 4}`.
    """
    if isinstance(earlier, Mapping) and isinstance(added, Mapping):
        merged = dict(earlier)
        for key, value in added.items():
            merged[key] = _merge_settings(earlier.get(key), value)
        return merged
    if isinstance(earlier, list) and isinstance(added, list):
        return [*earlier, *(entry for entry in added if entry not in earlier)]
    return added
