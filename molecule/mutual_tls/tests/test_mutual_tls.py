"""Between agent and gateway only those talk whom the other side's CA has signed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from testinfra.host import Host

from tests.support.cluster import Cluster, node_ips

ARRIVAL = {"namespace": "mutual-tls", "selector": "app.kubernetes.io/instance=gateway", "evidence": "logs"}
CERTIFICATES = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "mutual-tls"


@pytest.fixture
def gateway(host: Host) -> str:
    pod = Cluster(host, "mutual-tls").pods(ARRIVAL["selector"])[0]
    return f"https://{pod['status']['hostIP']}:4317"


def probe(host: Host, **arguments: object) -> tuple[int, str]:
    result = host.run("ansible localhost -m o11y.opentelemetry.otlp_probe -a %s", json.dumps(arguments))
    return result.rc, result.stdout


def test_telemetry_goes_from_agent_to_gateway_over_mutual_tls(host: Host) -> None:
    assert probe(host, endpoint=f"http://{node_ips()[0]}:4318", arrival=ARRIVAL)[0] == 0


def test_a_client_of_the_right_ca_is_let_in(host: Host, gateway: str) -> None:
    assert probe(host, endpoint=gateway, protocol="grpc", tls=_tls("client"), arrival=ARRIVAL)[0] == 0


@pytest.mark.parametrize("who", ["intruder", None], ids=["of another CA", "without a certificate"])
def test_any_other_client_is_refused(host: Host, gateway: str, who: str | None) -> None:
    status, output = probe(host, endpoint=gateway, protocol="grpc", tls=_tls(who), timeout_seconds=5)
    assert status != 0
    assert "FAILED" in output


def _tls(who: str | None) -> dict[str, str]:
    own = {"cert_file": f"{CERTIFICATES}/{who}.crt", "key_file": f"{CERTIFICATES}/{who}.key"} if who else {}
    return {"ca_file": f"{CERTIFICATES}/ca.crt", **own}
