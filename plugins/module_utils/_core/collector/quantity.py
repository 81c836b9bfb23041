# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubernetes quantities, and the numbers that follow from one memory limit. Private."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import Problem

_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)(k|M|G|T|Ki|Mi|Gi|Ti)?\Z")
_MIB = 2**20

# The limiter refuses data from here on, in per cent of the container's limit, and starts to refuse that much earlier.
# Source: the defaults that the official Helm chart and the memory_limiter README recommend.
LIMIT_PERCENT = 80
SPIKE_PERCENT = 25
# Source: "set GOMEMLIMIT to 80 % of the hard limit", memory_limiter README.
GOMEMLIMIT_PERCENT = 80
SMALLEST_LIMIT_MIB = 64


@dataclass(frozen=True)
class Memory:
    """What one memory limit means for the limiter and for Go's garbage collector, in MiB."""

    limit_mib: int
    spike_limit_mib: int
    gomemlimit: str


def memory(limit: str) -> Memory:
    """Return the numbers that follow from a container's memory limit, a Kubernetes quantity such as `512Mi`.

    Raises Problem when that is no quantity, or too little for a collector to start.
    """
    mib = parse_bytes(limit) // _MIB
    if mib < SMALLEST_LIMIT_MIB:
        raise Problem(
            f"memory limit '{limit}' is too small for a collector", fix=f"Give at least {SMALLEST_LIMIT_MIB}Mi."
        )
    return Memory(mib * LIMIT_PERCENT // 100, mib * SPIKE_PERCENT // 100, f"{mib * GOMEMLIMIT_PERCENT // 100}MiB")


def parse_bytes(quantity: str) -> int:
    """Return a Kubernetes memory quantity in bytes. Raises Problem when it is none."""
    match = _QUANTITY.match(str(quantity))
    if not match:
        raise Problem(f"'{quantity}' is no memory quantity", fix="Write a number with a unit, e.g. 512Mi or 2Gi.")
    return int(float(match[1]) * _UNITS[match[2] or ""])
