"""The stack under the real operator: all of it arrives, targets are shared out, and the autoscaler moves."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

import pytest
from testinfra.host import Host

from tests.support import applications
from tests.support.applications import count_written_and_read, deploy_first_day, run_application
from tests.support.cluster import PROJECT, Cluster, join_printed_lines, wait_until, watch_availability
from tests.support.stack import NAMESPACE, TIMEOUT_SECONDS, DataArrives, Stack, daily_index

CREDENTIALS = "elasticsearch-credentials"
OWN_INVENTORY, OLDER = "molecule/operator_stack/inventory.yml", "older"
ALLOCATOR = f"/api/v1/namespaces/{NAMESPACE}/services/http:otel-prometheus-targetallocator:80/proxy"


@pytest.fixture
def cluster(host: Host) -> Cluster:
    return Cluster(host, NAMESPACE)


def test_the_resources_are_taken_up_and_ready(cluster: Cluster) -> None:
    for name in ("otel-node", "otel-cluster", "otel-prometheus", "otel-otlp"):
        resource = cluster.get("opentelemetrycollector", name)
        ready = next(item for item in resource["status"]["conditions"] if item["type"] == "Ready")
        assert ready["status"] == "True"
        assert resource["metadata"]["labels"]["app"] == f"{name}-collector"


def test_nobody_reads_the_password_in_a_resource(host: Host, cluster: Cluster) -> None:
    password = host.check_output("echo %s | base64 -d", cluster.get("secret", CREDENTIALS)["data"]["password"])
    assert password not in host.check_output(f"kubectl -n {NAMESPACE} get cm,otelcol,deploy,ds,sts,pods -o yaml")


def test_the_target_allocator_gives_every_collector_its_own_targets(host: Host) -> None:
    def share() -> dict[str, list[str]] | None:
        jobs = json.loads(host.check_output("kubectl get --raw %s", f"{ALLOCATOR}/jobs"))
        found: dict[str, list[str]] = {}
        for job in jobs.values():
            answer: dict[str, Any] = json.loads(host.check_output("kubectl get --raw %s", ALLOCATOR + job["_link"]))
            for collector, given in answer.items():
                found.setdefault(collector, []).extend(t for group in given["targets"] for t in group["targets"])
        both = {f"otel-prometheus-collector-{number}" for number in (0, 1)}
        return found if set(found) == both and all(found.values()) else None

    shares = wait_until("targets of both collectors", share, TIMEOUT_SECONDS)
    first, second = (set(targets) for targets in shares.values())
    assert not first & second


class TestDataArrives(DataArrives):
    """Every check of the stack."""


def test_agents_read_what_applications_write_and_not_what_the_gateway_prints(host: Host) -> None:
    with run_application(host, replicas=2), deploy_first_day(host, "operator") as collectors:
        written, read = count_written_and_read(collectors, 10)
        assert "log.file.path: Str(/var/log/pods/default_app-" in collectors.logs(applications.GATEWAY)
    assert 0 < read < 2 * written


def test_an_application_without_a_line_of_telemetry_shows_its_spans(host: Host) -> None:
    app = PROJECT / "tests/support/python_app"
    host.check_output(
        f"kubectl create namespace shop && kubectl -n shop create configmap shop --from-file {app}/app.py"
    )
    host.check_output(f"kubectl apply -f {app}/manifests.yml && kubectl -n shop rollout status deployment shop")
    wait_until("its spans in Jaeger", lambda: Stack(host).find_spans("shop"), TIMEOUT_SECONDS)


def test_pods_from_before_the_instrumentation_are_named_and_restart_with_every_replica_available(host: Host) -> None:
    inventories = " ".join(f"-i {PROJECT}/{path}" for path in ("inventories/operator_stack", OWN_INVENTORY))
    given: dict[str, Any] = {"otel_instrumentation_namespaces": [{"name": OLDER, "language": "python"}]}

    def site(**more: Any) -> str:
        command = f"ansible-playbook o11y.opentelemetry.site --tags instrumentation {inventories}"
        done = host.run(f"{command} -e %s", json.dumps(given | more))
        assert done.rc == 0, done.stdout
        return join_printed_lines(done.stdout + done.stderr)

    def instrumented() -> list[bool]:
        pods = Cluster(host, OLDER).pods("app=older")
        names = [[item["name"] for item in pod["spec"].get("initContainers", [])] for pod in pods]
        return ["opentelemetry-auto-instrumentation-python" in found for found in names]

    python = "--image=docker.io/library/python:3.11-slim --replicas=2 -- python3 -m http.server"
    host.check_output(f"kubectl create namespace {OLDER} && kubectl -n {OLDER} create deployment older {python}")
    host.check_output(f"kubectl -n {OLDER} rollout status deployment older")
    assert f"Running without instrumentation in {OLDER} until their pods are made anew: deployment/older." in site()
    assert instrumented() == [False, False]
    with watch_availability(OLDER) as seen:
        site(otel_instrumentation_restart_namespaces=[OLDER])
    assert len(seen) > 1, "the Deployment changed"
    assert min(seen) == 2
    wait_until("instrumented pods alone", lambda: instrumented() == [True, True], 60)
    again = site(otel_instrumentation_restart_namespaces=[OLDER])
    assert re.search(r"changed=0 .*failed=0", again), again
    assert "Running without instrumentation" not in again


def test_nothing_is_lost_while_the_autoscaler_moves(host: Host, cluster: Cluster) -> None:
    name = "moving"
    client = start_client(f"http://otel-otlp.{NAMESPACE}.svc:4318", name)
    set_load(host, 1000)
    wait_until(
        "two collectors",
        lambda: cluster.get("deployment", "otel-otlp-collector")["status"].get("readyReplicas") == 2,
        TIMEOUT_SECONDS,
    )
    sent = json.loads(client.communicate(timeout=TIMEOUT_SECONDS)[0])
    set_load(host, 10)
    print(f"{sent['taken']} records taken, {sent['failed_tries']} tries failed")
    assert sent["taken"] > 0
    assert sent["lost"] == 0

    def arrived() -> bool:
        documents = json.dumps(Stack(host).search_documents(daily_index("istio-access-log"), f"{name}-"))
        return len(set(re.findall(rf"{name}-\d+\.", documents))) == sent["taken"]

    wait_until(f"all {sent['taken']} records in Elasticsearch", arrived, TIMEOUT_SECONDS)


STATSD = {
    "apiVersion": "opentelemetry.io/v1beta1",
    "kind": "OpenTelemetryCollector",
    "metadata": {"name": "udp", "namespace": "stats"},
    "spec": {
        "replicas": 0,
        "config": {
            "receivers": {"statsd": {"endpoint": "0.0.0.0:8125"}},
            "exporters": {"debug": {}},
            "service": {"pipelines": {"metrics": {"receivers": ["statsd"], "exporters": ["debug"]}}},
        },
    },
}


def test_the_policy_that_the_operator_makes_shuts_a_udp_port_and_preflight_tells_it(host: Host) -> None:
    host.check_output("kubectl create namespace stats")
    try:
        host.check_output("echo %s | kubectl apply -f -", json.dumps(STATSD))
        made = "kubectl -n stats get networkpolicy udp-collector-networkpolicy"
        wait_until("the policy of the operator", lambda: host.run(made).rc == 0, TIMEOUT_SECONDS)
        done = host.run("ansible-playbook o11y.opentelemetry.preflight -i localhost, -e preflight_cluster=true")
        assert done.rc == 0, done.stdout
        told = "[closed-udp-port] NetworkPolicy udp-collector-networkpolicy admits port 8125 for TCP only"
        assert told in join_printed_lines(done.stdout + done.stderr)
    finally:
        host.check_output("kubectl -n stats delete otelcol udp && kubectl delete namespace stats")


def ready(cluster: Cluster) -> int:
    """Return how many collectors take OTLP."""
    return int(cluster.get("deployment", "otel-otlp-collector")["status"].get("readyReplicas") or 0)


def start_client(url: str, name: str) -> subprocess.Popen[str]:
    """Send from a pod until its input ends."""
    program = (PROJECT / "tests/support/load.py").read_text()
    command = [
        "kubectl",
        "-n",
        "metrics",
        "exec",
        "-i",
        "deployment/metrics",
        "--",
        "python3",
        "-c",
        program,
        url,
        name,
    ]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def set_load(host: Host, millicores: int) -> None:
    """Tell the metrics API what every pod uses."""
    pod = Cluster(host, "metrics").pods("app=metrics")[0]["metadata"]["name"]
    host.check_output("kubectl -n metrics exec %s -- sh -c %s", pod, f"echo {millicores} > /tmp/load")
