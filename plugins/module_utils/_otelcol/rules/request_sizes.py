# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rule on sizes of requests: the largest that an exporter may send against the limit of what receives it.

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
from ..config.paths import Path, at, destination, section
from ..traits import otlp_protocol, speaks_otlp
from .batching import BATCH, QUEUE
from .subject import Fault, Receiving, Subject, rules
from .view import Part, Pipeline, kind_of

_DOCUMENTATION = "https://github.com/open-telemetry/opentelemetry-collector/blob/main/exporter/exporterhelper/README.md"
# Records of today are rarely smaller: a time, a body of a few words and the attributes of a resource.
_SMALL_RECORD_BYTES = 500
_ENDPOINTS = ("endpoint", "traces_endpoint", "metrics_endpoint", "logs_endpoint")
# What a batch may have below a limit, so that the frame of a request fits too.
_BELOW = 0.8


@dataclass(frozen=True)
class Largest:
    """The largest request of an exporter: its bytes, None for no maximum, and what makes it as large."""

    size: int | None
    why: str
    path: Path
    severity: str = ""


@dataclass(frozen=True)
class Limit:
    """What takes no larger request: its name, and the bytes; `setting` is where the user can raise it."""

    whose: str
    size: int
    setting: str = ""


def request_too_large(subject: Subject) -> Iterator[Fault]:
    """Yield exporters whose requests may be larger than the receiver takes, which then drop the records in them."""
    rows = subject.target.catalogue.request_limits if subject.target else ()
    for part in subject.view.parts if rows else ():
        limit = _limit(part, subject, rows) if part.section == "exporters" else None
        largest = _largest(part, subject, rows) if limit else None
        if limit and largest and (largest.size is None or largest.size > limit.size):
            size = "of any size" if largest.size is None else f"of up to {_shown(largest.size)}"
            message = f"{largest.why} makes requests {size}, and {limit.whose} takes at most {_shown(limit.size)}"
            raised = f", or raise {limit.setting}" if limit.setting else ""
            batch = f"{{sizer: bytes, max_size: {int(limit.size * _BELOW)}}}"
            yield Fault(
                largest.path,
                message,
                f"Write `{QUEUE}: {{batch: {batch}}}` in '{part.id}'{raised}.",
                severity=largest.severity,
            )


def _shown(size: int) -> str:
    return f"{size / 2**20:.3g} MiB"


def _limit(part: Part, subject: Subject, rows: Sequence[Row]) -> Limit | None:
    """Return the smallest limit that is known of what receives the requests of an exporter."""
    found = [
        *_limits_of_receivers(part, subject.receiving.get(part.id, ()), rows),
        *_limits_of_hosts(part, rows),
        *_own_limit(part, rows),
    ]
    return min(found, key=lambda limit: limit.size, default=None)


def _limits_of_receivers(part: Part, receiving: Sequence[Receiving], rows: Sequence[Row]) -> Iterator[Limit]:
    protocol = otlp_protocol(part.kind)
    row = _row_of("receivers.otlp", rows, protocol)
    for other in receiving if row else ():
        sizes = [_given(settings, row) for settings in _servers(other.receivers, protocol)] if row else []
        if row and sizes and None not in sizes:
            name = f"collector '{other.collector}'" if other.collector else "the collector behind it"
            yield Limit(name, max(filter(None, sizes)), f"`{protocol}: {{{row['key']}: …}}` of its receiver otlp")


def _servers(receivers: Sequence[Any], protocol: str) -> list[Any]:
    return [
        at(settings, ("protocols", protocol)) for settings in receivers if protocol in section(settings, "protocols")
    ]


def _row_of(part: str, rows: Sequence[Row], protocol: str = "") -> Row | None:
    return next((row for row in rows if row.get("part") == part and row.get("protocol", "") == protocol), None)


def _given(settings: Any, row: Row) -> int | None:
    """Return the limit that settings give in bytes, or its default; None if a variable does."""
    value = at(settings, tuple(row["key"].split(".")))
    if value in (None, 0):
        return int(row["bytes"])
    return value * int(row["unit"]) if isinstance(value, int) else None


def _limits_of_hosts(part: Part, rows: Sequence[Row]) -> Iterator[Limit]:
    """Yield the limits of the services that an exporter sends to, which are known by the names of their hosts."""
    keys = _ENDPOINTS if speaks_otlp(part.kind) else ()
    destinations = [destination(part.settings.get(key))[1] or "" for key in keys]
    for row in rows:
        names = row.get("hosts", ())
        if any(fnmatchcase(host, name) for host in destinations for name in names):
            yield Limit(row["name"], row["bytes"])


