# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wait for a Subscription, over an API server in memory whose objects move while time passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.live.olm_wait import OlmWait
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.olm.install_objects import InstallGoal
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.olm.olm_state_table import SOON_SECONDS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Failure, Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._rollout.live.jmespath_search import compile_search

from ...fake_api import FakeApi, status
from ..olm.samples import NAME, NAMESPACE, ONE, THREE, TWO, csv, plan, subscribed
from .olm_api import obj, path, served

Step = tuple[float, tuple[dict[str, Any], ...]]


def wait(api: FakeApi, target: str = TWO, approval: str = "manual", seconds: float = 60) -> dict[str, Any]:
    goal = InstallGoal(NAMESPACE, NAME, target, approval == "manual")
    return OlmWait(api.cluster(), compile_search({}), goal, seconds).wait_until_installed()


def course(api: FakeApi, *steps: Step) -> None:
    """Let the objects of each step be there from its time on."""
    left = list(steps)

    def move(now: float) -> None:
        for step in [one for one in left if one[0] <= now]:
            left.remove(step)
            api.add(*step[1])

    api.clock.on_sleep.append(move)


def on_approval(api: FakeApi, name: str, then: Callable[[], None]) -> None:
    """Do something at the next pause after a plan was approved."""
    done: list[str] = []

    def look(_now: float) -> None:
        if not done and api.objects.get(path(plan(name)), plan(name))["spec"]["approved"]:
            done.append(name)
            then()

    api.clock.on_sleep.append(look)


def failed(api: FakeApi, **options: Any) -> Failure:
    with pytest.raises(Failure) as caught:
        wait(api, **options)
    return caught.value


def test_what_is_there_already_is_not_waited_for() -> None:
    api = served(subscribed(installedCSV=TWO, currentCSV=TWO), csv(TWO))
    result = wait(api)
    assert (result["changed"], result["csv"], result["seconds"], result["approved"]) == (False, TWO, 0.0, [])
    assert api.clock.now == 0


def test_the_plan_for_the_pin_is_approved_once() -> None:
    api = served(subscribed("install-1", currentCSV=TWO), plan("install-1", TWO))
    then = (subscribed("install-1", installedCSV=TWO, currentCSV=TWO), csv(TWO, "Installing"))
    on_approval(api, "install-1", lambda: api.add(*then))
    course(api, (3, (csv(TWO),)))
    result = wait(api)
    assert (result["changed"], result["approved"]) == (True, ["install-1"])
    assert result["phases"] == [f"{TWO} Installing", f"{TWO} Succeeded"]
    assert len(api.sent("PATCH")) == 1


def test_a_phase_of_one_version_is_told_once_while_another_goes_on() -> None:
    api = served(subscribed("install-2", installedCSV=ONE, currentCSV=TWO), csv(ONE), csv(TWO, "Pending"))
    there = (subscribed("install-2", installedCSV=TWO, currentCSV=TWO), csv(TWO))
    course(api, (3, (csv(TWO, "InstallReady"),)), (6, (csv(TWO, "Installing"),)), (9, there))
    later = [f"{TWO} {phase}" for phase in ("InstallReady", "Installing", "Succeeded")]
    assert wait(api)["phases"] == [f"{TWO} Pending", f"{ONE} Succeeded", *later]


def test_the_progress_names_the_versions_of_this_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    api = served(subscribed("install-2", installedCSV=ONE, currentCSV=TWO), csv(ONE), csv(TWO, "Pending"))
    there = (subscribed("install-2", installedCSV=TWO, currentCSV=TWO), csv(TWO))
    course(api, (3, (csv(TWO, "InstallReady"),)), (6, (csv(TWO, "Installing"),)), (9, there))
    cluster, said = api.cluster(), list[str]()
    goal = InstallGoal(NAMESPACE, NAME, TWO, is_pinned=True)
    waiting = OlmWait(cluster, compile_search({}), goal, 60)
    monkeypatch.setattr(type(cluster.progress), "__call__", lambda _progress, _asked, state: said.append(state))
    waiting.wait_until_installed()
    both = [f"{TWO} {phase}; {ONE} Succeeded" for phase in ("Pending", "InstallReady", "Installing")]
    assert list(dict.fromkeys(said)) == [*both, f"{TWO} Succeeded"]


