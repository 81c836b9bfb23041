# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every status of every operation with every issue, through a whole run of the module."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.addon.addon_issues import ADVICE_BY_CODE
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from tests.testbed.aws.world import Stage

from ..._identity.live.runs import Runs

EKS = botocore.session.get_session().get_service_model("eks")
STATUSES = EKS.shape_for("AddonStatus").enum
CODES = EKS.shape_for("AddonIssueCode").enum
FINAL = ("ConfigurationConflict", "UnsupportedAddonModification", "AddonSubscriptionNeeded")
OPTIONS: dict[str, Any] = {"create": {}, "update": {"version": "latest"}, "delete": {"state": "absent"}}
# Where an operation that stays in a status for ever ends.
LATE, DONE, FAILED, TAKEN, HEALTH = "late", "done", "failed", "taken", "health"
ENDS: dict[str, tuple[str, str, str]] = {
    "CREATING": (LATE, LATE, LATE),
    "ACTIVE": (DONE, DONE, LATE),
    "UPDATING": (LATE, LATE, LATE),
    "DEGRADED": (HEALTH, HEALTH, LATE),
    "CREATE_FAILED": (FAILED, FAILED, LATE),
    "UPDATE_FAILED": (FAILED, FAILED, LATE),
    "DELETING": (TAKEN, TAKEN, LATE),
    "DELETE_FAILED": (FAILED, FAILED, FAILED),
}


SHORT = {f"{operation}_timeout_seconds": 90 for operation in OPTIONS} | {"degraded_seconds": 30}


def end_of(operation: str, status: str, degraded: str) -> str:
    end = ENDS[status][list(OPTIONS).index(operation)]
    return (DONE if degraded == "accept" else FAILED) if end == HEALTH else end


@pytest.mark.parametrize("operation", OPTIONS)
@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("degraded", ["wait", "fail", "accept"])
def test_every_status_with_every_issue_ends_as_it_should(operation: str, status: str, degraded: str) -> None:
    for code in ("", *CODES):
        runs = Runs() if operation == "create" else Runs.with_addon()
        runs.world.add_script("adot", operation, Stage(status, issues=(code,) if code else ()))
        began = runs.clock()
        end = end_of(operation, status, degraded)
        options = OPTIONS[operation] | SHORT | {"degraded": degraded}
        if end == DONE:
            result = runs.run(**options)
            assert (result["changed"], result["status"]) == (True, status)
            assert any("is accepted" in text for text in result["warned"]) is (status == "DEGRADED")
            continue
        with pytest.raises(Problem) as raised:
            runs.run(**options)
        assert_told(raised.value, end, code, status)
        seconds = runs.clock() - began
        if end == LATE:
            assert seconds > 70
        elif status == "DEGRADED" and degraded == "wait" and code not in FINAL:
            assert 30 <= seconds < 50
        else:
            assert seconds < 10, "a failure is told when it shows"


def assert_told(problem: Any, end: str, code: str, status: str) -> None:
    text = str(problem)
    assert problem.facts["status"] == status
    if end == TAKEN:
        assert "another user removed it" in text
        return
    assert [issue["code"] for issue in problem.facts["issues"]] == ([code] if code else [])
    if code:
        assert ADVICE_BY_CODE[code].fix in text
        assert f"{code} of adot [{code} (adot)]" in text  # the message of EKS
    if end == LATE:
        assert "_timeout_seconds" in text


@pytest.mark.parametrize("operation", OPTIONS)
def test_each_operation_has_a_time_of_its_own(operation: str) -> None:
    runs = Runs() if operation == "create" else Runs.with_addon()
    runs.world.add_script(
        "adot", operation, Stage({"delete": "DELETING"}.get(operation, f"{operation[:-1]}ING".upper()))
    )
    began = runs.clock()
    text = runs.fails(**OPTIONS[operation], **{f"{operation}_timeout_seconds": 60})
    assert "after 60 s" in text
    assert 45 <= runs.clock() - began <= 60


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("wish", ["present", "newer", "absent"])
def test_an_operation_of_another_run_is_taken_up(status: str, wish: str) -> None:
    """The other run began with this status; what it began ends well, since only that can be taken up."""
    ends = {"DELETING": "ABSENT"}
    runs = Runs.with_addon(wait=False)
    runs.stages(Stage(status, 30), Stage(ends.get(status, "ACTIVE")))
    runs.changing()
    options = {"present": {}, "newer": {"version": "latest"}, "absent": {"state": "absent"}}[wish]
    if status == "DELETE_FAILED" and wish != "absent":
        assert "an earlier deletion of it has failed" in runs.fails(**options)
        return
    result = runs.run(**options)
    calls = runs.changing()
    assert (runs.live or {}).get("status") == (None if wish == "absent" else "ACTIVE")
    if wish == "absent":
        assert calls == ([] if status == "DELETING" else ["DeleteAddon"])
    else:
        failed = status.endswith("_FAILED")
        again = {"DELETING": ["CreateAddon"]}.get(status, ["UpdateAddon"] if failed or wish == "newer" else [])
        assert calls == again
    assert result["changed"] is bool(calls)
    assert runs.run(**options)["changed"] is False
    assert runs.changing() == []


