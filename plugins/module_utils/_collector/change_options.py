# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a change of a running collector reaches its pods: the option `change`, checked. Private."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from .._otelcol.config.paths import section
from .._otelcol.errors import Problem
from .options import Collector

CANARY, ROLLING = "canary", "rolling"
KEEP, ROLLBACK = "keep", "rollback"
# What an empty `change` means.
DEFAULTS: Mapping[str, Any] = {
    "strategy": ROLLING,
    "share": "1",
    "observe_seconds": 60,
    "judge": [],
    "skip_checks": [],
    "on_failure": ROLLBACK,
}
# Shorter observations see too few polls, longer ones block the play.
SHORTEST, LONGEST = 10, 3600
_OF_CANARY = ("share", "observe_seconds", "judge", "skip_checks")
_SHARE = re.compile(r"(?P<number>[1-9]\d{0,4})(?P<percent>%)?\Z", re.ASCII)
STATEFULSET = "statefulset"
_SCALED = ("deployment", STATEFULSET)


def share_of(share: str, whole: int) -> int:
    """Return how many of all pods a share means: at least one, and not all unless there is only one."""
    match = _SHARE.match(share)
    number = int(match["number"]) if match else 1
    wanted = math.floor(whole * number / 100) if match and match["percent"] else number
    return max(1, min(wanted, whole - 1))


def check(collector: Collector) -> dict[str, Any]:
    """Return the option `change` with its defaults. Raises Problem if it is invalid, or makes no sense here.

    The checks to leave out are in `judge`, where they stood alone in version 1.0.0.
    """
    change = _checked(collector)
    skipped = change.pop("skip_checks")
    return {**change, "judge": [*change["judge"], *skipped]}


def _checked(collector: Collector) -> dict[str, Any]:
    change = {**DEFAULTS, **{key: value for key, value in collector.change.items() if value is not None}}
    asked = f"collector '{collector.name}'"
    if change["strategy"] != CANARY:
        idle = next((name for name in _OF_CANARY if change[name] != DEFAULTS[name]), None)
        if idle:
            fix = "Add `strategy: canary`, or remove it."
            raise Problem(f"`change.{idle}` has no effect without strategy canary", asked=asked, fix=fix)
        return change
    _check_update_strategy(collector, asked)
    _check_share(collector, change["share"], asked)
    if not SHORTEST <= change["observe_seconds"] <= LONGEST:
        wrong = f"`change.observe_seconds` is {change['observe_seconds']}"
        raise Problem(wrong, asked=asked, fix=f"Use a number of seconds from {SHORTEST} to {LONGEST}.")
    return change


def _check_update_strategy(collector: Collector, asked: str) -> None:
    """Raise Problem for an `update_strategy` by which the controller does not replace the pods of a canary."""
    if collector.update_strategy.get("type") == "OnDelete":
        wrong = "strategy canary replaces pods, and `update_strategy` OnDelete leaves that to you"
        raise Problem(wrong, asked=asked, fix="Remove one of the two.")
    partition = section(collector.update_strategy, "rollingUpdate").get("partition")
    if collector.mode == STATEFULSET and partition:
        wrong = f"strategy canary holds pods by a partition of its own, and `update_strategy` has partition {partition}"
        raise Problem(wrong, asked=asked, fix="Remove the partition, and set `change.share` to as many pods as change.")


def _check_share(collector: Collector, share: str, asked: str) -> None:
    match = _SHARE.match(share)
    fix = "Use a number of pods such as 1, or a percentage from 1% to 99%."
    if not match or (match["percent"] and int(match["number"]) > 99):  # noqa: PLR2004
        raise Problem(f"`change.share` is '{share}'", asked=asked, fix=fix)
    pods = int(collector.autoscaling.get("min_replicas") or collector.replicas)
    number = 0 if match["percent"] else int(match["number"])
    if collector.mode in _SCALED and number > max(pods - 1, 1):
        least = f"at least {pods} pods" if collector.autoscaling else f"{pods} pod{'s' * (pods != 1)}"
        wrong = f"`change.share` is {share}, and the collector has {least}: none would stay as it is"
        raise Problem(wrong, asked=asked, fix="Use a smaller share, or more replicas.")
