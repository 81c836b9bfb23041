# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How full the queue of an exporter stays in a canary, beside those of the rest. Private.

The rest are the pods with the earlier config. Checks `queue_grows` and `exports_late` read these fields. The counts of
a row are sums over all pods, so they are divided by the number of pods. The size of a queue is in its units: requests,
items or bytes, as its setting `sizer` says. For example, a canary of one pod whose queue has grown, beside two pods
with 2 requests each:

    sizes in six readings: 0, 4, 9, 15, 22, 30
    → {"queue_low": 15, "queue_grown": 30, "rest_queue": 2, "queue_excess": 5, "queue_stays": 5}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._otelcol.config.paths import mapping_at
from ..._otelcol.needs.memory_sizes import BATCH_BYTES
from ..._telemetry.signal_flow import ExporterRow
from .fact_rows import RevisionFacts
from .readings import LASTING_READINGS
from .sides import Sides

# Over so many readings a queue must grow.
_GROWTH_READINGS = 6
# A queue is too full if it stays at more units than so many times those of the rest, which differ from pod to pod.
_FULLER_TIMES = 5
# How many requests a queue in bytes holds at least: a request counts as no larger than this part of the queue.
_FEWEST_REQUESTS = 20


def build_queue_row(sides: Sides, index: int, row: ExporterRow) -> dict[str, int]:
    """Return how full the queue of an exporter stays, by how much it grows, and how full those of the rest are.

    `index` is the place of the exporter among those of the canary. The fields:

    | field | unit | meaning |
    |---|---|---|
    | `queue_low` | requests | the fewest in the last LASTING_READINGS readings |
    | `queue_grown` | units | the size now minus that of _GROWTH_READINGS readings ago |
    | `rest_queue` | units | the size of a queue of the rest, on average of its pods |
    | `queue_excess` | requests of one pod | by how much `queue_low` exceeds _FULLER_TIMES times that of the rest |
    | `queue_stays` | units of one pod | the same in units of the queue |
    """
    # Only the last readings count, because the growth is about what the queue does now.
    queue_sizes = sides.canary.sum_fields_by_reading("exports", index, "queue_size")[-_GROWTH_READINGS:]
    has_enough_readings = len(queue_sizes) >= LASTING_READINGS
    lowest_size = min(queue_sizes[-LASTING_READINGS:]) if has_enough_readings else 0
    lowest_requests = lowest_size // count_request_units(sides.canary_config, row["id"])
    pod_count = _count_pods(sides.canary_facts)
    rest_sizes = [rest_row["queue_size"] for rest_row in sides.find_rest_rows_while_watched("exports", row)]
    rest_size = sum(rest_sizes) / _count_pods(sides.rest_facts)
    rest_requests = rest_size / count_request_units(sides.rest_config, row["id"])
    return {
        "queue_low": lowest_requests,
        "queue_grown": queue_sizes[-1] - queue_sizes[0],
        "rest_queue": round(rest_size),
        "queue_excess": round(lowest_requests / pod_count - _FULLER_TIMES * rest_requests),
        "queue_stays": round(lowest_size / pod_count - _FULLER_TIMES * rest_size),
    }


def count_request_units(config: Mapping[str, Any], exporter_id: str) -> int:
    """Return how many units of its queue an exporter sends in one request.

    A queue of requests: 1. A queue of items: the size of its smallest batch, such as 8192 with
    `batch: {min_size: 8192}`, or 1 without batches. A queue of bytes: that too, or BATCH_BYTES without batches, but no
    more than a part of its `queue_size`, since it holds _FEWEST_REQUESTS requests or more.
    """
    queue = mapping_at(config, "exporters", exporter_id, "sending_queue")
    batch_size = _find_batch_size(queue)
    if queue.get("sizer") != "bytes":
        return batch_size or 1
    queue_size = queue.get("queue_size")
    part_of_queue = max(queue_size // _FEWEST_REQUESTS, 1) if isinstance(queue_size, int) else BATCH_BYTES
    return min(batch_size or BATCH_BYTES, part_of_queue)


def _find_batch_size(queue: Mapping[str, Any]) -> int:
    """Return the least size of a batch in the units of its queue; 0 if it has none, or is measured in other units."""
    sizer, batch = queue.get("sizer"), mapping_at(queue, "batch")
    if sizer not in ("items", "bytes") or batch.get("sizer", sizer) != sizer:
        return 0
    size = batch.get("min_size")
    return max(size, 0) if isinstance(size, int) else 0


def _count_pods(facts: RevisionFacts) -> int:
    """Return the number of pods to divide by: at least one."""
    return max(len(facts["pods"]), 1)
