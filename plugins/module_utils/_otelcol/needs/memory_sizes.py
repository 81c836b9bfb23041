# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What follows from the memory limit of a collector: sizes of the limiter, of queues, and of requests. Private.

One memory limit sizes everything: the container, the memory_limiter (80 %, spike 25 %, or `memory_percent` and
`memory_spike_percent`) and GOMEMLIMIT (80 %). The memory request equals the limit unless `memory_request` lowers it.
With `512Mi`, `size_memory` returns `Memory(limit_mib=409, spike_limit_mib=128, gomemlimit="409MiB")`. The recipes of a
collector and the rules on memory use the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import Problem
from .quantities import MIB, parse_bytes

# The limiter refuses data from here on, in per cent of the container's limit, and starts to refuse that much earlier.
# Source: the defaults that the official Helm chart and the memory_limiter README recommend.
LIMIT_PERCENT = 80
SPIKE_PERCENT = 25
# Source: "set GOMEMLIMIT to 80 % of the hard limit", memory_limiter README.
GOMEMLIMIT_PERCENT = 80
SMALLEST_LIMIT_MIB = 64
# What a Collector takes without data.
# Source: tests/integration/test_record_sizes.py fills the queues of a Collector, whose limiter must not refuse.
_IDLE_MIB = 32
# How many bytes of memory a byte of a queue takes if it holds small records. Source: the same.
_MEMORY_PER_QUEUED_BYTE = 4
# At which size a batch is sent, in bytes.
BATCH_BYTES = 2**20
# The size that no request exceeds, in bytes. Receivers over gRPC take 4 MiB after decompression unless they say
# otherwise. Source: defaultServerMaxReceiveMessageSize in server.go of gRPC for Go.
REQUEST_BYTES = 7 * 2**19
# The largest request that a receiver takes: one part in so many of the container's limit, within these MiB.
_REQUEST_SHARE = 32
LEAST_REQUEST_MIB = 4
_MOST_REQUEST_MIB = 64
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
