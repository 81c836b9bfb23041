# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Add-ons, versions and configuration schemas on offer: shaped like those of EKS, small enough to read."""

from __future__ import annotations

import json
from typing import Any

from tests.testbed.aws.world import AwsError, World

CLUSTER_VERSIONS = ("1.32", "1.33", "1.34")
RESOURCES_SCHEMA: dict[str, Any] = {
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
    "definitions": {"resources": RESOURCES_SCHEMA},
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


def _build_version(
    name: str, default_cluster_versions: tuple[str, ...] = (), cluster_versions: tuple[str, ...] = CLUSTER_VERSIONS
) -> dict[str, Any]:
    return {
        "addonVersion": name,
        "architecture": ["amd64", "arm64"],
        "computeTypes": ["ec2", "hybrid"],
        "compatibilities": [
            {
                "clusterVersion": version,
                "platformVersions": ["*"],
                "defaultVersion": version in default_cluster_versions,
            }
            for version in cluster_versions
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
            _build_version("v0.151.0-eksbuild.2", ("1.34",)),
            _build_version("v0.151.0-eksbuild.10", ()),
            _build_version("v0.141.0-eksbuild.1", ("1.32", "1.33")),
            _build_version("v0.80.0-eksbuild.2", (), ("1.32",)),
        ],
    },
    {
        "addonName": "eks-pod-identity-agent",
        "type": "security",
        "publisher": "eks",
        "owner": "aws",
        "defaultNamespace": "kube-system",
        "addonVersions": [_build_version("v1.3.10-eksbuild.1", CLUSTER_VERSIONS) | {"requiresIamPermissions": False}],
    },
    {
        "addonName": "vendor_agent",
        "type": "observability",
        "publisher": "vendor",
        "owner": "aws-marketplace",
        "marketplaceInformation": {"productId": "p-1", "productUrl": "https://aws.amazon.com/marketplace/pp?sku=p-1"},
        "addonVersions": [_build_version("v2.0.0-eksbuild.1", CLUSTER_VERSIONS) | {"requiresConfiguration": True}],
    },
]


def configuration_schema(name: str, version: str) -> dict[str, Any]:
    """Return the configuration schema of a version."""
    if name != "adot":
        return {"type": "object"}
    return OLD_SCHEMA if version.startswith("v0.80") else ADOT_SCHEMA


def describe_addon_versions(world: World, region: str, **parameters: Any) -> dict[str, Any]:
    """DescribeAddonVersions, one add-on a page, so that pages are read."""
    matching_addons = [addon for addon in CATALOG if parameters.get("addonName") in (None, addon["addonName"])]
    if parameters.get("kubernetesVersion"):
        matching_addons = [
            _keep_compatible_versions(addon, parameters["kubernetesVersion"]) for addon in matching_addons
        ]
        matching_addons = [addon for addon in matching_addons if addon["addonVersions"]]
    page_index = int(parameters.get("nextToken") or 0)
    page: dict[str, Any] = {"addons": matching_addons[page_index : page_index + 1]}
    return page | ({"nextToken": str(page_index + 1)} if page_index + 1 < len(matching_addons) else {})


def describe_addon_configuration(world: World, region: str, **parameters: Any) -> dict[str, Any]:
    """DescribeAddonConfiguration."""
    name, version = parameters["addonName"], parameters["addonVersion"]
    if version not in versions_by_name(name):
        raise AwsError("ResourceNotFoundException", f"No version {version} of {name}")
    answer = {
        "addonName": name,
        "addonVersion": version,
        "configurationSchema": json.dumps(configuration_schema(name, version)),
    }
    return answer | ({"podIdentityConfiguration": ADOT_IDENTITIES} if name == "adot" else {})


def versions_by_name(name: str) -> dict[str, Any]:
    """Return the versions of an add-on by name."""
    return {
        version_info["addonVersion"]: version_info
        for addon in CATALOG
        if addon["addonName"] == name
        for version_info in addon["addonVersions"]
    }


def _keep_compatible_versions(addon: dict[str, Any], cluster_version: str) -> dict[str, Any]:
    fitting_versions = []
    for version_info in addon["addonVersions"]:
        compatibilities = [
            compatibility
            for compatibility in version_info["compatibilities"]
            if compatibility["clusterVersion"] == cluster_version
        ]
        if compatibilities:
            fitting_versions.append(version_info | {"compatibilities": compatibilities})
    return addon | {"addonVersions": fitting_versions}
