# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a change of a running collector reaches its pods: the option `change`, checked. Private.

With strategy `rolling`, the workload replaces its pods. With `canary`, a share of the pods changes first, and is
compared with the others for some seconds (docs/change.md). Example: of

    {strategy: canary, share: 25%, observe_seconds: 120}

and eight pods, `count_pods_of_share("25%", 8)` is 2: two pods change first, and are watched for two minutes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from .._otelcol.config.paths import mapping_at
from .._otelcol.errors import Problem
from .options import Collector

CANARY, ROLLING = "canary", "rolling"
KEEP, ROLLBACK = "keep", "rollback"
# What an empty `change` means.
CHANGE_DEFAULTS: Mapping[str, Any] = {
    "strategy": ROLLING,
    "share": "1",
    "observe_seconds": 60,
    "judge": [],
    "skip_checks": [],
    "on_failure": ROLLBACK,
}
# Shorter observations see too few polls, longer ones block the play.
SHORTEST_SECONDS, LONGEST_SECONDS = 10, 3600
_CANARY_OPTIONS = ("share", "observe_seconds", "judge", "skip_checks")
# A number of pods such as `2`, or a share of them such as `25%`.
_SHARE_PATTERN = re.compile(r"(?P<number>[1-9]\d{0,4})(?P<percent>%)?\Z", re.ASCII)
STATEFULSET = "statefulset"
_SCALED_MODES = ("deployment", STATEFULSET)


def count_pods_of_share(share: str, total_pods: int) -> int:
    """Return how many of all pods a share means: at least one, and not all unless there is only one.

    `check_change` refuses a text that is no share; here, it counts as one pod.
    """
    match = _SHARE_PATTERN.match(share)
    number = int(match["number"]) if match else 1
    share_pods = math.floor(total_pods * number / 100) if match and match["percent"] else number
    # A pod is left to compare with.
    return max(1, min(share_pods, total_pods - 1))


def check_change(collector: Collector) -> dict[str, Any]:
    """Return the option `change` with its defaults. Raises Problem if it is invalid, or makes no sense here.

    In the result, `judge` has the names of the checks to leave out behind the checks of the user, which are mappings:
    `chosen_checks.py` distinguishes both.
    """
    change = _check_options(collector)
    skipped_checks = change.pop("skip_checks")
    return {**change, "judge": [*change["judge"], *skipped_checks]}


def _check_options(collector: Collector) -> dict[str, Any]:
    """Return the option with its defaults, and with each suboption where the user writes it."""
    # Ansible passes None for each suboption that the user has not set.
    change = {**CHANGE_DEFAULTS, **{key: value for key, value in collector.change.items() if value is not None}}
    subject = f"collector '{collector.name}'"
    if change["strategy"] != CANARY:
        ineffective_option = next((name for name in _CANARY_OPTIONS if change[name] != CHANGE_DEFAULTS[name]), None)
        if ineffective_option:
            fix = "Add `strategy: canary`, or remove it."
            raise Problem(
                f"`change.{ineffective_option}` has no effect without strategy canary", asked=subject, fix=fix
            )
        return change
    _check_update_strategy(collector, subject)
    _check_share(collector, change["share"], subject)
    if not SHORTEST_SECONDS <= change["observe_seconds"] <= LONGEST_SECONDS:
        wrong = f"`change.observe_seconds` is {change['observe_seconds']}"
        raise Problem(
            wrong, asked=subject, fix=f"Use a number of seconds from {SHORTEST_SECONDS} to {LONGEST_SECONDS}."
        )
    return change


def _check_update_strategy(collector: Collector, subject: str) -> None:
    """Raise Problem for an `update_strategy` by which the controller does not replace the pods of a canary."""
    if collector.update_strategy.get("type") == "OnDelete":
        wrong = "strategy canary replaces pods, and `update_strategy` OnDelete leaves that to you"
        raise Problem(wrong, asked=subject, fix="Remove one of the two.")
    partition = mapping_at(collector.update_strategy, "rollingUpdate").get("partition")
    if collector.mode == STATEFULSET and partition:
        # With a partition, a StatefulSet replaces only the pods from this number on. So a canary changes its share.
        wrong = f"strategy canary holds pods by a partition of its own, and `update_strategy` has partition {partition}"
        raise Problem(
            wrong, asked=subject, fix="Remove the partition, and set `change.share` to as many pods as change."
        )


def _check_share(collector: Collector, share: str, subject: str) -> None:
    """Raise Problem for a share that is none, or that would leave no pod as it is."""
    match = _SHARE_PATTERN.match(share)
    fix = "Use a number of pods such as 1, or a percentage from 1% to 99%."
    if not match or (match["percent"] and int(match["number"]) > 99):  # noqa: PLR2004
        raise Problem(f"`change.share` is '{share}'", asked=subject, fix=fix)
    pod_count = int(collector.autoscaling.get("min_replicas") or collector.replicas)
    # A percentage below 100 always leaves a pod, see `count_pods_of_share`.
    share_number = 0 if match["percent"] else int(match["number"])
    # How many pods a daemonset has is known only in the cluster. A single pod is replaced as a whole.
    if collector.mode in _SCALED_MODES and share_number > max(pod_count - 1, 1):
        pod_text = f"at least {pod_count} pods" if collector.autoscaling else f"{pod_count} pod{'s' * (pod_count != 1)}"
        wrong = f"`change.share` is {share}, and the collector has {pod_text}: none would stay as it is"
        raise Problem(wrong, asked=subject, fix="Use a smaller share, or more replicas.")
