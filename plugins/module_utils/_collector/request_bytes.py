# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Size the queues and batches of exporters in bytes, in the config of a collector with recipes. Private.

The render of a collector calls `size_by_bytes` and `retry_without_end` after all layers of its config are merged.
Example: with 96 MiB for all queues, the only exporter `otlp_http: {sending_queue: {}}` becomes

    otlp_http:
      sending_queue:
        sizer: bytes
        queue_size: 100663296
        batch: {sizer: bytes, min_size: 1048576, max_size: 3670016, flush_timeout: 1s}

A receiver limits a request by its bytes, and a pod its memory. Numbers of records fit neither: 8192 records are 1 MB or
800 MB. So each queue gets its share of the memory, and each batch ends below the smallest usual limit of a receiver.
Source: exporter/exporterhelper/internal/queuebatch/{config,partition_batcher,logs_batch}.go of the Collector.

What a recipe or a user writes stays, as far as it says how much:

| `sending_queue` as it is written | queue of the result | batch of the result |
|---|---|---|
| `{}` or nothing | counts bytes, its share of the memory | at most REQUEST_BYTES |
| `{queue_size: 10}` | counts bytes, room for 10 requests of REQUEST_BYTES, at most its share | at most REQUEST_BYTES |
| `{queue_size: 10, storage: file_storage}` | the same without a limit: it is on a disk | at most REQUEST_BYTES |
| `{sizer: items, queue_size: 5000}` | as written | at most REQUEST_BYTES |
| `{batch: {…}}` | by the rows above | as written |
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .._otelcol.config.paths import mapping_at, value_at
from .._otelcol.config.pipelines import PipelineGraph
from .._otelcol.migrate.batch_processor import DEFAULT_SIZE, move_batches_to_exporters
from .._otelcol.migrate.data_edits import ConfigChange, Edit, apply_edits
from .._otelcol.needs.memory_sizes import BATCH_BYTES, LEAST_REQUEST_MIB, REQUEST_BYTES
from .._otelcol.needs.quantities import MIB
from .._otelcol.rules.build_facts import TargetBuild
from .._otelcol.rules.exporter_batches import BATCH, QUEUE, queue_can_batch
from .._otelcol.traits import kind_of, sends_nothing, speaks_otlp

_RETRY = "retry_on_failure"
_PROCESSOR_PATH = ("processors", BATCH)
# How many requests a queue holds without settings. Source: NewDefaultQueueConfig of exporterhelper.
_DEFAULT_QUEUE_SIZE = 1000
# The least bytes of what a queue counts, by its sizer: a record has a time and some text, a request at least a resource
# and ten records.
_LEAST_BYTES_BY_SIZER = {"bytes": 1, "items": 50, "requests": 500}
# A queue that holds less than a batch would be full before the batch is sent, so it has room for so many.
_BATCHES_IN_A_QUEUE = 4
# A receiver of files hands on 100 records of up to 1 MiB at once, and tries for ever what a queue has no room for.
# Source: defaultMaxBatchSize in operator/helper/emitter.go and DefaultMaxLogSize in fileconsumer, of contrib's stanza.
_FILE_RECEIVER = "filelog"
_FILE_REQUEST_BYTES = 100 * MIB
# A batch with this smallest size waits for nothing, and is only split where it is too large.
_NO_LEAST_BYTES = 0
# How long a batch waits for more records at most.
_DEFAULT_TIMEOUT = "1s"


@dataclass(frozen=True)
class _QueuedExporter:
    """An exporter that sends requests out of a queue. It has a queue for each of its signals."""

    name: str
    signal_count: int
    written_queue: Mapping[str, Any]
    """The settings `sending_queue` as a recipe or a user wrote them, before batches were moved to the exporter."""
    queue: Mapping[str, Any]
    """The settings `sending_queue` after that."""

    @property
    def counts_requests(self) -> bool:
        """Whether nobody says what the queue counts, so that its size is a number of requests."""
        if "sizer" in self.written_queue:
            return False
        return isinstance(self.written_queue.get("queue_size", _DEFAULT_QUEUE_SIZE), int)

    @property
    def is_queued_in_memory(self) -> bool:
        """Whether the queue holds its requests in memory, and not in the files of an extension."""
        return not self.written_queue.get("storage")


