"""While clients send without a pause: upgrades of cert-manager and operator, switches between the backends, rollouts,
lost pods and drained nodes.

A client that tries again loses nothing: every record that was sent is seen behind the gateway. Where only pods are
replaced, no try fails. O11Y_LOSSLESS_RUNS says how often (once by default); nodes are drained a quarter as often.
"""

from __future__ import annotations

import os
import re
from typing import Any

import pytest
from testinfra.host import Host

from tests.support.cluster import PROJECT, Cluster, node_ips, wait_until
from tests.support.load import Load, send_load

NAMESPACE, GATEWAY = "changes", "o11y.opentelemetry/collector=gateway"
RUNS = int(os.environ.get("O11Y_LOSSLESS_RUNS", "1"))
DRAINS = -(-RUNS // 4)
SITE = f"ansible-playbook o11y.opentelemetry.site -i {PROJECT}/molecule/operator_changes/inventory.yml"
OPERATOR = "kubectl -n opentelemetry-operator-system get deployments -o jsonpath={.items[*].spec.template.spec}"
OLDER = "-e cert_manager_version=v1.20.3 -e otel_operator_version=v0.152.0"


@pytest.fixture(scope="module")
def older(host: Host) -> None:
    """The state before the upgrade."""
    host.check_output(f"{SITE} {OLDER}")


def receiver(host: Host, scheme: str = "http") -> str:
    """Return the URL of the gateway's Service on a node."""
    ports = Cluster(host, NAMESPACE).get("service", "gateway")["spec"]["ports"]
    number = next(port["nodePort"] for port in ports if port["port"] == {"grpc": 4317, "http": 4318}[scheme])
    return f"{scheme}://{node_ips()[0]}:{number}"


def arrived(host: Host, sent: Load) -> bool:
    """Return whether every record is in the log of the sink, which has a line for each and is never rotated away."""
    seen = set(re.findall(rf"{sent.name}-\d+\.", Cluster(host, NAMESPACE).logs("o11y.opentelemetry/collector=sink")))
    return set(sent.taken) <= seen


def changed_under_load(host: Host, name: str, options: str = "") -> Load:
    """Run the site while data flows; return what was sent."""
    with send_load(receiver(host), name) as sent:
        wait_until("records that are taken", lambda: len(sent.taken) > 10, 60)
        converged = host.run(f"{SITE} {options}")
        assert converged.rc == 0, converged.stdout
        count = len(sent.taken)
        wait_until("records that are taken afterwards", lambda: len(sent.taken) > count + 10, 60)
    print(f"{name}: {len(sent.taken)} records taken, {sent.failed_tries} tries failed, {len(sent.lost)} lost")
    wait_until(f"all {len(sent.taken)} records of {name} behind the gateway", lambda: arrived(host, sent), 60)
    assert not sent.lost
    return sent


def test_an_upgrade_loses_nothing(host: Host, older: None) -> None:
    assert "opentelemetry-operator:0.152.0" in host.check_output(OPERATOR)
    changed_under_load(host, "upgrade")
    assert "opentelemetry-operator:0.158.0" in host.check_output(OPERATOR)
    assert re.search(r"changed=0 .*failed=0", host.check_output(SITE))


@pytest.mark.parametrize(("backend", "workload"), [("kubernetes", "gateway"), ("operator", "gateway-collector")])
def test_a_switch_of_backends_leaves_no_gap_and_no_orphan(host: Host, older: None, backend: str, workload: str) -> None:
    options = f"-e otel_collector_backend={backend}"
    sent = changed_under_load(host, f"to-{backend}", options)
    assert sent.failed_tries == 0
    names = host.check_output(f"kubectl -n {NAMESPACE} get deployments -o jsonpath={{.items[*].metadata.name}}").split()
    assert sorted(names) == sorted(["sink", workload])
    assert re.search(r"changed=0 .*failed=0", host.check_output(f"{SITE} {options}"))
    replaced_under_load(host, workload, options)


def replaced_under_load(host: Host, workload: str, options: str) -> None:
    """Replace the pods of the gateway in three ways, each seen by no client."""
    for way, replace, runs in (("rollout", rolled, RUNS), ("deletion", deleted, RUNS), ("drain", drained, DRAINS)):
        names = [f"{workload}-{way}-{scheme}" for scheme in ("http", "grpc")]
        with send_load(receiver(host), names[0]) as http, send_load(receiver(host, "grpc"), names[1]) as grpc:
            for number in range(runs):
                replace(host, f"{options} -e changed={workload}-{number}")
                host.check_output(f"kubectl -n {NAMESPACE} rollout status --timeout=90s deployment/{workload}")
            wait_until("records that are taken", lambda: min(len(http.taken), len(grpc.taken)) > 10, 60)
        for sent in (http, grpc):
            print(f"{sent.name}: {len(sent.taken)} records taken, {sent.failed_tries} tries failed")
            wait_until(f"all records of {sent.name} behind the gateway", lambda: arrived(host, sent), 60)  # noqa: B023
            assert (sent.failed_tries, sent.lost) == (0, [])


def rolled(host: Host, options: str) -> None:
    host.check_output(f"{SITE} {options}")


def deleted(host: Host, _options: str) -> None:
    host.check_output(f"kubectl -n {NAMESPACE} delete pod {pod(host)['metadata']['name']}")


def drained(host: Host, _options: str) -> None:
    """Move the gateway's pods from a node, one at a time: its PodDisruptionBudget admits no more."""
    node = pod(host)["spec"]["nodeName"]
    host.check_output(f"kubectl drain {node} --ignore-daemonsets --pod-selector={GATEWAY} --timeout=90s")
    host.check_output(f"kubectl uncordon {node}")


def pod(host: Host) -> Any:
    return Cluster(host, NAMESPACE).pods(GATEWAY)[0]
