# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions of an add-on, and its state machine as a table, held against the service model."""

from __future__ import annotations

import itertools

import botocore.session
import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.addon import addon_states
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.addon import (
    addon_versions as versions,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.addon.addon_issues import (
    ADVICE_BY_CODE,
    Issue,
    describe_issues,
    join_fixes,
    list_issues,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ...helpers import cases

NEW, DEFAULT, OLD = "v0.151.0-eksbuild.10", "v0.151.0-eksbuild.2", "v0.141.0-eksbuild.1"
OFFERED = [versions.AddonVersion(NEW), versions.AddonVersion(DEFAULT, is_default=True), versions.AddonVersion(OLD)]


def pick(asked: str | None, installed: str | None, offered: list[versions.AddonVersion] | None = None) -> str:
    return versions.choose_version(asked, installed, OFFERED if offered is None else offered, "adot", "1.34").version


@cases(
    "asked, installed, chosen",
    (None, None, DEFAULT),
    (None, OLD, OLD),
    ("default", None, DEFAULT),
    ("default", OLD, DEFAULT),
    ("default", NEW, NEW),  # never back
    ("latest", None, NEW),
    ("latest", DEFAULT, NEW),
    ("latest", NEW, NEW),
    (OLD, None, OLD),
    (OLD, NEW, OLD),  # who names it means it
    ("v0.1.0-eksbuild.1", "v0.1.0-eksbuild.1", "v0.1.0-eksbuild.1"),  # no longer offered, but there
    ("default", "v9.0.0-eksbuild.1", DEFAULT),  # not offered for this version of Kubernetes
)
def test_the_version_is(asked: str | None, installed: str | None, chosen: str) -> None:
    assert pick(asked, installed) == chosen


def test_without_a_default_it_is_the_newest() -> None:
    assert pick(None, None, [versions.AddonVersion(DEFAULT), versions.AddonVersion(OLD)]) == DEFAULT


def test_what_is_there_but_no_longer_offered_is_warned_of() -> None:
    choice = versions.choose_version(None, "v0.1.0-eksbuild.1", OFFERED, "adot", "1.34")
    assert choice.warning.startswith("adot v0.1.0-eksbuild.1 is no longer offered for Kubernetes 1.34.")
    assert versions.choose_version(None, OLD, OFFERED, "adot", "1.34").warning == ""
    assert versions.choose_version(None, OLD, [], "adot", "1.34").warning == ""  # nothing is known then


@cases(
    "asked, offered, words",
    ("v0.151.0-eksbuild.1", OFFERED, f"did you mean '{NEW}'?"),
    ("lastest", OFFERED, f"Take default, latest, or one of {NEW}, {DEFAULT}, {OLD}."),
    (None, [], "EKS offers no version of it for Kubernetes 1.34"),
    ("latest", [], "A new version of Kubernetes may have to wait for it"),
)
def test_what_is_not_on_offer_is_an_error(asked: str | None, offered: list[versions.AddonVersion], words: str) -> None:
    with pytest.raises(Problem, match="adot") as raised:
        pick(asked, None, offered)
    assert words in str(raised.value)


def test_many_versions_are_not_all_named() -> None:
    many = [versions.AddonVersion(f"v0.{number}.0-eksbuild.1") for number in range(30)]
    with pytest.raises(Problem, match="and 22 more"):
        pick("v9", None, many)


def test_offers_are_those_for_the_version_of_the_cluster() -> None:
    now, before = {"clusterVersion": "1.34", "defaultVersion": True}, {"clusterVersion": "1.33", "defaultVersion": True}
    new = {"addonVersion": NEW, "compatibilities": [now], "requiresIamPermissions": True}
    old = {"addonVersion": OLD, "compatibilities": [before, now | {"defaultVersion": False}]}
    gone = {"addonVersion": "v0.9", "compatibilities": [before]}
    listed = [
        {"addonName": "other", "addonVersions": [new]},
        {"addonName": "adot", "addonVersions": [old, gone]},
        {"addonName": "adot", "addonVersions": [new]},  # next page
    ]
    assert versions.list_offered_versions(listed, "adot", "1.34") == [
        versions.AddonVersion(NEW, is_default=True, needs_permissions=True),
        versions.AddonVersion(OLD),
    ]
    assert versions.list_offered_versions(listed, "adot", "1.99") == []


def test_an_unknown_name_is_answered_with_the_near_one() -> None:
    assert "did you mean 'adot'?" in str(versions.unknown_addon_problem("adott", ["adot", "coredns"]))


def test_where_nothing_is_on_offer_the_versions_of_kubernetes_that_have_it_are_told() -> None:
    fitting = [{"clusterVersion": "1.9"}, {"clusterVersion": "1.34"}]
    addons = [{"addonName": "adot", "addonVersions": [{"addonVersion": NEW, "compatibilities": fitting}]}]
    elsewhere = versions.list_kubernetes_versions([*addons, {"addonName": "other"}], "adot")
    assert elsewhere == ["1.34", "1.9"]
    with pytest.raises(Problem, match=r"offers no version of it for Kubernetes 1\.99, only for 1\.34, 1\.9"):
        versions.choose_version(None, None, [], "adot", "1.99", elsewhere=elsewhere)
    with pytest.raises(Problem, match=r"for Kubernetes 1\.99\. A new version"):
        versions.choose_version(None, None, [], "adot", "1.99")


EKS = botocore.session.get_session().get_service_model("eks")
STATUSES = (addon_states.ABSENT, *EKS.shape_for("AddonStatus").enum)
CODES = tuple(EKS.shape_for("AddonIssueCode").enum)
WAIT, FAIL, ACCEPT = (
    addon_states.Patience("wait", 100),
    addon_states.Patience("fail", 100),
    addon_states.Patience("accept", 100),
)

# What a wait does in each status of an add-on, and the first step to have it and to remove it.
EXPECTED = """
              create  update  delete unchang  watch  present removed
ABSENT        wait    gone    done    gone    wait    create  nothing
CREATING      wait    wait    wait    wait    wait    resume  delete
ACTIVE        done    done    wait    done    done    change  delete
UPDATING      wait    wait    wait    wait    wait    resume  delete
DEGRADED      health  health  wait    health  health  change  delete
CREATE_FAILED failed  failed  wait    failed  failed  repair  delete
UPDATE_FAILED failed  failed  wait    failed  failed  repair  delete
DELETING      gone    gone    wait    gone    gone    resume  resume
DELETE_FAILED failed  failed  failed  failed  failed  stuck   delete
"""
ROWS = {line.split()[0]: line.split()[1:] for line in EXPECTED.strip().splitlines()[1:]}
# What time does not mend.
FINAL = {"ConfigurationConflict", "UnsupportedAddonModification", "AddonSubscriptionNeeded"}


def expected(operation: str, status: str, code: str, patience: addon_states.Patience, degraded_for: float) -> str:
    cell = ROWS[status][addon_states.OPERATIONS.index(operation)]
    if cell != "health":
        return cell
    if patience.degraded_action != "wait":
        return {"accept": "done", "fail": "failed"}[patience.degraded_action]
    return "failed" if code in FINAL or degraded_for >= patience.seconds else "wait"


def test_every_status_and_issue_code_of_aws_is_in_the_tables_and_others_are_waited_for() -> None:
    assert (
        set(STATUSES)
        == set(ROWS)
        == set(addon_states.VERDICT_TABLE)
        == set(addon_states.FIRST_STEPS_TO_HAVE)
        == set(addon_states.FIRST_STEPS_TO_REMOVE)
    )
    assert set(CODES) == set(ADVICE_BY_CODE)
    assert set(EKS.shape_for("UpdateStatus").enum) == {"InProgress", "Failed", "Cancelled", "Successful"}
    assert addon_states.judge_status("create", "PAUSED", patience=WAIT).outcome == "wait", (
        "a status that is not known yet"
    )


@pytest.mark.parametrize("operation", addon_states.OPERATIONS)
@pytest.mark.parametrize("status", STATUSES)
def test_every_status_of_every_operation_with_every_issue(operation: str, status: str) -> None:
    for code, patience, time in itertools.product(("", *CODES), (WAIT, FAIL, ACCEPT), (0, 99, 100, 1000)):
        issues = (Issue(code, "text"),) if code else ()
        verdict = addon_states.judge_status(operation, status, issues, patience=patience, degraded_for=time)
        assert verdict.outcome == expected(operation, status, code, patience, time), (code, patience, time)


def test_one_final_issue_among_others_ends_the_wait() -> None:
    issues = (Issue("InsufficientNumberOfReplicas", ""), Issue("ConfigurationConflict", ""))
    assert addon_states.judge_status("update", "DEGRADED", issues, patience=WAIT).outcome == "failed"


@pytest.mark.parametrize("status", STATUSES)
@cases("update, what", ("InProgress", "wait"), ("Failed", "failed"), ("Cancelled", "failed"), ("Successful", ""))
def test_the_word_of_our_update_comes_before_the_status(status: str, update: str, what: str) -> None:
    verdict = addon_states.judge_status("update", status, update=update, patience=ACCEPT)
    assert verdict.outcome == (what or expected("update", status, "", ACCEPT, 0))


def test_failures_are_taken_up_again_and_a_deletion_that_failed_is_not() -> None:
    steps = {
        status: [addon_states.FIRST_STEPS_TO_HAVE[status][0], addon_states.FIRST_STEPS_TO_REMOVE[status][0]]
        for status in STATUSES
    }
    assert steps == {status: row[5:] for status, row in ROWS.items()}


def test_issues_of_addon_and_update_are_told_once_each() -> None:
    addon = {"health": {"issues": [{"code": "AccessDenied", "message": "no", "resourceIds": ["role/a"]}]}}
    update = {"errors": [{"errorCode": "AccessDenied", "errorMessage": "no", "resourceIds": ["role/a"]}]}
    issues = list_issues(addon, update)
    assert describe_issues(issues) == "no [AccessDenied (role/a)]"
    assert join_fixes(issues * 2).count("eks:addon-manager") == 1
    assert issues[0].result_row["fix"] == ADVICE_BY_CODE["AccessDenied"].fix
    assert describe_issues(list_issues({"health": {"issues": [{"message": "odd"}]}})) == "odd [no code]"
    assert describe_issues((Issue("AccessDenied", ""),)) == "EKS gives no message [AccessDenied]"
    assert list_issues(None) == list_issues({"health": {}}, {}) == ()


@pytest.mark.parametrize("code", EKS.shape_for("ErrorCode").enum)
def test_every_error_of_an_update_is_told(code: str) -> None:
    assert code in describe_issues(list_issues(None, {"errors": [{"errorCode": code, "errorMessage": "text"}]}))
