# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Add-ons, versions and configuration schemas on offer: shaped like those of EKS, small enough to read."""

from __future__ import annotations

from typing import Any

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
OFFERS: list[dict[str, Any]] = [
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