@pytest.mark.parametrize("operation", ["CREATING", "UPDATING", "DELETING"])
def test_what_another_run_began_and_failed_is_told(operation: str) -> None:
    failed = {"CREATING": "CREATE_FAILED", "UPDATING": "UPDATE_FAILED", "DELETING": "DELETE_FAILED"}[operation]
    runs = Runs.with_addon(wait=False)
    runs.stages(Stage(operation, 30), Stage(failed, issues=("AccessDenied",)))
    text = runs.fails(state="absent" if operation == "DELETING" else "present")
    assert "AccessDenied of adot" in text and ADVICE_BY_CODE["AccessDenied"].fix in text
    assert {"DELETING": "preserve"}.get(operation, "The next run tries") in text


def test_errors_of_an_update_are_told_where_the_addon_has_no_issues() -> None:
    runs = Runs.with_addon()
    runs.world.add_script(
        "adot", "update", Stage("UPDATING", 4), Stage("UPDATE_FAILED", errors=("ConfigurationConflict",))
    )
    text = runs.fails(version="latest")
    assert "the update has failed" in text
    assert ADVICE_BY_CODE["ConfigurationConflict"].fix in text
    runs.stages(Stage("UPDATING", 9), Stage("UPDATE_FAILED"))
    assert ADVICE_BY_CODE["ConfigurationConflict"].fix in runs.fails(version="latest")  # of an update that is not ours


def test_an_update_that_failed_is_sent_again_and_check_mode_says_so() -> None:
    runs = Runs.with_addon()
    runs.stages(Stage("UPDATE_FAILED"))
    runs.changing()
    told = runs.run(check=True)
    diff = [told["diff"][when]["status"] for when in ("before", "after")]
    assert (told["changed"], diff) == (True, ["UPDATE_FAILED", "ACTIVE"])
    assert runs.changing() == []
    done = runs.run()
    assert (done["changed"], done["status"], runs.changing()) == (True, "ACTIVE", ["UpdateAddon"])


def test_a_degraded_addon_that_recovers_is_fine_and_its_time_starts_anew() -> None:
    runs = Runs()
    swing = [Stage("DEGRADED", 200), Stage("UPDATING", 10), Stage("DEGRADED", 200), Stage("ACTIVE")]
    runs.world.add_script("adot", "create", Stage("CREATING", 5), *swing)
    assert runs.run()["status"] == "ACTIVE"


def test_a_degraded_addon_is_told_by_a_run_that_changes_nothing() -> None:
    runs = Runs.with_addon()
    runs.stages(Stage("DEGRADED", issues=("InsufficientNumberOfReplicas",)))
    assert "it has been degraded for" in runs.fails(degraded_seconds=60)
    assert runs.run(degraded="accept")["changed"] is False
    assert runs.run(wait=False)["changed"] is False
    assert runs.run(check=True)["status"] == "DEGRADED"


def test_an_operation_that_comes_in_between_is_waited_for() -> None:
    runs = Runs.with_addon()
    runs.world.trouble(operation="UpdateAddon", code="ResourceInUseException", times=3)
    assert runs.run(version="latest")["changed"] is True
    runs.world.trouble(operation="UpdateAddon", code="ResourceInUseException", times=1000)
    assert "ResourceInUseException" in runs.fails(version="default", configuration_values={"replicaCount": 2})


def test_a_deletion_that_comes_too_early_is_tried_again() -> None:
    runs = Runs()
    runs.world.add_script("adot", "create", Stage("CREATING", 60), Stage("ACTIVE"))
    runs.run(wait=False)
    runs.world.trouble(operation="DeleteAddon", code="InvalidRequestException", times=4)
    assert runs.run(state="absent")["changed"] is True
    assert runs.live is None


def test_a_deletion_that_is_refused_for_another_reason_fails_at_once() -> None:
    runs = Runs.with_addon()
    runs.world.trouble(operation="DeleteAddon", code="InvalidRequestException", times=4)
    began = runs.clock()
    assert "InvalidRequestException" in runs.fails(state="absent")
    assert runs.clock() == began


def test_a_deletion_that_is_refused_is_looked_into_by_a_run_that_waits_alone() -> None:
    calls: dict[bool, list[str]] = {}
    for wait in (True, False):
        runs = Runs.with_addon()
        runs.world.trouble(operation="DeleteAddon", code="InvalidRequestException", times=4)
        runs.world.calls.clear()
        assert "InvalidRequestException" in runs.fails(state="absent", wait=wait)
        calls[wait] = runs.world.calls[runs.world.calls.index("DeleteAddon") + 1 :]
    assert calls == {True: ["DescribeAddon"], False: []}


def test_tags_that_were_set_before_a_collision_are_a_change() -> None:
    runs = Runs.with_addon()
    options = {"tags": {"a": "1"}, "version": "latest"}
    runs.world.trouble(operation="UpdateAddon", code="ResourceInUseException")
    clock, sleep = runs.clock, runs.clock.sleep

    def meanwhile(seconds: float) -> None:
        """Somebody else does the same update."""
        clock.sleep = sleep  # type: ignore[method-assign]
        runs.run(version="latest")
        sleep(seconds)

    clock.sleep = meanwhile  # type: ignore[method-assign]
    assert runs.run(**options)["changed"] is True


def test_check_mode_looks_through_a_deletion_of_another_run() -> None:
    runs = Runs.with_addon()
    runs.stages(Stage("DELETING", 30), Stage("ABSENT"))
    assert runs.run(check=True)["action"] == "created"
    assert "another operation is under way" in runs.fails(wait=False)
    assert runs.run(state="absent", wait=False)["changed"] is False
