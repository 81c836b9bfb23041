# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quantities as texts: memory and CPU of Kubernetes, durations of Go. Private.

`parse_bytes("1.5Gi")` is 1610612736, `parse_cpu("250m")` is 0.25, and `parse_duration("1m30s")` is 90.0.
"""

from __future__ import annotations

import re
from sys import float_info
from typing import Any

from ..errors import Problem

MIB = 2**20
_UNITS = {
    **{"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15},
    **{"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50},
}
# A quantity of Kubernetes such as `1.5Gi`. Groups: the number, the unit.
_QUANTITY = re.compile(r"(\d{1,18}(?:\.\d{1,18})?)(k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?\Z", re.ASCII)
# A quantity of CPU such as `500m`. Groups: the number, the unit.
_CPU = re.compile(r"(\d{1,18}(?:\.\d{1,18})?)([num])?\Z", re.ASCII)
_CPU_UNITS = {"": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
# The units of durations of Go. It reads microseconds with either letter: the micro sign, and the mu of Greek. `ms`
# stands before `m`, so that patterns of these units find the longer one first. Source: time.ParseDuration of Go.
SECONDS_BY_UNIT_OF_GO = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 0.001, "s": 1, "m": 60, "h": 3600}
# These units as the alternatives of a pattern: `ns|us|…|h`.
UNITS_OF_GO = "|".join(SECONDS_BY_UNIT_OF_GO)
# A part of a duration, such as `1m` of `1m30s`.
_DURATION = re.compile(rf"(?<![\d.])(?P<number>\d++(?:\.\d*+)?|\.\d++)(?P<unit>{UNITS_OF_GO})", re.ASCII)


def parse_bytes(quantity: str) -> int:
    """Return a Kubernetes memory quantity in bytes. Raises Problem when it is none."""
    match = _QUANTITY.match(str(quantity))
    if not match:
        raise Problem(f"'{quantity}' is not a memory quantity", fix="Write a number with a unit, e.g. 512Mi or 2Gi.")
    return int(float(match[1]) * _UNITS[match[2] or ""])


def parse_volume_size(quantity: str) -> int:
    """Return the size of a volume in bytes. Raises Problem when it is none; Kubernetes takes no claim of zero bytes."""
    match = _QUANTITY.match(str(quantity))
    volume_bytes = parse_bytes(quantity) if match else 0
    if not volume_bytes:
        raise Problem(f"'{quantity}' is not a size of a volume", fix="Write a number with a unit, e.g. 500Mi or 10Gi.")
    return volume_bytes


def parse_cpu(quantity: str) -> float:
    """Return a Kubernetes CPU quantity in cores. Raises Problem when it is none."""
    match = _CPU.match(str(quantity))
    if not match:
        raise Problem(f"'{quantity}' is not a CPU quantity", fix="Write cores or thousandths, e.g. 2, 0.5 or 250m.")
    return float(match[1]) * _CPU_UNITS[match[2] or ""]


def parse_duration(value: Any) -> float:
    """Return the seconds of a duration as Go writes it, such as `1m30s` or `.5s`; 0 if there is none.

    A sign does not count: the Collector refuses a negative duration where a wait is given.
    """
    matches = _DURATION.finditer(str(value or ""))
    return sum(float(match["number"]) * SECONDS_BY_UNIT_OF_GO[match["unit"]] for match in matches)


def is_amount(value: Any) -> bool:
    """Return whether a value is a number that is 0 or more and that a float can be, as a price, a rate or a budget."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= float_info.max
