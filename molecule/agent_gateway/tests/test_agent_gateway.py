"""An agent on every node, a gateway behind a Service, and telemetry that goes through both."""

from __future__ import annotations

import json
import re
import socket
import urllib.request
import uuid
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from tests.support import applications, jaeger
from tests.support.applications import count_written_and_read, deploy_first_day, run_application
from tests.support.cluster import PROJECT, Cluster, has_token, node_ips, wait_until
from tests.support.html import parse_page

AGENT = "opentelemetry-collector-agent"
GATEWAY = "opentelemetry-collector"
OLD = "otel/opentelemetry-collector-contrib:0.93.0"
GATEWAY_PODS = "component=standalone-collector"


@pytest.fixture
def cluster(host: Host) -> Cluster:
    return Cluster(host, "opentelemetry")


def selector(spec: Any) -> str:
    return ",".join(f"{key}={value}" for key, value in spec["podSelector"]["matchLabels"].items())


def ports(pod: Any) -> list[Any]:
    return [port for container in pod["spec"]["containers"] for port in container["ports"]]


def test_an_agent_runs_on_every_node(cluster: Cluster) -> None:
    pods = cluster.pods("component=agent-collector")
    assert len({pod["spec"]["nodeName"] for pod in pods}) == len(node_ips())


def test_the_agent_has_the_names_and_ports_that_applications_know(cluster: Cluster) -> None:
    template = cluster.get("daemonset", AGENT)["spec"]["template"]
    listed = template["spec"]["containers"][0]["ports"]
    ports = {(port["hostPort"], port["protocol"]) for port in listed if "hostPort" in port}
    assert ports == {(6831, "UDP"), (14250, "TCP"), (14268, "TCP"), (4317, "TCP"), (4318, "TCP"), (9411, "TCP")}
    assert template["spec"]["serviceAccountName"] == "opentelemetry-collector"
    assert (
        template["metadata"]["labels"].items()
        >= {
            "app.kubernetes.io/name": "opentelemetry-collector",
            "app.kubernetes.io/instance": "example",
            "component": "agent-collector",
        }.items()
    )


@pytest.mark.parametrize("port", [4317, 4318, 9411, 14250, 14268])
@pytest.mark.parametrize("node", node_ips())
def test_every_node_answers_on_its_host_ports(node: str, port: int) -> None:
    with socket.create_connection((node, port), timeout=5):
        pass


def test_no_pod_has_a_token_for_the_api(cluster: Cluster) -> None:
    pods = cluster.pods("app.kubernetes.io/instance=example")
    assert len(pods) == len(node_ips()) + 1
    assert [pod["metadata"]["name"] for pod in pods if has_token(pod)] == []


@pytest.mark.parametrize("name", [AGENT, GATEWAY])
def test_other_pods_reach_no_port_but_those_of_the_config(cluster: Cluster, name: str) -> None:
    spec = cluster.get("networkpolicy", name)["spec"]
    opened = {(item["containerPort"], item["protocol"]) for pod in cluster.pods(selector(spec)) for item in ports(pod)}
    admitted = {(item["port"], item["protocol"]) for rule in spec["ingress"] for item in rule["ports"]}
    assert spec["policyTypes"] == ["Ingress"]
    assert admitted == opened


def test_the_service_says_grpc_to_load_balancers(cluster: Cluster) -> None:
    spec = cluster.get("service", GATEWAY)["spec"]
    assert {port["name"]: port.get("appProtocol") for port in spec["ports"]} == {"otlp": "grpc", "otlp-http": None}
    assert (spec["type"], spec["internalTrafficPolicy"]) == ("ClusterIP", "Cluster")
    assert cluster.get("deployment", GATEWAY)["spec"]["revisionHistoryLimit"] == 10


@pytest.mark.parametrize("node", node_ips())
def test_otlp_sent_to_any_node_arrives_at_the_gateway(host: Host, node: str) -> None:
    arguments = {
        "endpoint": f"{node}:4317",
        "arrival": {"namespace": "opentelemetry", "selector": GATEWAY_PODS, "evidence": "logs"},
    }
    host.check_output("ansible localhost -m o11y.opentelemetry.otlp_probe -a %s", json.dumps(arguments))