def _own_limit(part: Part, rows: Sequence[Row]) -> Iterator[Limit]:
    """Yield the limit that an exporter itself has for what it makes of one request."""
    row = next((row for row in rows if row.get("part", "").replace("_", "") == f"exporters.{part.kind}"), None)
    size = _given(part.settings, row) if row else None
    if row and size and not part.settings.get("partition_traces_by_id"):  # else each trace is a message
        yield Limit(row["name"], size, f"`{row['key']}` and the limit of the other side")


def _largest(part: Part, subject: Subject, rows: Sequence[Row]) -> Largest | None:
    """Return the largest request of an exporter; None if it is not known."""
    queue = part.settings.get(QUEUE)
    batch = at(queue, (BATCH,))
    if isinstance(queue, str) or isinstance(batch, str) or "batcher" in part.settings:
        return None
    if _makes_batches(queue):
        sizer = at(batch, ("sizer",)) or at(queue, ("sizer",), "items")
        largest_batch = _of_batch(batch, str(sizer), f"the batch of '{part.id}'", (*part.path, QUEUE, BATCH))
        if largest_batch is not _PASSES_ON:
            return largest_batch
    return _largest_passed_on(part, subject, rows)


def _makes_batches(queue: Any) -> bool:
    """Whether neither a queue nor its batches are turned off."""
    if not isinstance(queue, Mapping) or BATCH not in queue:
        return False
    return queue.get("enabled") is not False and at(queue, (BATCH, "enabled")) is not False


def _largest_passed_on(part: Part, subject: Subject, rows: Sequence[Row]) -> Largest | None:
    """Return the largest request that the pipelines of an exporter give it; one without a maximum comes first."""
    feeding = [pipeline for pipeline in subject.view.pipelines if part.id in pipeline.exporters]
    requests = [_of_pipeline(pipeline, part, subject, rows) for pipeline in feeding]
    known = [request for request in requests if request]
    for request in known:
        if request.size is None:
            return request
    return max(known, key=lambda request: request.size or 0, default=None)


# A batch that waits for nothing and splits nothing.
_PASSES_ON = Largest(0, "", ())


def _of_batch(batch: Any, sizer: str, why: str, path: Path) -> Largest | None:
    most, least = at(batch, ("max_size",), 0) or 0, at(batch, ("min_size",), 1)
    if not isinstance(most, int) or "$" in sizer:
        return None
    if most == 0:
        return _PASSES_ON if least == 0 else Largest(None, why, path)
    return Largest(most, why, path) if sizer == "bytes" else _of_records(most, why, path)


def _of_records(number: int, why: str, path: Path) -> Largest:
    return Largest(number * _SMALL_RECORD_BYTES, f"{why}, with {number} records of {_SMALL_RECORD_BYTES} bytes,", path)


def _of_pipeline(pipeline: Pipeline, part: Part, subject: Subject, rows: Sequence[Row]) -> Largest | None:
    """Return the largest request that a pipeline gives an exporter which makes no batches."""
    processors = section(subject.config, "processors")
    for name in reversed(pipeline.processors):
        if kind_of(name) == BATCH:
            return _of_processor(processors.get(name), name)
    sizes = [size for name in pipeline.receivers for size in _taken(name, subject, rows)]
    why = f"'{part.id}' passes on what pipeline '{pipeline.key}' receives, and so"
    return Largest(max(sizes), why, part.path, "info") if sizes else None


def _of_processor(settings: Any, name: str) -> Largest | None:
    path: Path = ("processors", name)
    most = at(settings, ("send_batch_max_size",), 0) or 0
    if isinstance(settings, str) or not isinstance(most, int):
        return None
    return _of_records(most, f"'{name}'", path) if most else Largest(None, f"'{name}'", path)


def _taken(receiver: str, subject: Subject, rows: Sequence[Row]) -> Iterator[int]:
    """Yield the largest requests that a receiver of OTLP takes, for each of its protocols."""
    settings = section(subject.config, "receivers").get(receiver) if kind_of(receiver) == "otlp" else None
    for protocol, server in section(settings, "protocols").items():
        row = _row_of("receivers.otlp", rows, str(protocol))
        size = _given(server, row) if row else None
        if size:
            yield size


RULES = rules("warning", request_too_large, documentation=_DOCUMENTATION)
