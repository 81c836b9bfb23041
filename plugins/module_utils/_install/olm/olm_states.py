# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state machine of an installation by OLM: Subscription, InstallPlan, ClusterServiceVersion. Private.

A verdict on what is seen now: done, a plan to approve, a failure, or what there is to wait for.

OLM has a starting version alone, so a pin works by approving nothing else. OLM plans for a whole namespace: a plan may
bring other operators too, and dependencies of ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..._otelcol.config.paths import items, section
from ..._otelcol.kube.objects import Manifest
from .olm_objects import is_before, is_same_operator
from .olm_state_table import CSV, PLAN, SOON, SUBSCRIPTION, Row, row_for

# Conditions that do not stop a Subscription.
DEPRECATIONS = ("PackageDeprecated", "ChannelDeprecated", "BundleDeprecated")
NO_CONDITION = ("Deprecated", *DEPRECATIONS)
# Conditions of a Subscription that its InstallPlan reports in more detail.
OF_PLAN = ("InstallPlanPending", "InstallPlanFailed")
# Conditions of any catalog of the cluster. A resolved Subscription needs no catalog.
OF_CATALOGS = ("CatalogSourcesUnhealthy",)
SUCCEEDED, AWAITS = "Succeeded", "RequiresApproval"
DONE, APPROVE, WAIT = "done", "approve", "wait"


class Goal(NamedTuple):
    """The awaited version: exactly the pinned one, or with automatic approval also a newer one."""

    namespace: str
    subscription: str
    csv: str
    pinned: bool

    @property
    def asked(self) -> str:
        return f"Install {self.csv or self.subscription} by OLM in namespace {self.namespace}"


class OlmObjects(NamedTuple):
    """What the API says now; the ClusterServiceVersions are those that the Subscription names and the wanted one."""

    subscription: Manifest | None
    plans: Sequence[Manifest]
    csvs: Mapping[str, Manifest]

    @property
    def status(self) -> dict[str, Any]:
        return status_of(self.subscription)

    @property
    def installed(self) -> str:
        return str(self.status.get("installedCSV") or "")

    @property
    def plan(self) -> Manifest | None:
        """The InstallPlan that the Subscription refers to."""
        name = plan_of(self.subscription)
        return next((plan for plan in self.plans if plan["metadata"]["name"] == name), None)


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
    """The next step; `plan` is the InstallPlan that it is about, with its `versions`."""

    what: str
    plan: str = ""
    versions: tuple[str, ...] = ()
    symptoms: tuple[OlmSymptom, ...] = ()

    @property
    def facts(self) -> dict[str, Any]:
        """What holds the installation up, and what a plan that is not approved would bring."""
        facts: dict[str, Any] = {"failures": [symptom.fact for symptom in self.symptoms]}
        if self.symptoms and self.versions:
            facts["brings"] = list(self.versions)
        return facts


def judge(goal: Goal, seen: OlmObjects) -> OlmVerdict:
    """Return the next step: done, approve a plan, or wait, with the obstacles."""
    if _is_done(goal, seen):
        upgrade = seen.plan
        if upgrade and waits(upgrade):
            return OlmVerdict(DONE, upgrade["metadata"]["name"], versions_of(upgrade))
        return OlmVerdict(DONE)
    verdict = _judge_plans(goal, seen)
    if verdict:
        return verdict
    return OlmVerdict(WAIT, symptoms=tuple(_symptoms(goal, seen)))


def status_of(item: Manifest | None) -> dict[str, Any]:
    """Return what OLM says of an object."""
    status: dict[str, Any] = section(item, "status")
    return status


def plan_of(subscription: Manifest | None) -> str:
    """Return the name of the InstallPlan that a Subscription refers to."""
    return str((status_of(subscription).get("installPlanRef") or {}).get("name") or "")


def deprecations(subscription: Manifest | None) -> list[str]:
    """Return what the catalog says is not to be used any more."""
    deprecated = [condition for condition in _conditions(subscription) if condition["type"] in DEPRECATIONS]
    return [str(condition.get("message") or condition["type"]) for condition in deprecated]


