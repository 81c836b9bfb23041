"""The stack as plain manifests: what is there, and that all of it arrives."""

from __future__ import annotations

from typing import Any

import pytest
from testinfra.host import Host

from tests.support.cluster import Cluster, node_ips
from tests.support.stack import NAMESPACE, DataArrives


@pytest.fixture
def cluster(host: Host) -> Cluster:
    return Cluster(host, NAMESPACE)


@pytest.mark.parametrize(
    ("name", "kind", "account", "pods"),
    [
        ("otel-node", "daemonset", "otel-node-collector", len(node_ips())),
        ("otel-cluster", "deployment", "otel-cluster-collector", 1),
        ("otel-prometheus", "statefulset", "otel-prometheus-collector", 1),
        ("otel-otlp", "deployment", "otel-otlp-collector", 1),
    ],
)
def test_the_collectors_have_their_names_and_numbers(
    cluster: Cluster, name: str, kind: str, account: str, pods: int
) -> None:
    workload = cluster.get(kind, name)
    assert workload["metadata"]["labels"]["app"] == f"{name}-collector"
    assert workload["spec"]["template"]["spec"]["serviceAccountName"] == account
    assert len(cluster.pods(f"o11y.opentelemetry/collector={name}")) == pods


def test_what_takes_otlp_is_scaled_between_one_and_two(cluster: Cluster) -> None:
    spec: dict[str, Any] = cluster.get("hpa", "otel-otlp")["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (1, 2)


def test_nobody_reads_the_password_in_a_config_map(host: Host, cluster: Cluster) -> None:
    password = cluster.get("secret", "elasticsearch-credentials")["data"]["password"]
    plain = host.check_output("echo %s | base64 -d", password)
    assert plain not in host.check_output(f"kubectl -n {NAMESPACE} get cm,deploy,ds,sts,pods -o yaml")


class TestDataArrives(DataArrives):
    """Every check of the stack."""
