# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on sizes of requests: the largest that an exporter may send against the limit of what receives it.

A request above the limit is refused for good, so the exporter drops its records. The limits are rows of
_data/catalogue/request_limits.json with their sources. A batch that counts records has no size in bytes: without a
maximum it is unbounded. Source: exporter/exporterhelper/internal/queuebatch/config.go and
processor/batchprocessor/config.go of the Collector. Private.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from ..catalogue.rows import Row
from ..config.addresses import destination
from ..config.paths import Path, at, section
from ..needs.listeners import Part
from ..traits import kind_of, otlp_protocol, speaks_otlp
from .batching import BATCH, QUEUE
from .subject import Fault, Receiving, Subject, rules
from .view import Pipeline

_DOCUMENTATION = "https://github.com/open-telemetry/opentelemetry-collector/blob/main/exporter/exporterhelper/README.md"
# Records of today are rarely smaller: a time, a body of a few words and the attributes of a resource.
_SMALL_RECORD_BYTES = 500
_ENDPOINTS = ("endpoint", "traces_endpoint", "metrics_endpoint", "logs_endpoint")
# What a batch may have below a limit, so that the frame of a request fits too.
_BELOW = 0.8


@dataclass(frozen=True)
class LargestRequest:
    """The largest request of an exporter: its bytes, None for no maximum, and what makes it as large."""

    size: int | None
    why: str
    path: Path
    severity: str = ""

    def is_above(self, limit: Limit) -> bool:
        """Whether it may be larger than a limit."""
        return self.size is None or self.size > limit.size


@dataclass(frozen=True)
class Limit:
    """What takes no larger request: its name, and the bytes; `setting` is where the user can raise it."""

    whose: str
    size: int
    setting: str = ""


def request_too_large(subject: Subject) -> Iterator[Fault]:
    """Yield exporters whose requests may be larger than the receiver takes, which then drop the records in them."""
    rows = subject.target.catalogue.request_limits if subject.target else ()
    if not rows:
        return
    for part in subject.view.parts:
        limit = _smallest_limit(part, subject, rows) if part.section == "exporters" else None
        if limit is None:
            continue
        largest = _largest_request(part, subject, rows)
        if largest and largest.is_above(limit):
            yield _too_large(part, largest, limit)


def _too_large(part: Part, largest: LargestRequest, limit: Limit) -> Fault:
    """Return the fault of an exporter whose largest request is above a limit."""
    size = "of any size" if largest.size is None else f"of up to {_in_mib(largest.size)}"
    message = f"{largest.why} makes requests {size}, and {limit.whose} takes at most {_in_mib(limit.size)}"
    batch = f"{{sizer: bytes, max_size: {int(limit.size * _BELOW)}}}"
    or_raise = f", or raise {limit.setting}" if limit.setting else ""
    fix = f"Write `{QUEUE}: {{batch: {batch}}}` in '{part.id}'{or_raise}."
    return Fault(largest.path, message, fix, severity=largest.severity)


def _in_mib(size: int) -> str:
    """Return bytes as a message shows them."""
    return f"{size / 2**20:.3g} MiB"


def _smallest_limit(part: Part, subject: Subject, rows: Sequence[Row]) -> Limit | None:
    """Return the smallest limit that is known of what receives the requests of an exporter."""
    limits = [
        *_limits_of_receivers(part, subject.receiving.get(part.id, ()), rows),
        *_limits_of_hosts(part, rows),
        *_own_limit(part, rows),
    ]
    return min(limits, key=lambda limit: limit.size, default=None)


def _limits_of_receivers(part: Part, receiving: Sequence[Receiving], rows: Sequence[Row]) -> Iterator[Limit]:
    """Yield the limit of each collector behind an exporter whose receivers of OTLP all have a known one."""
    protocol = otlp_protocol(part.kind)
    row = _row_of("receivers.otlp", rows, protocol)
    if row is None:
        return
    for other in receiving:
        sizes = [_limit_in_bytes(server, row) for server in _servers_of(other.receivers, protocol)]
        known_sizes = [size for size in sizes if size]
        if known_sizes and None not in sizes:
            name = f"collector '{other.collector}'" if other.collector else "the collector behind it"
            yield Limit(name, max(known_sizes), f"`{protocol}: {{{row['key']}: …}}` of its receiver otlp")


def _servers_of(receivers: Sequence[Any], protocol: str) -> Iterator[Any]:
    """Yield the settings that receivers of OTLP have for a protocol."""
    for settings in receivers:
        protocols = section(settings, "protocols")
        if protocol in protocols:
            yield protocols[protocol]


def _row_of(part: str, rows: Sequence[Row], protocol: str = "") -> Row | None:
    """Return the row about the limit of a part of a config."""
    for row in rows:
        if row.get("part") == part and row.get("protocol", "") == protocol:
            return row
    return None


def _limit_in_bytes(settings: Any, row: Row) -> int | None:
    """Return the limit that settings give in bytes, or its default; None if a variable does."""
    value = at(settings, tuple(row["key"].split(".")))
    if value in (None, 0):
        return int(row["bytes"])
    return value * int(row["unit"]) if isinstance(value, int) else None


