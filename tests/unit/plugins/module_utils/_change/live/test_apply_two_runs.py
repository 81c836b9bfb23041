# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After runs that overlapped, and after what vanished, a rollback goes back to the last config that worked."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ...fake_api import FakeApi, status
from .helpers import DEPLOYMENT, RECORD, ROLE, SERVICE, cluster, collector, fails, killed, remove, run
from .test_canary import change
from .test_canary import cluster as canary_cluster

KEEP = {"change": {"ns/a": {"on_failure": "keep"}}}
NS = "/api/v1/namespaces/ns"


def first_at(api: FakeApi, what: tuple[str, str], act: Callable[[], None], *, recorded: bool = False) -> None:
    """Do something once, before the answer to the first such request, or the first after the record."""

    def trouble(method: str, path: str) -> None:
        if (method, path) == what and (RECORD in api.objects or not recorded):
            api.trouble = lambda _method, _path: None
            act()

    api.trouble = trouble


@pytest.mark.parametrize(("path", "others"), [(RECORD, {}), (RECORD, KEEP), (SERVICE, KEEP), (DEPLOYMENT, KEEP)])
def test_the_loser_of_two_runs_leaves_no_record_of_what_it_found(path: str, others: dict[str, Any]) -> None:
    api = cluster(collector("one"))
    first_at(api, ("PATCH", path), lambda: run(api, collector("two"), **others))
    with pytest.raises(Problem, match="another run has changed it since this run has read it"):
        run(api, collector("three"))
    assert (api.image(), RECORD in api.objects) == ("two", False)
    assert "The earlier config of ns/a is back and works" in fails(api, collector("bad")).fix
    assert api.image() == "two"


def test_a_run_that_is_outrun_before_its_first_write_changes_nothing() -> None:
    api = cluster(collector("one"))
    first_at(api, ("PATCH", RECORD), lambda: run(api, collector("two")))
    with pytest.raises(Problem, match="Change Deployment ns/a: another run has changed it"):
        run(api, collector("three"))
    assert not api.has("configmaps", "a-three")


def test_a_run_that_cannot_read_the_workload_again_leaves_no_record_of_a_change() -> None:
    api = cluster(collector("one"))
    down = status(500, "InternalError", "etcd is away")
    api.trouble = lambda method, path: down if (method, path) == ("GET", DEPLOYMENT) and RECORD in api.objects else None
    with pytest.raises(Problem, match="etcd is away"):
        run(api, collector("two"))
    assert (api.image(), RECORD in api.objects) == ("one", False)


def test_a_record_of_a_killed_run_stays_if_the_workload_cannot_be_read_again() -> None:
    api = cluster(collector("one"))
    killed(api, collector("bad"), "")
    down = status(500, "InternalError", "etcd is away")
    first_run = api.objects[RECORD]["data"]["run"]

    def trouble(method: str, path: str) -> Any:
        is_taken_over = api.objects[RECORD]["data"]["run"] != first_run
        return down if (method, path) == ("GET", DEPLOYMENT) and is_taken_over else None

    api.trouble = trouble
    with pytest.raises(Problem, match="etcd is away"):
        run(api, collector("two"))
    assert RECORD in api.objects


def test_what_a_killed_run_left_is_what_the_next_goes_back_to_if_it_works() -> None:
    api = cluster(collector("one"))
    killed(api, collector("bad"), "")
    record = api.objects[RECORD]
    run(api, collector("two"))
    api.objects[RECORD] = record  # as an earlier version of this collection left it after two runs at once
    assert "The earlier config of ns/a is back and works" in fails(api, collector("bad2")).fix
    assert (api.image(), RECORD in api.objects) == ("two", False)


def test_a_canary_that_was_killed_goes_back_to_what_was_before_also_if_it_is_ready() -> None:
    api = cluster(collector("one"))
    killed(api, collector("bad"), "")
    record = api.objects[RECORD]
    run(api, collector("two"))
    api.objects[RECORD] = {**record, "data": {**record["data"], "strategy": "canary"}}
    fails(api, collector("bad2"))
    assert api.image() == "one"


def test_a_leftover_run_brings_nothing_back_after_another_has_taken_its_change_over() -> None:
    api = cluster(collector("one"))

    def take_over(_now: float) -> None:
        api.clock.on_sleep.clear()
        api.objects[RECORD]["data"]["run"] = "other_1"

    api.clock.on_sleep.append(take_over)
    failure = fails(api, collector("bad"))
    assert "Nothing was brought back, because another run has taken over the change of ns/a." in failure.fix
    assert (api.image(), api.objects[RECORD]["data"]["run"]) == ("bad", "other_1")


def overtaken(api: FakeApi) -> None:
    """Let another run apply the workload that had read it before this run wrote its record."""
    live = copy.deepcopy(api.objects[DEPLOYMENT])
    live["spec"]["template"]["metadata"]["annotations"] = {"run": "theirs"}
    live["metadata"]["managedFields"][0]["time"] = "2030-01-01T00:00:00Z"
    live["metadata"]["generation"] += 1
    api.add(live)


