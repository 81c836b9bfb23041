"""Agents, autoscaled gateways and samplers: what applications send arrives whole, without noise and personal data."""

from __future__ import annotations

import json
import re
import secrets
import time
import urllib.request
from collections import Counter
from typing import Any

import pytest
from testinfra.host import Host

from tests.support.cluster import PROJECT, Cluster, node_ips, until

COLLECTOR = "o11y.opentelemetry/collector"
TRACES = 200  # of those that are neither slow nor have an error; a twentieth is kept
MAIL = "jane@example.com"
SECOND = 10**9


@pytest.fixture
def cluster(host: Host) -> Cluster:
    return Cluster(host, "telemetry")


@pytest.fixture
def backend(host: Host) -> Cluster:
    return Cluster(host, "observability")


def attributes(**given: str) -> list[dict[str, Any]]:
    return [{"key": key.replace("__", "."), "value": {"stringValue": value}} for key, value in given.items()]


def span(trace: str, name: str, seconds: float = 0.01, *, failed: bool = False, **given: str) -> dict[str, Any]:
    end = time.time_ns()
    times = {"startTimeUnixNano": str(end - int(seconds * SECOND)), "endTimeUnixNano": str(end)}
    status = {"status": {"code": 2}} if failed else {}
    made = {"traceId": trace, "spanId": secrets.token_hex(8), "name": name, "kind": 2, **times, **status}
    return {**made, "attributes": attributes(**given)}


