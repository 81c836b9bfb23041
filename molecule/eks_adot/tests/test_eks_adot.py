"""EKS with the add-on: the operator is there because EKS has put it there, and telemetry reaches AWS."""

from __future__ import annotations

import pytest
from testinfra.host import Host

from tests.support.aws import Aws
from tests.support.cluster import PROJECT, Cluster
from tests.support.eks.scenario import Scenario, Telemetry

CLUSTER = "k8s-production-cluster"
OPTIONS = f"-i {PROJECT}/inventories/eks_adot -i {PROJECT}/molecule/eks_adot/inventory.yml"


@pytest.fixture
def scenario(host: Host) -> Scenario:
    return Scenario(host, Aws("us-east-1"), OPTIONS, "EKS-ADOT-ServiceAccount-Role")


def test_the_add_on_is_active_with_the_default_version_and_was_made_once(scenario: Scenario) -> None:
    addon = scenario.aws.client("eks").describe_addon(clusterName=CLUSTER, addonName="adot")["addon"]
    assert (addon["status"], addon["addonVersion"]) == ("ACTIVE", "v0.151.0-eksbuild.2")
    # The first run was killed after the call; the next has taken it up.
    assert len(scenario.aws.list_received(operation="CreateAddon", refused="")) == 1


def test_the_collector_is_a_resource_with_the_names_of_the_inventory(host: Host) -> None:
    cluster = Cluster(host, "aws-otel-eks")
    resource = cluster.get("opentelemetrycollector", "observability")
    assert resource["spec"]["serviceAccount"] == "aws-otel-collector"
    account = cluster.get("serviceaccount", "aws-otel-collector")
    role = "arn:aws:iam::123456789012:role/EKS-ADOT-ServiceAccount-Role"
    assert account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"] == role


def test_the_role_has_the_managed_policies_and_no_instance_profile(scenario: Scenario) -> None:
    iam = scenario.aws.client("iam")
    attached = iam.list_attached_role_policies(RoleName=scenario.role)["AttachedPolicies"]
    wanted = {"AWSXRayDaemonWriteAccess", "AmazonPrometheusRemoteWriteAccess", "CloudWatchAgentServerPolicy"}
    assert {policy["PolicyName"] for policy in attached} == wanted
    assert iam.list_instance_profiles()["InstanceProfiles"] == []


class TestTelemetry(Telemetry):
    """Every check of the inventory."""
