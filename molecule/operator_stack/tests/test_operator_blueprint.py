"""The example inventory blueprint under the operator, beside the stack: what an agent gets passes both tiers."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from testinfra.host import Host

from tests.support.cluster import PROJECT, Cluster, join_printed_lines, node_ips

TIERS = ("agent", "gateway", "sampler")
BACKEND = f"-i {PROJECT}/molecule/blueprint/backend.yaml"
BLUEPRINT = f"-i {PROJECT}/inventories/blueprint -e otel_collector_backend=operator"
LEFT = (
    "kubectl get ns,all,cm,sa,hpa,pdb,netpol,roles,rolebindings,clusterroles,clusterrolebindings,otelcol -A -o name -l "
    "'o11y.opentelemetry/release in (telemetry_shared,telemetry.agent,telemetry.gateway,telemetry.sampler)'"
)
PROBE = {
    "name": "both tiers",
    "via": {"namespace": "telemetry", "service": "agent-collector"},
    "arrival": {"namespace": "observability", "selector": "o11y.opentelemetry/collector=backend"},
    "span_status": "error",
}


def play(host: Host, playbook: str, arguments: str) -> str:
    run = host.run(f"ansible-playbook o11y.opentelemetry.{playbook} {arguments}")
    assert run.rc == 0, run.stdout + run.stderr
    return str(run.stdout)


@pytest.fixture(scope="module", autouse=True)
def blueprint(host: Host) -> Iterator[None]:
    play(host, "site", BACKEND)
    play(host, "site", BLUEPRINT)
    yield
    play(host, "remove", BLUEPRINT)
    play(host, "remove", BACKEND)
    assert host.check_output(LEFT) == ""


def test_the_operator_runs_each_tier(host: Host) -> None:
    cluster = Cluster(host, "telemetry")
    modes = {name: cluster.get("opentelemetrycollector", name)["spec"]["mode"] for name in TIERS}
    assert modes == {"agent": "daemonset", "gateway": "deployment", "sampler": "deployment"}
    for name in TIERS:
        pods = cluster.pods(f"app.kubernetes.io/instance=telemetry.{name}")
        assert len({pod["spec"]["nodeName"] for pod in pods}) == len(pods) == len(node_ips()), name
    assert cluster.get("horizontalpodautoscaler", "gateway-collector")["spec"]["maxReplicas"] == 10


def test_test_data_passes_both_tiers(host: Host) -> None:
    said = play(host, "verify", f"{BLUEPRINT} -e '{json.dumps({'otel_collector_verify_probes': [PROBE]})}'")
    assert (
        "both tiers: traces, metrics, logs arrived, seen in the log of pod observability/backend"
        in join_printed_lines(said)
    )


def test_a_second_run_changes_nothing(host: Host) -> None:
    assert "changed=0" in play(host, "site", BLUEPRINT)