def versions_of(plan: Manifest) -> tuple[str, ...]:
    """Return the ClusterServiceVersions that a plan installs."""
    return tuple(items(plan, "spec", "clusterServiceVersionNames"))


def waits(plan: Manifest) -> bool:
    """Return whether a plan waits for approval."""
    is_approved = section(plan, "spec").get("approved")
    return status_of(plan).get("phase") == AWAITS and not is_approved


def is_owned(plan: Manifest, subscription: str) -> bool:
    """Return whether a plan was made for a Subscription, among others perhaps."""
    for owner in items(plan["metadata"], "ownerReferences"):
        if owner.get("kind") == "Subscription" and owner.get("name") == subscription:
            return True
    return False


def _is_done(goal: Goal, seen: OlmObjects) -> bool:
    """Return whether the wanted version has succeeded, and with automatic approval nothing newer is on its way."""
    if status_of(seen.csvs.get(seen.installed)).get("phase") != SUCCEEDED:
        return False
    is_wanted = seen.installed == goal.csv
    if goal.pinned:
        return is_wanted or not goal.csv
    if not goal.csv:
        return True
    # Automatic approval goes on by itself.
    is_newest = bool(seen.status.get("currentCSV") == seen.installed)
    return is_newest and (is_wanted or is_before(goal.csv, seen.installed))


def _judge_plans(goal: Goal, seen: OlmObjects) -> OlmVerdict | None:
    """Return what becomes of the plans that wait for approval, if anything."""
    is_installed = seen.installed == goal.csv
    exact_plan = None if is_installed else _latest_exact(goal, seen)
    if exact_plan:
        return OlmVerdict(APPROVE, exact_plan["metadata"]["name"], (goal.csv,))
    if not seen.plan or not waits(seen.plan):
        return None
    if goal.pinned and is_installed:
        return None
    name, versions = seen.plan["metadata"]["name"], versions_of(seen.plan)
    own_versions = tuple(version for version in versions if is_same_operator(version, goal.csv))
    if not own_versions:
        return None
    other_versions = [version for version in versions if version not in own_versions]
    if other_versions:
        beside = f"it installs {', '.join(other_versions)} beside {', '.join(own_versions)}"
        return _waiting(name, versions, beside, _OTHERS_FIRST)
    return _judge_own(goal, name, own_versions)


def _judge_own(goal: Goal, name: str, versions: tuple[str, ...]) -> OlmVerdict | None:
    """Return what becomes of a plan that installs versions of this operator alone."""
    newest = versions[-1]
    if not is_before(goal.csv, newest):
        return OlmVerdict(APPROVE, name, versions)
    if not goal.pinned:
        # With automatic approval, a later version may be of an earlier channel, and not the newest of the requested.
        return None
    fix = f"Pin {newest}; to have {goal.csv} all the same, remove the operator first and install that."
    return _waiting(name, versions, f"it goes to {newest}, past the pinned {goal.csv}", fix)


_OTHERS_FIRST = (
    "Bring the others first on their own terms, or install this operator in a namespace of its own;"
    " to take all of it, approve the InstallPlan yourself and run again."
)


def _latest_exact(goal: Goal, seen: OlmObjects) -> Manifest | None:
    """Return the newest plan of the wanted version alone.

    A plan of before may still be the only one for the pin, when the catalog has got newer versions since.
    """
    exact_plans = [plan for plan in seen.plans if waits(plan) and versions_of(plan) == (goal.csv,)]

    def newest(plan: Manifest) -> tuple[bool, int]:
        return plan is seen.plan, int(plan["spec"].get("generation") or 0)

    return max(exact_plans, key=newest, default=None)


def _waiting(name: str, versions: tuple[str, ...], wrong: str, fix: str) -> OlmVerdict:
    """Return that a plan waits for a person."""
    return OlmVerdict(WAIT, name, versions, (OlmSymptom(Row(PLAN, AWAITS, SOON, fix), name, AWAITS, "", wrong),))


