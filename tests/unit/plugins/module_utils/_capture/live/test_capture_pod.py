# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pod takes its share, and no Job is left: whatever comes in, and whatever keeps it away."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._capture.live.capture_task import (
    ARGUMENTS,
    capture_all,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose.live.reader import ClusterReader
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import RawAnswer
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.outage import LostError
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.release_names import collector_release
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube.names import RELEASE_LABEL

from ...fake_api import FakeApi, status
from ...live_helpers import obj

JOBS = "/apis/batch/v1/namespaces/ns/jobs"
DAEMONSET = "/apis/apps/v1/namespaces/ns/daemonsets/gateway"
CONFIG = """
receivers: {otlp: {}, prometheus: {}}
exporters: {otlp_http: {}}
service:
  telemetry: {metrics: {address: "0.0.0.0:8888"}}
  pipelines: {logs: {receivers: [otlp, prometheus], exporters: [otlp_http]}}
"""
READY = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
COUNTER = "otelcol_receiver_accepted_log_records_total"
NOT_THERE = RawAnswer(404, {}, b"NOT FOUND")
UNREACHABLE = RawAnswer(503, {}, b"no route")


def part(count: int) -> bytes:
    records = [{"body": {"stringValue": "order 4711"}}] * count
    return json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}).encode() + b"\n"


class Server(FakeApi):
    """A cluster with a collector, whose Jobs get a pod that hands out parts, one in each second."""

    def __init__(self, *parts: bytes, kind: str = "Deployment", pod: Any = READY, name: str = "gateway") -> None:
        container = {"name": "otc", "image": "contrib:0.158.0", "args": ["--config=/conf/config.yaml"]}
        container["volumeMounts"] = [{"name": "conf", "mountPath": "/conf"}]  # type: ignore[assignment]
        spec = {"containers": [container], "volumes": [{"name": "conf", "configMap": {"name": "gateway"}}]}
        template = {"metadata": {"labels": {"app": "gateway"}}, "spec": spec}
        labels = {RELEASE_LABEL: collector_release("ns", name)}
        workload = obj(kind, name, metadata={"labels": labels}, spec={"template": template})
        super().__init__(workload, obj("ConfigMap", "gateway", data={"config.yaml": CONFIG}))
        self.parts, self.pod, self.jobs = parts, pod, list[dict[str, Any]]()
        self.answer: RawAnswer | None = None
        self.unreachable_at: float | None = None
        self.deletion: RawAnswer | None = None
        self.metrics: dict[str, float] | None = None
        self.answer_seconds = 0.0

    def __call__(self, method: str, target: str, headers: dict[str, str], body: bytes | None) -> RawAnswer:
        if method == "POST" and target.startswith(JOBS):
            return self._job(json.loads(body or b"{}"), target)
        if method == "DELETE" and self.deletion:
            return self.deletion
        if target.endswith("/proxy/metrics"):
            return self._metrics(target)
        if "/proxy/" in target:
            return self.answer or self._part(target)
        return super().__call__(method, target, headers, body)

    def _metrics(self, target: str) -> RawAnswer:
        """Answer what a pod has counted: so many records in each second."""
        begun = self.clock.now
        self.clock.now += self.answer_seconds
        if self.metrics is None:
            return RawAnswer(200, {}, b"")
        pod = target.split("/pods/")[1].partition(":")[0]
        if pod not in self.metrics:
            return UNREACHABLE
        count = self.metrics[pod] * begun
        counters = [f'{COUNTER}{{receiver="{receiver}"}} {count}' for receiver in ("otlp", "prometheus")]
        return RawAnswer(200, {}, "\n".join(counters).encode())

    def _part(self, target: str) -> RawAnswer:
        found = re.search(r"/pods/own:18090/proxy/[0-9a-f]{32}/(\d+)\Z", target)
        assert found, target
        if self.unreachable_at is not None and self.clock.now >= self.unreachable_at:
            self.unreachable_at = None
            return UNREACHABLE
        number = int(found[1])
        is_there = number < len(self.parts) and self.clock.now >= number
        return RawAnswer(200, {}, self.parts[number]) if is_there else NOT_THERE

    def _job(self, job: dict[str, Any], target: str) -> RawAnswer:
        self.jobs.append(job)
        if "dryRun" in target:
            return RawAnswer(201, {}, json.dumps(job).encode())
        self.add(job)
        live = self.objects[f"{JOBS}/{job['metadata']['name']}"]
        owner = {"kind": "Job", "name": job["metadata"]["name"], "uid": live["metadata"]["uid"], "controller": True}
        self.add(obj("Pod", "own", metadata={"ownerReferences": [owner]}, spec={}, status=self.pod))
        return RawAnswer(201, {}, json.dumps(live).encode())

    def left(self) -> list[str]:
        return [path for path in self.objects if path.startswith(JOBS)]


