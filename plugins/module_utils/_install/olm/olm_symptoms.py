# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds up an installation by OLM: the states of its objects that are not good. Private.

`olm_states.py` asks for the symptoms of an installation that is not done, and `live/olm_wait.py` shows them. A symptom
is a state of an object with its row of olm_state_table.py, which says for how long the object may stay in it. For
example, a ClusterServiceVersion in the phase Failed:

    OlmSymptom(
        row=StateRow(CSV, "Failed", RETRIED_SECONDS, …, reasons=("InstallCheckFailed",)),
        name="opentelemetry-operator.v0.140.0-2",
        state="Failed",
        reason="InstallCheckFailed",
        message="install timeout",
    )

The conditions of the Subscription are the last symptoms, since the other objects say more exactly what is wrong. Its
conditions are skipped in these cases:

| condition | skipped | because |
|---|---|---|
| `Deprecated`, `PackageDeprecated`, … | always | the installation goes on; the result of the task has a warning |
| `InstallPlanPending`, `InstallPlanFailed` | if the InstallPlan was read | the InstallPlan itself says why |
| `CatalogSourcesUnhealthy` | if a version that OLM has chosen is not finished | OLM has what it needs of the catalogs |
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ..._otelcol.config.paths import list_at
from ..._otelcol.kube.objects import Manifest
from .csv_names import is_before
from .install_objects import DEPRECATIONS, InstallGoal, LiveObjects, list_true_conditions, object_status
from .olm_state_table import CSV, PLAN, SOON_SECONDS, SUBSCRIPTION, StateRow, find_row

# The phase of a ClusterServiceVersion that is installed.
SUCCEEDED = "Succeeded"
# The phase of an older ClusterServiceVersion while its successor takes its place. It does not hold the successor up.
_REPLACING = "Replacing"
# The phase of an InstallPlan that OLM has carried out.
_COMPLETE = "Complete"
# The state of a Subscription whose upgrade OLM has given up.
_UPGRADE_FAILED = "UpgradeFailed"
# Conditions that do not stop a Subscription.
HARMLESS_CONDITIONS = ("Deprecated", *DEPRECATIONS)
# Conditions of a Subscription that its InstallPlan reports in more detail.
PLAN_CONDITIONS = ("InstallPlanPending", "InstallPlanFailed")
# Conditions about all catalogs of the cluster, also about those that do not offer this operator.
CATALOG_CONDITIONS = ("CatalogSourcesUnhealthy",)


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
    def result_row(self) -> dict[str, str]:
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


def find_symptoms(goal: InstallGoal, live_objects: LiveObjects) -> Iterator[OlmSymptom]:
    """Yield the obstacles, the most specific first: when the time is over, the failure is about the first one."""
    if goal.is_pinned and is_before(goal.csv, live_objects.installed_csv):
        yield _describe_passed_pin(goal, live_objects)
    unfinished = _list_unfinished(goal, live_objects)
    yield from unfinished
    conditions = _list_blocking_conditions(live_objects, has_unfinished=bool(unfinished))
    for condition in conditions:
        yield _make_symptom(
            SUBSCRIPTION,
            goal.subscription,
            state=condition["type"],
            reason=condition.get("reason"),
            message=condition.get("message"),
        )
    # The state of a Subscription is a field beside its conditions. It counts in two cases: OLM has neither chosen a
    # version nor said why not, or it has given up the upgrade to the version that it has chosen.
    subscription_state = live_objects.subscription_status.get("state")
    is_unprocessed = not conditions and not _is_resolved(live_objects)
    if is_unprocessed or subscription_state == _UPGRADE_FAILED:
        yield _make_symptom(SUBSCRIPTION, goal.subscription, state=subscription_state)


