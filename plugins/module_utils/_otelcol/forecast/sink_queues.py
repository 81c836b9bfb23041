# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The queues in which the exporters of a replay keep requests until they send them. Private.

A queue is the setting `sending_queue` of an exporter. With `batch` in it, the exporter joins requests before it sends
them. A replay has two kinds of exporters, and they need batches for different reasons:

| exporter of the replay | queue | why |
|---|---|---|
| a sink, see testing/harness.py | batches of 256 KiB | to take less time, as each request costs some by itself |
| a size sink, see size_sinks.py | the batches of the user's exporter | to send as many bytes as that exporter does |

Requests wait if a queue is full: a replay sends them faster than they came, and none may be lost. A batch is sent when
it is full, however long that takes: otherwise the bytes would depend on how busy this machine is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..needs.quantities import MIB
from ..testing.harness import Harness
from ..testing.replaced_ends import ReplacedEnds

QUEUE_SETTING = "sending_queue"
_NO_QUEUE = {"enabled": False}
# The `flush_timeout` of a batch that has to be full before it is sent, as no replay takes an hour. The Collector sends
# the last batch when it stops.
_LONGER_THAN_A_REPLAY = "1h"

# What may wait for a sink that counts more slowly than the Collector works. A request of OTLP has 20 MiB at most.
_BYTES_IN_SINK_QUEUE = 128 * MIB
# The size of a batch as protobuf. For a request by itself, a sink needs as long as for some 10 KiB of a request.
_BYTES_IN_SINK_BATCH = MIB // 4
# The queue of a size sink never fills up, whether its sizer counts bytes, items or requests.
_SIZE_OF_ENDLESS_QUEUE = 10**9

# The name of the exporter of OTLP over HTTP since 0.144. In these versions, a queue can measure its batches in bytes.
_NAME_IF_BATCHES_HAVE_BYTES = "otlp_http"


def batch_sinks(harness: Harness, ends: ReplacedEnds) -> None:
    """Change the config of a replay, so that its sinks send many requests at once, in their order and uncut.

    Nothing changes where a component sends at an interval: the replay counts its requests to see when it is done.
    """
    if harness.flush_count or not _can_batch_by_bytes(ends):
        return
    batch = {"sizer": "bytes", "min_size": _BYTES_IN_SINK_BATCH}
    for sink in harness.exporter_by_sink:
        queue = {"sizer": "bytes", **_build_waiting_queue(_BYTES_IN_SINK_QUEUE, batch)}
        harness.config["exporters"][sink][QUEUE_SETTING] = queue


def _can_batch_by_bytes(ends: ReplacedEnds) -> bool:
    """Return whether the version of the Collector can measure batches in bytes."""
    return ends.otlp_http == _NAME_IF_BATCHES_HAVE_BYTES


def build_queue_of_size_sink(users_queue: Mapping[str, Any]) -> dict[str, Any]:
    """Return the queue of a size sink, which makes the batches that the queue of the user's exporter makes."""
    if users_queue.get("enabled") is False or "batch" not in users_queue:
        return dict(_NO_QUEUE)
    users_batch = users_queue["batch"] or {}
    sizer = {"sizer": users_queue["sizer"]} if "sizer" in users_queue else {}
    return {**sizer, **_build_waiting_queue(_SIZE_OF_ENDLESS_QUEUE, users_batch)}


def _build_waiting_queue(queue_size: int, batch: Mapping[str, Any]) -> dict[str, Any]:
    """Return a queue that loses nothing: requests wait if it is full, and go on one after the other in full batches."""
    return {
        "queue_size": queue_size,
        "num_consumers": 1,
        "block_on_overflow": True,
        "batch": {**batch, "flush_timeout": _LONGER_THAN_A_REPLAY},
    }