def run(server: Server, folder: Path, *, check: bool = False, **more: Any) -> dict[str, Any]:
    defaults = {name: argument.get("default") for name, argument in ARGUMENTS.items()}
    collectors = [{"namespace": "ns", "name": "gateway", "kind": None}]
    options = {**defaults, "path": str(folder), "collectors": collectors, "timeout_seconds": 20.0, **more}
    return capture_all(options, lambda: ClusterReader(server.cluster(), server.cluster()), check=check)


def test_what_the_pod_gets_is_captured_and_the_job_goes(tmp_path: Path) -> None:
    server = Server(part(3), part(4)[:20], part(4)[20:], part(2))
    (row,) = run(server, tmp_path, seconds=5.0)["captures"]
    assert (row["records"], row["ended_by"], row["signals"]["logs"]["requests"]) == (9, "seconds", 3)
    assert (row["receivers"], row["left_out_receivers"], row["other_pods"]) == (["otlp"], ["prometheus"], 0)
    assert row["asked_signals"] == ["logs"]
    assert row["collector"] == {"namespace": "ns", "name": "gateway", "kind": "Deployment"}
    lines = gzip.decompress((tmp_path / "ns.gateway/logs.jsonl.gz").read_bytes())
    assert b"4711" not in lines
    assert (len(server.jobs), server.left()) == (1, [])


@pytest.mark.parametrize("is_own", [True, False])
def test_a_job_whose_answer_is_lost_is_used_and_one_of_others_stays(tmp_path: Path, is_own: bool) -> None:
    server = Server(part(3))
    usual, posted = server._job, []

    def lose_first_answer(job: dict[str, Any], target: str) -> RawAnswer:
        posted.append(job)
        if len(posted) > 1:
            return status(409, "AlreadyExists", "it already exists", details={"name": job["metadata"]["name"]})
        usual(job, target)
        if not is_own:
            server.objects[f"{JOBS}/{job['metadata']['name']}"]["spec"] = {}
        raise LostError("reset", "Connection reset by peer", "https://a", again=True)

    server._job = lose_first_answer  # type: ignore[method-assign]
    if is_own:
        (row,) = run(server, tmp_path, seconds=2.0)["captures"]
        assert (row["records"], server.left()) == (3, [])
        return
    with pytest.raises(Problem, match="it already exists"):
        run(server, tmp_path, seconds=2.0)
    assert len(server.left()) == 1


@pytest.mark.parametrize(("bound", "most"), [("records", 5), ("bytes", 1 << 16)])
def test_a_bound_ends_the_pod_before_its_time(tmp_path: Path, bound: str, most: int) -> None:
    server = Server(*[part(2000)] * 10)
    (row,) = run(server, tmp_path, seconds=600.0, **{bound: most})["captures"]
    assert (row["ended_by"], row["signals"]["logs"]["requests"], server.left()) == (bound, 1, [])
    assert server.clock.now < 60


def test_a_signal_of_which_nothing_came_in_is_told(tmp_path: Path) -> None:
    server = Server(part(1))
    path = "/api/v1/namespaces/ns/configmaps/gateway"
    server.objects[path]["data"]["config.yaml"] = CONFIG.replace("{logs:", "{traces: {receivers: [otlp]}, logs:")
    assert run(server, tmp_path, seconds=2.0)["warnings"] == [
        "ns.gateway: nothing came in of traces, so the capture has none of it"
    ]


