# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configs with more processors, each at its place among those of a pipeline. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

# Where a processor belongs in a pipeline by its id, low numbers first.
Rank = Callable[[str], int]


def with_processors(
    config: Mapping[str, Any], added: Mapping[str, Any], pipelines: Mapping[str, Iterable[str]], rank: Rank
) -> dict[str, Any]:
    """Return a config with processors, whose settings `added` has, in its pipelines.

    `pipelines` has the processors for each pipeline. A processor that the config has already gets the entries of the
    lists that it does not have.
    """
    service = dict(config.get("service") or {})
    changed = {name: dict(pipeline or {}) for name, pipeline in (service.get("pipelines") or {}).items()}
    for name, processors in pipelines.items():
        changed[name]["processors"] = _with_each(changed[name].get("processors") or (), processors, rank)
    merged = _merged_settings(config.get("processors") or {}, added)
    return {**config, "processors": merged, "service": {**service, "pipelines": changed}}


def _with_each(listed: Iterable[str], added: Iterable[str], rank: Rank) -> list[str]:
    """Return the processors of a pipeline with others, each at its place."""
    processors = list(listed)
    for processor in added:
        if processor not in processors:
            processors.insert(_place_of(processor, processors, rank), processor)
    return processors


def _place_of(processor: str, listed: Sequence[str], rank: Rank) -> int:
    """Return the place of a processor among others: before the first that belongs after it."""
    for number, other in enumerate(listed):
        if rank(other) > rank(processor):
            return number
    return len(listed)


def _merged_settings(base: Any, more: Any) -> Any:
    """Return settings with others over them: mappings are merged, lists get the entries that they do not have."""
    if isinstance(base, Mapping) and isinstance(more, Mapping):
        merged = dict(base)
        for key, value in more.items():
            merged[key] = _merged_settings(base.get(key), value)
        return merged
    if isinstance(base, list) and isinstance(more, list):
        return [*base, *(entry for entry in more if entry not in base)]
    return more
