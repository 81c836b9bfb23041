# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on sizes of requests: the largest that an exporter may send against the limit of what receives it.

A request above the limit is refused for good, so the exporter drops its records. The limits are rows of
_data/catalogue/request_limits.json with their sources. A batch that counts records has no size in bytes: without a
maximum it is unbounded. Source: exporter/exporterhelper/internal/queuebatch/config.go and
processor/batchprocessor/config.go of the Collector. Private.

The largest request of an exporter, by its setting `sending_queue`:

| setting | largest request |
|---|---|
| `{batch: {sizer: bytes, max_size: 1000000}}` | 1,000,000 bytes |
| `{batch: {max_size: 8192}}` | 8192 records, estimated with 500 bytes each |
| `{batch: {}}` | any size |
| `{batch: {min_size: 0}}`, or no `batch` | what its pipelines give it |
| `${env:QUEUE}` | not known |

A pipeline gives what its last processor `batch` makes, or else what its receivers take.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    processors.batch: warning [request-too-large] 'batch' makes requests of any size, and Datadog over OTLP takes at
    most 0.5 MiB. Write `sending_queue: {batch: {sizer: bytes, max_size: 419430}}` in 'otlp_http'.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from ..catalogue.rows import Row
from ..config.addresses import parse_destination
from ..config.paths import Path, mapping_at, value_at
from ..needs.started_components import StartedComponent
from ..traits import find_otlp_protocol, kind_of, speaks_otlp
from .exporter_batches import BATCH, QUEUE
from .rule_definitions import SEVERITY_OF_RULE, Fault, define_rules
from .subject import Receiving, Subject
from .view import Pipeline

_DOCUMENTATION = "https://github.com/open-telemetry/opentelemetry-collector/blob/main/exporter/exporterhelper/README.md"
# Records of today are rarely smaller: a time, a body of a few words and the attributes of a resource.
_SMALL_RECORD_BYTES = 500
_ENDPOINTS = ("endpoint", "traces_endpoint", "metrics_endpoint", "logs_endpoint")
# The share of a limit that a fix gives to a batch, so that the frame of a request fits too.
_SHARE_BELOW_LIMIT = 0.8


@dataclass(frozen=True)
class LargestRequest:
    """The largest request of an exporter."""

    size_bytes: int | None
    """None if it has no maximum."""
    reason: str
    """What makes it as large, as the begin of a message: `the batch of 'otlp'`."""
    path: Path
    """The setting that decides."""
    severity: str = SEVERITY_OF_RULE
    """That of a fault about it."""

    def is_above(self, limit: SizeLimit) -> bool:
        """Whether it may be larger than a limit."""
        return self.size_bytes is None or self.size_bytes > limit.size_bytes


@dataclass(frozen=True)
class SizeLimit:
    """The largest request that a receiver, a service or an exporter takes."""

    owner: str
    """Who has the limit, as a message says it: `collector 'gateway'`, `Datadog over OTLP`."""
    size_bytes: int
    setting: str = ""
    """Where the user can raise it; empty if nobody can."""


def request_too_large(subject: Subject) -> Iterator[Fault]:
    """Yield exporters whose requests may be larger than the receiver takes, which then drop the records in them."""
    limit_rows = subject.target.catalogue.request_limits if subject.target else ()
    if not limit_rows:
        return
    for part in subject.view.started_components:
        limit = _find_smallest_limit(part, subject, limit_rows) if part.section == "exporters" else None
        if limit is None:
            continue
        largest_request = _find_largest_request(part, subject, limit_rows)
        if largest_request and largest_request.is_above(limit):
            yield _report_large_request(part, largest_request, limit)


def _report_large_request(part: StartedComponent, largest_request: LargestRequest, limit: SizeLimit) -> Fault:
    """Return the fault of an exporter whose largest request is above a limit."""
    size_in_words = (
        "of any size" if largest_request.size_bytes is None else f"of up to {_format_mib(largest_request.size_bytes)}"
    )
    message = (
        f"{largest_request.reason} makes requests {size_in_words}, and {limit.owner} takes at most"
        f" {_format_mib(limit.size_bytes)}"
    )
    batch_settings = f"{{sizer: bytes, max_size: {int(limit.size_bytes * _SHARE_BELOW_LIMIT)}}}"
    raise_clause = f", or raise {limit.setting}" if limit.setting else ""
    fix = f"Write `{QUEUE}: {{batch: {batch_settings}}}` in '{part.id}'{raise_clause}."
    return Fault(largest_request.path, message, fix, severity=largest_request.severity)


