# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A canary is watched beside older pods through the API, and what cannot be read is never good."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.canary.canary_checks import CHECKS_NEEDING_DATA
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.canary.chosen_checks import choose_checks
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.live.observe import (
    ObservationResult,
    observe_pods,
    read_baseline,
    require_metrics,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.live.watched_pods import Observed
from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose.live.reader import ClusterReader
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _builds

from ... import fake_api
from ..._diagnose.live.diagnose_api import CONFIG, NOW, metadata, spec
from ...fake_api import FakeApi, reply, status
from ...helpers import cases
from ...live_helpers import obj

ROOT = "/api/v1/namespaces/ns/pods"
EXPORTER = "otlp_grpc/jaeger"


def pod(name: str, revision: str, config: str = "cm", **more: Any) -> dict[str, Any]:
    """Return a pod of a ReplicaSet."""
    state = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}], **more}
    template = copy.deepcopy(spec())
    template["volumes"][0]["configMap"]["name"] = config
    return obj("Pod", name, metadata=metadata(name, revision), spec=template, status=state)


def counts(accepted: int, sent: int = 0, failed: int = 0, queue: int = 0) -> str:
    return "\n".join(
        (
            f'otelcol_receiver_accepted_spans{{receiver="otlp"}} {accepted}',
            f'otelcol_exporter_sent_spans{{exporter="{EXPORTER}"}} {sent}',
            f'otelcol_exporter_send_failed_spans{{exporter="{EXPORTER}"}} {failed}',
            f'otelcol_exporter_queue_size{{exporter="{EXPORTER}",data_type="traces"}} {queue}',
            f'otelcol_exporter_queue_capacity{{exporter="{EXPORTER}",data_type="traces"}} 1000',
            "otelcol_process_uptime 600",
            "otelcol_process_memory_rss 512\n",
        )
    )


class Canary:
    """A Deployment with one new and one old pod, whose metrics are functions of the time."""

    def __init__(self, new: Callable[[float], str], old: Callable[[float], str] | None, config: str = CONFIG) -> None:
        self.api = FakeApi(*self._objects(old is not None, config))
        self.watched = {"new": new, **({"old": old} if old else {})}
        self.logs = {"new": "", "old": ""}
        self.closed: dict[str, tuple[int, ...]] = {}
        self.api.trouble = self._answer
        self.api.clock.on_sleep.append(self._tick)
        self._tick(0)

    @staticmethod
    def _objects(both: bool, config: str) -> list[dict[str, Any]]:
        number = "deployment.kubernetes.io/revision"
        sets = [
            obj("ReplicaSet", name, metadata=metadata(name, "w", annotations={number: revision}))
            for name, revision in (("r1", "1"), ("r2", "2"))
        ]
        selector = {"selector": {"matchLabels": {"app": "a"}}}
        template = {"metadata": {"labels": {"app": "a"}}, "spec": spec()}
        workload = obj("Deployment", "w", metadata=metadata("w"), spec={"template": template, **selector})
        maps = [obj("ConfigMap", "cm", metadata=metadata("cm"), data={"c": CONFIG})]
        maps.append(obj("ConfigMap", "cm2", metadata=metadata("cm2"), data={"c": config}))
        return [workload, *sets, *maps, pod("new", "r2", "cm2"), *([pod("old", "r1")] if both else [])]

    def _tick(self, now: float) -> None:
        for name, metrics in self.watched.items():
            self.api.texts[f"{ROOT}/{name}:8888/proxy/metrics"] = metrics(now)
            self.api.texts[f"{ROOT}/{name}/log"] = self.logs[name]

    def _answer(self, _method: str, path: str) -> Any:
        name, _colon, rest = path.removeprefix(f"{ROOT}/").partition(":")
        if rest == "4317/proxy/" and 4317 in self.closed.get(name, ()):
            return status(503, "ServiceUnavailable", "dial tcp 10.0.0.1:4317: connect: connection refused")
        return reply({}) if rest == "4317/proxy/" else None

    @property
    def reader(self) -> ClusterReader:
        cluster = self.api.cluster()
        return ClusterReader(cluster, cluster)

    @property
    def observed(self) -> Observed:
        return Observed(
            self.api.objects["/apis/apps/v1/namespaces/ns/deployments/w"], _builds.load_catalogue().listeners
        )

    def judged(self, seconds: float = 60, **more: Any) -> ObservationResult:
        observed = self.observed._replace(**more)
        return observe_pods(self.reader, observed, seconds, choose_checks([]), now=lambda: NOW)