def send(node: str, signal: str, records: list[dict[str, Any]], **resource: str) -> None:
    """Send spans or log records to the agent of a node."""
    outer, inner, key = {
        "traces": ("resourceSpans", "scopeSpans", "spans"),
        "logs": ("resourceLogs", "scopeLogs", "logRecords"),
    }[signal]
    content = {outer: [{"resource": {"attributes": attributes(**resource)}, inner: [{key: records}]}]}
    request = urllib.request.Request(
        f"http://{node}:4318/v1/{signal}", json.dumps(content).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        assert response.status == 200


def spans_of(backend: Cluster, prefix: str) -> Counter[str]:
    """Return how many spans of each name with this prefix the backend has."""
    return Counter(re.findall(rf"Name +: ({prefix}\S*)", backend.logs(f"{COLLECTOR}=backend")))


def accepted(cluster: Cluster, name: str) -> dict[str, float]:
    """Return how many spans the receivers of each pod of a collector have accepted."""
    found = {}
    for pod in cluster.pods(f"{COLLECTOR}={name}"):
        path = f"/api/v1/namespaces/telemetry/pods/{pod['metadata']['name']}:8888/proxy/metrics"
        lines = cluster.host.check_output(f"kubectl get --raw {path}").splitlines()
        counts = [line for line in lines if line.startswith("otelcol_receiver_accepted_spans")]
        found[pod["metadata"]["name"]] = sum(float(line.rsplit(" ", 1)[1]) for line in counts)
    return found


@pytest.mark.parametrize("name", ["gateway", "sampler"])
def test_a_tier_is_on_both_nodes_and_a_drain_takes_one_pod(cluster: Cluster, name: str) -> None:
    pods = cluster.pods(f"{COLLECTOR}={name}")
    assert len({pod["spec"]["nodeName"] for pod in pods}) == len(pods) == len(node_ips()) == 2
    assert cluster.get("poddisruptionbudget", name)["spec"]["maxUnavailable"] == 1
    assert cluster.get("networkpolicy", name)["spec"]["policyTypes"] == ["Ingress"]


def test_gateways_are_autoscaled_by_memory_and_samplers_are_not(cluster: Cluster) -> None:
    spec = cluster.get("horizontalpodautoscaler", "gateway")["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 10)
    assert {item["resource"]["name"] for item in spec["metrics"]} == {"cpu", "memory"}
    assert cluster.host.run("kubectl -n telemetry get horizontalpodautoscaler sampler").rc == 1


def test_verify_sees_test_data_at_each_tier(host: Host) -> None:
    """The sampler keeps the span that is sent to it, for it failed."""
    run = host.run(f"ansible-playbook o11y.opentelemetry.verify -i {PROJECT}/inventories/blueprint")
    assert run.rc == 0, run.stdout
    assert "sampler: traces arrived" in run.stdout


def test_traces_are_kept_whole_or_not_at_all_and_counted_before(cluster: Cluster, backend: Cluster) -> None:
    run = secrets.token_hex(4)
    for kind, count in (("failed", 10), ("slow", 10), ("fine", TRACES)):
        for number in range(count):
            trace = secrets.token_hex(16)
            for part, node in enumerate(node_ips()):
                given = {
                    "failed": kind == "failed" and part == 1,
                    "seconds": 3 if kind == "slow" and part == 0 else 0.01,
                }
                one = span(trace, f"{run}-{kind}-{number}-{part}", **given, http__route=f"/{run}")
                send(node, "traces", [one], service__name="shop")
    wanted = {f"{run}-{kind}-{number}-{part}" for kind in ("failed", "slow") for number in range(10) for part in (0, 1)}
    until("all spans of traces with an error, and of slow ones", lambda: wanted <= spans_of(backend, run).keys())
    found = spans_of(backend, run)
    assert set(found.values()) == {1}
    kept = {name.rpartition("-")[0] for name in found}
    assert set(found) == {f"{trace}-{part}" for trace in kept for part in (0, 1)}
    assert len([trace for trace in kept if "-fine-" in trace]) < TRACES / 4
    counted = re.compile(rf"span\.name: Str\(({run}-fine-\d+-0)\)")
    until("the count of each span", lambda: len(set(counted.findall(backend.logs(f"{COLLECTOR}=backend")))) == TRACES)


def test_each_gateway_and_each_sampler_has_its_share(cluster: Cluster) -> None:
    """The agents learn of all gateways within the age of a connection."""
    before = accepted(cluster, "gateway")

    def shared() -> bool:
        for node in node_ips():
            send(node, "traces", [span(secrets.token_hex(16), "share")], service__name="shop")
        return all(count > before[name] for name, count in accepted(cluster, "gateway").items())

    until("spans at every gateway", shared)
    assert all(accepted(cluster, "sampler").values())


def test_noise_and_personal_data_stay_in_the_cluster_and_the_pod_is_named(cluster: Cluster, backend: Cluster) -> None:
    run = secrets.token_hex(4)
    pod = next(one for one in cluster.pods(f"{COLLECTOR}=sampler") if one["status"]["hostIP"] == node_ips()[0])
    trace, sender = secrets.token_hex(16), {"service__name": f"shop-{run}", "k8s__pod__ip": pod["status"]["podIP"]}
    noise = {"process__command_line": f"run-{run}"}
    failed = span(trace, f"{run}-order", failed=True, user=MAIL, **noise)
    send(node_ips()[0], "traces", [failed, span(trace, f"{run}-probe", url__path="/healthz")], **sender, **noise)
    records = [
        {"body": {"stringValue": f"{run}-loud {MAIL}"}, "severityNumber": 9},
        {"body": {"stringValue": f"{run}-debug"}, "severityNumber": 5},
    ]
    send(node_ips()[0], "logs", records, **sender, **noise)
    until("the span", lambda: spans_of(backend, run))
    until("the log record", lambda: f"{run}-loud" in backend.logs(f"{COLLECTOR}=backend"))
    printed = backend.logs(f"{COLLECTOR}=backend")
    assert set(spans_of(backend, run)) == {f"{run}-order"}
    assert [text for text in (MAIL, f"{run}-debug", f"run-{run}") if text in printed] == []
    resources = re.findall(r"Resource attributes:\n((?: +-> .*\n)+)", printed)
    ours = [one for one in resources if f"service.name: Str(shop-{run})" in one]
    for added in ("k8s.deployment.name: Str(sampler", "deployment.environment.name: Str(production)"):
        assert [one for one in ours if added not in one] == []
    assert len(ours) >= 2, "that of the span and that of the log record"


def test_nothing_was_refused_or_dropped_between_the_tiers(cluster: Cluster) -> None:
    for name in ("agent", "gateway", "sampler"):
        for pod in cluster.pods(f"{COLLECTOR}={name}"):
            path = f"/api/v1/namespaces/telemetry/pods/{pod['metadata']['name']}:8888/proxy/metrics"
            text = cluster.host.check_output(f"kubectl get --raw {path}")
            found = re.findall(
                r"^otelcol_(?:receiver_refused|exporter_send_failed|exporter_enqueue_failed)\S* [1-9].*", text, re.M
            )
            assert found == []


def test_a_sampler_without_a_tier_before_it_is_refused(host: Host) -> None:
    alone = [{"name": "alone", "replicas": 2, "recipes": ["otlp_ingest", "tail_sampling", "debug_output"]}]
    inventory = f"{PROJECT}/inventories/blueprint"
    run = host.run(
        f"ansible-playbook o11y.opentelemetry.site -i {inventory} --check -e '{json.dumps({'otel_collectors': alone})}'"
    )
    assert run.rc != 0 and "split-state" in run.stdout