def _format_mib(size: int) -> str:
    """Return bytes as a message shows them: `4 MiB`."""
    return f"{size / 2**20:.3g} MiB"


def _find_smallest_limit(part: StartedComponent, subject: Subject, limit_rows: Sequence[Row]) -> SizeLimit | None:
    """Return the smallest limit that is known of what receives the requests of an exporter."""
    limits = [
        *_find_limits_of_receivers(part, subject.receiving_collectors.get(part.id, ()), limit_rows),
        *_find_limits_of_hosts(part, limit_rows),
        *_find_own_limit(part, limit_rows),
    ]
    return min(limits, key=lambda limit: limit.size_bytes, default=None)


def _find_limits_of_receivers(
    part: StartedComponent, receiving: Sequence[Receiving], limit_rows: Sequence[Row]
) -> Iterator[SizeLimit]:
    """Yield the limit of each collector behind an exporter whose receivers of OTLP all have a known one."""
    protocol = find_otlp_protocol(part.kind)
    row = _find_limit_row("receivers.otlp", limit_rows, protocol)
    if row is None:
        return
    for receiving_collector in receiving:
        sizes = [
            _read_limit_in_bytes(server_settings, row)
            for server_settings in _list_server_settings(receiving_collector.receiver_settings, protocol)
        ]
        known_sizes = [size for size in sizes if size]
        # Nobody knows which of several receivers gets the request, so only what none of them takes is too large.
        if known_sizes and None not in sizes:
            name = receiving_collector.collector
            owner = f"collector '{name}'" if name else "the collector behind it"
            yield SizeLimit(owner, max(known_sizes), f"`{protocol}: {{{row['key']}: …}}` of its receiver otlp")


def _list_server_settings(receivers_settings: Sequence[Any], protocol: str) -> Iterator[Any]:
    """Yield the settings that receivers of OTLP have for a protocol."""
    for settings in receivers_settings:
        protocols = mapping_at(settings, "protocols")
        if protocol in protocols:
            yield protocols[protocol]


def _find_limit_row(limit_part: str, limit_rows: Sequence[Row], protocol: str = "") -> Row | None:
    """Return the row about the limit of a part of a config."""
    for row in limit_rows:
        if row.get("part") == limit_part and row.get("protocol", "") == protocol:
            return row
    return None


def _read_limit_in_bytes(settings: Any, row: Row) -> int | None:
    """Return the limit that settings give in bytes, or its default; None if a variable does."""
    value = value_at(settings, tuple(row["key"].split(".")))
    if value in (None, 0):  # the Collector reads 0 as the default
        return int(row["bytes"])
    return value * int(row["unit"]) if isinstance(value, int) else None


def _find_limits_of_hosts(part: StartedComponent, limit_rows: Sequence[Row]) -> Iterator[SizeLimit]:
    """Yield the limits of the services that an exporter sends to, which are known by the names of their hosts."""
    if not speaks_otlp(part.kind):
        return
    hosts = [parse_destination(part.settings.get(key)).host for key in _ENDPOINTS]
    for row in limit_rows:
        patterns = row.get("hosts", ())
        if any(fnmatchcase(host, pattern) for host in hosts for pattern in patterns):
            yield SizeLimit(row["name"], row["bytes"])


def _find_own_limit(part: StartedComponent, limit_rows: Sequence[Row]) -> Iterator[SizeLimit]:
    """Yield the limit that an exporter itself has for what it makes of one request."""
    if part.settings.get("partition_traces_by_id"):
        return  # each trace is a message
    for row in limit_rows:
        if row.get("part", "").replace("_", "") == f"exporters.{part.kind}":
            size = _read_limit_in_bytes(part.settings, row)
            if size:
                yield SizeLimit(row["name"], size, f"`{row['key']}` and the limit of the other side")
            return  # each type has one row


def _find_largest_request(part: StartedComponent, subject: Subject, limit_rows: Sequence[Row]) -> LargestRequest | None:
    """Return the largest request of an exporter; None if it is not known."""
    queue = part.settings.get(QUEUE)
    batch = value_at(queue, (BATCH,))
    # A variable may bring any batch, and `batcher` of older versions has other settings.
    if isinstance(queue, str) or isinstance(batch, str) or "batcher" in part.settings:
        return None
    if _has_batches(queue):
        sizer = str(value_at(batch, ("sizer",)) or value_at(queue, ("sizer",), "items"))
        if not _keeps_requests(batch, sizer):
            return _find_largest_batch(batch, sizer, f"the batch of '{part.id}'", (*part.path, QUEUE, BATCH))
    return _find_largest_passed_on(part, subject, limit_rows)


