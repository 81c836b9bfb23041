# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is killed leaves a record, with which the next run completes or undoes the change."""

from __future__ import annotations

import copy
import json

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import RawAnswer
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube.names import OWNER

from ...fake_api import status
from ...live_helpers import obj
from .bundle_helpers import NAMESPACE, RELEASE
from .helpers import (
    DEPLOYMENT,
    RECORD,
    ROLE,
    SERVICE,
    Workloads,
    cluster,
    collector,
    fails,
    killed,
    labels,
    remove,
    run,
    state,
)

NAMELESS = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": "ns", "labels": labels()}}
DAMAGED = (
    *("[1", "[1]", "[" * 100_000, '[{"kind": "Deployment"}]', json.dumps([NAMELESS])),
    json.dumps([{**NAMELESS, "kind": ["Deployment"], "metadata": {**NAMELESS["metadata"], "name": "a"}}]),
)


@pytest.mark.parametrize("where", [SERVICE, DEPLOYMENT, ""])
def test_a_run_after_a_killed_one_undoes_the_change(where: str) -> None:
    api = cluster(collector("one"))
    before = state(api)
    killed(api, collector("bad"), where)
    failure = fails(api, collector("bad"))
    assert {path: state(api)[path] for path in (DEPLOYMENT, SERVICE)} == {
        path: before[path] for path in (DEPLOYMENT, SERVICE)
    }
    assert RECORD not in api.objects
    assert "changed the collector ns/a was interrupted, or still runs" in str(failure.facts["warnings"])


@pytest.mark.parametrize("then", ["two", "three", "one"])
def test_a_run_after_a_killed_one_completes_what_the_inventory_says_now(then: str) -> None:
    api = cluster(collector("one"))
    killed(api, collector("two"), DEPLOYMENT)
    result = run(api, collector(then))
    assert (api.image(), RECORD in api.objects, result["ready"]) == (then, False, True)
    assert "This run completes it, or undoes it if it does not work." in result["warnings"][0]


def test_the_state_before_the_killed_run_is_what_a_third_config_goes_back_to() -> None:
    api = cluster(collector("one"))
    killed(api, collector("bad"), "")
    fails(api, collector("bad3"))
    assert api.image() == "one"


def test_a_killed_run_whose_config_failed_is_undone_also_if_nothing_differs() -> None:
    api = cluster(collector("one"))
    killed(api, collector("bad"), "")
    assert "The earlier config of ns/a is back and works." in fails(api, collector("bad")).fix
    assert api.image() == "one"


def test_with_keep_a_record_goes_when_the_collector_works() -> None:
    api = cluster(collector("one"))
    killed(api, collector("bad"), "")
    keep = {"change": {"ns/a": {"on_failure": "keep"}}}
    assert "keeps the new config" in fails(api, collector("bad"), **keep).fix
    assert (api.image(), RECORD in api.objects) == ("bad", True)
    warnings = run(api, collector("two"), **keep)["warnings"]
    assert "ns/a failed in an earlier run, and the collector keeps the new config" in warnings[0]
    assert "interrupted" not in str(warnings)
    assert RECORD not in api.objects


def test_what_failed_is_told_although_the_record_of_a_collector_that_keeps_its_config_cannot_be_read() -> None:
    both = [*collector("one"), *collector("one", "b")[1:]]
    api = cluster(both)
    killed(api, collector("bad"), "")
    run_of_record = api.objects[RECORD]["data"]["run"]
    down = status(500, "InternalError", "etcd is away")

    def trouble(method: str, path: str) -> RawAnswer | None:
        is_taken_over = api.objects[RECORD]["data"]["run"] != run_of_record
        return down if (method, path) == ("GET", RECORD) and is_taken_over else None

    api.trouble = trouble
    bad = [*collector("bad"), *collector("bad", "b")[1:]]
    failure = fails(api, bad, change={"ns/a": {"on_failure": "keep"}})
    assert "The earlier config of ns/b is back and works." in failure.fix
    assert "not ready" in str(failure) and "etcd is away" in failure.fix
    assert (api.image(), api.image(name="b"), RECORD in api.objects) == ("bad", "one", True)
    assert RECORD.replace("a-change", "b-change") not in api.objects


def test_an_object_that_did_not_go_back_is_told_from_a_run_that_was_killed() -> None:
    api = cluster(collector("one"))
    denied = status(422, "Invalid", "admission webhook denied the request")

    def deny(_now: float) -> None:
        api.trouble = lambda method, path: denied if (method, path) == ("PATCH", SERVICE) else None

    api.clock.on_sleep.append(deny)
    assert "Not back: Service ns/a" in fails(api, collector("bad")).fix
    api.clock.on_sleep.clear()
    api.trouble = lambda _method, _path: None
    warning = run(api, collector("two"))["warnings"][0]
    assert (
        "The change of the collector ns/a failed in an earlier run, and not all of its objects went back (" in warning
    )
    assert "This run completes it, or undoes it if it does not work." in warning
    assert RECORD not in api.objects


def test_the_record_of_a_run_that_goes_on_is_one_of_a_change_under_way_again() -> None:
    api = cluster(collector("one"))
    killed(api, collector("bad"), "")
    fails(api, collector("bad"), change={"ns/a": {"on_failure": "keep"}})
    killed(api, collector("bad"), "")
    assert "was interrupted, or still runs" in str(fails(api, collector("bad")).facts["warnings"])


def test_removal_and_check_mode_with_a_record() -> None:
    api = cluster(collector("one"))
    killed(api, collector("bad"), "")
    before = copy.deepcopy(api.objects)
    assert "Without check mode" in run(api, collector("bad"), check=True)["warnings"][0]
    assert api.objects == before
    remove(api, collector("bad"))
    assert RECORD not in api.objects


