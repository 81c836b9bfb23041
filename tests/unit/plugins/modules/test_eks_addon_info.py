# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""eks_addon_info: installed, available, configurable; and never a call that changes something."""

from __future__ import annotations

from typing import Any

import pytest

from tests.testbed.aws.world import Stage

from .conftest import CLUSTER, Aws

ROLE = "arn:aws:iam::123456789012:role/a"


@pytest.fixture
def installed(aws: Aws) -> Aws:
    """A cluster with two add-ons, one of them not well."""
    identity = {"service_account": "adot-col-otlp-ingest", "role_arn": ROLE}
    aws.world.script("adot", "create", Stage("DEGRADED", issues=("InsufficientNumberOfReplicas",)))
    base = {"cluster_name": CLUSTER, "wait": False}
    aws.run(
        "eks_addon",
        **base,
        name="adot",
        pod_identity_associations=[identity],
        configuration_values={"replicaCount": 2},
    )
    aws.run("eks_addon", **base, name="eks-pod-identity-agent")
    aws.changing()
    return aws


def test_what_is_installed(installed: Aws) -> None:
    result = installed.run("eks_addon_info", cluster_name=CLUSTER)
    assert result["changed"] is False
    adot, agent = result["addons"]
    assert (adot["addon_name"], adot["status"], adot["configuration_values"]) == (
        "adot",
        "DEGRADED",
        {"replicaCount": 2},
    )
    assert adot["issues"][0]["code"] == "InsufficientNumberOfReplicas"
    assert adot["issues"][0]["fix"]
    assert adot["pod_identity_associations"] == [{"service_account": "adot-col-otlp-ingest", "role_arn": ROLE}]
    assert (agent["addon_name"], agent["issues"], agent["pod_identity_associations"]) == (
        "eks-pod-identity-agent",
        [],
        [],
    )
    assert installed.run("eks_addon_info", cluster_name=CLUSTER, name="coredns")["addons"] == []
    assert installed.changing() == {}


@pytest.mark.parametrize(
    ("options", "kubernetes", "default"),
    [
        ({"kubernetes_version": "1.33"}, "1.33", "v0.141.0-eksbuild.1"),
        ({"cluster_name": CLUSTER}, "1.34", "v0.151.0-eksbuild.2"),
        ({}, "", ""),
    ],
)
def test_what_is_available(aws: Aws, options: dict[str, Any], kubernetes: str, default: str) -> None:
    result = aws.run("eks_addon_info", available=True, name="adot", **options)
    (adot,) = result["available"]
    assert (result["kubernetes_version"], adot["default_version"]) == (kubernetes, default)
    assert adot["latest_version"] == "v0.151.0-eksbuild.10"
    assert adot["versions"][1]["default_for"] == (["1.34"] if kubernetes in ("", "1.34") else [])
    assert adot["versions"][0]["requires_iam_permissions"] is True


def test_every_page_of_what_is_available_is_read(aws: Aws) -> None:
    result = aws.run("eks_addon_info", available=True, kubernetes_version="1.34")
    assert [item["name"] for item in result["available"]] == ["adot", "eks-pod-identity-agent", "vendor_agent"]
    assert result["available"][2]["product_url"].startswith("https://aws.amazon.com/marketplace/")
    assert aws.run("eks_addon_info", available=True, kubernetes_version="9.99")["available"] == []


@pytest.mark.parametrize(
    ("options", "version"),
    [
        ({"cluster_name": CLUSTER}, "v0.151.0-eksbuild.2"),
        ({"kubernetes_version": "1.33"}, "v0.141.0-eksbuild.1"),
        ({"kubernetes_version": "1.34", "version": "latest"}, "v0.151.0-eksbuild.10"),
        ({"version": "v0.80.0-eksbuild.2"}, "v0.80.0-eksbuild.2"),
    ],
)
def test_what_can_be_configured(aws: Aws, options: dict[str, Any], version: str) -> None:
    found = aws.run("eks_addon_info", configuration=True, name="adot", **options)["configuration"]
    assert found["version"] == version
    assert "collector" in found["schema"]["properties"]
    assert found["service_accounts"][0] == {
        "service_account": "adot-col-prom-metrics",
        "managed_policies": ["arn:aws:iam::aws:policy/AmazonPrometheusRemoteWriteAccess"],
    }


def test_the_installed_version_is_meant_where_none_is_named(aws: Aws) -> None:
    aws.run("eks_addon", cluster_name=CLUSTER, name="adot", version="latest")
    found = aws.run("eks_addon_info", configuration=True, name="adot", cluster_name=CLUSTER)["configuration"]
    assert found["version"] == "v0.151.0-eksbuild.10"


def test_what_is_missing_is_told(aws: Aws) -> None:
    assert "Give version, or cluster_name" in aws.run("eks_addon_info", configuration=True, name="adot")["msg"]
    assert "missing: name" in aws.run("eks_addon_info", configuration=True)["msg"]
    assert "it does not exist" in aws.run("eks_addon_info", cluster_name="nowhere")["msg"]