def size_by_bytes(
    config: dict[str, Any], target: TargetBuild, queues: int, batches_in_exporters: bool = True, *, chosen: bool = False
) -> dict[str, Any]:
    """Return a config whose queues and batches are counted in bytes.

    `queues` are the bytes that all queues in the memory of a pod hold together. What a recipe or a user says of a queue
    or of batches stays. A queue refuses what is larger than itself, so it holds the largest request of a receiver.
    With `batches_in_exporters`, exporters make the batches that processor batch of recipe baseline would make. If a
    user wrote settings of that processor (`chosen`), it stays unless an exporter takes them.
    """
    moved_config = _move_batches(config, target, chosen) if batches_in_exporters else config
    queued_exporters = list(_find_queued_exporters(config, moved_config, target))
    if not queued_exporters:
        return moved_config
    share_bytes = max(_divide_queue_bytes(queues, queued_exporters), _find_largest_request(config))
    # Batches wait as long as those of processor batch, which `moved_config` may no longer have.
    timeout = value_at(config, (*_PROCESSOR_PATH, "timeout")) or _DEFAULT_TIMEOUT
    exporters = dict(mapping_at(moved_config, "exporters"))
    for exporter in queued_exporters:
        sized_queue = _size_queue(exporter, share_bytes)
        settings = exporters[exporter.name] or {}
        exporters[exporter.name] = {**settings, QUEUE: _limit_requests(sized_queue, exporter, timeout)}
    return {**moved_config, "exporters": exporters}


def _divide_queue_bytes(all_bytes: int, exporters: Iterable[_QueuedExporter]) -> int:
    """Return the share of each queue that this collection sizes in the memory of a pod, in whole MiB."""
    queue_count = 0
    for exporter in exporters:
        if exporter.counts_requests and exporter.is_queued_in_memory:
            queue_count += exporter.signal_count
    share = all_bytes // max(queue_count, 1)
    return share // MIB * MIB


def retry_without_end(config: dict[str, Any]) -> dict[str, Any]:
    """Return a config whose exporters repeat a request that may succeed later for as long as their queue has room.

    By default, the Collector drops a request after five minutes, even if the queue is nearly empty. A time that a
    recipe or a user gives stays. Source: NewDefaultBackOffConfig in config/configretry/backoff.go.
    """
    exporters = dict(mapping_at(config, "exporters"))
    for name, settings in exporters.items():
        retry = value_at(settings, (_RETRY,))
        is_retried = value_at(retry, ("enabled",)) is True
        if _is_enabled(value_at(settings, (QUEUE,))) and is_retried and "max_elapsed_time" not in retry:
            exporters[name] = {**settings, _RETRY: {**retry, "max_elapsed_time": "0s"}}
    return {**config, "exporters": exporters} if exporters else config


def _is_enabled(queue: Any) -> bool:
    """Return whether the settings of a queue are a mapping that does not turn it off.

    An expression such as `${env:QUEUED}` is not known here, so it counts as turned off, and the queue stays as it is.
    """
    return isinstance(queue, Mapping) and queue.get("enabled") in (None, True)


def _find_largest_request(config: Any) -> int:
    """Return the bytes of the largest request that an OTLP receiver takes, or that a receiver of files makes."""
    sizes = [LEAST_REQUEST_MIB * MIB]
    for name, settings in mapping_at(config, "receivers").items():
        if isinstance(name, str) and kind_of(name) == _FILE_RECEIVER:  # a rule reports a name that is no text
            sizes.append(_FILE_REQUEST_BYTES)
        mib_over_grpc = value_at(settings, ("protocols", "grpc", "max_recv_msg_size_mib"))
        if isinstance(mib_over_grpc, int):
            sizes.append(mib_over_grpc * MIB)
        bytes_over_http = value_at(settings, ("protocols", "http", "max_request_body_size"))
        if isinstance(bytes_over_http, int):
            sizes.append(bytes_over_http)
    return max(sizes)


def _move_batches(config: dict[str, Any], target: TargetBuild, chosen: bool) -> dict[str, Any]:
    """Return a config in which the exporters that can make batches make those of processor batch."""
    edits: list[Edit] = []
    keeps_batch_size = not _has_default_sizes(value_at(config, _PROCESSOR_PATH))
    for change in move_batches_to_exporters(config, target, keeps_batch_size=keeps_batch_size):
        # The function also yields why it cannot move a batch, and changes of other processors batch, which a user has
        # written beside that of recipe baseline.
        if not isinstance(change, ConfigChange) or change.path != _PROCESSOR_PATH:
            continue
        # A change that reaches no exporter only removes the processor, and with it the settings that a user chose.
        if not chosen or _reaches_exporters(change):
            edits += change.edits
    return dict(apply_edits(config, edits)) if edits else config