def test_every_step_on_the_way_is_approved() -> None:
    api = served(subscribed("install-2", installedCSV=ONE, currentCSV=TWO), csv(ONE), plan("install-2", TWO))
    second = (subscribed("install-3", installedCSV=TWO, currentCSV=THREE), csv(TWO), plan("install-3", THREE))
    third = (subscribed("install-3", installedCSV=THREE, currentCSV=THREE), csv(THREE))
    on_approval(api, "install-2", lambda: api.add(*second))
    on_approval(api, "install-3", lambda: api.add(*third))
    result = wait(api, target=THREE)
    assert (result["csv"], result["approved"]) == (THREE, ["install-2", "install-3"])


def test_a_plan_that_changed_meanwhile_is_judged_anew() -> None:
    api = served(subscribed("install-1", currentCSV=TWO), plan("install-1", TWO))

    def change(_method: str, target: str) -> None:
        if target.endswith("/installplans/install-1"):
            api.add(plan("install-1", TWO, "other.v1.0.0"))

    api.trouble = change
    failure = failed(api)
    assert failure.facts["brings"] == [TWO, "other.v1.0.0"]
    assert api.sent("PATCH") == []


def test_another_run_that_was_faster_is_no_error() -> None:
    api = served(subscribed("install-1", currentCSV=TWO), plan("install-1", TWO))
    done = plan("install-1", TWO, approved=True)
    there = (subscribed("install-1", installedCSV=TWO, currentCSV=TWO), csv(TWO), done)
    api.refuse("", status(409, "Conflict", "was changed"), "PATCH")
    course(api, (1, there))
    assert wait(api)["approved"] == []


def test_who_may_not_approve_is_told() -> None:
    api = served(subscribed("install-1", currentCSV=TWO), plan("install-1", TWO))
    api.refuse("", method="PATCH")
    with pytest.raises(Problem, match="Approve InstallPlan install-1"):
        wait(api)


def test_an_upgrade_beyond_the_pin_is_named() -> None:
    api = served(subscribed("install-3", installedCSV=TWO, currentCSV=THREE), csv(TWO), plan("install-3", THREE))
    result = wait(api)
    assert result["waiting"] == [THREE]
    assert f"InstallPlan install-3 with {THREE} waits for approval" in result["msg"]
    assert api.sent("PATCH") == []


def test_a_plan_of_before_is_not_taken_for_the_one_that_comes() -> None:
    stale = plan("install-1", "opentelemetry-operator.v0.159.0-1")
    api = served(subscribed("install-1", installedCSV=ONE, currentCSV=THREE), csv(ONE), stale)
    course(api, (3, (subscribed("install-2", installedCSV=ONE, currentCSV=TWO), plan("install-2", TWO))))
    on_approval(api, "install-2", lambda: api.add(subscribed(installedCSV=TWO, currentCSV=TWO), csv(TWO)))
    assert wait(api)["approved"] == ["install-2"]


def test_a_plan_that_brings_more_ends_the_wait_soon() -> None:
    api = served(subscribed("install-1", currentCSV=TWO), plan("install-1", TWO, "other.v1.0.0"))
    failure = failed(api)
    assert f"it installs other.v1.0.0 beside {TWO}" in str(failure)
    assert f"InstallPlan {NAMESPACE}/install-1" in str(failure)
    assert SOON_SECONDS <= api.clock.now < SOON_SECONDS + 3
    with pytest.raises(Failure, match="beside"):
        wait(served(subscribed("install-1"), plan("install-1", TWO, "other.v1.0.0")), seconds=2)