def _limits_of_hosts(part: Part, rows: Sequence[Row]) -> Iterator[Limit]:
    """Yield the limits of the services that an exporter sends to, which are known by the names of their hosts."""
    if not speaks_otlp(part.kind):
        return
    hosts = [destination(part.settings.get(key)).host for key in _ENDPOINTS]
    for row in rows:
        patterns = row.get("hosts", ())
        if any(fnmatchcase(host, pattern) for host in hosts for pattern in patterns):
            yield Limit(row["name"], row["bytes"])


def _own_limit(part: Part, rows: Sequence[Row]) -> Iterator[Limit]:
    """Yield the limit that an exporter itself has for what it makes of one request."""
    if part.settings.get("partition_traces_by_id"):
        return  # each trace is a message
    for row in rows:
        if row.get("part", "").replace("_", "") == f"exporters.{part.kind}":
            size = _limit_in_bytes(part.settings, row)
            if size:
                yield Limit(row["name"], size, f"`{row['key']}` and the limit of the other side")
            return


def _largest_request(part: Part, subject: Subject, rows: Sequence[Row]) -> LargestRequest | None:
    """Return the largest request of an exporter; None if it is not known."""
    queue = part.settings.get(QUEUE)
    batch = at(queue, (BATCH,))
    if isinstance(queue, str) or isinstance(batch, str) or "batcher" in part.settings:
        return None
    if _makes_batches(queue):
        sizer = at(batch, ("sizer",)) or at(queue, ("sizer",), "items")
        largest = _largest_batch(batch, str(sizer), f"the batch of '{part.id}'", (*part.path, QUEUE, BATCH))
        if largest is not _PASSES_ON:
            return largest
    return _largest_passed_on(part, subject, rows)


def _makes_batches(queue: Any) -> bool:
    """Whether neither a queue nor its batches are turned off."""
    if not isinstance(queue, Mapping) or BATCH not in queue:
        return False
    return queue.get("enabled") is not False and at(queue, (BATCH, "enabled")) is not False


def _largest_passed_on(part: Part, subject: Subject, rows: Sequence[Row]) -> LargestRequest | None:
    """Return the largest request that the pipelines of an exporter give it; one without a maximum comes first."""
    feeding = [pipeline for pipeline in subject.view.pipelines if part.id in pipeline.exporters]
    requests = [_of_pipeline(pipeline, part, subject, rows) for pipeline in feeding]
    known = [request for request in requests if request]
    for request in known:
        if request.size is None:
            return request
    return max(known, key=lambda request: request.size or 0, default=None)


# A batch that waits for nothing and splits nothing.
_PASSES_ON = LargestRequest(0, "", ())


def _largest_batch(batch: Any, sizer: str, why: str, path: Path) -> LargestRequest | None:
    """Return the largest request that the settings of a batch allow; None if a variable says that."""
    most = at(batch, ("max_size",), 0) or 0
    if not isinstance(most, int) or "$" in sizer:
        return None
    if most == 0:
        waits = at(batch, ("min_size",), 1) != 0
        return LargestRequest(None, why, path) if waits else _PASSES_ON
    return LargestRequest(most, why, path) if sizer == "bytes" else _of_records(most, why, path)


def _of_records(number: int, why: str, path: Path) -> LargestRequest:
    """Return a request of a number of records, each of which is as small as records are."""
    with_records = f"{why}, with {number} records of {_SMALL_RECORD_BYTES} bytes,"
    return LargestRequest(number * _SMALL_RECORD_BYTES, with_records, path)


def _of_pipeline(pipeline: Pipeline, part: Part, subject: Subject, rows: Sequence[Row]) -> LargestRequest | None:
    """Return the largest request that a pipeline gives an exporter which makes no batches."""
    processors = section(subject.config, "processors")
    for name in reversed(pipeline.processors):
        if kind_of(name) == BATCH:
            return _of_processor(processors.get(name), name)
    sizes = [size for name in pipeline.receivers for size in _sizes_taken(name, subject, rows)]
    if not sizes:
        return None
    why = f"'{part.id}' passes on what pipeline '{pipeline.key}' receives, and so"
    return LargestRequest(max(sizes), why, part.path, "info")


def _of_processor(settings: Any, name: str) -> LargestRequest | None:
    """Return the largest request that processor `batch` makes; None if a variable says that."""
    path: Path = ("processors", name)
    most = at(settings, ("send_batch_max_size",), 0) or 0
    if isinstance(settings, str) or not isinstance(most, int):
        return None
    return _of_records(most, f"'{name}'", path) if most else LargestRequest(None, f"'{name}'", path)


def _sizes_taken(receiver: str, subject: Subject, rows: Sequence[Row]) -> Iterator[int]:
    """Yield the largest requests that a receiver of OTLP takes, for each of its protocols."""
    if kind_of(receiver) != "otlp":
        return
    settings = section(subject.config, "receivers").get(receiver)
    for protocol, server in section(settings, "protocols").items():
        row = _row_of("receivers.otlp", rows, str(protocol))
        size = _limit_in_bytes(server, row) if row else None
        if size:
            yield size


RULES = rules("warning", request_too_large, documentation=_DOCUMENTATION)
