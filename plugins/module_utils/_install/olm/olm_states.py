# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is an installation by OLM done, is a plan to be approved, or what is it waiting for? Private.

`live/olm_wait.py` calls `judge_installation` after each read. Its verdict is the next step, with the symptoms that hold
the installation up (olm_symptoms.py). A plan is an InstallPlan (install_objects.py); olm_decision.py explains the other
words of OLM. For example, the pinned version waits in a plan of its own:

    OlmVerdict("approve", "install-x7k2p", ("opentelemetry-operator.v0.140.0-2",))

A Subscription only says with which version OLM begins, so a pin works by approving no other plan. OLM plans for a whole
namespace: a plan may bring other operators too, and dependencies of the operator.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..._otelcol.kube.objects import Manifest
from .csv_names import is_before, is_same_operator
from .install_objects import (
    REQUIRES_APPROVAL,
    InstallGoal,
    LiveObjects,
    is_awaiting_approval,
    object_status,
    plan_versions,
)
from .olm_state_table import PLAN, SOON_SECONDS, StateRow
from .olm_symptoms import SUCCEEDED, OlmSymptom, find_symptoms

# The next steps of a verdict.
DONE = "done"
APPROVE = "approve"
WAIT = "wait"
_OTHERS_FIRST_FIX = (
    "Bring the others first on their own terms, or install this operator in a namespace of its own;"
    " to take all of it, approve the InstallPlan yourself and run again."
)


class OlmVerdict(NamedTuple):
    """The next step; `plan_name` is the InstallPlan that it is about, with its `plan_versions`."""

    next_step: str
    """DONE, APPROVE or WAIT."""
    plan_name: str = ""
    """Empty if the step is about no plan."""
    plan_versions: tuple[str, ...] = ()
    symptoms: tuple[OlmSymptom, ...] = ()
    """What holds the installation up, the most specific first."""

    @property
    def result_keys(self) -> dict[str, Any]:
        """What holds the installation up, and what a plan that is not approved would bring."""
        keys: dict[str, Any] = {"failures": [symptom.result_row for symptom in self.symptoms]}
        if self.symptoms and self.plan_versions:
            keys["brings"] = list(self.plan_versions)
        return keys


def judge_installation(goal: InstallGoal, live_objects: LiveObjects) -> OlmVerdict:
    """Return the next step: done, approve a plan, or wait, with the obstacles."""
    if _is_done(goal, live_objects):
        waiting_plan = live_objects.referred_plan
        if waiting_plan and is_awaiting_approval(waiting_plan):
            return OlmVerdict(DONE, waiting_plan["metadata"]["name"], plan_versions(waiting_plan))
        return OlmVerdict(DONE)
    verdict = _judge_plans(goal, live_objects)
    if verdict:
        return verdict
    return OlmVerdict(WAIT, symptoms=tuple(find_symptoms(goal, live_objects)))


def _is_done(goal: InstallGoal, live_objects: LiveObjects) -> bool:
    """Return whether the wanted version has succeeded, and with automatic approval nothing newer is on its way."""
    if object_status(live_objects.csvs.get(live_objects.installed_csv)).get("phase") != SUCCEEDED:
        return False
    is_wanted = live_objects.installed_csv == goal.csv
    if goal.is_pinned:
        # A newer version than the pinned one is not done: find_symptoms says what to do about it.
        return is_wanted or not goal.csv
    if not goal.csv:
        return True
    # Automatic approval goes on by itself.
    is_newest = bool(live_objects.subscription_status.get("currentCSV") == live_objects.installed_csv)
    return is_newest and (is_wanted or is_before(goal.csv, live_objects.installed_csv))


def _judge_plans(goal: InstallGoal, live_objects: LiveObjects) -> OlmVerdict | None:
    """Return the verdict on the plans that wait for approval; None if no plan of this operator waits.

    A plan with just the wanted version is approved, whatever other plans there are.
    """
    is_installed = live_objects.installed_csv == goal.csv
    exact_plan = None if is_installed else _find_latest_exact_plan(goal, live_objects)
    if exact_plan:
        return OlmVerdict(APPROVE, exact_plan["metadata"]["name"], (goal.csv,))
    if not live_objects.referred_plan or not is_awaiting_approval(live_objects.referred_plan):
        return None
    if goal.is_pinned and is_installed:
        # The plan is for a later version. It stays unapproved, so that OLM stays at the pin.
        return None
    return _judge_referred_plan(goal, live_objects.referred_plan)


def _judge_referred_plan(goal: InstallGoal, plan: Manifest) -> OlmVerdict | None:
    """Return the verdict on the plan that the Subscription refers to; None if it brings no version of this operator.

    A plan with other operators too waits for a person.
    """
    name, versions = plan["metadata"]["name"], plan_versions(plan)
    own_versions = tuple(version for version in versions if is_same_operator(version, goal.csv))
    if not own_versions:
        # The plan is for other operators of the namespace: their owners approve it.
        return None
    other_versions = [version for version in versions if version not in own_versions]
    if other_versions:
        wrong = f"it installs {', '.join(other_versions)} beside {', '.join(own_versions)}"
        return _wait_for_person(name, versions, wrong, _OTHERS_FIRST_FIX)
    return _judge_own_plan(goal, name, own_versions)


def _judge_own_plan(goal: InstallGoal, name: str, versions: tuple[str, ...]) -> OlmVerdict | None:
    """Return the verdict on a plan that installs versions of this operator alone; None to leave it to OLM.

    A plan that does not go past the wanted version is approved; one that goes past a pin waits for a person.
    """
    newest = versions[-1]
    if not is_before(goal.csv, newest):
        return OlmVerdict(APPROVE, name, versions)
    if not goal.is_pinned:
        # With automatic approval, a later version may be of an earlier channel, and not the newest of the requested.
        return None
    fix = f"Pin {newest}; to have {goal.csv} all the same, remove the operator first and install that."
    return _wait_for_person(name, versions, f"it goes to {newest}, past the pinned {goal.csv}", fix)


def _find_latest_exact_plan(goal: InstallGoal, live_objects: LiveObjects) -> Manifest | None:
    """Return the newest plan of the wanted version alone.

    A plan of before may still be the only one for the pin, when the catalog has got newer versions since.
    """
    exact_plans = [
        plan for plan in live_objects.install_plans if is_awaiting_approval(plan) and plan_versions(plan) == (goal.csv,)
    ]

    def plan_rank(plan: Manifest) -> tuple[bool, int]:
        # `find_symptoms` follows the plan that the Subscription refers to, so that one is approved before newer ones.
        return plan is live_objects.referred_plan, int(plan["spec"].get("generation") or 0)

    return max(exact_plans, key=plan_rank, default=None)


def _wait_for_person(name: str, versions: tuple[str, ...], wrong: str, fix: str) -> OlmVerdict:
    """Return the verdict that a plan waits for a person to approve it; it counts as a failure after a short time."""
    # The row of the table would let the wait go on until its time limit, but this run never approves such a plan.
    row = StateRow(kind=PLAN, state=REQUIRES_APPROVAL, grace_seconds=SOON_SECONDS, fix=fix)
    symptom = OlmSymptom(row=row, name=name, state=REQUIRES_APPROVAL, reason="", message=wrong)
    return OlmVerdict(WAIT, plan_name=name, plan_versions=versions, symptoms=(symptom,))