def _describe_passed_pin(goal: InstallGoal, live_objects: LiveObjects) -> OlmSymptom:
    """Return the symptom of an installed version that is newer than the pinned one. OLM never goes back.

    Its row is not in the table, since OLM sees nothing wrong in this state.
    """
    return OlmSymptom(
        row=StateRow(
            kind=SUBSCRIPTION,
            state="",
            grace_seconds=SOON_SECONDS,
            fix="Pin that version, or remove the operator first.",
        ),
        name=goal.subscription,
        state="",
        reason="",
        message=f"{live_objects.installed_csv} is installed, past the pinned {goal.csv}",
    )


def _is_resolved(live_objects: LiveObjects) -> bool:
    """Return whether OLM has chosen a version for the Subscription: it has a plan for it, or is installing it."""
    return bool(live_objects.referred_plan or live_objects.subscription_status.get("currentCSV"))


def _list_blocking_conditions(live_objects: LiveObjects, *, has_unfinished: bool) -> list[dict[str, Any]]:
    """Return the true conditions of the Subscription, without those that the table at the top of this file skips."""
    skipped_types = set(HARMLESS_CONDITIONS)
    if live_objects.referred_plan:
        skipped_types.update(PLAN_CONDITIONS)
    # If all versions are finished and the goal is not reached, OLM has to choose another one, and asks the catalogs.
    if has_unfinished and _is_resolved(live_objects):
        skipped_types.update(CATALOG_CONDITIONS)
    conditions = list_true_conditions(live_objects.subscription)
    return [condition for condition in conditions if condition["type"] not in skipped_types]


def _list_unfinished(goal: InstallGoal, live_objects: LiveObjects) -> list[OlmSymptom]:
    """Return the version that is coming, the installed one when that is in its way, and the plan, if incomplete."""
    unfinished = []
    coming_csv = str(live_objects.subscription_status.get("currentCSV") or "")
    # As keys, since one version often has two of these roles.
    for name in dict.fromkeys((coming_csv, goal.csv, live_objects.installed_csv)):
        csv = live_objects.csvs.get(name)
        if csv is not None and object_status(csv).get("phase") not in (SUCCEEDED, _REPLACING):
            unfinished.append(_describe_csv(csv))
    plan = live_objects.referred_plan
    if plan and object_status(plan).get("phase") != _COMPLETE:
        unfinished.append(_describe_plan(plan))
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
    return _make_symptom(
        CSV, csv["metadata"]["name"], state=status.get("phase"), reason=status.get("reason"), message=message
    )


def _describe_plan(plan: Manifest) -> OlmSymptom:
    """Return the state of an InstallPlan, with what its conditions and its lookups of bundles say."""
    status = object_status(plan)
    # As keys, since several lookups may wait for the same thing.
    messages: dict[str, None] = {}
    reasons = []
    for condition in _find_plan_conditions(status):
        if condition.get("message"):
            messages[condition["message"]] = None
            if condition.get("reason"):
                reasons.append(condition["reason"])
    message = "; ".join(messages) or status.get("message")
    reason = reasons[0] if reasons else ""
    return _make_symptom(PLAN, plan["metadata"]["name"], state=status.get("phase"), reason=reason, message=message)


def _find_plan_conditions(status: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the conditions of an InstallPlan that are not met, and those of its lookups of bundles.

    Those of an InstallPlan, such as `Installed`, are False if something is wrong. Those of a lookup are named for what
    is wrong, such as `BundleLookupPending`, so each of them counts.
    """
    for condition in list_at(status, "conditions"):
        if condition.get("status") == "False":
            yield condition
    for lookup in list_at(status, "bundleLookups"):
        yield from list_at(lookup, "conditions")


def _make_symptom(kind: str, name: str, *, state: Any, reason: Any = "", message: Any = "") -> OlmSymptom:
    """Return the symptom of a state, with the row of the table about it.

    `state`, `reason` and `message` are as OLM has written them, and None if it has left them out.
    """
    state_text, reason_text, message_text = str(state or ""), str(reason or ""), str(message or "")
    row = find_row(kind, state_text, reason_text, message_text)
    return OlmSymptom(row=row, name=name, state=state_text, reason=reason_text, message=message_text)
