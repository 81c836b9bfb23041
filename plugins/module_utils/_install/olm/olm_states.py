# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state machine of an installation by OLM: Subscription, InstallPlan, ClusterServiceVersion. Private.

A verdict on what is seen now: done, a plan to approve, or what there is to wait for, each with how long it may last.

Each state has a longest duration and a fix. OLM has a starting version alone, so a pin works by approving nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..._kube.bundle import Manifest
from . import olm_state_table
from .olm_objects import is_before
from .olm_state_table import CSV, PASSING, PLAN, SUBSCRIPTION, PlanDecision, Row, row_for

# Conditions that do not stop a Subscription.
DEPRECATIONS = ("PackageDeprecated", "ChannelDeprecated", "BundleDeprecated")
# Conditions of a Subscription that its InstallPlan reports in more detail.
OF_PLAN = ("InstallPlanPending", "InstallPlanFailed")
UNHEALTHY = "CatalogSourcesUnhealthy"
NO_CONDITION = ("Deprecated", *DEPRECATIONS)
SUCCEEDED = "Succeeded"
DONE, APPROVE, WAIT, FAIL = "done", "approve", "wait", "fail"


class Goal(NamedTuple):
    """The awaited version: exactly the pinned one, or with automatic approval also a newer one."""

    subscription: str
    csv: str
    pinned: bool


class OlmObjects(NamedTuple):
    """What the API says now; the ClusterServiceVersions are those that the Subscription names and the wanted one."""

    subscription: Manifest | None
    plans: Sequence[Manifest]
    csvs: Mapping[str, Manifest]


class OlmSymptom(NamedTuple):
    """A state that something is in, and what it means."""

    row: Row
    name: str
    state: str
    reason: str
    message: str

    @property
    def key(self) -> tuple[str, ...]:
        """What makes it the same one as a moment ago, whatever its message counts."""
        return self.row.kind, self.name, self.state, self.reason, *self.row.words

    @property
    def wrong(self) -> str:
        """What OLM says about it, where it does."""
        return self.message or self.row.wrong

    @property
    def fact(self) -> dict[str, str]:
        return {
            "kind": self.row.kind,
            "name": self.name,
            "state": self.state,
            "reason": self.reason,
            "message": self.message,
            "wrong": self.wrong,
            "fix": self.row.fix,
        }


class OlmVerdict(NamedTuple):
    """The next step."""

    what: str
    choice: PlanDecision = PlanDecision(olm_state_table.LEAVE)
    symptoms: tuple[OlmSymptom, ...] = ()


def judge(goal: Goal, seen: OlmObjects) -> OlmVerdict:
    """Return the next step: done, approve a plan, or wait, with the reasons."""
    status = status_of(seen.subscription)
    installed = str(status.get("installedCSV") or "")
    if _is_done(goal, status, seen):
        return OlmVerdict(DONE, _waiting(seen, status))
    choice = olm_state_table.choose(seen.plans, _newest(status), goal.csv, installed, pinned=goal.pinned)
    if choice.what in (olm_state_table.APPROVE, olm_state_table.REFUSE):
        return OlmVerdict(APPROVE if choice.what == olm_state_table.APPROVE else FAIL, choice)
    if goal.pinned and is_before(goal.csv, installed):
        return OlmVerdict(
            FAIL, PlanDecision(olm_state_table.REFUSE, wrong=f"{installed} is installed, past the pinned {goal.csv}")
        )
    return OlmVerdict(WAIT, choice, tuple(_symptoms(goal, seen, status)))


def status_of(item: Manifest | None) -> dict[str, Any]:
    """Return what OLM says of an object."""
    status: dict[str, Any] = (item or {}).get("status") or {}
    return status


def deprecations(subscription: Manifest | None) -> list[str]:
    """Return what the catalog says is not to be used any more."""
    return [
        str(condition.get("message") or condition["type"])
        for condition in _conditions(subscription)
        if condition["type"] in DEPRECATIONS
    ]


def _is_done(goal: Goal, status: Mapping[str, Any], seen: OlmObjects) -> bool:
    installed = str(status.get("installedCSV") or "")
    there = status_of(seen.csvs.get(installed)).get("phase") == SUCCEEDED
    if goal.pinned or not goal.csv:
        return there and installed == (goal.csv or installed)
    reached = installed == goal.csv or is_before(goal.csv, installed)
    # Automatic approval goes on by itself: done is when nothing newer is on its way.
    return there and reached and status.get("currentCSV") == installed


