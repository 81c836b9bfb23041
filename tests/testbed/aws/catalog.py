# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Add-ons, versions and configuration schemas on offer: shaped like those of EKS, small enough to read."""

from __future__ import annotations

import json
from typing import Any

from tests.testbed.aws.world import AwsError, World

CLUSTER_VERSIONS = ("1.32", "1.33", "1.34")
RESOURCES: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        side: {
            "type": "object",
            "additionalProperties": False,
            "properties": {"cpu": {"type": "string"}, "memory": {"type": "string"}},
        }
        for side in ("limits", "requests")
    },
}
ADOT_SCHEMA: dict[str, Any] = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "additionalProperties": False,
    "definitions": {"resources": RESOURCES},
    "properties": {
        "replicaCount": {"type": "integer", "minimum": 1},
        "nodeSelector": {"type": "object", "additionalProperties": {"type": "string"}},
        "manager": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "resources": {"$ref": "#/definitions/resources"},
                "env": {"type": "object", "additionalProperties": {"type": "string"}},
            },
        },
        "collector": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"otlpIngest": {"type": "object"}, "prometheusMetrics": {"type": "object"}},
        },
    },
}
# Before v0.88 the collector was chosen by a mode.
OLD_SCHEMA: dict[str, Any] = ADOT_SCHEMA | {
    "properties": {"collector": {"type": "object", "properties": {"mode": {"enum": ["daemonset", "deployment"]}}}}
}
ADOT_IDENTITIES = [
    {
        "serviceAccount": "adot-col-prom-metrics",
        "recommendedManagedPolicies": ["arn:aws:iam::aws:policy/AmazonPrometheusRemoteWriteAccess"],
    },
    {
        "serviceAccount": "adot-col-otlp-ingest",
        "recommendedManagedPolicies": ["arn:aws:iam::aws:policy/AWSXrayWriteOnlyAccess"],
    },
]


def _version(name: str, default_for: tuple[str, ...] = (), fits: tuple[str, ...] = CLUSTER_VERSIONS) -> dict[str, Any]:
    return {
        "addonVersion": name,
        "architecture": ["amd64", "arm64"],
        "computeTypes": ["ec2", "hybrid"],
        "compatibilities": [
            {"clusterVersion": version, "platformVersions": ["*"], "defaultVersion": version in default_for}
            for version in fits
        ],
        "requiresConfiguration": False,
        "requiresIamPermissions": True,
    }


# As EKS does, not in the order of versions.
CATALOG: list[dict[str, Any]] = [
    {
        "addonName": "adot",
        "type": "observability",
        "publisher": "eks",
        "owner": "aws",
        "defaultNamespace": "opentelemetry-operator-system",
        "addonVersions": [
            _version("v0.151.0-eksbuild.2", ("1.34",)),
            _version("v0.151.0-eksbuild.10", ()),
            _version("v0.141.0-eksbuild.1", ("1.32", "1.33")),
            _version("v0.80.0-eksbuild.2", (), ("1.32",)),
        ],
    },
    {
        "addonName": "eks-pod-identity-agent",
        "type": "security",
        "publisher": "eks",
        "owner": "aws",
        "defaultNamespace": "kube-system",
        "addonVersions": [_version("v1.3.10-eksbuild.1", CLUSTER_VERSIONS) | {"requiresIamPermissions": False}],
    },
    {
        "addonName": "vendor_agent",
        "type": "observability",
        "publisher": "vendor",
        "owner": "aws-marketplace",
        "marketplaceInformation": {"productId": "p-1", "productUrl": "https://aws.amazon.com/marketplace/pp?sku=p-1"},
        "addonVersions": [_version("v2.0.0-eksbuild.1", CLUSTER_VERSIONS) | {"requiresConfiguration": True}],
    },
]


def schema(name: str, version: str) -> dict[str, Any]:
    """Return the configuration schema of a version."""
    if name != "adot":
        return {"type": "object"}
    return OLD_SCHEMA if version.startswith("v0.80") else ADOT_SCHEMA


def describe_addon_versions(world: World, region: str, **given: Any) -> dict[str, Any]:
    """DescribeAddonVersions, one add-on a page, so that pages are read."""
    found = [item for item in CATALOG if given.get("addonName") in (None, item["addonName"])]
    if given.get("kubernetesVersion"):
        found = [_for(item, given["kubernetesVersion"]) for item in found]
        found = [item for item in found if item["addonVersions"]]
    start = int(given.get("nextToken") or 0)
    page: dict[str, Any] = {"addons": found[start : start + 1]}
    return page | ({"nextToken": str(start + 1)} if start + 1 < len(found) else {})


def describe_addon_configuration(world: World, region: str, **given: Any) -> dict[str, Any]:
    """DescribeAddonConfiguration."""
    name, version = given["addonName"], given["addonVersion"]
    if version not in versions(name):
        raise AwsError("ResourceNotFoundException", f"No version {version} of {name}")
    answer = {
        "addonName": name,
        "addonVersion": version,
        "configurationSchema": json.dumps(schema(name, version)),
    }
    return answer | ({"podIdentityConfiguration": ADOT_IDENTITIES} if name == "adot" else {})


def versions(name: str) -> dict[str, Any]:
    """Return the versions of an add-on by name."""
    return {
        info["addonVersion"]: info for item in CATALOG if item["addonName"] == name for info in item["addonVersions"]
    }


def _for(item: dict[str, Any], kubernetes: str) -> dict[str, Any]:
    fitting = []
    for info in item["addonVersions"]:
        compatible = [one for one in info["compatibilities"] if one["clusterVersion"] == kubernetes]
        if compatible:
            fitting.append(info | {"compatibilities": compatible})
    return item | {"addonVersions": fitting}
