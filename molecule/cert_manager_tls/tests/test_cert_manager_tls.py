"""Agent and gateway trust each other by certificates of cert-manager, under either backend; renewals lose nothing."""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from tests.support import certificates
from tests.support.cluster import PROJECT, Cluster, node_ips, wait_until
from tests.support.load import Load, send_load

NAMESPACE = "cert-manager-tls"
SERVER = f"gateway.{NAMESPACE}.svc"
INVENTORY = f"{PROJECT}/molecule/cert_manager_tls/inventory.yml"
OPTIONS = {
    "kubernetes": "",
    "operator": "-e otel_collector_backend=operator -e otel_operator_provider=manifest"
    " -e otel_operator_remove_definitions=true",
}
GATEWAY = "o11y.opentelemetry/collector=gateway"
# What a client of HTTP/2 says first: the preface, and a frame of settings without any.
HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])


@pytest.fixture(scope="module", params=["kubernetes", "operator"])
def cluster(request: pytest.FixtureRequest, host: Host) -> Iterator[Cluster]:
    """The collectors under each backend; the first one is there already."""
    backend, options = request.param, OPTIONS[request.param]
    if options:
        if not any(name.startswith("opentelemetry-operator") for name in os.environ["O11Y_TESTBED_INSTALLED"].split()):
            pytest.skip("the operator cannot be had here: it is not in the release mirror")
        switched = host.run(f"ansible-playbook o11y.opentelemetry.site -i {INVENTORY} {options}")
        assert switched.rc == 0, switched.stdout
    found = Cluster(host, NAMESPACE)
    workload = {"kubernetes": "gateway", "operator": "gateway-collector"}[backend]
    assert found.get("deployment", workload)["status"]["readyReplicas"] == 1
    yield found
    if options:
        host.check_output(f"ansible-playbook o11y.opentelemetry.remove -i {INVENTORY} {options}")