def _waiting(seen: OlmObjects, status: Mapping[str, Any]) -> PlanDecision:
    """Return the waiting upgrade beyond the pin."""
    newest = next((plan for plan in seen.plans if plan["metadata"]["name"] == _newest(status)), None)
    if newest is None or not olm_state_table.waits(newest):
        return PlanDecision(olm_state_table.LEAVE)
    return PlanDecision(olm_state_table.LEAVE, _newest(status), olm_state_table.names_of(newest))


def _symptoms(goal: Goal, seen: OlmObjects, status: Mapping[str, Any]) -> Iterator[OlmSymptom]:
    """Yield the obstacles, the most specific first."""
    under_way = [_csv(item) for item in _unfinished(goal, seen, status)]
    plan = next((plan for plan in seen.plans if plan["metadata"]["name"] == _newest(status)), None)
    if plan and status_of(plan).get("phase") != "Complete":
        under_way.append(_plan(plan))
    yield from under_way
    conditions = [condition for condition in _conditions(seen.subscription) if condition["type"] not in NO_CONDITION]
    for condition in conditions:
        if plan is None or condition["type"] not in OF_PLAN:
            symptom = _symptom(SUBSCRIPTION, goal.subscription, condition["type"], condition)
            # The condition covers any catalog of the cluster, and a resolved Subscription needs none.
            passing = under_way and condition["type"] == UNHEALTHY
            yield symptom._replace(row=symptom.row._replace(grace=PASSING)) if passing else symptom
    idle = not conditions and plan is None and not status.get("currentCSV")
    if idle or status.get("state") == "UpgradeFailed":
        yield _symptom(SUBSCRIPTION, goal.subscription, str(status.get("state") or ""), {})


def _unfinished(goal: Goal, seen: OlmObjects, status: Mapping[str, Any]) -> Iterator[Manifest]:
    """Yield the ClusterServiceVersion that is coming, and the installed one when that is in its way."""
    wanted = dict.fromkeys((status.get("currentCSV"), goal.csv, status.get("installedCSV")))
    for name in wanted:
        item = seen.csvs.get(str(name))
        if item and status_of(item).get("phase") not in (SUCCEEDED, "Replacing"):
            yield item


def _csv(item: Manifest) -> OlmSymptom:
    status = status_of(item)
    unmet = [_requirement(one) for one in status.get("requirementStatus") or [] if one.get("status") != "Present"]
    message = "; ".join(filter(None, [str(status.get("message") or ""), *unmet]))
    said = {"reason": status.get("reason"), "message": message}
    return _symptom(CSV, item["metadata"]["name"], str(status.get("phase") or ""), said)


def _requirement(one: Mapping[str, Any]) -> str:
    said = f": {one['message']}" if one.get("message") else ""
    return f"{one.get('kind')} {one.get('name')} is {one.get('status')}{said}"


def _plan(plan: Manifest) -> OlmSymptom:
    status = status_of(plan)
    conditions = [one for one in status.get("conditions") or [] if one.get("status") == "False"]
    lookups = [one for lookup in status.get("bundleLookups") or [] for one in lookup.get("conditions") or []]
    said = [one for one in (*conditions, *lookups) if one.get("message")]
    message = "; ".join(dict.fromkeys(str(one["message"]) for one in said)) or str(status.get("message") or "")
    reason = next((str(one["reason"]) for one in said if one.get("reason")), "")
    phase = str(status.get("phase") or "")
    return _symptom(PLAN, plan["metadata"]["name"], phase, {"reason": reason, "message": message})


def _symptom(kind: str, name: str, state: str, said: Mapping[str, Any]) -> OlmSymptom:
    reason, message = str(said.get("reason") or ""), str(said.get("message") or "")
    return OlmSymptom(row_for(kind, state, reason, message), name, state, reason, message)


def _conditions(subscription: Manifest | None) -> list[dict[str, Any]]:
    """Return the true conditions of a Subscription: something is wrong, or in progress."""
    return [one for one in status_of(subscription).get("conditions") or [] if one.get("status") == "True"]


def _newest(status: Mapping[str, Any]) -> str:
    return str((status.get("installPlanRef") or {}).get("name") or "")
