# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state machine of an installation by OLM: Subscription, InstallPlan, ClusterServiceVersion. Private.

`live/olm_wait.py` calls `judge_installation` after each read. Its verdict is the next step: the installation is done,
a plan is to be approved, or there is something to wait for, with the symptoms that hold it up. A plan is an
InstallPlan; olm_decision.py explains the other words of OLM.

A Subscription only says with which version OLM begins, so a pin works by approving no other plan. OLM plans for a whole
namespace: a plan may bring other operators too, and dependencies of the operator.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..._otelcol.config.paths import list_at, mapping_at
from ..._otelcol.kube.objects import Manifest
from .olm_objects import is_before, is_same_operator
from .olm_state_table import CSV, PLAN, SOON_SECONDS, SUBSCRIPTION, StateRow, find_row

# Conditions that do not stop a Subscription.
DEPRECATIONS = ("PackageDeprecated", "ChannelDeprecated", "BundleDeprecated")
HARMLESS_CONDITIONS = ("Deprecated", *DEPRECATIONS)
# Conditions of a Subscription that its InstallPlan reports in more detail.
PLAN_CONDITIONS = ("InstallPlanPending", "InstallPlanFailed")
# Conditions of any catalog of the cluster. A resolved Subscription needs no catalog.
CATALOG_CONDITIONS = ("CatalogSourcesUnhealthy",)
SUCCEEDED, REQUIRES_APPROVAL = "Succeeded", "RequiresApproval"
# The next steps of a verdict.
DONE, APPROVE, WAIT = "done", "approve", "wait"


class InstallGoal(NamedTuple):
    """The awaited version: exactly the pinned one, or with automatic approval also a newer one."""

    namespace: str
    subscription: str
    """The name of the Subscription."""
    csv: str
    """The ClusterServiceVersion; empty for any version."""
    is_pinned: bool
    """Whether this run approves plans: approval is manual."""

    @property
    def task_text(self) -> str:
        return f"Install {self.csv or self.subscription} by OLM in namespace {self.namespace}"


class OlmObjects(NamedTuple):
    """The objects as they are in the cluster now."""

    subscription: Manifest | None
    """None if it is not there."""
    install_plans: Sequence[Manifest]
    """Those that were made for the Subscription, or that it refers to."""
    csvs: Mapping[str, Manifest]
    """The ClusterServiceVersions by name: those that the Subscription names, and the wanted one."""

    @property
    def subscription_status(self) -> dict[str, Any]:
        return object_status(self.subscription)

    @property
    def installed_csv(self) -> str:
        return str(self.subscription_status.get("installedCSV") or "")

    @property
    def referred_plan(self) -> Manifest | None:
        """The InstallPlan that the Subscription refers to."""
        name = plan_name(self.subscription)
        return next((plan for plan in self.install_plans if plan["metadata"]["name"] == name), None)


class OlmSymptom(NamedTuple):
    """A state that an object is in, and what it means."""

    row: StateRow
    name: str
    """The name of the object."""
    state: str
    """Its phase, or the type of a condition of a Subscription; empty if OLM has not set one."""
    reason: str
    message: str
    """What OLM says about the state; empty if it says nothing."""

    @property
    def identity_key(self) -> tuple[str, ...]:
        """By what two symptoms are the same one, seen twice: the message may differ, since it has counts."""
        return self.row.kind, self.name, self.state, self.reason, *self.row.message_words

    @property
    def wrong(self) -> str:
        """What is wrong: by OLM's message, else by the table."""
        return self.message or self.row.wrong

    @property
    def fact_row(self) -> dict[str, str]:
        """The symptom in the result of the task."""
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
    """The next step; `plan_name` is the InstallPlan that it is about, with its `plan_versions`."""

    next_step: str
    """DONE, APPROVE or WAIT."""
    plan_name: str = ""
    """Empty if the step is about no plan."""
    plan_versions: tuple[str, ...] = ()
    symptoms: tuple[OlmSymptom, ...] = ()
    """What holds the installation up, the most specific first."""

    @property
    def failure_facts(self) -> dict[str, Any]:
        """What holds the installation up, and what a plan that is not approved would bring."""
        facts: dict[str, Any] = {"failures": [symptom.fact_row for symptom in self.symptoms]}
        if self.symptoms and self.plan_versions:
            facts["brings"] = list(self.plan_versions)
        return facts


