# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collectors of a cluster are read while their wave is watched, and noted as passed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose.live.find_collectors import find_targets
from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose.live.reader import ClusterReader
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube.names import OWNER
from ansible_collections.o11y.opentelemetry.plugins.module_utils._waves.live.collector_wave import (
    note_passed_collectors,
    watch_collectors,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._waves.sample_rows import read_tracks

from ..._change.live.bundle_helpers import NAMESPACE
from ..._change.live.helpers import run
from ..._change.live.rollouts import Rollouts, collector
from ..._change.live.test_canary import cluster
from ..._diagnose.live.diagnose_api import CONFIG
from ...fake_api import status
from ...live_helpers import obj

DEPLOYMENT = "/apis/apps/v1/namespaces/ns/deployments/a"
NOTE = "/api/v1/namespaces/ns/configmaps/a-wave"
ASKED: Mapping[str, str] = {"kind": "Deployment", "namespace": "ns", "name": "a"}


def reader_of(api: Rollouts) -> ClusterReader:
    return ClusterReader(api.cluster(), api.cluster())


def watch(api: Rollouts, seconds: float = 0, applied: Any = (), **asked: str) -> Any:
    reader = reader_of(api)
    return watch_collectors(reader, find_targets(reader, [{**ASKED, **asked}]), seconds, applied)


def note(api: Rollouts, release: str, *, check: bool = False) -> Any:
    reader = reader_of(api)
    judged = [{"name": "ns/a", "release": release, "sum": release}]
    given = {"wave": "first", "by": "ann", "collectors": judged}
    return note_passed_collectors(reader, find_targets(reader, [dict(ASKED)]), given, check=check)


def test_all_pods_are_read_from_the_start_of_the_watch_to_its_end() -> None:
    api = cluster()
    (row,) = watch(api, 60)["collectors"]
    assert (row["name"], row["passed"], len(row["polls"])) == ("ns/a", {}, 21)
    (track,) = read_tracks("eu", {"collectors": [row]})
    assert track.polls[-1].read_time - track.polls[0].read_time == pytest.approx(60, abs=1)
    assert {sample.pod for sample in track.samples} == {"eu/p1", "eu/p2", "eu/p3"}
    accepted = [sum(sum(sample.reading.values()) for sample in poll.samples if sample.reading) for poll in track.polls]
    assert accepted == sorted(set(accepted)), "the pods count on"


def test_without_seconds_one_reading_is_taken() -> None:
    assert len(watch(cluster())["collectors"][0]["polls"]) == 1


def test_a_pod_that_cannot_be_read_says_why() -> None:
    api = cluster()
    api.refuse("/proxy/metrics")
    (track,) = read_tracks("eu", watch(api))
    assert {(sample.reading, sample.why) for sample in track.samples} == {(None, "no")}


def test_a_collector_that_does_not_run_is_left_out() -> None:
    assert watch(cluster(), name="b")["collectors"] == []


@pytest.mark.parametrize("kind", ["Deployment", None])
def test_a_collector_whose_workload_may_not_be_read_says_so(kind: str | None) -> None:
    api = cluster()
    forbidden = status(403, "Forbidden", 'deployments.apps is forbidden: User "ann" cannot list it')
    api.trouble = lambda _method, path: forbidden if "/deployments" in path else None
    found = watch(api, **({"kind": kind} if kind else {}))
    assert found["collectors"] == []
    (unseen,) = found["unseen"]
    assert unseen["name"] == "ns/a"
    assert 'deployments.apps is forbidden: User "ann" cannot list it' in unseen["why"]
    assert watch(cluster())["unseen"] == []


def test_a_collector_that_is_gone_is_not_unseen_where_pods_may_not_be_read() -> None:
    """The wave says that it does not run: a right to read pods would not bring it back."""
    api = cluster()
    forbidden = status(403, "Forbidden", 'pods is forbidden: User "ann" cannot list it')
    api.trouble = lambda _method, path: forbidden if "/pods" in path else None
    del api.objects[DEPLOYMENT]
    found = watch(api)
    assert (found["collectors"], found["unseen"]) == ([], [])


def test_the_config_has_no_secret() -> None:
    api = cluster()
    secret = CONFIG.replace('endpoint: "${env:BACKEND}:4317"', 'endpoint: "b:4317", headers: {authorization: s3cret}')
    assert secret != CONFIG
    for item in api.objects.values():
        if item["kind"] == "ConfigMap":
            item["data"] = {"c": secret}
    (row,) = watch(api)["collectors"]
    assert row["config"]["exporters"]["otlp_grpc/jaeger"]["endpoint"] == "b:4317"
    assert "s3cret" not in json.dumps(row)


def test_another_config_is_another_release() -> None:
    api = cluster()
    before = watch(api)["collectors"][0]["release"]
    run(api, [NAMESPACE, *collector("second")])
    after = watch(api)["collectors"][0]["release"]
    assert before != after
    run(api, [NAMESPACE, *collector("first")])
    assert watch(api)["collectors"][0]["release"] == before


def test_what_another_run_applies_before_the_watch_is_told_and_not_read() -> None:
    api = cluster()
    applied = [{**ASKED, "generation": api.objects[DEPLOYMENT]["metadata"]["generation"]}]
    assert watch(api, applied=applied)["taken"] == []
    run(api, [NAMESPACE, *collector("second")])
    found = watch(api, applied=applied)
    assert (found["collectors"], found["taken"]) == ([], ["ns/a"])


def test_what_another_run_applies_during_the_watch_is_told_and_not_judged() -> None:
    api = cluster()

    def other_run(now: float) -> None:
        api.clock.on_sleep.remove(other_run)
        run(api, [NAMESPACE, *collector("second")])

    api.clock.on_sleep.append(other_run)
    found = watch(api, 60)
    assert (found["collectors"], found["taken"]) == ([], ["ns/a"])


def test_a_collector_that_is_deleted_during_the_watch_is_not_judged() -> None:
    api = cluster()
    api.clock.on_sleep.append(lambda _now: api.objects.pop(DEPLOYMENT, None) and None)
    assert watch(api, 9)["collectors"] == []


@pytest.mark.parametrize(
    ("path", "good_reads", "said"),
    [
        (DEPLOYMENT, 1, "Read Deployment ns/a: the server answers 500"),
        (NOTE, 0, "Read ConfigMap ns/a-wave: the server answers 500"),
    ],
)
def test_what_cannot_be_read_at_the_end_of_the_watch_is_an_error_with_its_reason(
    path: str, good_reads: int, said: str
) -> None:
    api = cluster()
    reads: list[str] = []

    def trouble(method: str, asked_path: str) -> Any:
        if (method, asked_path) == ("GET", path):
            reads.append(path)
        return status(500, "InternalError", "etcd is away") if len(reads) > good_reads else None

    api.trouble = trouble
    with pytest.raises(Problem, match=said):
        watch(api)


def test_a_release_that_passed_is_known_and_another_one_is_not() -> None:
    api = cluster()
    release = watch(api)["collectors"][0]["release"]
    assert note(api, release) == {"changed": True, "collectors": [], "warnings": []}
    passed = watch(api)["collectors"][0]["passed"]
    assert {**passed, "when": ""} == {
        "wave": "first",
        "by": "ann",
        "verdict": "passed",
        "release": release,
        "when": "",
    }
    run(api, [NAMESPACE, *collector("second")])
    assert watch(api)["collectors"][0]["passed"] == {}


def test_check_mode_writes_no_note() -> None:
    api = cluster()
    assert note(api, watch(api)["collectors"][0]["release"], check=True)["changed"]
    assert NOTE not in api.objects


def test_what_another_run_has_changed_since_has_passed_nothing() -> None:
    api = cluster()
    release = watch(api)["collectors"][0]["release"]
    run(api, [NAMESPACE, *collector("second")])
    said = note(api, release)
    assert (said["changed"], NOTE in api.objects) == (False, False)
    assert said["warnings"] == ["ns/a: nothing says that it passed, since another run has changed it."]


def test_the_object_of_another_owner_is_not_overwritten() -> None:
    api = cluster()
    api.add(obj("ConfigMap", "a-wave", data={"mine": "1"}))
    said = note(api, watch(api)["collectors"][0]["release"])
    assert "since ConfigMap ns/a-wave belongs to" in said["warnings"][0]
    assert api.objects[NOTE]["data"] == {"mine": "1"}


@pytest.mark.parametrize("text", ["", "{", "[]", '"a"', "[" * 100_000])
def test_a_damaged_note_says_that_nothing_passed(text: str) -> None:
    api = cluster()
    note(api, watch(api)["collectors"][0]["release"])
    api.objects[NOTE]["data"]["passed.json"] = text
    assert watch(api)["collectors"][0]["passed"] == {}


def test_a_note_that_may_not_be_written_is_an_error_with_its_reason() -> None:
    api = cluster()
    release = watch(api)["collectors"][0]["release"]
    api.trouble = lambda method, _path: status(403, "Forbidden", "no patch") if method == "PATCH" else None
    with pytest.raises(Exception, match="Write ConfigMap ns/a-wave"):
        note(api, release)


def test_the_note_has_the_marks_of_its_collector() -> None:
    api = cluster()
    note(api, watch(api)["collectors"][0]["release"])
    labels = api.objects[NOTE]["metadata"]["labels"]
    assert labels["o11y.opentelemetry/release"] == "ns.a"
    assert api.objects[NOTE]["metadata"]["managedFields"][0]["manager"] == OWNER