def send_zipkin(name: str) -> None:
    """Send a span to the agent of the first node."""
    span = [{"traceId": uuid.uuid4().hex, "id": uuid.uuid4().hex[:16], "name": name, "timestamp": 1, "duration": 1}]
    request = urllib.request.Request(
        f"http://{node_ips()[0]}:9411/api/v2/spans", json.dumps(span).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=5) as response:
        assert response.status == 202


def test_a_zipkin_span_arrives_at_the_gateway(cluster: Cluster) -> None:
    name = f"zipkin-{uuid.uuid4().hex}"
    send_zipkin(name)
    wait_until(f"span {name} in the gateway's log", lambda: name in cluster.logs(GATEWAY_PODS))


@pytest.mark.parametrize("node", node_ips())
def test_a_jaeger_span_sent_by_udp_to_any_node_arrives_at_the_gateway(cluster: Cluster, node: str) -> None:
    name = f"jaeger-{uuid.uuid4().hex}"
    jaeger.send_span(node, 6831, "shop", name)
    wait_until(f"span {name} in the gateway's log", lambda: name in cluster.logs(GATEWAY_PODS))


def test_a_change_of_config_rolls_the_pods_and_nothing_else_does(host: Host, cluster: Cluster) -> None:
    def pods() -> set[str]:
        return {pod["metadata"]["uid"] for pod in cluster.pods(GATEWAY_PODS)}

    def converge(*arguments: str) -> None:
        inventory = f"{PROJECT}/inventories/agent_gateway"
        host.check_output(f"ansible-playbook o11y.opentelemetry.site -i {inventory} {' '.join(arguments)}")

    before = pods()
    converge()
    assert pods() == before
    converge("-e otel_collector_memory_limit=600Mi")
    assert pods().isdisjoint(before)
    converge()


def test_an_old_version_rolls_out_with_the_settings_that_it_takes(host: Host, cluster: Cluster) -> None:
    def images() -> set[str]:
        return {item["image"] for pod in pods() for item in pod["spec"]["containers"]}

    def pods() -> list[Any]:
        return cluster.pods("app.kubernetes.io/instance=example")

    site = f"ansible-playbook o11y.opentelemetry.site -i {PROJECT}/inventories/agent_gateway"
    host.check_output(f"{site} -e otel_collector_image={OLD}")
    wait_until("pods of the old version alone", lambda: images() == {OLD}, 60)
    name = f"old-{uuid.uuid4().hex}"
    send_zipkin(name)
    # The gateway was replaced too: an agent that was connected to the one before sends again.
    wait_until(f"span {name} in the gateway's log", lambda: name in cluster.logs(GATEWAY_PODS), 60)
    for pod in pods():
        root = f"/api/v1/namespaces/opentelemetry/pods/{pod['metadata']['name']}:8888/proxy/metrics"
        assert 'service_version="0.93.0"' in host.check_output(f"kubectl get --raw {root}")
    host.check_output(site)
    assert OLD not in images()


def test_agents_read_what_applications_write_and_not_what_the_gateway_prints(host: Host) -> None:
    with run_application(host, replicas=2), deploy_first_day(host, "kubernetes") as collectors:
        written, read = count_written_and_read(collectors, 10)
        assert "log.file.path: Str(/var/log/pods/default_app-" in collectors.logs(applications.GATEWAY)
        assert len(collectors.pods(applications.AGENT)) == len(node_ips()) > 1
    assert 0 < read < 2 * written


def test_the_page_about_the_fleet_has_what_runs(host: Host, cluster: Cluster, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    inventory = f"{PROJECT}/inventories/agent_gateway"
    host.check_output(f"ansible-playbook o11y.opentelemetry.report -i {inventory} -e otel_report_path={path}")
    page = parse_page(path.read_text(encoding="utf-8"))
    rows = {row.attributes["id"]: row.text for row in page.find_elements("tr") if "id" in row.attributes}
    image = cluster.get("deployment", GATEWAY)["spec"]["template"]["spec"]["containers"][0]["image"]
    told = "".join(section.text for section in page.find_elements("section"))
    assert page.faults == []
    assert len([text for text in rows.values() if re.search(r"(\d+) of \1 ready", text)]) == len(rows) == 2
    assert f"{image}" in told and "unchanged." in told and "not read" not in told
    assert f"{len(node_ips())} running, one on every node" in told