def judge_installation(goal: InstallGoal, live_objects: OlmObjects) -> OlmVerdict:
    """Return the next step: done, approve a plan, or wait, with the obstacles."""
    if _is_done(goal, live_objects):
        waiting_plan = live_objects.referred_plan
        if waiting_plan and is_awaiting_approval(waiting_plan):
            return OlmVerdict(DONE, waiting_plan["metadata"]["name"], plan_versions(waiting_plan))
        return OlmVerdict(DONE)
    verdict = _judge_plans(goal, live_objects)
    if verdict:
        return verdict
    return OlmVerdict(WAIT, symptoms=tuple(_find_symptoms(goal, live_objects)))


def object_status(manifest: Manifest | None) -> dict[str, Any]:
    """Return what OLM says of an object."""
    status: dict[str, Any] = mapping_at(manifest, "status")
    return status


def plan_name(subscription: Manifest | None) -> str:
    """Return the name of the InstallPlan that a Subscription refers to."""
    return str((object_status(subscription).get("installPlanRef") or {}).get("name") or "")


def list_deprecations(subscription: Manifest | None) -> list[str]:
    """Return what the catalog says is not to be used any more."""
    deprecation_conditions = [
        condition for condition in _true_conditions(subscription) if condition["type"] in DEPRECATIONS
    ]
    return [str(condition.get("message") or condition["type"]) for condition in deprecation_conditions]


def plan_versions(plan: Manifest) -> tuple[str, ...]:
    """Return the ClusterServiceVersions that a plan installs."""
    return tuple(list_at(plan, "spec", "clusterServiceVersionNames"))


def is_awaiting_approval(plan: Manifest) -> bool:
    """Return whether a plan waits for approval."""
    is_approved = mapping_at(plan, "spec").get("approved")
    return object_status(plan).get("phase") == REQUIRES_APPROVAL and not is_approved


def is_made_for(plan: Manifest, subscription: str) -> bool:
    """Return whether a plan was made for a Subscription, among others perhaps."""
    for owner in list_at(plan["metadata"], "ownerReferences"):
        if owner.get("kind") == "Subscription" and owner.get("name") == subscription:
            return True
    return False


def _is_done(goal: InstallGoal, live_objects: OlmObjects) -> bool:
    """Return whether the wanted version has succeeded, and with automatic approval nothing newer is on its way."""
    if object_status(live_objects.csvs.get(live_objects.installed_csv)).get("phase") != SUCCEEDED:
        return False
    is_wanted = live_objects.installed_csv == goal.csv
    if goal.is_pinned:
        return is_wanted or not goal.csv
    if not goal.csv:
        return True
    # Automatic approval goes on by itself.
    is_newest = bool(live_objects.subscription_status.get("currentCSV") == live_objects.installed_csv)
    return is_newest and (is_wanted or is_before(goal.csv, live_objects.installed_csv))


def _judge_plans(goal: InstallGoal, live_objects: OlmObjects) -> OlmVerdict | None:
    """Return the verdict on the plans that wait for approval; None if no plan of this operator waits.

    A plan with just the wanted version is approved, whatever other plans there are. Of the plan that the Subscription
    refers to, `_judge_own_plan` decides if it has versions of this operator alone; one with other operators waits for
    a person.
    """
    is_installed = live_objects.installed_csv == goal.csv
    exact_plan = None if is_installed else _find_latest_exact_plan(goal, live_objects)
    if exact_plan:
        return OlmVerdict(APPROVE, exact_plan["metadata"]["name"], (goal.csv,))
    if not live_objects.referred_plan or not is_awaiting_approval(live_objects.referred_plan):
        return None
    if goal.is_pinned and is_installed:
        return None
    name, versions = live_objects.referred_plan["metadata"]["name"], plan_versions(live_objects.referred_plan)
    own_versions = tuple(version for version in versions if is_same_operator(version, goal.csv))
    if not own_versions:
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


_OTHERS_FIRST_FIX = (
    "Bring the others first on their own terms, or install this operator in a namespace of its own;"
    " to take all of it, approve the InstallPlan yourself and run again."
)


def _find_latest_exact_plan(goal: InstallGoal, live_objects: OlmObjects) -> Manifest | None:
    """Return the newest plan of the wanted version alone.

    A plan of before may still be the only one for the pin, when the catalog has got newer versions since.
    """
    exact_plans = [
        plan for plan in live_objects.install_plans if is_awaiting_approval(plan) and plan_versions(plan) == (goal.csv,)
    ]

    def plan_rank(plan: Manifest) -> tuple[bool, int]:
        return plan is live_objects.referred_plan, int(plan["spec"].get("generation") or 0)

    return max(exact_plans, key=plan_rank, default=None)