def test_nothing_that_came_in_is_a_failure(tmp_path: Path) -> None:
    server = Server()
    with pytest.raises(Problem, match=r"nothing came in within 5 s at otlp.*keep their connections") as problem:
        run(server, tmp_path, seconds=5.0)
    assert (problem.value.facts["captures"], server.left(), list(tmp_path.iterdir())) == ([], [], [])


FORBIDDEN = status(403, "Forbidden", 'pods "own" is forbidden: User "me" cannot get resource "pods/proxy"')
GONE = status(404, "NotFound", 'pods "own" not found', details={"name": "own", "kind": "pods"})


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        (FORBIDDEN, "pods/proxy"),
        (GONE, "the pod of the capture has gone before its end"),
        (UNREACHABLE, "does not reach the pod of the capture.*NetworkPolicy shuts its port 18090"),
        (RawAnswer(200, {}, b"<html>\n"), "this is no JSON"),
    ],
)
def test_a_pod_that_cannot_be_read_is_told_and_goes(tmp_path: Path, answer: RawAnswer, wrong: str) -> None:
    server = Server(part(1))
    server.answer = answer
    with pytest.raises(Problem, match=wrong):
        run(server, tmp_path, seconds=60.0)
    assert (server.left(), list(tmp_path.iterdir())) == ([], [])


def test_one_failed_question_after_a_silent_time_ends_no_capture(tmp_path: Path) -> None:
    server = Server(part(3))
    server.unreachable_at = 30.0
    (row,) = run(server, tmp_path, seconds=60.0)["captures"]
    assert (row["records"], row["ended_by"], server.unreachable_at) == (3, "seconds", None)


def test_the_message_names_the_port_that_the_pod_has(tmp_path: Path) -> None:
    server = Server(part(1))
    workload = server.objects["/apis/apps/v1/namespaces/ns/deployments/gateway"]
    workload["spec"]["template"]["spec"]["containers"][0]["ports"] = [{"containerPort": 18090}]
    server.answer = UNREACHABLE
    with pytest.raises(Problem, match="NetworkPolicy shuts its port 18091"):
        run(server, tmp_path, seconds=60.0)


@pytest.mark.parametrize("only", [[], ["gateway"]])
def test_a_daemonset_without_a_service_is_told_and_gets_no_pod(tmp_path: Path, only: list[str]) -> None:
    server = Server(part(1), kind="DaemonSet")
    with pytest.raises(
        Problem, match=r"ns/gateway: it is a DaemonSet, and no Service leads to its pods.*capture_files"
    ):
        run(server, tmp_path, only=only)
    assert server.jobs == []


def agents(*parts: bytes, **pod: Any) -> Server:
    """Return a cluster with a DaemonSet that clients reach by a Service on their node."""
    server = Server(*parts, kind="DaemonSet")
    spec = {"selector": {"app": "gateway"}, "internalTrafficPolicy": "Local", "ports": [{"name": "otlp", "port": 4317}]}
    server.add(obj("Service", "gateway", spec=spec))
    server.objects[DAEMONSET]["spec"]["template"]["spec"] |= pod
    owner = {"kind": "DaemonSet", "name": "gateway", "uid": server.objects[DAEMONSET]["metadata"]["uid"]}
    for name in ("one", "two"):
        metadata = {"ownerReferences": [{**owner, "controller": True}]}
        template = server.objects[DAEMONSET]["spec"]["template"]["spec"]
        server.add(obj("Pod", name, metadata=metadata, spec=template, status=READY))
    return server


def test_a_daemonset_behind_a_service_gets_a_pod_on_a_node(tmp_path: Path) -> None:
    server = agents(part(3))
    result = run(server, tmp_path, seconds=2.0, node="node-7")
    (row,) = result["captures"]
    assert (row["records"], row["other_pods"], row["nodes"], row["collector"]["kind"]) == (3, 1, 2, "DaemonSet")
    assert (len(server.jobs), server.left(), result["warnings"]) == (1, [], [])
    assert "node-7" in json.dumps(server.jobs[0]["spec"]["template"]["spec"]["affinity"])


