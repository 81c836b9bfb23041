# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A changed collector that does not work goes back to what the previous run applied."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.live.rollback import (
    NEW_REASON,
    OUTRUN_REASON,
    UndoResult,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import RawAnswer
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.outage import LostError
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ...fake_api import status
from ...live_helpers import obj
from .bundle_helpers import actions
from .helpers import (
    DEPLOYMENT,
    RECORD,
    SERVICE,
    Workloads,
    cluster,
    collector,
    fails,
    killed,
    labels,
    run,
    state,
)


@pytest.mark.parametrize("kind", ["Deployment", "DaemonSet", "StatefulSet"])
def test_all_objects_of_a_collector_that_fails_are_back(kind: str) -> None:
    api = cluster(collector("one", kind=kind))
    before = state(api)
    failure = fails(api, collector("bad", kind=kind))
    assert state(api) == before
    assert api.image(f"{kind.lower()}s") == "one"
    assert RECORD not in api.objects
    assert "not ready after 30 s" in failure.wrong
    assert "The earlier config of ns/a is back and works." in failure.fix
    assert "The new config is kept in ConfigMap ns/a-bad." in failure.fix
    assert api.has("configmaps", "a-bad"), "the new config stays for study"
    assert api.has("configmaps", "a-one"), "the earlier config is what the pods mount"
    assert actions(failure.facts) == {
        "Namespace ns": "unchanged",
        "ClusterRole ns.a": "restored",
        "ConfigMap a-bad": "created",
        "Service a": "restored",
        f"{kind} a": "restored",
    }
    assert "not undone: created ConfigMap ns/a-bad." in failure.fix


def test_a_change_that_works_leaves_no_record_and_counts_as_ready() -> None:
    api = cluster(collector("one"))
    seen: list[bool] = []
    api.trouble = lambda method, path: (
        seen.append(RECORD in api.objects) if (method, path) == ("PATCH", DEPLOYMENT) else None
    )
    result = run(api, collector("two"))
    assert (result["ready"], api.image()) == (True, "two")
    assert seen == [False, True], "a dry run, then the change, which has a record"
    assert RECORD not in api.objects
    assert "ConfigMap a-change" not in actions(result)


def test_the_record_holds_no_rights_and_no_secrets() -> None:
    secret = obj("Secret", "a", labels=labels(), stringData={"token": "hush"})
    api = cluster([*collector("one"), secret])
    records: list[Any] = []
    api.clock.on_sleep.append(lambda _now: records.append(copy.deepcopy(api.objects[RECORD])))
    changed = [*collector("bad"), {**secret, "stringData": {"token": "hush hush"}}]
    fails(api, changed)
    record = records[0]
    assert [item["kind"] for item in json.loads(record["data"]["before.json"])] == ["Service", "Deployment"]
    assert record["metadata"]["labels"] == {**labels(), "o11y.opentelemetry/change": "under-way"}
    assert "hush" not in str(record)


def test_a_run_without_a_change_reads_and_writes_no_more_than_one_without_a_collector() -> None:
    api = cluster(collector("one"))
    run(api, collector("one"))
    now, api.requests = api.requests, []
    unlabelled = copy.deepcopy(collector("one"))
    for manifest in unlabelled:
        manifest["metadata"]["labels"].pop("o11y.opentelemetry/collector", None)
    run(api, unlabelled)
    assert len(now) == len(api.requests)
    assert not [path for method, path, _query in now if "change" in path]


def test_what_never_worked_and_what_is_to_be_kept_goes_not_back() -> None:
    broken = cluster(collector("bad"))
    assert run(broken, collector("bad2"))["ready"] is False
    kept = cluster(collector("one"))
    assert run(kept, collector("bad"), change={"ns/a": {"on_failure": "keep"}})["ready"] is False
    assert (broken.image(), kept.image()) == ("bad2", "bad")
    assert not [path for path in (*broken.sent("PATCH"), *kept.sent("PATCH")) if path == RECORD]


def test_check_mode_writes_nothing() -> None:
    api = cluster(collector("one"))
    before = copy.deepcopy(api.objects)
    run(api, collector("bad"), check=True)
    assert api.objects == before


