# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds up an installation by OLM: the states of its objects that are not good. Private.

`olm_states.py` asks for the symptoms of an installation that is not done, and `live/olm_wait.py` shows them. A symptom
is a state of an object with its row of olm_state_table.py, which says for how long the object may stay in it. For
example, a ClusterServiceVersion in the phase Failed:

    OlmSymptom(StateRow(CSV, "Failed", 20 s, …), "opentelemetry-operator.v0.140.0-2", "Failed", "InstallCheckFailed",
               "install timeout")
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
# Conditions that do not stop a Subscription.
HARMLESS_CONDITIONS = ("Deprecated", *DEPRECATIONS)
# Conditions of a Subscription that its InstallPlan reports in more detail.
PLAN_CONDITIONS = ("InstallPlanPending", "InstallPlanFailed")
# Conditions of any catalog of the cluster. A resolved Subscription needs no catalog.
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
        condition
        for condition in list_true_conditions(live_objects.subscription)
        if condition["type"] not in skipped_types
    ]
    for condition in conditions:
        details = condition.get("reason"), condition.get("message")
        yield _make_symptom(SUBSCRIPTION, goal.subscription, condition["type"], *details)
    if not (conditions or is_resolved) or live_objects.subscription_status.get("state") == "UpgradeFailed":
        yield _make_symptom(SUBSCRIPTION, goal.subscription, live_objects.subscription_status.get("state"))


def _list_unfinished(goal: InstallGoal, live_objects: LiveObjects) -> list[OlmSymptom]:
    """Return the version that is coming, the installed one when that is in its way, and the plan, if incomplete."""
    unfinished = []
    coming_csv = str(live_objects.subscription_status.get("currentCSV"))
    for name in dict.fromkeys((coming_csv, goal.csv, live_objects.installed_csv)):
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
    """Return the symptom of a state, with the row of the table about it. OLM may leave out each of the values."""
    state_text, reason_text, message_text = str(state or ""), str(reason or ""), str(message or "")
    row = find_row(kind, state_text, reason_text, message_text)
    return OlmSymptom(row, name, state_text, reason_text, message_text)
