# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts and quantities in the options of a collector, checked before Kubernetes refuses them. Private.

An option such as `replicas: -1`, `cpu_limit: much` or a `memory_request` above the `memory_limit` is a Problem that
names the option: "`replicas` is -1. Use a number from 0 to 2147483647."
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..errors import Problem, prefix_problems
from .memory_sizes import size_memory
from .quantities import parse_bytes, parse_cpu, parse_volume_size

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
_LARGEST_COUNT = 2**31 - 1
_WHOLE_PERCENT = 100
# Shares of a whole. Pods may use more CPU and memory than they request, but no queue holds more than it has room for.
_SHARE_OPTIONS = ("memory_percent", "autoscaling.queue_percent")
# What raises Problem for a value that an option cannot have.
_PARSER_BY_OPTION: dict[str, Callable[[str], object]] = {
    "memory_limit": size_memory,
    "memory_request": parse_bytes,
    "cpu_request": parse_cpu,
    "cpu_limit": parse_cpu,
    "storage.size": parse_volume_size,
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
    """Raise Problem for a request above the limit."""
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