def test_a_foreign_object_of_the_records_name_stops_the_run_before_the_first_write() -> None:
    api = cluster(collector("one"))
    api.apply("their-tool", obj("ConfigMap", "a-change", labels=labels(), data={"mine": "1"}))
    before = copy.deepcopy(api.objects)
    with pytest.raises(Problem, match=r"ConfigMap ns/a-change belongs to another owner \(their-tool\)") as caught:
        run(api, collector("two"), prune_selector="")
    assert "`kubectl -n ns delete configmap a-change`" in caught.value.fix
    assert api.objects == before


def meanwhile(api: Workloads, manifests: list[Any]) -> None:
    """Let another run apply its manifests while one waits for the first time."""

    def another(_now: float) -> None:
        api.clock.on_sleep.clear()
        if "bad" in str(manifests):
            fails(api, manifests)
        else:
            run(api, manifests)

    api.clock.on_sleep.append(another)


@pytest.mark.parametrize(("others", "image"), [("two", "two"), ("bad2", "one")])
def test_what_another_run_has_changed_since_stays(others: str, image: str) -> None:
    api = cluster(collector("one"))
    meanwhile(api, collector(others))
    failure = fails(api, collector("bad"))
    assert "another run has changed it since this run" in str(failure)
    assert "Nothing was brought back, because another run has taken over the change of ns/a." in failure.fix
    assert api.image() == image
    assert RECORD not in api.objects, "the other run took the record over"


def test_the_record_of_another_run_is_not_deleted() -> None:
    api = cluster(collector("one"))

    def another(_now: float) -> None:
        api.clock.on_sleep.clear()
        killed(api, collector("bad2"), "")

    api.clock.on_sleep.append(another)
    fails(api, collector("bad"))
    assert (api.image(), RECORD in api.objects) == ("bad2", True)


def test_an_object_that_cannot_be_applied_takes_those_before_it_back() -> None:
    api = cluster(collector("one"))
    before = state(api)
    denied = status(422, "Invalid", "admission webhook denied the request")
    api.trouble = lambda method, path: denied if (method, path) == ("PATCH", DEPLOYMENT) else None
    failure = fails(api, collector("two"))
    assert "admission webhook denied" in failure.wrong
    assert "The earlier config of ns/a is back." in failure.fix
    assert state(api) == before
    assert RECORD not in api.objects


def test_what_is_back_is_told_when_the_server_is_lost_half_way_back() -> None:
    api = cluster(collector("one"))
    denied = status(422, "Invalid", "admission webhook denied the request")
    refused: list[str] = []

    def trouble(method: str, path: str) -> Any:
        if method == "PATCH" and path == DEPLOYMENT and RECORD in api.objects and not refused:
            refused.append(path)
            return denied
        if refused and path == DEPLOYMENT and api.objects[SERVICE]["spec"] == {"ports": [{"name": "one"}]}:
            raise LostError("refused", "Connection refused", "https://a", again=True)
        return None

    api.trouble = trouble
    failure = fails(api, collector("two"))
    assert "admission webhook denied" in failure.wrong
    in_part = "ns/a is back only in part (ClusterRole ns.a, Service ns/a), because Connection refused."
    assert f"{in_part} The record of the earlier config is kept, so run again." in failure.fix
    assert actions(failure.facts)["Service a"] == "restored"
    assert RECORD in api.objects, "the next run needs it"
    api.trouble = lambda _method, _path: None
    run(api, collector("two"))
    assert (api.image(), RECORD in api.objects) == ("two", False)


def test_others_in_the_same_run_go_on_and_only_the_one_that_fails_goes_back() -> None:
    one, two = collector("one"), collector("one", "b")[1:]
    api = cluster([*one, *two])
    failure = fails(api, [*collector("bad"), *collector("two", "b")[1:]])
    assert (api.image(), api.image(name="b")) == ("one", "two")
    assert "config of ns/b" not in failure.fix
    assert not [path for path in api.objects if path.endswith("-change")]


