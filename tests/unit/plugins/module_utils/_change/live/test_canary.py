# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A share of the pods gets a change first. If they do worse than the others, all of them go back."""

from __future__ import annotations

import re
import threading
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.live.canaries import judge_canaries_together
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import RawAnswer
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Failure, Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _builds, _yaml

from ..._diagnose.live.diagnose_api import CONFIG
from ...fake_api import status
from ...helpers import cases
from ...live_helpers import obj
from .bundle_helpers import NAMESPACE
from .helpers import RECORD, KilledError, remove, run
from .rollouts import WORKLOADS, Rollouts, collector, watched

NAME = "ns/a"
CANARY: dict[str, Any] = {
    "strategy": "canary",
    "share": "1",
    "observe_seconds": 30,
    "judge": [],
    "on_failure": "rollback",
    "config": _yaml.load(CONFIG, "config").data,
    "listeners": list(_builds.load_catalogue().listener_rows),
}


def cluster(kind: str = "Deployment", **spec: Any) -> Rollouts:
    """Return a cluster with what an earlier run applied."""
    api = Rollouts()
    run(api, [NAMESPACE, *collector("first", kind, **spec)])
    api.requests.clear()
    api.clock.now += 60
    api.act()
    return api


def change(api: Rollouts, config: str, kind: str = "Deployment", spec: Any = None, **options: Any) -> Any:
    given = {NAME: {**CANARY, **options.pop("change", {})}}
    return run(api, [NAMESPACE, *collector(config, kind, **(spec or {}))], change=given, wait_seconds=60, **options)


def fails(api: Rollouts, *given: Any, **more: Any) -> Failure:
    with pytest.raises(Failure) as caught:
        change(api, *given, **more)
    return caught.value


def killed(api: Rollouts, config: str, *given: Any) -> None:
    """Let a run end as soon as one pod has the config."""

    def end(_now: float) -> None:
        if api.configs().count(config) == 1:
            raise KilledError

    api.clock.on_sleep.append(end)
    with pytest.raises(KilledError):
        change(api, config, *given)
    api.clock.on_sleep.remove(end)
    api.clock.sleep(600)


@pytest.mark.parametrize("kind", WORKLOADS)
def test_a_good_change_reaches_one_pod_then_all(kind: str) -> None:
    api = cluster(kind)
    seen = watched(api)
    result = change(api, "second", kind)
    old = ["first"] * (3 if kind == "Deployment" else 2)
    assert seen[0] == [*old, "second"]
    assert api.configs() == ["second"] * 3
    assert RECORD not in api.objects
    assert 60 <= api.clock.now - 60 < 80, "judged twice"
    workload = next(item for item in result["objects"] if item["kind"] == kind)
    assert (workload["action"], result["ready"]) == ("changed", True)
    live = next(item for item in api.objects.values() if item["kind"] == kind)
    assert workload["generation"] == live["metadata"]["generation"]


@pytest.mark.parametrize("kind", WORKLOADS)
def test_a_good_change_tells_what_it_passed_and_is_judged_once(kind: str) -> None:
    api = cluster(kind)
    (verdict,) = change(api, "second", kind)["verdicts"]
    first = "the canary (1 of 3 nodes)" if kind == "DaemonSet" else "the canary (1 of 3 pods)"
    assert re.match(r"Collector ns/a: its change passed \d+ checks: ", verdict)
    assert f"{first} for 30 s beside the earlier pods, then the collector for 30 s beside the readings" in verdict
    again = change(api, "second", kind)
    assert (again["changed"], again["verdicts"]) == (False, [])


@pytest.mark.parametrize("kind", WORKLOADS)
def test_a_change_that_does_worse_goes_back_before_the_others_follow(kind: str) -> None:
    api = cluster(kind)
    seen = watched(api)
    failure = fails(api, "worse", kind)
    assert max(configs.count("worse") for configs in seen) == 1
    assert api.configs() == ["first"] * 3
    assert api.clock.now - 60 < 25
    text = str(failure)
    assert f"Change {kind} ns/a: the canary (1 of 3 {'nodes' if kind == 'DaemonSet' else 'pods'}) does worse" in text
    assert "[exports_fail] exporters/otlp_grpc/jaeger:" in text
    assert "The earlier config of ns/a is back and works. The new config is kept in ConfigMap ns/worse." in text
    assert "skip_checks: [exports_fail]" in text
    assert failure.facts["failures"][0]["id"] == "exports_fail"
    assert RECORD not in api.objects