def test_the_record_stays_if_an_object_could_not_go_back_for_another_reason_too() -> None:
    api = cluster(collector("one"))
    denied = status(422, "Invalid", "admission webhook denied the request")

    def act() -> None:
        overtaken(api)
        api.trouble = lambda method, path: denied if (method, path) == ("PATCH", ROLE) else None

    first_at(api, ("PATCH", DEPLOYMENT), act, recorded=True)
    failure = fails(api, collector("two"))
    assert "Deployment ns/a (another run has changed it since this run)" in failure.fix
    assert "ClusterRole ns.a (an admission webhook denied it" in failure.fix
    assert api.objects[RECORD]["metadata"]["labels"]["o11y.opentelemetry/change"] == "partly-back"


@pytest.mark.parametrize("during", ["the apply", "the canary"])
def test_a_canary_that_keeps_its_config_leaves_no_record_if_another_run_overtakes_it(during: str) -> None:
    api = canary_cluster()
    if during == "the apply":
        first_at(api, ("PATCH", DEPLOYMENT), lambda: overtaken(api), recorded=True)
    else:
        once = [lambda: overtaken(api)]
        api.clock.on_sleep.append(lambda _now: once.pop()() if once else None)
    with pytest.raises(Problem, match="another run has changed it since this run") as caught:
        change(api, "second", change={"on_failure": "keep"})
    assert RECORD not in api.objects
    assert "keeps the new config" not in caught.value.fix
    if during == "the canary":
        assert "Deployment ns/a stays as it is: another run has changed it since this run." in caught.value.fix


def unreadable_after_a_refusal(api: FakeApi) -> list[str]:
    """Let the API server refuse the change of the workload, and then not give the workload; return what it refused."""
    refused, down = status(422, "Invalid", "the step that failed"), status(500, "InternalError", "etcd is away")
    failed: list[str] = []

    def trouble(method: str, path: str) -> Any:
        if (method, path) == ("PATCH", DEPLOYMENT) and RECORD in api.objects:
            failed.append(path)
            return refused
        return down if failed and (method, path) == ("GET", DEPLOYMENT) else None

    api.trouble = trouble
    return failed


def test_a_step_that_fails_is_told_although_the_workload_can_no_longer_be_read() -> None:
    api = canary_cluster()
    failed = unreadable_after_a_refusal(api)
    with pytest.raises(Problem, match="the step that failed"):
        change(api, "second", change={"on_failure": "keep"})
    assert failed and RECORD in api.objects


def test_a_step_that_fails_is_told_although_nothing_can_be_brought_back() -> None:
    api = canary_cluster()
    failed = unreadable_after_a_refusal(api)
    with pytest.raises(Problem, match="the step that failed") as caught:
        change(api, "second", change={"on_failure": "rollback"})
    assert failed and RECORD in api.objects
    assert re.search(r"is not brought back, because .*etcd is away.*The next run does it\.", caught.value.fix)


def test_a_removal_during_a_change_ends_it_at_once() -> None:
    api = cluster(collector("one"))

    def removed(_now: float) -> None:
        api.clock.on_sleep.clear()
        remove(api, collector("bad"))

    api.clock.on_sleep.append(removed)
    failure = fails(api, collector("bad"), wait_seconds=300)
    assert "Wait for Deployment ns/a: it was deleted: the namespace 'ns' was deleted too" in str(failure)
    assert "Nothing was brought back, because Deployment ns/a was deleted." in failure.fix
    assert "is back" not in failure.fix and "is kept in" not in failure.fix
    assert api.clock.now < 10 and RECORD not in api.objects


def test_a_deleted_collector_is_not_said_to_keep_its_config() -> None:
    api = cluster(collector("one"))
    killed(api, collector("bad"), "")
    api.clock.on_sleep.append(lambda _now: api.objects.pop(DEPLOYMENT, None))
    failure = fails(api, collector("bad"), **KEEP)
    assert "Nothing was brought back, because Deployment ns/a was deleted." in failure.fix
    assert "keeps the new config" not in failure.fix and RECORD not in api.objects


@pytest.mark.parametrize("gone", [False, True])
def test_a_namespace_that_goes_during_a_change_is_named(gone: bool) -> None:
    api = cluster(collector("one"))

    def removed(_now: float) -> None:
        api.clock.on_sleep.clear()
        api.objects[NS]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        for path in [path for path in api.objects if path.startswith(NS) or "/namespaces/ns/" in path]:
            if path != NS or gone:
                del api.objects[path]

    api.clock.on_sleep.append(removed)
    failure = fails(api, collector("bad"), wait_seconds=300)
    said = "was deleted too" if gone else "is being deleted, since 2026-01-01T00:00:00Z"
    assert f"it was deleted: the namespace 'ns' {said}" in str(failure)
    assert "is kept in" not in failure.fix and api.clock.now < 10


def test_a_config_that_nobody_can_find_is_not_said_to_be_kept() -> None:
    api = cluster(collector("one"))
    api.clock.on_sleep.append(lambda _now: api.objects.pop(f"{NS}/configmaps/a-bad", None))
    failure = fails(api, collector("bad"))
    assert "is back and works" in failure.fix and "is kept in" not in failure.fix


def test_a_namespace_that_may_not_be_read_is_not_blamed() -> None:
    api = cluster(collector("one"))

    def removed(_now: float) -> None:
        api.objects.pop(DEPLOYMENT, None)
        denied = status(403, "Forbidden", "no")
        api.trouble = lambda method, path: denied if (method, path) == ("GET", NS) else None

    api.clock.on_sleep.append(removed)
    assert "another run, such as `remove`, or a user did it" in str(fails(api, collector("bad")))