def _symptoms(goal: Goal, seen: OlmObjects) -> Iterator[OlmSymptom]:
    """Yield the obstacles, the most specific first."""
    if goal.pinned and is_before(goal.csv, seen.installed):
        row = Row(SUBSCRIPTION, "", SOON, "Pin that version, or remove the operator first.")
        yield OlmSymptom(row, goal.subscription, "", "", f"{seen.installed} is installed, past the pinned {goal.csv}")
    under_way = _under_way(goal, seen)
    yield from under_way
    resolved = seen.plan or seen.status.get("currentCSV")
    skipped = set(NO_CONDITION)
    if seen.plan:
        skipped.update(OF_PLAN)
    if under_way and resolved:
        skipped.update(OF_CATALOGS)
    conditions = [condition for condition in _conditions(seen.subscription) if condition["type"] not in skipped]
    for condition in conditions:
        details = condition.get("reason"), condition.get("message")
        yield _symptom(SUBSCRIPTION, goal.subscription, condition["type"], *details)
    if not (conditions or resolved) or seen.status.get("state") == "UpgradeFailed":
        yield _symptom(SUBSCRIPTION, goal.subscription, seen.status.get("state"))


def _under_way(goal: Goal, seen: OlmObjects) -> list[OlmSymptom]:
    """Return the version that is coming, the installed one when that is in its way, and the plan, if incomplete."""
    under_way = []
    for name in dict.fromkeys((str(seen.status.get("currentCSV")), goal.csv, seen.installed)):
        csv = seen.csvs.get(name)
        if csv is not None and status_of(csv).get("phase") not in (SUCCEEDED, "Replacing"):
            under_way.append(_csv_symptom(csv))
    if seen.plan and status_of(seen.plan).get("phase") != "Complete":
        under_way.append(_plan_symptom(seen.plan))
    return under_way


def _csv_symptom(csv: Manifest) -> OlmSymptom:
    """Return the state of a ClusterServiceVersion, with each requirement that is not there."""
    status = status_of(csv)
    messages = [status.get("message")]
    for need in items(status, "requirementStatus"):
        if need.get("status") != "Present":
            text = f"{need.get('kind')} {need.get('name')} is {need.get('status')}"
            if need.get("message"):
                text += f": {need['message']}"
            messages.append(text)
    message = "; ".join(filter(None, messages))
    return _symptom(CSV, csv["metadata"]["name"], status.get("phase"), status.get("reason"), message)


def _plan_symptom(plan: Manifest) -> OlmSymptom:
    """Return the state of an InstallPlan, with what its conditions and its lookups of bundles say."""
    status = status_of(plan)
    messages: dict[str, None] = {}
    reasons = []
    for condition in _plan_conditions(status):
        if condition.get("message"):
            messages[condition["message"]] = None
            if condition.get("reason"):
                reasons.append(condition["reason"])
    message = "; ".join(messages) or status.get("message")
    reason = reasons[0] if reasons else ""
    return _symptom(PLAN, plan["metadata"]["name"], status.get("phase"), reason, message)


def _plan_conditions(status: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the conditions of an InstallPlan that are not met, and those of its lookups of bundles."""
    for condition in items(status, "conditions"):
        if condition.get("status") == "False":
            yield condition
    for lookup in items(status, "bundleLookups"):
        yield from items(lookup, "conditions")


def _symptom(kind: str, name: str, state: Any, reason: Any = "", message: Any = "") -> OlmSymptom:
    texts = [str(value or "") for value in (state, reason, message)]
    return OlmSymptom(row_for(kind, *texts), name, *texts)


def _conditions(subscription: Manifest | None) -> list[dict[str, Any]]:
    """Return the true conditions of a Subscription: something is wrong, or in progress."""
    conditions = status_of(subscription).get("conditions") or []
    return [condition for condition in conditions if condition.get("status") == "True"]