def _reaches_exporters(change: ConfigChange) -> bool:
    """Return whether a change moves the settings of the processor to an exporter."""
    return any(edit.path[0] == "exporters" for edit in change.edits)


def _has_default_sizes(processor: Any) -> bool:
    """Return whether the processor has the sizes of recipe baseline, which nobody has chosen."""
    if value_at(processor, ("send_batch_max_size",)):
        return False
    return bool(value_at(processor, ("send_batch_size",)) == DEFAULT_SIZE)


def _find_queued_exporters(written_config: Any, moved_config: Any, target: TargetBuild) -> Iterator[_QueuedExporter]:
    """Yield the exporters of pipelines that send requests out of a queue which makes batches.

    `moved_config` is the config after batches were moved to the exporters.
    """
    signals_by_exporter = PipelineGraph.of(moved_config).find_signals_by_id("exporters")
    for name, settings in mapping_at(moved_config, "exporters").items():
        queue = value_at(settings, (QUEUE,))
        if name not in signals_by_exporter or sends_nothing(name) or not queue_can_batch(target, name):
            continue
        if settings is not None and not isinstance(settings, Mapping):  # a rule reports it
            continue
        # Exporters of OTLP have a queue by default. Of others, that is not known, so only what is written counts.
        if queue is None and speaks_otlp(name):
            queue = {}
        if _is_enabled(queue):
            yield _QueuedExporter(
                name=name,
                signal_count=len(signals_by_exporter[name]),
                written_queue=mapping_at(written_config, "exporters", name, QUEUE),
                queue=queue,
            )


def _size_queue(exporter: _QueuedExporter, share_bytes: int) -> dict[str, Any]:
    """Return a queue that counts bytes, unless a recipe or a user says what it counts."""
    queue = dict(exporter.queue)
    if not exporter.counts_requests:
        return queue
    wanted_bytes = exporter.written_queue.get("queue_size", _DEFAULT_QUEUE_SIZE) * REQUEST_BYTES
    queue_bytes = min(wanted_bytes, share_bytes) if exporter.is_queued_in_memory else wanted_bytes
    # `batch` goes behind the new keys.
    sized_queue = {key: value for key, value in queue.items() if key not in ("sizer", "queue_size", BATCH)}
    sized_queue |= {"sizer": "bytes", "queue_size": queue_bytes}
    if BATCH in queue:
        sized_queue[BATCH] = queue[BATCH]
    return sized_queue


def _limit_requests(queue: dict[str, Any], exporter: _QueuedExporter, timeout: Any) -> dict[str, Any]:
    """Return a queue whose requests have a largest size, unless a recipe or a user writes its batches."""
    batch = queue.get(BATCH)
    if batch is None:
        return {**queue, BATCH: _build_batch(_NO_LEAST_BYTES, timeout)}
    if not isinstance(batch, Mapping):  # an expression, or what a rule reports
        return queue
    has_moved_batch = BATCH not in exporter.written_queue
    has_default_sizes = batch.get("min_size") == DEFAULT_SIZE and "max_size" not in batch
    if has_moved_batch and has_default_sizes:
        return {**queue, BATCH: {**batch, **_build_batch(_choose_least_bytes(queue), timeout)}}
    return queue


def _build_batch(least_bytes: int, timeout: Any) -> dict[str, Any]:
    """Return settings of batches that are counted in bytes."""
    return {"sizer": "bytes", "min_size": least_bytes, "max_size": REQUEST_BYTES, "flush_timeout": timeout}


def _choose_least_bytes(queue: Mapping[str, Any]) -> int:
    """Return the bytes at which a batch is sent: less than usual, where the queue has no room for four of them."""
    queue_size = queue.get("queue_size", _DEFAULT_QUEUE_SIZE)
    if not isinstance(queue_size, int):
        return BATCH_BYTES
    queue_bytes = queue_size * _LEAST_BYTES_BY_SIZER.get(str(queue.get("sizer")), 1)
    return min(BATCH_BYTES, queue_bytes // _BATCHES_IN_A_QUEUE)