@pytest.mark.parametrize("kind", WORKLOADS)
def test_a_canary_that_does_not_start_goes_back_with_the_reason(kind: str) -> None:
    api = cluster(kind)
    failure = fails(api, "broken", kind)
    assert "exit code 1, restarts: 2" in str(failure)
    assert api.configs() == ["first"] * 3
    assert api.clock.now - 60 < 30


@pytest.mark.parametrize(("code", "reason"), [(429, "TooManyRequests"), (403, "Forbidden")])
def test_a_node_that_no_pod_may_leave_gets_no_canary(code: int, reason: str) -> None:
    api = cluster("DaemonSet")
    api.evicts = status(code, reason, "the pod has to stay")
    with pytest.raises(Problem, match="the pod has to stay"):
        change(api, "second", "DaemonSet")
    assert api.configs() == ["first"] * 3
    assert written(api) == [], "asked before the first write"


def written(api: Rollouts) -> list[str]:
    return [path for method, path, query in api.requests if method == "PATCH" and not query.get("dryRun")]


KEPT = "Cannot evict pod as it would violate the pod's disruption budget."
NEEDS = {
    "reason": "DisruptionBudget",
    "message": "The disruption budget theirs needs 3 healthy pods and has 3 currently",
}


def budget(**state: Any) -> Any:
    return obj("PodDisruptionBudget", "theirs", api="policy/v1", status=state)


def kept() -> RawAnswer:
    return status(429, "TooManyRequests", KEPT, details={"causes": [NEEDS]})


UNSYNCED = {"type": "DisruptionAllowed", "reason": "SyncFailed"}


@cases(
    "state",
    {"desiredHealthy": 3, "expectedPods": 3},
    {"desiredHealthy": 0, "expectedPods": 0, "conditions": [UNSYNCED]},
)
def test_a_budget_that_allows_nothing_is_named_before_the_first_write(state: Any) -> None:
    api = cluster("DaemonSet")
    api.add(budget(**state))
    api.evicts = kept()
    with pytest.raises(Problem) as raised:
        change(api, "second", "DaemonSet")
    assert "PodDisruptionBudget theirs keeps the pod: The disruption budget theirs needs 3" in raised.value.wrong
    assert "`kubectl -n ns describe poddisruptionbudget theirs`" in raised.value.fix
    assert (written(api), api.clock.now - 60) == ([], 0)


def test_a_budget_that_is_only_used_is_waited_for() -> None:
    api = cluster("DaemonSet")
    api.add(budget(desiredHealthy=2, expectedPods=3))
    api.evicts = kept()
    api.clock.on_sleep.append(lambda now: setattr(api, "evicts", None if now > 75 else api.evicts))
    change(api, "second", "DaemonSet")
    assert api.configs() == ["second"] * 3
    assert api.clock.now > 75


def test_a_budget_that_stays_used_is_named_when_the_time_is_over() -> None:
    api = cluster("DaemonSet")
    api.add(budget(desiredHealthy=2, expectedPods=3))
    api.evicts = kept()
    with pytest.raises(Problem, match="PodDisruptionBudget theirs keeps the pod"):
        change(api, "second", "DaemonSet")
    assert written(api) == []
    (warning,) = change(api, "second", "DaemonSet", check=True)["warnings"]
    assert "PodDisruptionBudget theirs keeps the pod" in warning


@pytest.mark.parametrize(("kind", "config"), [(kind, config) for kind in WORKLOADS for config in ("second", "worse")])
def test_a_run_that_is_killed_while_it_holds_is_finished_by_the_next(kind: str, config: str) -> None:
    api = cluster(kind)
    killed(api, config, kind)
    assert api.configs().count(config) == 1, "the workload holds itself"
    assert RECORD in api.objects
    if config == "second":
        result = change(api, config, kind)
        assert (result["changed"], api.configs()) == (True, ["second"] * 3)
        assert "was interrupted, or still runs" in "".join(result["warnings"])
    else:
        assert "exports_fail" in str(fails(api, config, kind))
        assert api.configs() == ["first"] * 3
    assert RECORD not in api.objects