def test_ports_of_the_node_are_not_captured_and_that_is_told(tmp_path: Path) -> None:
    server = agents(part(3))
    server.objects[DAEMONSET]["spec"]["template"]["spec"]["containers"][0]["ports"] = [
        {"containerPort": 4317, "hostPort": 4317}
    ]
    (warning,) = run(server, tmp_path, seconds=2.0)["warnings"]
    assert warning == "ns/gateway: the capture has nothing of clients that send to port 4317 of their node"


def test_a_collector_that_cannot_be_captured_keeps_no_other_from_it(tmp_path: Path) -> None:
    server = Server(part(1))
    both = [{"namespace": "ns", "name": name, "kind": None} for name in ("gateway", "missing")]
    result = run(server, tmp_path, seconds=1.0, collectors=both)
    assert [row["records"] for row in result["captures"]] == [1]
    assert [line.split(":")[0] for line in result["not_captured"]] == ["ns/missing"]
    with pytest.raises(Problem, match="ns/missing: it does not run"):
        run(server, tmp_path, seconds=1.0, collectors=both, only=["gateway", "missing"])


def test_check_mode_asks_the_server_and_runs_nothing(tmp_path: Path) -> None:
    server = Server(part(1))
    assert run(server, tmp_path, check=True)["changed"]
    assert (len(server.jobs), server.left(), list(tmp_path.iterdir())) == (1, [], [])


@pytest.mark.parametrize(
    ("collector", "start"),
    [
        ("gateway", "gateway"),
        ("gateway-of-all-of-the-traces-and-metrics-and-logs", "gateway-of-all-of-the-traces-and-metrics-an"),
    ],
)
def test_the_name_of_a_job_leaves_room_for_its_pod(tmp_path: Path, collector: str, start: str) -> None:
    server = Server(part(1), name=collector)
    run(server, tmp_path, seconds=1.0, collectors=[{"namespace": "ns", "name": collector, "kind": None}])
    job_name = server.jobs[0]["metadata"]["name"]
    assert re.fullmatch(rf"{start}-capture-[0-9a-f]{{4}}x", job_name)
    assert len(f"{job_name}-abcde") <= 63


WORKLOAD = "/apis/apps/v1/namespaces/ns/deployments/gateway"


@pytest.mark.parametrize(
    ("words", "unread"),
    [
        (["--config=/conf/config.yaml", "--config=/secret/config.yaml"], "/secret/config.yaml"),
        (["--config=/conf/config.yaml", "--config=yaml:receivers::otlp:"], "yaml:receivers::otlp:"),
        (["--config", "/conf/none.yaml"], "/conf/none.yaml"),
        (["--config=/conf/config.yaml", "--set=service.telemetry.logs.level=debug"], "--set"),
    ],
)
def test_a_config_that_is_read_only_in_part_gets_no_pod(tmp_path: Path, words: list[str], unread: str) -> None:
    server = Server(part(1))
    server.objects[WORKLOAD]["spec"]["template"]["spec"]["containers"][0]["args"] = words
    with pytest.raises(Problem, match=f"its config cannot be read.*no ConfigMap has what `{unread}` gives"):
        run(server, tmp_path)
    assert server.jobs == []


@pytest.mark.parametrize("labels", [{}, {RELEASE_LABEL: collector_release("ns", "other")}])
def test_a_workload_of_others_gets_no_pod(tmp_path: Path, labels: dict[str, str]) -> None:
    server = Server(part(1))
    server.objects[WORKLOAD]["metadata"]["labels"] = labels
    with pytest.raises(Problem, match="ns/gateway: Deployment gateway has no label of this collection"):
        run(server, tmp_path)
    assert server.jobs == []


class SlowServer(Server):
    """A server whose answers take five seconds."""

    def _part(self, target: str) -> RawAnswer:
        self.clock.now += 5
        return super()._part(target)


def test_the_last_read_counts_to_the_time_of_a_capture(tmp_path: Path) -> None:
    (row,) = run(SlowServer(part(2000)), tmp_path, seconds=600.0, records=5)["captures"]
    assert (row["seconds"], row["signals"]["logs"]["records_per_second"]) == (5.0, 400.0)


def test_a_time_that_is_too_short_gives_no_rates(tmp_path: Path) -> None:
    (row,) = run(Server(part(20), part(2000)), tmp_path, seconds=600.0, records=30)["captures"]
    assert 0 < row["seconds"] < 3
    assert not [name for name in row["signals"]["logs"] if "per_second" in name]


