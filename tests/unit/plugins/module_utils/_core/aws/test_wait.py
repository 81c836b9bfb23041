# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state machine, said once more as a table, and held against the service model."""

from __future__ import annotations

import itertools

import botocore.session
import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.aws.issues import (
    ISSUES,
    Issue,
    fixes,
    issues_of,
    told,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.aws.wait import (
    ABSENT,
    OPERATIONS,
    PRESENT,
    REMOVED,
    TABLE,
    Patience,
    judge,
)

EKS = botocore.session.get_session().get_service_model("eks")
STATUSES = (ABSENT, *EKS.shape_for("AddonStatus").enum)
CODES = tuple(EKS.shape_for("AddonIssueCode").enum)
WAIT, FAIL, ACCEPT = Patience("wait", 100), Patience("fail", 100), Patience("accept", 100)

EXPECTED = """
              create  update  delete  settle
ABSENT        wait    gone    done    gone
CREATING      wait    wait    wait    wait
ACTIVE        done    done    wait    done
UPDATING      wait    wait    wait    wait
DEGRADED      health  health  wait    health
CREATE_FAILED failed  failed  wait    failed
UPDATE_FAILED failed  failed  wait    failed
DELETING      gone    gone    wait    gone
DELETE_FAILED failed  failed  failed  failed
"""
ROWS = {line.split()[0]: line.split()[1:] for line in EXPECTED.strip().splitlines()[1:]}
# What time does not mend.
FINAL = {"ConfigurationConflict", "UnsupportedAddonModification", "AddonSubscriptionNeeded"}


def expected(operation: str, status: str, code: str, patience: Patience, degraded_for: float) -> str:
    cell = ROWS[status][OPERATIONS.index(operation)]
    if cell != "health":
        return cell
    if patience.degraded != "wait":
        return {"accept": "done", "fail": "failed"}[patience.degraded]
    return "failed" if code in FINAL or degraded_for >= patience.seconds else "wait"


def test_every_status_and_issue_code_of_aws_is_in_the_tables() -> None:
    assert set(STATUSES) == set(ROWS) == set(TABLE) == set(PRESENT) == set(REMOVED)
    assert set(CODES) == set(ISSUES)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("status", STATUSES)
def test_every_status_of_every_operation_with_every_issue(operation: str, status: str) -> None:
    for code, patience, time in itertools.product(("", *CODES), (WAIT, FAIL, ACCEPT), (0, 99, 100, 1000)):
        issues = (Issue(code, "text"),) if code else ()
        verdict = judge(operation, status, issues, patience=patience, degraded_for=time)
        assert verdict.what == expected(operation, status, code, patience, time), (code, patience, time)


def test_one_final_issue_among_others_ends_the_wait() -> None:
    issues = (Issue("InsufficientNumberOfReplicas", ""), Issue("ConfigurationConflict", ""))
    assert judge("update", "DEGRADED", issues, patience=WAIT).what == "failed"


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize(
    ("update", "what"), [("InProgress", "wait"), ("Failed", "failed"), ("Cancelled", "failed"), ("Successful", "")]
)
def test_the_word_of_our_update_comes_before_the_status(status: str, update: str, what: str) -> None:
    verdict = judge("update", status, update=update, patience=ACCEPT)
    assert verdict.what == (what or expected("update", status, "", ACCEPT, 0))


def test_every_update_status_is_known() -> None:
    assert set(EKS.shape_for("UpdateStatus").enum) == {"InProgress", "Failed", "Cancelled", "Successful"}


def test_a_status_that_is_not_known_yet_is_waited_for() -> None:
    assert judge("create", "PAUSED", patience=WAIT).what == "wait"


def test_failures_are_taken_up_again_and_a_deletion_that_failed_is_not() -> None:
    assert {status: step for status, (step, _operation) in PRESENT.items()} == {
        "ABSENT": "create",
        "CREATING": "resume",
        "UPDATING": "resume",
        "DELETING": "resume",
        "ACTIVE": "change",
        "DEGRADED": "change",
        "CREATE_FAILED": "repair",
        "UPDATE_FAILED": "repair",
        "DELETE_FAILED": "stuck",
    }
    assert {status for status, (step, _operation) in REMOVED.items() if step == "delete"} == set(STATUSES) - {
        "ABSENT",
        "DELETING",
    }


def test_issues_of_addon_and_update_are_told_once_each() -> None:
    addon = {"health": {"issues": [{"code": "AccessDenied", "message": "no", "resourceIds": ["role/a"]}]}}
    update = {"errors": [{"errorCode": "AccessDenied", "errorMessage": "no", "resourceIds": ["role/a"]}]}
    issues = issues_of(addon, update)
    assert told(issues) == "EKS may not do in the cluster what the add-on needs [AccessDenied (role/a)]: no"
    assert fixes(issues * 2).count("eks:addon-manager") == 1
    assert issues[0].fact["fix"] == ISSUES["AccessDenied"].fix
    assert told(issues_of({"health": {"issues": [{"message": "odd"}]}})) == "EKS reports an issue [no code]: odd"
    assert issues_of(None) == issues_of({"health": {}}, {}) == ()


@pytest.mark.parametrize("code", EKS.shape_for("ErrorCode").enum)
def test_every_error_of_an_update_is_told(code: str) -> None:
    assert code in told(issues_of(None, {"errors": [{"errorCode": code, "errorMessage": "text"}]}))
