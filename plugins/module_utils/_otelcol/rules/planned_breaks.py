# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What planned versions of the Collector break: which version breaks a config, and how. Private.

A migration and the fleet report list the configs that such a version would break. For example, a config with the
processor `batch` does not start any more in the version that is to remove the processor (batch_announcements.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ..catalogue.catalogue import Catalogue
from ..config.paths import mapping_at, value_at
from ..config.pipelines import PipelineGraph
from ..traits import kind_of, sends_nothing
from .batch_announcements import DEFAULT_SINCE, GONE_SINCE
from .build_facts import TargetBuild
from .exporter_batches import BATCH, QUEUE, queue_can_batch


class PlannedBreak(NamedTuple):
    """What a planned version of the Collector breaks: the version, what happens, and whether a config is affected."""

    version: str
    consequence: str
    is_config_affected: Callable[[Any, Catalogue], bool]


def _has_processor_before_default_batches(config: Any, catalogue: Catalogue) -> bool:
    """Whether a pipeline has the processor, and an exporter that is going to make batches by default."""
    target = TargetBuild(catalogue, "contrib", DEFAULT_SINCE)
    for ids_by_role in PipelineGraph.of(config).pipelines.values():
        has_processor = any(_is_batch_processor(component_id) for component_id in ids_by_role["processors"])
        if has_processor and any(
            _makes_default_batches(config, component_id, target) for component_id in ids_by_role["exporters"]
        ):
            return True
    return False


def _makes_default_batches(config: Any, exporter: str, target: TargetBuild) -> bool:
    """Whether an exporter makes batches in a version in which they are the default."""
    queue = value_at(config, ("exporters", exporter, QUEUE))
    is_off = value_at(queue, ("enabled",)) is False or value_at(queue, (BATCH, "enabled")) is False
    if is_off or sends_nothing(exporter):
        return False
    return queue_can_batch(target, exporter)


def _has_batch_processor(config: Any, _catalogue: Catalogue) -> bool:
    """Whether a config has the processor, in a pipeline or not."""
    return any(_is_batch_processor(processor_id) for processor_id in mapping_at(config, "processors"))


def _is_batch_processor(component_id: Any) -> bool:
    return isinstance(component_id, str) and kind_of(component_id) == BATCH


PLANNED = (
    PlannedBreak(
        version=DEFAULT_SINCE,
        consequence="makes batches twice, by processor batch and by exporters",
        is_config_affected=_has_processor_before_default_batches,
    ),
    PlannedBreak(
        version=GONE_SINCE,
        consequence="does not start, without processor batch",
        is_config_affected=_has_batch_processor,
    ),
)
