"""Telemetry of an EKS cluster reaches AWS, with the rights that were derived from the config and no others."""

from __future__ import annotations

import re

import pytest
from testinfra.host import Host

from tests.support.aws import Aws
from tests.support.cluster import PROJECT, wait_until
from tests.support.eks.scenario import PATIENCE_SECONDS, Scenario, Telemetry, send_spans

CLUSTER = "k8s-production-cluster"
OPTIONS = f"-i {PROJECT}/molecule/eks_telemetry/inventory.yml"
COLLECTORS = f"-e @{PROJECT}/inventories/eks_adot/group_vars/all/collectors.yml"
RECEIVER = "http://observability.aws-otel-eks:4318"


@pytest.fixture
def scenario(host: Host) -> Scenario:
    aws = Aws("us-east-1")
    (role,) = (item["RoleName"] for item in aws.client("iam").list_roles()["Roles"])
    return Scenario(host, aws, f"{OPTIONS} {COLLECTORS}", role)


class TestTelemetry(Telemetry):
    """Every check of the inventory."""


def test_another_run_changes_nothing_and_shows_no_secret(scenario: Scenario) -> None:
    scenario.run_site_unchanged()


@pytest.mark.parametrize("provider", ["pod_identity", "irsa"])
def test_another_way_to_the_role_loses_nothing(scenario: Scenario, provider: str) -> None:
    aws, option = scenario.aws, f"-e otel_identity_provider={provider}"
    before = len(scenario.list_collector_requests())
    with send_spans(RECEIVER, provider) as counts:
        wait_until("spans that arrive", lambda: aws.list_segments(f"{provider}-9"), PATIENCE_SECONDS)
        scenario.run_site(option)
        count = max(int(name.rpartition("-")[2]) for name in arrived(scenario, provider))
        wait_until(
            "spans that arrive afterwards",
            lambda: f"{provider}-{count + 100}" in arrived(scenario, provider),
            PATIENCE_SECONDS,
        )
    assert counts["lost"] == 0
    everything = {f"{provider}-{number}" for number in range(counts["taken"])}
    wait_until(f"all {len(everything)} spans", lambda: everything <= arrived(scenario, provider), PATIENCE_SECONDS)
    calls = scenario.list_collector_requests()[before:]
    assert [call for call in calls if call["refused"]] == []
    # EKS' agent names its sessions so; the SDK names those that it opens itself by the time.
    assert ("/eks-" in calls[-1]["caller"]) == (provider == "pod_identity")
    associations = aws.client("eks").list_pod_identity_associations(clusterName=CLUSTER)["associations"]
    assert len(associations) == (provider == "pod_identity")


def arrived(scenario: Scenario, name: str) -> set[str]:
    """Return the services of all spans that have come."""
    calls = scenario.aws.list_received(operation="PutTraceSegments", refused="")
    texts = [text for call in calls for text in call["given"]["TraceSegmentDocuments"]]
    return set(re.findall(rf'"name":"({name}-\d+)"', " ".join(texts)))