def _wait_for_person(name: str, versions: tuple[str, ...], wrong: str, fix: str) -> OlmVerdict:
    """Return the verdict that a plan waits for a person to approve it; it counts as a failure after a short time."""
    return OlmVerdict(
        WAIT,
        name,
        versions,
        (OlmSymptom(StateRow(PLAN, REQUIRES_APPROVAL, SOON_SECONDS, fix), name, REQUIRES_APPROVAL, "", wrong),),
    )


def _find_symptoms(goal: InstallGoal, live_objects: OlmObjects) -> Iterator[OlmSymptom]:
    """Yield the obstacles, the most specific first."""
    if goal.is_pinned and is_before(goal.csv, live_objects.installed_csv):
        row = StateRow(SUBSCRIPTION, "", SOON_SECONDS, "Pin that version, or remove the operator first.")
        yield OlmSymptom(
            row, goal.subscription, "", "", f"{live_objects.installed_csv} is installed, past the pinned {goal.csv}"
        )
    unfinished = _list_unfinished(goal, live_objects)
    yield from unfinished
    is_resolved = live_objects.referred_plan or live_objects.subscription_status.get("currentCSV")
    skipped_types = set(HARMLESS_CONDITIONS)
    if live_objects.referred_plan:
        skipped_types.update(PLAN_CONDITIONS)
    if unfinished and is_resolved:
        skipped_types.update(CATALOG_CONDITIONS)
    conditions = [
        condition for condition in _true_conditions(live_objects.subscription) if condition["type"] not in skipped_types
    ]
    for condition in conditions:
        details = condition.get("reason"), condition.get("message")
        yield _make_symptom(SUBSCRIPTION, goal.subscription, condition["type"], *details)
    if not (conditions or is_resolved) or live_objects.subscription_status.get("state") == "UpgradeFailed":
        yield _make_symptom(SUBSCRIPTION, goal.subscription, live_objects.subscription_status.get("state"))


def _list_unfinished(goal: InstallGoal, live_objects: OlmObjects) -> list[OlmSymptom]:
    """Return the version that is coming, the installed one when that is in its way, and the plan, if incomplete."""
    unfinished = []
    for name in dict.fromkeys(
        (str(live_objects.subscription_status.get("currentCSV")), goal.csv, live_objects.installed_csv)
    ):
        csv = live_objects.csvs.get(name)
        if csv is not None and object_status(csv).get("phase") not in (SUCCEEDED, "Replacing"):
            unfinished.append(_describe_csv(csv))
    if live_objects.referred_plan and object_status(live_objects.referred_plan).get("phase") != "Complete":
        unfinished.append(_describe_plan(live_objects.referred_plan))
    return unfinished


def _describe_csv(csv: Manifest) -> OlmSymptom:
    """Return the state of a ClusterServiceVersion, with each requirement that is not there."""
    status = object_status(csv)
    messages = [status.get("message")]
    for requirement in list_at(status, "requirementStatus"):
        if requirement.get("status") != "Present":
            requirement_text = f"{requirement.get('kind')} {requirement.get('name')} is {requirement.get('status')}"
            if requirement.get("message"):
                requirement_text += f": {requirement['message']}"
            messages.append(requirement_text)
    message = "; ".join(filter(None, messages))
    return _make_symptom(CSV, csv["metadata"]["name"], status.get("phase"), status.get("reason"), message)


def _describe_plan(plan: Manifest) -> OlmSymptom:
    """Return the state of an InstallPlan, with what its conditions and its lookups of bundles say."""
    status = object_status(plan)
    messages: dict[str, None] = {}
    reasons = []
    for condition in _find_plan_conditions(status):
        if condition.get("message"):
            messages[condition["message"]] = None
            if condition.get("reason"):
                reasons.append(condition["reason"])
    message = "; ".join(messages) or status.get("message")
    reason = reasons[0] if reasons else ""
    return _make_symptom(PLAN, plan["metadata"]["name"], status.get("phase"), reason, message)


def _find_plan_conditions(status: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the conditions of an InstallPlan that are not met, and those of its lookups of bundles."""
    for condition in list_at(status, "conditions"):
        if condition.get("status") == "False":
            yield condition
    for lookup in list_at(status, "bundleLookups"):
        yield from list_at(lookup, "conditions")


def _make_symptom(kind: str, name: str, state: Any, reason: Any = "", message: Any = "") -> OlmSymptom:
    state_texts = [str(value or "") for value in (state, reason, message)]
    return OlmSymptom(find_row(kind, *state_texts), name, *state_texts)


def _true_conditions(subscription: Manifest | None) -> list[dict[str, Any]]:
    """Return the true conditions of a Subscription: something is wrong, or in progress."""
    conditions = object_status(subscription).get("conditions") or []
    return [condition for condition in conditions if condition.get("status") == "True"]