@pytest.mark.parametrize("kind", WORKLOADS)
def test_an_inventory_that_goes_back_ends_a_hold_at_once(kind: str) -> None:
    api = cluster(kind)
    fails(api, "worse", kind, change={"on_failure": "keep"})
    assert api.configs().count("worse") == 1
    assert RECORD in api.objects
    start = api.clock.now
    warnings = change(api, "first", kind)["warnings"]
    assert "The change of the collector ns/a failed in an earlier run" in warnings[0]
    assert api.configs() == ["first"] * 3
    assert api.clock.now - start < 10
    assert RECORD not in api.objects


def test_what_changes_no_pod_is_no_canary() -> None:
    api = cluster()
    start = api.clock.now
    change(api, "first", spec={"replicas": 4})
    assert (api.configs(), api.clock.now - start < 5) == (["first"] * 4, True)


def test_without_metrics_nothing_is_changed() -> None:
    api = cluster()
    api.refuse("/proxy/metrics")
    with pytest.raises(Problem, match="metrics of its pods cannot be read"):
        change(api, "second")
    assert (api.configs(), RECORD in api.objects) == (["first"] * 3, False)
    with pytest.raises(Problem, match="metrics of its pods cannot be read"):
        change(api, "second", check=True)


def test_a_judgement_may_be_left_out() -> None:
    api = cluster("DaemonSet")
    change(api, "worse", "DaemonSet", change={"judge": ["exports_fail", "nothing_sent"]})
    assert api.configs() == ["worse"] * 3


def test_check_mode_says_how_a_change_reaches_the_pods() -> None:
    api = cluster()
    line = "Deployment ns/a: canary of 1 of 3 pods, judged for 30 s; then the others, judged for 30 s"
    assert change(api, "second", check=True)["plan"][0].startswith(line)
    assert change(api, "first", check=True)["plan"] == []
    rolling = change(api, "second", check=True, change={"strategy": "rolling"})["plan"]
    assert rolling[0].startswith("Deployment ns/a: rolling; goes back if it fails. Risks: ")
    assert api.configs() == ["first"] * 3


def test_a_lost_answer_leaves_the_record() -> None:
    api = cluster()

    def lost(_method: str, path: str) -> RawAnswer | None:
        return status(500, "InternalError", "no") if path.endswith("/replicasets") else None

    api.trouble = lost
    with pytest.raises(Problem):
        change(api, "second")


def test_a_canary_that_fails_goes_back_while_others_are_judged_and_awaited() -> None:
    back, judging = threading.Event(), threading.Event()

    def stages(one: Any) -> list[str]:
        if one == "worse":
            raise Failure("it does worse", facts={})
        judging.set()
        assert back.wait(60), "the other one is back before this one is judged"
        return []

    def failed(name: str, failure: Failure) -> str:
        back.set()
        return f"{name}: {failure.wrong}"

    def beside() -> list[str]:
        assert judging.wait(60), "what is awaited does not wait for canaries"
        return ["ns/c: does not start"]

    canaries: Any = {"ns/a": "worse", "ns/b": "second"}
    ended = judge_canaries_together(Rollouts().cluster(), canaries, stages, failed, beside)
    assert ended == ["ns/c: does not start", "ns/a: it does worse"]


def test_a_removal_names_what_a_deletion_without_dependents_has_left() -> None:
    api = Rollouts()
    manifests = [NAMESPACE, *collector("first")]
    run(api, manifests)
    workload = next(path for path, item in api.objects.items() if item["kind"] == "Deployment")
    del api.objects[workload]
    for item in api.objects.values():
        if item["kind"] == "ReplicaSet":
            item["metadata"].pop("ownerReferences")
    (warning,) = remove(api, manifests[1:])["warnings"]
    assert "its workload was deleted without its pods" in warning
    assert "`kubectl -n ns delete replicaset a-" in warning
