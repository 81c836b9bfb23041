# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much the pods beside that of a capture receive, as their own metrics count it. Private."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .._telemetry.metrics import ITEMS, Key, Reading, grown, total

_ACCEPTED = "receiver_accepted"
"""What a receiver has taken. Source: documentation.md of receiverhelper."""


@dataclass(frozen=True)
class PodReading:
    """What each pod of a collector has counted since its start, by its name, and when that was read, in seconds."""

    pods: Mapping[str, Reading]
    at: float


@dataclass(frozen=True)
class ServingRates:
    """Records per second of all pods that serve, by signal, and of how many pods they were read."""

    per_second: Mapping[str, float]
    pods: int


def serving_rates(
    before: PodReading, after: PodReading, receivers: Sequence[str], ready_pods: int
) -> ServingRates | None:
    """Return what all ready pods of a collector receive by these receivers; None if no pod was read twice.

    Pods that were not read are taken for as busy as those that were, on average. A signal that none of them counts is
    left out: nobody knows whether it does not come in, or is not counted.
    """
    known_pods = [pod for pod in after.pods if pod in before.pods]
    seconds = after.at - before.at
    if not known_pods or seconds <= 0:
        return None
    share_of_known = len(known_pods) / max(ready_pods, len(known_pods))
    gained = total([grown(before.pods[pod], after.pods[pod]) for pod in known_pods])
    per_second: dict[str, float] = {}
    for signal in ITEMS.values():
        keys = [Key(_ACCEPTED, receiver, signal) for receiver in receivers]
        counts = [gained[key] for key in keys if key in gained]
        if counts:
            per_second[signal] = sum(counts) / seconds / share_of_known
    return ServingRates(per_second, len(known_pods))
