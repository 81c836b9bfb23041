# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of a collector that drop a part of its telemetry: a recipe, or a processor of its own config. Private.

The files that look at a capture build an option for each proposal (proposals.py). Two things are made of it: what a
user pastes into the inventory, and a config with which a Collector measures what the option drops.

Example: `build_noise_recipe(minimum_severity="info")` drops debug logs, and a user pastes

    recipes: [{drop_noise: {probe_paths: [], minimum_severity: info}}]
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._otelcol.config.layers import APPEND_SIGN
from .._otelcol.config.pipelines import signal_of


@dataclass(frozen=True)
class RemovalOption:
    """What drops something: a `RecipeOption` or a `ProcessorOption`."""

    is_by_time: bool = field(default=False, kw_only=True)
    """Whether it depends on the time what the option lets through, such as one record in each minute.

    A replay is faster than the capture was, so it cannot measure what such an option drops.
    """

    def build_pasted_options(self, pipelines: Sequence[str]) -> dict[str, Any]:
        """Return what a user pastes into a collector of the inventory. `pipelines` are those of its config."""
        raise NotImplementedError


@dataclass(frozen=True)
class RecipeOption(RemovalOption):
    """A recipe with its options."""

    recipe: str
    options: Mapping[str, Any]

    def build_pasted_options(self, pipelines: Sequence[str]) -> dict[str, Any]:  # noqa: ARG002 - a recipe knows its own
        return {"recipes": [{self.recipe: dict(self.options)}]}


@dataclass(frozen=True)
class ProcessorOption(RemovalOption):
    """A processor with its settings, in the pipelines of some signals."""

    processor: str
    """Its id, such as `filter/templates`."""
    settings: Mapping[str, Any]
    signals: tuple[str, ...]

    def build_pasted_options(self, pipelines: Sequence[str]) -> dict[str, Any]:
        pipelines_of_signals = [name for name in pipelines if signal_of(name) in self.signals]
        # If the config has no such pipeline, the user sees the processor in the pipelines that have the names of the
        # signals, such as `logs`, instead of in none.
        changed_names = pipelines_of_signals or self.signals
        # Key `processors+` appends to the list of the pipeline, and does not replace it (_otelcol/config/layers.py).
        changed_pipelines = {name: {f"processors{APPEND_SIGN}": [self.processor]} for name in changed_names}
        processors = {self.processor: dict(self.settings)}
        return {"config": {"processors": processors, "service": {"pipelines": changed_pipelines}}}


def build_noise_recipe(**options: Any) -> RecipeOption:
    """Return recipe `drop_noise` with these options, and without its defaults.

    By its defaults, the recipe also drops health checks and debug logs. A proposal is about one of these things alone.
    """
    empty_defaults = {"probe_paths": [], "minimum_severity": "trace"}
    return RecipeOption(recipe="drop_noise", options={**empty_defaults, **options})


def build_filter_option(name: str, signal: str, record: str, condition: str) -> ProcessorOption:
    """Return a processor `filter` that drops the records of a signal that a condition of OTTL is true for.

    `record` is what the processor calls a record, such as `log_record`.
    """
    settings = {"error_mode": "ignore", signal: {record: [condition]}}
    return ProcessorOption(processor=f"filter/{name}", settings=settings, signals=(signal,))


_MARKS_OF_COLLECTOR = ("${", "$$")
_MARKS_OF_ANSIBLE = ("{{", "{%", "{#")


def is_free_of_expansion(option: RemovalOption) -> bool:
    """Return whether neither the Collector nor Ansible would expand anything in an option, such as `${env:TOKEN}`.

    An option may have names out of telemetry, which anybody may have sent. Who sends a metric with such a name must not
    have a secret of the Collector written into its config.
    """
    pasted_json = json.dumps(option.build_pasted_options(()), ensure_ascii=False)
    return not any(mark in pasted_json for mark in (*_MARKS_OF_COLLECTOR, *_MARKS_OF_ANSIBLE))