def serving(server: Server, **pods: dict[str, Any]) -> Server:
    """Add pods of the gateway with their status."""
    owner = {"kind": "Deployment", "name": "gateway", "uid": server.objects[WORKLOAD]["metadata"]["uid"]}
    for name, pod_status in pods.items():
        metadata = {"ownerReferences": [{**owner, "controller": True}]}
        container = server.objects[WORKLOAD]["spec"]["template"]["spec"]
        server.add(obj("Pod", name, metadata=metadata, spec=container, status=pod_status))
    return server


def test_only_pods_that_serve_share_the_load(tmp_path: Path) -> None:
    server = serving(Server(part(1)), serves=READY, starts={"phase": "Pending"})
    (row,) = run(server, tmp_path, seconds=1.0)["captures"]
    assert row["other_pods"] == 1


@pytest.mark.parametrize(
    ("metrics", "rate", "warned"),
    [
        ({"a": 3.0, "b": 5.0, "starts": 100.0}, 8.0, ""),
        # The other pod is taken for as busy as that one.
        ({"a": 3.0}, 6.0, "the own metrics of 1 of 2 other pods were read, and the rest is taken for as busy"),
        ({}, None, "what the other pods receive of logs is not known"),
        # Its pods answer, and count something else.
        (None, None, "unless you give `forecast_rates`: their own metrics do not count it"),
    ],
    ids=["all", "one", "none", "uncounted"],
)
@pytest.mark.parametrize("answer_seconds", [0.0, 4.0], ids=["at once", "slow"])
def test_the_rate_of_a_collector_is_what_its_pods_count(
    tmp_path: Path,
    metrics: dict[str, float] | None,
    rate: float | None,
    warned: str,
    answer_seconds: float,
) -> None:
    server = serving(Server(part(10)), a=READY, b=READY, starts={"phase": "Running"})
    server.metrics, server.answer_seconds = metrics, answer_seconds
    result = run(server, tmp_path, seconds=5.0)
    (row,) = result["captures"]
    shown = row["signals"]["logs"]
    own_rate = shown["records_per_second"]
    assert own_rate == pytest.approx(2.0, rel=0.1)
    # The 10 records of the pod count for the time between the two readings: 5 to 14 seconds.
    expected = None if rate is None else pytest.approx(rate + 1.35, abs=0.7)
    assert shown.get("collector_records_per_second") == expected
    assert row.get("rates_of_pods") == (None if rate is None else len({"a", "b"} & {*(metrics or ())}))
    assert [warned in warning for warning in result["warnings"]] == ([True] if warned else [])


OOM = {"name": "otc", "state": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}}


@pytest.mark.parametrize(
    ("pod_status", "wrong"),
    [
        ({**READY, "containerStatuses": [OOM]}, "container otc ended with OOMKilled, exit code 137"),
        ({**READY, "phase": "Failed", "reason": "Evicted"}, "ended before its end: Evicted"),
    ],
)
@pytest.mark.parametrize("seconds", [3.0, 600.0])
def test_a_pod_that_ends_in_the_capture_is_a_failure(
    tmp_path: Path, pod_status: dict[str, Any], wrong: str, seconds: float
) -> None:
    server = Server(part(3), pod=pod_status)
    with pytest.raises(Problem, match=wrong):
        run(server, tmp_path, seconds=seconds)
    assert (server.left(), list(tmp_path.iterdir())) == ([], [])
    assert server.clock.now < 60


@pytest.mark.parametrize("parts", [(part(1),), ()])
def test_a_job_that_cannot_be_deleted_is_named(tmp_path: Path, parts: tuple[bytes, ...]) -> None:
    server = Server(*parts)
    server.deletion = status(403, "Forbidden", "jobs.batch is forbidden")
    try:
        warnings = run(server, tmp_path, seconds=2.0)["warnings"]
    except Problem as problem:
        warnings = problem.facts["warnings"]
    (warning,) = warnings
    assert re.search(r"Job ns/gateway-capture-\w+ could not be deleted: jobs.batch is forbidden", warning)
    assert "ends the Job, 52 s after its start" in warning