def well(now: float) -> str:
    return counts(int(20 * now) + 100, int(20 * now) + 100)


def ids(result: ObservationResult) -> list[str]:
    return [one.check_id for one in result.last_reading.verdicts]


def test_a_canary_that_does_as_the_rest_is_watched_to_the_end() -> None:
    result = Canary(well, well).judged()
    assert (ids(result), result.limits, result.last_reading.seconds) == ([], [], 60)


def test_failed_exports_are_found_in_a_few_readings_and_quoted_against_the_rest() -> None:
    result = Canary(lambda now: counts(int(20 * now), 0, int(20 * now)), well).judged()
    assert (ids(result), result.last_reading.seconds) == (["exports_fail"], 9)
    expected = "exporters/otlp_grpc/jaeger: 180 of 180 spans failed in the canary (100 %), 0 of 180 in the rest (0 %)"
    assert result.last_reading.verdicts[0].text == expected


def test_what_failed_once_goes_back_for_nobody() -> None:
    assert not ids(Canary(lambda now: counts(int(20 * now), int(20 * now) - 50, 50), well).judged())


def test_what_fails_in_the_rest_too_is_a_note() -> None:
    def fails(now: float) -> str:
        return counts(int(20 * now) + 9, 0, int(20 * now) + 9)

    result = Canary(fails, fails).judged()
    assert not ids(result)
    assert "fails in the rest too" in result.limits[0]


def test_what_is_accepted_and_never_sent_is_found() -> None:
    result = Canary(lambda now: counts(int(20 * now)), well).judged()
    assert ids(result) == ["nothing_sent"]
    assert result.last_reading.seconds <= 20


def test_a_queue_that_grows_is_found() -> None:
    def slow(now: float) -> str:
        return counts(int(20 * now), int(2 * now), queue=int(18 * now))

    assert ids(Canary(slow, well).judged()) == ["queue_grows"]


def test_a_port_that_refuses_is_found_only_if_older_pods_accept() -> None:
    canary = Canary(lambda _now: counts(0), well)
    canary.closed = {"new": (4317,)}
    assert ids(canary.judged()) == ["not_listening"]
    canary.closed = {"new": (4317,), "old": (4317,)}
    assert not ids(canary.judged())


def test_restarts_and_memory_are_found() -> None:
    canary = Canary(well, well)
    killed = {"name": "collector", "restartCount": 1, "lastState": {"terminated": {"reason": "OOMKilled"}}}
    canary.api.add(pod("new", "r2", "cm2", containerStatuses=[killed]))
    assert sorted(ids(canary.judged())) == ["out_of_memory", "restarts"]


def test_a_log_entry_of_a_component_that_does_not_work_is_found_without_its_secret() -> None:
    line = f'{NOW} {NOW}\terror\tx.go:1\tfailed\t{{"otelcol.component.id": "{EXPORTER}", "otelcol.component.kind":'
    line += ' "exporter", "error": "token=s3cr3tValue99 \\u001b[31m refused"}\n'
    canary = Canary(lambda _now: counts(5), well)
    canary.api.clock.on_sleep.insert(0, lambda now: canary.logs.update(new=line * int(now)))
    (verdict,) = canary.judged().last_reading.verdicts
    assert verdict.check_id == "log_errors"
    assert "s3cr3t" not in verdict.one_line_text
    assert "\x1b" not in verdict.one_line_text
    canary.logs["old"] = line
    assert not ids(canary.judged())


def test_metrics_that_cannot_be_read_are_never_good() -> None:
    canary = Canary(well, well)
    canary.api.refuse(f"{ROOT}/new:8888/proxy/metrics")
    assert ids(canary.judged()) == ["unreadable"]


def test_a_canary_that_is_gone_is_never_good() -> None:
    canary = Canary(well, well)
    canary.api.clock.on_sleep.append(lambda _now: canary.api.objects.pop(f"{ROOT}/new", None))
    assert ids(canary.judged()) == ["unreadable"]


def test_an_api_that_fails_while_pods_are_read_is_explained() -> None:
    canary = Canary(well, well)
    canary.api.refuse("/replicasets")
    with pytest.raises(Problem, match="Read the pods of Deployment ns/w"):
        canary.judged()


def test_without_any_data_it_says_so() -> None:
    result = Canary(lambda _now: counts(0), lambda _now: counts(0)).judged(9)
    assert result.limits == ["no data came in: judged by start and log alone"]