def _has_batches(queue: Any) -> bool:
    """Whether neither a queue nor its batches are turned off."""
    if not isinstance(queue, Mapping) or BATCH not in queue:
        return False
    return queue.get("enabled") is not False and value_at(queue, (BATCH, "enabled")) is not False


def _find_largest_passed_on(
    part: StartedComponent, subject: Subject, limit_rows: Sequence[Row]
) -> LargestRequest | None:
    """Return the largest request that the pipelines of an exporter give it; one without a maximum comes first."""
    feeding_pipelines = [pipeline for pipeline in subject.view.pipelines if part.id in pipeline.exporters]
    requests = [_find_request_of_pipeline(pipeline, part, subject, limit_rows) for pipeline in feeding_pipelines]
    known_requests = [request for request in requests if request]
    for request in known_requests:
        if request.size_bytes is None:
            return request
    return max(known_requests, key=lambda request: request.size_bytes or 0, default=None)


def _keeps_requests(batch: Any, sizer: str) -> bool:
    """Whether a batch sends requests as they come: it waits for no more data, and splits nothing."""
    is_unlimited = (value_at(batch, ("max_size",), 0) or 0) == 0
    return is_unlimited and value_at(batch, ("min_size",), 1) == 0 and "$" not in sizer


def _find_largest_batch(batch: Any, sizer: str, reason: str, path: Path) -> LargestRequest | None:
    """Return the largest request that the settings of a batch allow; None if a variable says that.

    `sizer` is `bytes`, `items` for records, or `requests`.
    """
    max_size = value_at(batch, ("max_size",), 0) or 0
    if not isinstance(max_size, int) or "$" in sizer:
        return None
    if max_size == 0:
        return LargestRequest(None, reason, path)
    if sizer == "bytes":
        return LargestRequest(max_size, reason, path)
    return _estimate_request_of_records(max_size, reason, path)


def _estimate_request_of_records(record_count: int, reason: str, path: Path) -> LargestRequest:
    """Return a request of a number of records, each of which is as small as records are."""
    reason_with_count = f"{reason}, with {record_count} records of {_SMALL_RECORD_BYTES} bytes,"
    return LargestRequest(record_count * _SMALL_RECORD_BYTES, reason_with_count, path)


def _find_request_of_pipeline(
    pipeline: Pipeline, part: StartedComponent, subject: Subject, limit_rows: Sequence[Row]
) -> LargestRequest | None:
    """Return the largest request that a pipeline gives an exporter which makes no batches."""
    processors = mapping_at(subject.config, "processors")
    for processor in reversed(pipeline.processors):  # the last batch decides
        if kind_of(processor) == BATCH:
            return _find_request_of_batch(processors.get(processor), processor)
    accepted_sizes: list[int] = []
    for receiver in pipeline.receivers:
        accepted_sizes += _list_accepted_sizes(receiver, subject, limit_rows)
    if not accepted_sizes:
        return None
    reason = f"'{part.id}' passes on what pipeline '{pipeline.key}' receives, and so"
    # Requests as large as the receiver takes are possible, but rare.
    return LargestRequest(max(accepted_sizes), reason, part.path, severity="info")


def _find_request_of_batch(settings: Any, processor_id: str) -> LargestRequest | None:
    """Return the largest request that processor `batch` makes; None if a variable says that."""
    path: Path = ("processors", processor_id)
    max_records = value_at(settings, ("send_batch_max_size",), 0) or 0
    if isinstance(settings, str) or not isinstance(max_records, int):
        return None
    if max_records == 0:
        return LargestRequest(None, f"'{processor_id}'", path)
    return _estimate_request_of_records(max_records, f"'{processor_id}'", path)


def _list_accepted_sizes(receiver: str, subject: Subject, limit_rows: Sequence[Row]) -> Iterator[int]:
    """Yield the largest requests that a receiver of OTLP takes, for each of its protocols."""
    if kind_of(receiver) != "otlp":
        return
    settings = mapping_at(subject.config, "receivers").get(receiver)
    for protocol, server_settings in mapping_at(settings, "protocols").items():
        row = _find_limit_row("receivers.otlp", limit_rows, str(protocol))
        size = _read_limit_in_bytes(server_settings, row) if row else None
        if size:
            yield size


RULES = define_rules("warning", request_too_large, documentation=_DOCUMENTATION)