@pytest.mark.parametrize(
    ("items", "words", "earliest", "latest"),
    [
        ((csv(TWO, "Failed", "OwnerConflict", "two own it"),), ": two own it (at ClusterServiceVersion", 0, 0),
        (
            (csv(TWO, "Failed", "TooManyOperatorGroups"),),
            "OLM gives no reason (at Cluster",
            SOON_SECONDS,
            SOON_SECONDS + 3,
        ),
        ((csv(TWO, "Failed", "InstallComponentFailed", "quota"),), ": quota (at", 20, 23),
        ((plan("install-1", TWO, phase="Failed", approved=True, message="no"),), ": no (at InstallPlan", 0, 0),
    ],
)
def test_what_does_not_pass_ends_the_wait(items: Any, words: str, earliest: float, latest: float) -> None:
    api = served(subscribed("install-1", currentCSV=TWO), *items)
    failure = failed(api)
    assert words in str(failure)
    assert failure.facts["failures"][0]["fix"]
    assert earliest <= api.clock.now <= latest


def test_what_passes_is_waited_through() -> None:
    api = served(subscribed("install-1", currentCSV=TWO), csv(TWO, "Failed", "InstallComponentFailed", "webhook"))
    there = (subscribed("install-1", installedCSV=TWO, currentCSV=TWO), csv(TWO))
    course(api, (15, (csv(TWO, "Pending", "NeedsReinstall"),)), (30, there))
    assert wait(api)["csv"] == TWO


def test_two_failures_with_a_break_between_do_not_add_up() -> None:
    api = served(subscribed("install-1", currentCSV=TWO), csv(TWO, "Failed", "InstallComponentFailed"))
    again, pause = csv(TWO, "Failed", "InstallComponentFailed"), csv(TWO, "Installing", "InstallWaiting")
    course(api, (15, (pause,)), (18, (again,)), (35, (subscribed(installedCSV=TWO, currentCSV=TWO), csv(TWO))))
    assert wait(api)["csv"] == TWO


def test_when_the_time_is_over_it_tells_what_is_missing() -> None:
    condition = ("BundleUnpacking", "JobIncomplete", "unpack job not completed")
    api = served(subscribed(conditions=(condition,)))
    failure = failed(api, seconds=7)
    assert "not there after 7 s: unpack job not completed" in str(failure)
    assert f"Subscription {NAMESPACE}/{NAME}: BundleUnpacking, JobIncomplete" in str(failure)
    assert api.clock.now >= 7


def test_a_channel_without_a_way_is_told() -> None:
    api = served(subscribed(installedCSV=ONE, currentCSV=ONE, state="AtLatestKnown"), csv(ONE))
    failure = failed(api, target=THREE, approval="automatic", seconds=5)
    assert f"OLM stays at {ONE} (state AtLatestKnown)" in str(failure)


def test_pods_that_cannot_work_are_told_before_olm_gives_up() -> None:
    api = served(subscribed("install-1", currentCSV=TWO), csv(TWO, "Installing", "InstallWaiting"))
    labels, revision = {"app": "manager"}, {"deployment.kubernetes.io/revision": "1"}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": {"spec": {"containers": []}}}
    metadata = {"uid": "d1", "generation": 1, "annotations": revision}
    status = {"observedGeneration": 1, "replicas": 1}
    owned = {"uid": "r1", "annotations": revision, "ownerReferences": [{"uid": "d1", "controller": True}]}
    waiting = {"waiting": {"reason": "ErrImagePull", "message": "not found: example.invalid/operator:1"}}
    states = [{"name": "manager", "restartCount": 0, "state": waiting}]
    by_set = {"labels": labels, "ownerReferences": [{"kind": "ReplicaSet", "uid": "r1", "controller": True}]}
    api.add(
        obj("Deployment", "manager", version="apps/v1", metadata=metadata, spec=spec, status=status),
        obj("ReplicaSet", "manager-1", version="apps/v1", metadata=owned, spec={"replicas": 1}, status={}),
        obj("Pod", "manager-1-a", version="v1", metadata=by_set, spec={}, status={"containerStatuses": states}),
    )
    failure = failed(api)
    assert "example.invalid/operator:1" in str(failure)
    assert failure.facts["failures"][0]["id"] == "image_pull"
    assert failure.facts["phases"] == [f"{TWO} Installing"]


def test_deprecations_are_warned_of() -> None:
    condition = ("PackageDeprecated", "", "the package ends")
    api = served(subscribed(conditions=(condition,), installedCSV=TWO, currentCSV=TWO), csv(TWO))
    assert wait(api)["warnings"] == ["OLM says: the package ends"]
