# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quantities and counts of a collector, as Kubernetes takes them.

One memory limit sizes everything: the container, the memory_limiter (80 %, spike 25 %, or `memory_percent` and
`memory_spike_percent`) and GOMEMLIMIT (80 %). The memory request equals the limit unless `memory_request` lowers it.
Private.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from sys import float_info
from typing import Any

from ..errors import Problem, prefix_problems

_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
# A quantity of Kubernetes such as `1.5Gi`. Groups: the number, the unit.
_QUANTITY = re.compile(r"(\d{1,18}(?:\.\d{1,18})?)(k|M|G|T|Ki|Mi|Gi|Ti)?\Z")
MIB = 2**20
_DURATION = re.compile(r"(?<!\d)(?P<number>\d++(?:\.\d++)?)(?P<unit>ms|s|m|h)")
_SECONDS_BY_UNIT = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}

# The limiter refuses data from here on, in per cent of the container's limit, and starts to refuse that much earlier.
# Source: the defaults that the official Helm chart and the memory_limiter README recommend.
LIMIT_PERCENT = 80
SPIKE_PERCENT = 25
# Source: "set GOMEMLIMIT to 80 % of the hard limit", memory_limiter README.
GOMEMLIMIT_PERCENT = 80
SMALLEST_LIMIT_MIB = 64
# What a Collector takes without data, and how many bytes of memory a byte of a queue takes if it holds small records.
# Source: tests/integration/test_record_sizes.py fills the queues of a Collector, whose limiter must not refuse.
_IDLE_MIB, _MEMORY_PER_QUEUED_BYTE = 32, 4
# At which size a batch is sent, and the size that no request exceeds, in bytes. Receivers over gRPC take 4 MiB after
# decompression unless they say otherwise. Source: defaultServerMaxReceiveMessageSize in server.go of gRPC for Go.
BATCH_BYTES = 2**20
REQUEST_BYTES = 7 * 2**19
# The largest request that a receiver takes: a share of the container's limit, within these MiB.
_REQUEST_SHARE, LEAST_REQUEST_MIB, _MOST_REQUEST_MIB = 32, 4, 64
# The least memory of a trace that waits for the decision of tail_sampling: one span with two attributes.
# Source: tests/integration/test_trace_memory.py asks a Collector for its heap.
TRACE_BYTES = 1024
# What stays of a trace after the decision, until `num_traces` newer ones have come. Source: the same.
DECIDED_TRACE_BYTES = 256


@dataclass(frozen=True)
class Memory:
    """What one memory limit means for the limiter and for Go's garbage collector, in MiB."""

    limit_mib: int
    spike_limit_mib: int
    gomemlimit: str


