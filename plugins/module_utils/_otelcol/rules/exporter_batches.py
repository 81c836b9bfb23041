# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an exporter makes batches: whether a build lets it, and whether its settings say so. Private.

The batches are those in the queue of the exporter. For example, `sending_queue: {batch: {min_size: 1000}}` collects
requests until they have 1,000 items, and `sending_queue: {batch: {min_size: 0, max_size: 1000}}` only splits larger
ones. Source: exporter/exporterhelper/internal/queuebatch/config.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..config.paths import mapping_at, value_at
from .build_facts import TargetBuild, is_from_version

# The kind of the processor, which is also the key of batches in the queue of an exporter.
BATCH = "batch"
# The key of the queue in the settings of an exporter.
QUEUE = "sending_queue"
# From which version on a queue makes batches of items; older ones have `batcher`, or nothing.
EXPORTERS_BATCH_SINCE = "0.130.0"


def queue_can_batch(target: TargetBuild | None, exporter: str) -> bool:
    """Whether a build has batches in the queue of an exporter, by the settings in the catalogue."""
    if target is None or not is_from_version(target, EXPORTERS_BATCH_SINCE):
        return False
    exporter_type, catalogue = exporter.partition("/")[0], target.catalogue
    row = catalogue.find_described_settings("exporters", exporter_type, target.distribution) or catalogue.find_fields(
        "exporters", exporter_type
    )
    queue = value_at(row, ("fields", QUEUE))
    if isinstance(queue, str):  # the name of fields that exporters share
        queue = mapping_at(catalogue.shared_fields, queue)
    return BATCH in (queue or {})


def has_batch_settings(settings: Any) -> bool:
    """Whether the settings of an exporter have batches; a variable in place of the queue may have them."""
    queue = value_at(settings, (QUEUE,))
    if isinstance(queue, str):
        return True
    has_batcher = isinstance(settings, Mapping) and "batcher" in settings
    return has_batcher or value_at(queue, (BATCH,)) is not None


def waits_for_more_data(settings: Any) -> bool:
    """Whether an exporter collects data for a batch before it sends.

    An exporter with batches of no smallest size only splits requests that are too large.
    """
    batch = value_at(settings, (QUEUE, BATCH))
    return isinstance(batch, Mapping) and batch.get("min_size") != 0 and batch.get("enabled") is not False