@pytest.fixture(scope="module")
def folder(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the agent's certificate and its CA, and a certificate of another CA."""
    path = tmp_path_factory.mktemp("certificates")
    certificates.main(path, ["intruder"])
    data = cluster.get("secret", "agent-tls")["data"]
    for name, key in (("agent.crt", "tls.crt"), ("agent.key", "tls.key"), ("trusted.crt", "ca.crt")):
        (path / name).write_bytes(base64.b64decode(data[key]))
    return path


def gateway_node(cluster: Cluster) -> str:
    return str(cluster.pods(GATEWAY)[0]["status"]["hostIP"])


def call(cluster: Cluster, folder: Path, who: str | None) -> tuple[bytes, str]:
    """Return the first byte that the gateway answers a client, and the serial number of its certificate."""
    context = ssl.create_default_context(cafile=str(folder / "trusted.crt"))
    context.set_alpn_protocols(["h2"])
    if who:
        context.load_cert_chain(folder / f"{who}.crt", folder / f"{who}.key")
    address = (gateway_node(cluster), 4317)
    with (
        socket.create_connection(address, timeout=5) as raw,
        context.wrap_socket(raw, server_hostname=SERVER) as secured,
    ):
        serial = str((secured.getpeercert() or {})["serialNumber"])
        try:
            secured.sendall(HELLO)
            return secured.recv(1), serial
        except (ssl.SSLError, ConnectionError):
            return b"", serial


def issued(cluster: Cluster, name: str) -> bytes:
    return base64.b64decode(cluster.get("secret", name)["data"]["tls.crt"])


def renew(cluster: Cluster, name: str) -> None:
    """Ask for a new certificate as `cmctl renew` does."""
    certificate = cluster.get("certificate", name)
    condition: dict[str, Any] = {
        "type": "Issuing",
        "status": "True",
        "reason": "ManuallyTriggered",
        "message": "Certificate re-issuance manually triggered",
        "lastTransitionTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "observedGeneration": certificate["metadata"]["generation"],
    }
    certificate["status"]["conditions"].append(condition)
    path = f"/apis/cert-manager.io/v1/namespaces/{NAMESPACE}/certificates/{name}/status"
    cluster.host.check_output(f"echo %s | kubectl replace --raw {path} -f -", json.dumps(certificate))


def arrived(cluster: Cluster, sent: Load) -> bool:
    return set(sent.taken) <= set(re.findall(rf"{sent.name}-\d+\.", cluster.logs(GATEWAY)))


def test_telemetry_goes_from_every_agent_to_the_gateway(cluster: Cluster) -> None:
    arrival = {"namespace": NAMESPACE, "selector": GATEWAY, "evidence": "logs"}
    for node in node_ips():
        probe = json.dumps({"endpoint": f"http://{node}:4318", "arrival": arrival, "timeout_seconds": 60})
        cluster.host.check_output("ansible localhost -m o11y.opentelemetry.otlp_probe -a %s", probe)


def test_a_client_of_the_same_ca_is_let_in(cluster: Cluster, folder: Path) -> None:
    assert call(cluster, folder, "agent")[0]


@pytest.mark.parametrize("who", ["intruder", None], ids=["of another CA", "without a certificate"])
def test_any_other_client_is_refused(cluster: Cluster, folder: Path, who: str | None) -> None:
    assert call(cluster, folder, who)[0] == b""


def test_renewals_reach_the_wire_and_lose_no_record(cluster: Cluster, folder: Path) -> None:
    before = {name: issued(cluster, name) for name in ("gateway-tls", "agent-tls")}
    serial = call(cluster, folder, "agent")[1]
    pods = {pod["metadata"]["uid"] for pod in cluster.pods("o11y.opentelemetry/collector")}
    with send_load(f"http://{node_ips()[0]}:4318", f"renewal-{serial[:8].lower()}") as sent:
        wait_until("records that are taken", lambda: len(sent.taken) > 10, 60)
        for name, old in before.items():
            renew(cluster, name)
            wait_until(f"a new {name}", lambda name=name, old=old: issued(cluster, name) != old, 60)
        # The kubelet looks at Secrets of a pod once a minute, or when the pod changes.
        cluster.host.check_output(f"kubectl -n {NAMESPACE} annotate pods --all --overwrite looked-at={serial}")
        wait_until("the new certificate on the wire", lambda: call(cluster, folder, "agent")[1] != serial, 150)
        count = len(sent.taken)
        wait_until("records that are taken with it", lambda: len(sent.taken) > count + 50, 60)
    print(f"{len(sent.taken)} records taken, {sent.failed_tries} tries failed, {len(sent.lost)} lost")
    wait_until(f"all {len(sent.taken)} records at the gateway", lambda: arrived(cluster, sent), 60)
    assert not sent.lost
    assert {pod["metadata"]["uid"] for pod in cluster.pods("o11y.opentelemetry/collector")} == pods
    assert not call(cluster, folder, "intruder")[0]


def test_a_renewal_is_no_change_for_the_next_run(cluster: Cluster, request: pytest.FixtureRequest) -> None:
    options = OPTIONS[request.node.callspec.params["cluster"]]
    again = cluster.host.check_output(f"ansible-playbook o11y.opentelemetry.site -i {INVENTORY} {options}")
    assert re.search(r"changed=0 .*failed=0", again)


@pytest.fixture
def refused(host: Host) -> Iterator[str]:
    """A run with a collector whose certificate nobody signs, as an option."""
    yield f"-e @{PROJECT}/molecule/cert_manager_tls/refused.yaml"
    host.check_output("kubectl delete ns refused")


def test_a_certificate_that_nobody_signs_stops_the_run_before_the_workload_and_says_why(
    host: Host, refused: str
) -> None:
    run = host.run(f"ansible-playbook o11y.opentelemetry.site -i {INVENTORY} {refused}")
    assert run.rc != 0
    said = " ".join(run.stdout.split())
    assert "not issued after 10 s: Certificate refused/gateway-tls: " in said
    assert 'clusterissuer.cert-manager.io "nobody" not found' in said.replace("\\", "")
    assert host.run("kubectl -n refused get deployment gateway").rc != 0