def test_an_edited_record_gives_no_rights() -> None:
    api = cluster(collector("one"))
    killed(api, collector("bad"), "")
    record = api.objects[RECORD]["data"]
    evil = [{"apiVersion": "v1", "kind": "ClusterRole", "metadata": {"name": "ns.a", "labels": labels()}}]
    other = obj("Deployment", "other", labels={**labels(), "o11y.opentelemetry/collector": "other"})
    record["before.json"] = json.dumps([*json.loads(record["before.json"]), *evil, other])
    fails(api, collector("bad"))
    assert not api.has("deployments", "other")
    assert "rules" in api.objects[ROLE]


def test_a_forged_record_reaches_no_object_of_others() -> None:
    release = "operator_shared"
    webhooks = obj("MutatingWebhookConfiguration", "operator", labels={RELEASE: release}, webhooks=[{"name": "a"}])
    webhooks["metadata"].pop("namespace", None)
    api = cluster(collector("one"), collector("one", "b"), [NAMESPACE, webhooks])
    killed(api, collector("bad"), "")
    forged = []
    for item in (item for item in api.objects.values() if item["metadata"]["name"] in ("b", "operator")):
        kept = {"name": item["metadata"]["name"], "namespace": "ns", "uid": item["metadata"]["uid"]}
        if item["kind"] not in ("Deployment", "Service"):
            del kept["namespace"]
        found = {"apiVersion": item["apiVersion"], "kind": item["kind"], "metadata": {**kept, "labels": labels()}}
        forged.append({**found, "spec": {"template": {"evil": True}}, "webhooks": [{"name": "evil"}]})
    assert len(forged) == 3
    record = api.objects[RECORD]["data"]
    record["before.json"] = json.dumps([*json.loads(record["before.json"]), *forged])
    fails(api, collector("bad"))
    assert "evil" not in str([item for path, item in api.objects.items() if path != RECORD])
    assert api.image() == "one"


@pytest.mark.parametrize("manager", [OWNER, "kubectl-client-side-apply"])
@pytest.mark.parametrize("name", ["other", "b-change"])
def test_an_object_with_the_label_of_a_record_and_another_name_is_none(manager: str, name: str) -> None:
    marks = {**labels(), "o11y.opentelemetry/change": "under-way"}
    api = cluster(collector("one"))
    api.apply(manager, obj("ConfigMap", name, labels=marks, data={"before.json": "[]"}))
    result = run(api, collector("one"))
    assert (result["warnings"], result["changed"]) == ([], False)
    assert run(api, collector("two"))["warnings"] == []
    assert api.has("configmaps", name) is (manager != OWNER), "as every object that the inventory does not have"


def test_a_record_with_the_release_of_another_collector_is_none() -> None:
    two = [*collector("one"), *collector("one", "b")[1:]]
    api = cluster(two)
    marks = {**labels("b"), RELEASE: "ns.a", "o11y.opentelemetry/change": "under-way"}
    api.apply(OWNER, obj("ConfigMap", "b-change", labels=marks, data={"before.json": "[]"}))
    assert run(api, two)["warnings"] == []
    with pytest.raises(Problem, match="ConfigMap ns/b-change belongs to another owner"):
        run(api, [*collector("one"), *collector("two", "b")[1:]])


@pytest.mark.parametrize("key", ["before.json", "worked.json"])
@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_record_stops_the_run(key: str, text: str) -> None:
    api = cluster(collector("one"))
    killed(api, collector("bad"), "")
    api.objects[RECORD]["data"][key] = text
    with pytest.raises(Problem, match="a-change, which an earlier run left, cannot be read"):
        run(api, collector("bad"))


def test_of_two_runs_that_begin_a_change_at_the_same_moment_the_second_stops() -> None:
    api = cluster(collector("one"))

    def other_run(method: str, path: str) -> None:
        if (method, path) == ("PATCH", RECORD):
            killed(api, collector("two"), DEPLOYMENT)

    api.trouble = other_run
    failure = fails(api, collector("three"))
    run_of_record = api.objects[RECORD]["data"]["run"]
    assert f"Change the collector ns/a: the run {run_of_record} began to change it" in str(failure)
    assert "(at ConfigMap ns/a-change)" in str(failure)
    assert "Wait until that run has ended" in failure.fix
    assert api.image() == "one"
    result = run(api, collector("three"))
    assert (api.image(), RECORD in api.objects, result["ready"]) == ("three", False, True)


def test_of_two_runs_that_take_over_an_interrupted_change_the_second_stops() -> None:
    api = cluster(collector("one"))
    killed(api, collector("two"), DEPLOYMENT)

    def other_run(method: str, path: str) -> None:
        if (method, path) == ("PATCH", RECORD):
            killed(api, collector("three"), DEPLOYMENT)

    api.trouble = other_run
    assert "another run has changed it since this run has read it" in str(fails(api, collector("four")))
    run(api, collector("four"))
    assert api.image() == "four"


def test_a_record_whose_write_had_no_answer_is_of_this_run() -> None:
    class Lossy(Workloads):
        def __call__(self, method: str, target: str, headers: dict[str, str], body: bytes | None) -> RawAnswer:
            new = RECORD not in self.objects
            answer = super().__call__(method, target, headers, body)
            return status(503, "ServiceUnavailable", "") if new and RECORD in self.objects else answer

    api = Lossy()
    run(api, collector("one"))
    run(api, collector("two"))
    assert (api.image(), RECORD in api.objects) == ("two", False)