def test_a_static_count_that_replaced_an_autoscaler_leaves_the_pods_that_run() -> None:
    scaled = collector("one")
    del scaled[-1]["spec"]["replicas"]
    api = cluster(scaled)
    api.objects[DEPLOYMENT]["spec"]["replicas"] = 8
    fails(api, collector("bad", replicas=5))
    assert api.objects[DEPLOYMENT]["spec"]["replicas"] == 5
    assert api.image() == "one"


def test_fields_of_an_autoscaler_stay_with_it() -> None:
    scaled, changed = collector("one"), collector("bad")
    for manifests in (scaled, changed):
        del manifests[-1]["spec"]["replicas"]
    api = cluster(scaled)
    api.objects[DEPLOYMENT]["spec"]["replicas"] = 8
    fails(api, changed)
    assert (api.objects[DEPLOYMENT]["spec"]["replicas"], api.image()) == (8, "one")


def test_a_mode_switch_creates_a_workload_and_keeps_the_old_one() -> None:
    api = cluster(collector("one"))
    failure = fails(api, collector("bad", kind="StatefulSet"))
    assert "are kept: Deployment ns/a" in failure.fix
    assert api.image() == "one"
    assert RECORD not in api.objects


def test_what_another_run_applied_before_this_one_could_stays() -> None:
    api = cluster(collector("one"))

    def another(method: str, path: str) -> None:
        if (method, path) == ("PATCH", DEPLOYMENT) and RECORD in api.objects:
            api.trouble = lambda _method, _path: None
            live = copy.deepcopy(api.objects[DEPLOYMENT])
            live["spec"]["template"]["spec"]["containers"][0]["image"] = "theirs"
            live["metadata"]["managedFields"][0]["time"] = "2030-01-01T00:00:00Z"
            api.add(live)

    api.trouble = another
    failure = fails(api, collector("two"))
    assert "another run has changed it since this run has read it" in failure.wrong
    assert "Not back: Deployment ns/a (another run has changed it since this run)" in failure.fix
    assert api.image() == "theirs"


class Proxied(Workloads):
    """A proxy replaces every answer to a write of the Service, which is done or not."""

    replaces, does = False, False

    def __call__(self, method: str, target: str, headers: dict[str, str], body: bytes | None) -> RawAnswer:
        if not self.replaces or method != "PATCH" or not target.startswith(SERVICE) or b'"two"' not in (body or b""):
            return super().__call__(method, target, headers, body)
        if self.does:
            super().__call__(method, target, headers, body)
        return RawAnswer(200, {}, b"<html>")


def proxied(*, does: bool) -> Proxied:
    api = Proxied()
    run(api, collector("one"))
    api.replaces, api.does = True, does
    return api


def test_a_collector_goes_back_when_an_answer_stays_broken() -> None:
    api = proxied(does=False)
    before = state(api)
    failure = fails(api, collector("two"))
    assert "Apply Service ns/a: the answer of the server is not the JSON of an object" in str(failure)
    assert "The earlier config of ns/a is back" in failure.fix
    assert "Not back" not in failure.fix
    assert "Done before this error, and not undone: " in failure.fix
    assert (state(api), RECORD in api.objects) == (before, False)


def test_a_write_is_looked_for_when_its_answer_stays_broken() -> None:
    api = proxied(does=True)
    run(api, collector("two"))
    assert (api.image(), RECORD in api.objects) == ("two", False)
    assert api.objects[SERVICE]["spec"] == {"ports": [{"name": "two"}]}


@pytest.mark.parametrize(
    ("reasons", "outrun"),
    [
        ([OUTRUN_REASON], True),
        ([OUTRUN_REASON, NEW_REASON], True),
        ([OUTRUN_REASON, "not allowed"], False),
        ([NEW_REASON], False),
        ([], False),
    ],
)
def test_another_run_has_overtaken_what_could_not_go_back_for_it_alone(reasons: list[str], outrun: bool) -> None:
    undone = UndoResult()
    for number, reason in enumerate(reasons):
        undone.changes.note_skipped(obj("Deployment", f"a{number}"), reason)
    assert undone.is_outrun is outrun
    assert undone.kept_object_lines == [f"Deployment ns/a{number} ({reason})" for number, reason in enumerate(reasons)]
