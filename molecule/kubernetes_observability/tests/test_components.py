# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The critical components that the cluster has are found, scraped once, and their faults raise alerts."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from testinfra.host import Host

from tests.support.cluster import PROJECT, wait_until
from tests.support.observed import AGENT_NAMESPACE, SITE_COMMAND, ObservedCluster

# What the testbed has, each in one pod or at one address.
FOUND = {"apiserver", "cert_manager", "coredns"}
PATIENCE = 120


@pytest.fixture
def observed(host: Host) -> ObservedCluster:
    return ObservedCluster(host)


@pytest.fixture(scope="module")
def rules(host: Host) -> dict[str, str]:
    """Return the expressions of the alerts of the collector, by name."""
    data = json.loads(host.check_output(f"kubectl -n {AGENT_NAMESPACE} get configmap components-rules -o json"))["data"]
    found: list[dict[str, Any]] = json.loads(next(iter(data.values())))["groups"][0]["rules"]
    return {f"{rule['alert']} {rule['expr']}": rule["expr"] for rule in found}


def test_detection_finds_what_the_cluster_has(host: Host) -> None:
    inventory = PROJECT / "molecule/kubernetes_observability/detect.yaml"
    run = host.run(f"ansible-playbook o11y.opentelemetry.render -i {inventory}")
    assert run.rc == 0, run.stdout
    assert set(re.findall(r"job_name: (\w+)", run.stdout)) == FOUND


def test_each_component_is_scraped_once_and_no_other_is_asked_for(
    observed: ObservedCluster, rules: dict[str, str]
) -> None:
    targets = 'up{critical_component!=""} == 1'
    wait_until(targets, lambda: set(observed.query_values("critical_component", targets)) == FOUND, PATIENCE)
    assert {
        name: len(found) for name, found in observed.query_values("critical_component", targets).items()
    } == dict.fromkeys(FOUND, 1)
    asked = {name for name in ("keda", "cilium", "traefik", *FOUND) if f'critical_component="{name}"' in str(rules)}
    assert asked == FOUND
    both = observed.query_series('certmanager_certificate_ready_status{critical_component=""}')
    assert both == [], "agents scrape the pod by its annotations too"


@pytest.mark.parametrize(
    "query",
    [
        'sum(coredns_dns_responses_total{critical_component="coredns"}) > 0',
        'sum(apiserver_request_total{critical_component="apiserver",code="200"}) > 0',
        'process_start_time_seconds{critical_component="cert_manager"}',
    ],
)
def test_series_of_a_component_arrive(observed: ObservedCluster, query: str) -> None:
    wait_until(query, lambda: observed.query_series(query), PATIENCE)


def test_a_component_without_pods_raises_its_alert_and_stays_in_the_config(
    host: Host, observed: ObservedCluster, rules: dict[str, str]
) -> None:
    scale = "kubectl -n cert-manager scale deploy/cert-manager --replicas="
    absent = next(expr for expr in rules.values() if expr.startswith('absent(up{critical_component="cert_manager"})'))
    host.check_output(f"{scale}0")
    try:
        wait_until(absent, lambda: observed.query_series(absent), PATIENCE)
        run = host.run(SITE_COMMAND)
        assert "changed=0" in run.stdout, run.stdout
    finally:
        host.check_output(f"{scale}1")