def test_without_older_pods_the_baseline_compares() -> None:
    before = read_baseline(Canary(well, None).reader, Canary(well, None).observed)
    whole = Canary(lambda _now: counts(0), None)
    assert ids(whole.judged(baseline=before)) == ["receiver_silent"]
    whole.closed = {"new": (4317,)}
    assert ids(whole.judged(9, baseline=before)) == ["not_listening"]
    assert not ids(Canary(well, None).judged(baseline=before))


def test_pods_whose_clients_keep_to_older_pods_are_silent_only_after_those_are_gone() -> None:
    before = read_baseline(Canary(well, None).reader, Canary(well, None).observed)
    silent = Canary(lambda _now: counts(0), well)
    silent.api.clock.on_sleep.append(lambda now: silent.api.objects.pop(f"{ROOT}/old", None) if now > 40 else None)
    result = silent.judged(90, baseline=before)
    assert (ids(result), 70 <= result.last_reading.seconds <= 80) == (["receiver_silent"], True)


LOCAL = CONFIG.replace("host: 0.0.0.0", "host: localhost")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda canary: canary.api.refuse(":8888/proxy/metrics"), "cannot be read: no.*Allow `get` on `pods/proxy`"),
        (
            lambda canary: canary.api.objects[f"{ROOT[:-5]}/configmaps/cm2"]["data"].update(c=LOCAL),
            "served on localhost",
        ),
        (lambda canary: canary.api.refuse("/configmaps/cm2"), "the present config cannot be read: no"),
    ],
)
def test_metrics_that_cannot_be_read_stop_a_change_before_it_is_made(change: Any, says: str) -> None:
    canary = Canary(well, None)
    require_metrics(canary.reader, canary.observed)
    change(canary)
    with pytest.raises(Problem, match=says):
        require_metrics(canary.reader, canary.observed)


def test_a_new_config_that_hides_its_metrics_stops_too() -> None:
    canary = Canary(well, None)
    hidden = {"service": {"telemetry": {"metrics": {"level": "none"}}}}
    with pytest.raises(Problem, match="metrics of the new config cannot be read"):
        require_metrics(canary.reader, canary.observed._replace(config=hidden))


def idle(_now: float) -> str:
    return counts(0)


def elsewhere(endpoint: str) -> str:
    return CONFIG.replace("${env:BACKEND}:4317", endpoint)


SERVED = [
    obj("Service", "jaeger", spec={"ports": [{"port": 4317}]}),
    obj("EndpointSlice", "jaeger-1", labels={"kubernetes.io/service-name": "jaeger"}, endpoints=[{"conditions": {}}]),
]


@pytest.fixture(autouse=True)
def _slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fake_api.SERVED, "discovery.k8s.io/v1", ("endpointslices",))


@cases(
    "endpoint, why",
    ("jaeger:4319", "Service ns/jaeger has no port 4319, only 4317"),
    ("bakend:4317", "Service ns/bakend does not exist"),
    ("gateway.other.svc:4317", "Service other/gateway does not exist"),
    ("empty:4317", "Service ns/empty has no endpoints"),
)
def test_without_data_an_endpoint_that_leads_nowhere_fails_the_canary(endpoint: str, why: str) -> None:
    canary = Canary(idle, idle, elsewhere(endpoint))
    canary.api.add(*SERVED, obj("Service", "empty", spec={"ports": [{"port": 4317}]}))
    result = canary.judged()
    assert ids(result) == ["endpoint_nowhere"]
    assert f"exporters/{EXPORTER}: {endpoint} leads nowhere: {why}" in result.last_reading.verdicts[0].text
    assert result.last_reading.seconds <= 6


@cases("endpoint", "jaeger:4317", "backend.example.com:4317", "${env:UNKNOWN}:4317")
def test_an_endpoint_that_leads_somewhere_or_that_is_unknown_fails_nobody(endpoint: str) -> None:
    canary = Canary(idle, idle, elsewhere(endpoint))
    canary.api.add(*SERVED)
    assert ids(canary.judged()) == []


def test_an_endpoint_that_the_rest_has_too_or_that_appears_fails_nobody() -> None:
    assert ids(Canary(idle, idle).judged()) == [], "the Service is missing for both"
    late = Canary(idle, idle, elsewhere("jaeger:4317"))
    late.api.later(2, *SERVED)
    assert ids(late.judged()) == []


def test_what_was_not_compared_was_not_passed() -> None:
    assert Canary(idle, idle).judged().unjudged_check_ids == set(CHECKS_NEEDING_DATA)
    assert Canary(well, well).judged().unjudged_check_ids == set()
