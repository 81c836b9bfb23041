# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which InstallPlans may be approved: those that bring the pinned ClusterServiceVersion, or a step to it. Private.

OLM plans for a whole namespace: a plan may bring other operators too, and dependencies of ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ..cluster.bundle import Manifest
from .names import csv, is_before

WAITING = "RequiresApproval"
APPROVE, REFUSE, LEAVE = "approve", "refuse", "leave"


class PlanDecision(NamedTuple):
    """What becomes of a plan that waits for approval, and why."""

    what: str
    plan: str = ""
    brings: tuple[str, ...] = ()
    wrong: str = ""
    fix: str = ""


def names_of(plan: Manifest) -> tuple[str, ...]:
    """Return the ClusterServiceVersions that a plan brings."""
    return tuple((plan.get("spec") or {}).get("clusterServiceVersionNames") or ())


def waits(plan: Manifest) -> bool:
    """Return whether a plan waits for somebody's approval."""
    return (plan.get("status") or {}).get("phase") == WAITING and not (plan.get("spec") or {}).get("approved")


def is_owned(plan: Manifest, subscription: str) -> bool:
    """Return whether a plan was made for a Subscription, among others perhaps."""
    owners = plan["metadata"].get("ownerReferences") or []
    return any(owner.get("kind") == "Subscription" and owner.get("name") == subscription for owner in owners)


def choose(plans: Sequence[Manifest], newest: str, target: str, installed: str, *, pinned: bool) -> PlanDecision:
    """Return what becomes of the plans that wait; `newest` is the one that the Subscription refers to.

    A plan of before may still be the only one for the pin, when the catalog has got newer versions since.
    """
    waiting = [plan for plan in plans if waits(plan)]
    exact = [plan for plan in waiting if names_of(plan) == (target,)]
    if exact and installed != target:
        latest = max(exact, key=lambda plan: (plan["metadata"]["name"] == newest, _generation(plan)))
        return PlanDecision(APPROVE, latest["metadata"]["name"], (target,))
    plan = next((plan for plan in waiting if plan["metadata"]["name"] == newest), None)
    if plan is None:
        return PlanDecision(LEAVE)
    brings = names_of(plan)
    what, wrong, fix = _judged(brings, target, installed, pinned)
    return PlanDecision(what, newest, brings, wrong, fix)


def _judged(brings: tuple[str, ...], target: str, installed: str, pinned: bool) -> tuple[str, str, str]:
    ours = [name for name in brings if _same(name, target)]
    others = [name for name in brings if name not in ours]
    if pinned and installed == target:
        return LEAVE, "", ""
    if ours and others:
        fix = (
            "Bring the others first on their own terms, or install this operator in a namespace of its own;"
            " to take all of it, approve the InstallPlan yourself and run again."
        )
        return REFUSE, f"it brings {_list(others)} beside {_list(ours)}", fix
    if not ours:
        return LEAVE, "", ""
    if is_before(target, ours[-1]) and not pinned:
        # Of the channel of before, it may be: who wants the newest of another one has not asked for it.
        return LEAVE, "", ""
    if is_before(target, ours[-1]):
        fix = f"Pin {ours[-1]}; to have {target} all the same, remove the operator first and install that."
        return REFUSE, f"it goes to {ours[-1]}, past the pinned {target}", fix
    return APPROVE, "", ""


def _same(name: str, target: str) -> bool:
    one, other = csv(name), csv(target)
    return bool(one and other and one.base == other.base)


def _generation(plan: Manifest) -> int:
    return int((plan.get("spec") or {}).get("generation") or 0)


def _list(names: Iterable[Any]) -> str:
    return ", ".join(str(name) for name in names)
