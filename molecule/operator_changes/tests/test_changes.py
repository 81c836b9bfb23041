"""While a client sends without a pause: upgrades of cert-manager and operator, and switches between the backends.

A client that tries again loses nothing: every record that was sent is seen behind the gateway.
"""

from __future__ import annotations

import re

import pytest
from testinfra.host import Host

from tests.support.cluster import PROJECT, Cluster, node_ips, until
from tests.support.load import Load, load

NAMESPACE = "changes"
SITE = f"ansible-playbook o11y.opentelemetry.site -i {PROJECT}/molecule/operator_changes/inventory.yml"
OPERATOR = "kubectl -n opentelemetry-operator-system get deployments -o jsonpath={.items[*].spec.template.spec}"
OLDER = "-e cert_manager_version=v1.20.3 -e otel_operator_version=v0.152.0"


@pytest.fixture(scope="module")
def older(host: Host) -> None:
    """The state before the upgrade."""
    host.check_output(f"{SITE} {OLDER}")


def receiver(host: Host) -> str:
    """Return the URL of the gateway's Service on a node."""
    ports = Cluster(host, NAMESPACE).get("service", "gateway")["spec"]["ports"]
    number = next(port["nodePort"] for port in ports if port["port"] == 4318)
    return f"http://{node_ips()[0]}:{number}"


def arrived(host: Host, sent: Load) -> bool:
    """Return whether every record is in the log of the sink."""
    seen = set(re.findall(rf"{sent.name}-\d+\.", Cluster(host, NAMESPACE).logs("o11y.opentelemetry/collector=sink")))
    return set(sent.taken) <= seen


def changed_under_load(host: Host, name: str, options: str = "") -> Load:
    """Run the site while data flows; return what was sent."""
    with load(receiver(host), name) as sent:
        until("records that are taken", lambda: len(sent.taken) > 10, 60)
        converged = host.run(f"{SITE} {options}")
        assert converged.rc == 0, converged.stdout
        count = len(sent.taken)
        until("records that are taken afterwards", lambda: len(sent.taken) > count + 10, 60)
    print(f"{name}: {len(sent.taken)} records taken, {sent.failed_tries} tries failed, {len(sent.lost)} lost")
    until(f"all {len(sent.taken)} records of {name} behind the gateway", lambda: arrived(host, sent), 60)
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
    assert sent.failed_tries <= 5  # a connection that was open to a pod that ends
    names = host.check_output(f"kubectl -n {NAMESPACE} get deployments -o jsonpath={{.items[*].metadata.name}}").split()
    assert sorted(names) == sorted(["sink", workload])
    assert re.search(r"changed=0 .*failed=0", host.check_output(f"{SITE} {options}"))
