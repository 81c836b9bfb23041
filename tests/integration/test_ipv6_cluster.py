# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collectors in a cluster whose pods and Services have addresses of IPv6 alone, as EKS lays them out.

The cluster is this test's own, because no cluster changes its families. It starts in 10 s on an idle machine.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
NAME = f"{os.environ.get('O11Y_TESTBED_NAME', 'o11y')}-ipv6"[:32]
UNAVAILABLE = 3
"""The exit code of the testbed on a machine that cannot run a cluster."""
SECONDS = 600
INVENTORY = """
all:
  hosts:
    here:
      otel_collector_namespace: telemetry
      otel_collector_ip_families: [IPv6]
      otel_collector_verify_enabled: true
      otel_collectors:
        - {name: gateway, recipes: [otlp_ingest, zipkin_ingest, syslog_ingest, debug_output]}
        - {name: both, ip_families: [IPv6, IPv4], service: {headless: true}, recipes: [otlp_ingest, debug_output]}
        - name: agent
          mode: daemonset
          host_ports: true
          recipes:
            - otlp_ingest
            - kubelet_metrics
            - otlp_forward: {endpoint: "gateway.telemetry.svc:4317", insecure: true}
"""

Run = Callable[..., str]


def ask_testbed(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.testbed", *arguments, "--name", NAME]
    environment = {**os.environ, "O11Y_TESTBED_PROVIDER": "embedded"}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=SECONDS
    )


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """Run a command with the cluster's kubeconfig, and return what it prints."""
    chosen = os.environ.get("O11Y_TESTBED_PROVIDER", "embedded")
    if chosen != "embedded":
        pytest.skip(f"only the embedded cluster has IPv6, and O11Y_TESTBED_PROVIDER is {chosen}")
    try:
        made = ask_testbed("up", "--ip-family", "ipv6")
        if made.returncode == UNAVAILABLE:
            pytest.skip(f"no cluster can be had here: {made.stderr}")
        assert made.returncode == 0, made.stderr
        variables = ask_testbed("env").stdout

        def called(*command: str) -> str:
            script = f"{variables}\n{shlex.join(command)}"
            done = subprocess.run(
                ["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, check=False, timeout=SECONDS
            )
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        yield called
    finally:
        ask_testbed("down")


@pytest.fixture(scope="module")
def deployed(run: Run, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Deploy and verify an agent and its gateway, and a gateway for both families."""
    inventory = tmp_path_factory.mktemp("ipv6") / "inventory.yml"
    inventory.write_text(INVENTORY)
    return run("ansible-playbook", "o11y.opentelemetry.site", "-i", str(inventory))


def objects(run: Run, *what: str) -> list[Any]:
    found: list[Any] = json.loads(run("kubectl", "get", "--namespace=telemetry", "--output=json", *what))["items"]
    return found


def test_data_of_each_collector_arrives(deployed: str) -> None:
    for name in ("gateway", "both", "agent"):
        assert f"{name}: traces, metrics, logs arrived" in deployed


def test_pods_and_services_have_addresses_of_ipv6(deployed: str, run: Run) -> None:
    pods = [address["ip"] for pod in objects(run, "pods") for address in pod["status"]["podIPs"]]
    services = [service["spec"]["clusterIP"] for service in objects(run, "services")]
    addresses = [address for address in (*pods, *services) if address != "None"]
    assert len(addresses) == len(("gateway", "both", "agent", "gateway", "both"))
    assert {ip_address(address).version for address in addresses} == {6}


def test_the_agent_reads_the_kubelet_of_its_node(deployed: str, run: Run) -> None:
    (agent,) = objects(run, "pods", "--selector=o11y.opentelemetry/collector=agent")
    path = f"/api/v1/namespaces/telemetry/pods/{agent['metadata']['name']}:8888/proxy/metrics"
    lines = run("kubectl", "get", "--raw", path).splitlines()
    counted = [line for line in lines if line.startswith("otelcol_receiver_accepted_metric_points")]
    accepted = {line.partition('receiver="')[2].partition('"')[0]: float(line.split()[-1]) for line in counted}
    assert accepted["kubelet_stats"] > 0
