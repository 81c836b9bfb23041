"""Gateways of all modes pass the restricted Pod Security Standard, and a config of one's own gets what it needs."""

from __future__ import annotations

import json

import pytest
from testinfra.host import Host

from tests.support.cluster import Cluster, wait_until


@pytest.fixture
def cluster(host: Host) -> Cluster:
    return Cluster(host, "restricted")


def test_the_namespace_stays_its_owners(cluster: Cluster) -> None:
    labels = cluster.get("namespace", "restricted")["metadata"]["labels"]
    assert "app.kubernetes.io/managed-by" not in labels


@pytest.mark.parametrize(("collector", "pods"), [("raw", 1), ("stateful", 2), ("scaled", 2)])
def test_all_pods_are_ready_in_the_restricted_namespace(cluster: Cluster, collector: str, pods: int) -> None:
    def ready() -> bool:
        found = cluster.pods(f"app.kubernetes.io/instance={collector}")
        return [status["ready"] for pod in found for status in pod["status"].get("containerStatuses", [])] == [
            True
        ] * pods

    # The autoscaler looks every 15 s, and makes the second pod of a new Deployment only then.
    wait_until(f"{pods} ready pods of {collector}", ready, seconds=60)


def test_replicas_of_a_statefulset_keep_their_names_and_spread_over_nodes(cluster: Cluster) -> None:
    pods = cluster.pods("app.kubernetes.io/instance=stateful")
    assert {pod["metadata"]["name"] for pod in pods} == {"stateful-0", "stateful-1"}
    assert len({pod["spec"]["nodeName"] for pod in pods}) == 2


def test_the_autoscaler_owns_the_replicas(cluster: Cluster) -> None:
    command = "kubectl -n restricted get deployment scaled -o json --show-managed-fields"
    deployment = json.loads(cluster.host.check_output(command))
    ours = next(entry for entry in deployment["metadata"]["managedFields"] if entry["manager"] == "o11y.opentelemetry")
    assert "f:replicas" not in ours["fieldsV1"]["f:spec"]
    assert cluster.get("hpa", "scaled")["spec"]["maxReplicas"] == 3
    assert deployment["metadata"]["labels"]["team"] == "observability"


def test_a_config_of_ones_own_gets_its_ports_probes_and_environment(cluster: Cluster) -> None:
    container = cluster.get("deployment", "raw")["spec"]["template"]["spec"]["containers"][0]
    assert {port["containerPort"] for port in container["ports"]} == {4318, 13133}
    assert container["readinessProbe"]["httpGet"]["port"] == 13133
    assert {"name": "GREETING", "value": "hello"} in container["env"]


def test_the_network_policy_admits_what_is_listened_on(cluster: Cluster) -> None:
    ports = cluster.get("networkpolicy", "raw")["spec"]["ingress"][0]["ports"]
    assert {(port["port"], port["protocol"]) for port in ports} == {(4318, "TCP"), (13133, "TCP")}


def test_telemetry_arrives_with_what_the_environment_says(cluster: Cluster) -> None:
    arguments = {
        "via": {"namespace": "restricted", "service": "raw", "port": 4318},
        "signals": ["traces", "logs"],
        "arrival": {"namespace": "restricted", "selector": "app.kubernetes.io/instance=raw", "evidence": "logs"},
    }
    cluster.host.check_output("ansible localhost -m o11y.opentelemetry.otlp_probe -a %s", json.dumps(arguments))
    assert "greeting: Str(hello)" in cluster.logs("app.kubernetes.io/instance=raw")