def size_memory(limit: str, percent: int = LIMIT_PERCENT, spike_percent: int = SPIKE_PERCENT) -> Memory:
    """Return the numbers that follow from a container's memory limit, a Kubernetes quantity such as `512Mi`.

    Raises Problem when that is no quantity, or too little for a collector to start.
    """
    mib = parse_bytes(limit) // MIB
    if mib < SMALLEST_LIMIT_MIB:
        wrong = f"memory limit '{limit}' is too small for a collector"
        raise Problem(wrong, fix=f"Give at least {SMALLEST_LIMIT_MIB}Mi.")
    return Memory(mib * percent // 100, mib * spike_percent // 100, f"{mib * GOMEMLIMIT_PERCENT // 100}MiB")


def compute_queue_mib(memory_sizes: Memory) -> int:
    """Return the MiB that all queues in memory hold together, so that they are full before the limiter refuses."""
    return max((memory_sizes.limit_mib - memory_sizes.spike_limit_mib - _IDLE_MIB) // _MEMORY_PER_QUEUED_BYTE, 1)


def compute_request_mib(limit: str) -> int:
    """Return the MiB of the largest request that a receiver takes, by a container's memory limit."""
    share = parse_bytes(limit) // MIB // _REQUEST_SHARE
    return min(max(share, LEAST_REQUEST_MIB), _MOST_REQUEST_MIB)


def parse_duration(value: Any) -> float:
    """Return the seconds of a duration as Go writes it; 0 if there is none."""
    matches = _DURATION.finditer(str(value or ""))
    return sum(float(match["number"]) * _SECONDS_BY_UNIT[match["unit"]] for match in matches)


def is_amount(value: Any) -> bool:
    """Return whether a value is a number that is 0 or more and that a float can be, as a price, a rate or a budget."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= float_info.max


def parse_bytes(quantity: str) -> int:
    """Return a Kubernetes memory quantity in bytes. Raises Problem when it is none."""
    match = _QUANTITY.match(str(quantity))
    if not match:
        raise Problem(f"'{quantity}' is not a memory quantity", fix="Write a number with a unit, e.g. 512Mi or 2Gi.")
    return int(float(match[1]) * _UNITS[match[2] or ""])


# A quantity of CPU such as `500m`. Groups: the number, the unit.
_CPU = re.compile(r"(\d{1,18}(?:\.\d{1,18})?)([num])?\Z", re.ASCII)
_CPU_UNITS = {"": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}


def parse_cpu(quantity: str) -> float:
    """Return a Kubernetes CPU quantity in cores. Raises Problem when it is none."""
    match = _CPU.match(str(quantity))
    if not match:
        raise Problem(f"'{quantity}' is not a CPU quantity", fix="Write cores or thousandths, e.g. 2, 0.5 or 250m.")
    return float(match[1]) * _CPU_UNITS[match[2] or ""]


# Counts and their least values. Kubernetes has them in 32 bits. A memory limiter takes no more than all memory, and
# the Collector accepts no spike as large as the limit.
_LOWEST_COUNTS = {
    "replicas": 0,
    "revision_history_limit": 0,
    "termination_grace_seconds": 0,
    "pre_stop_seconds": 0,
    "memory_percent": 1,
    "memory_spike_percent": 1,
    "autoscaling.min_replicas": 1,
    "autoscaling.max_replicas": 1,
    "autoscaling.cpu_percent": 0,
    "autoscaling.memory_percent": 0,
    "autoscaling.queue_percent": 0,
    "target_allocator.replicas": 0,
}
_LARGEST_COUNT, _WHOLE_PERCENT = 2**31 - 1, 100
# Shares of a whole. Pods may use more CPU and memory than they request, but no queue holds more than it has room for.
_SHARE_OPTIONS = ("memory_percent", "autoscaling.queue_percent")
_PARSER_BY_OPTION: dict[str, Callable[[str], object]] = {
    "memory_limit": size_memory,
    "memory_request": parse_bytes,
    "cpu_request": parse_cpu,
    "cpu_limit": parse_cpu,
    "target_allocator.memory_limit": parse_bytes,
    "target_allocator.cpu_request": parse_cpu,
}


def check_quantities(options: Mapping[str, Any]) -> None:
    """Raise Problem for counts and quantities of a collector's options that Kubernetes refuses."""
    for name, lowest in _LOWEST_COUNTS.items():
        count = _read_option(options, name)
        highest = _WHOLE_PERCENT if name in _SHARE_OPTIONS else _LARGEST_COUNT
        if count is not None and not lowest <= count <= highest:
            raise Problem(f"`{name}` is {count}", fix=f"Use a number from {lowest} to {highest}.")
    for name, parse in _PARSER_BY_OPTION.items():
        quantity = _read_option(options, name)
        if quantity:
            with prefix_problems(f"`{name}`"):
                parse(quantity)
    _check_memory(options)
    _check_cpu(options)


def _read_option(options: Mapping[str, Any], name: str) -> Any:
    """Return the value of an option such as `replicas`, or of a field of one, such as `storage.size`."""
    option_name, _dot, field_name = name.partition(".")
    return (options.get(option_name) or {}).get(field_name) if field_name else options.get(option_name)


def _check_cpu(options: Mapping[str, Any]) -> None:
    request, limit = options.get("cpu_request"), options.get("cpu_limit")
    if request and limit and parse_cpu(request) > parse_cpu(limit):
        wrong = f"`cpu_request` {request} is above `cpu_limit` {limit}"
        raise Problem(wrong, fix="Lower the request, or raise the limit.")


def _check_memory(options: Mapping[str, Any]) -> None:
    """Raise Problem for a limiter that the Collector rejects or that never acts, and for a request above the limit."""
    percent, spike_percent = options.get("memory_percent"), options.get("memory_spike_percent")
    if percent and spike_percent and spike_percent >= percent:
        wrong = f"`memory_spike_percent` {spike_percent} is not below `memory_percent` {percent}"
        raise Problem(wrong, fix=f"Use about a quarter of it, such as {max(percent // 4, 1)}.")
    request, limit = options.get("memory_request"), options.get("memory_limit")
    if request and limit and parse_bytes(request) > parse_bytes(limit):
        wrong = f"`memory_request` {request} is above `memory_limit` {limit}"
        raise Problem(wrong, fix="Lower the request, or raise the limit.")
