# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds that have to be there: OLM's own, the package server's as a plain one, and stand-ins for the operator's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tests.testbed import olm

OPEN_SCHEMA = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
GROUP = "opentelemetry.io"
# What the operator serves: plural, kind, versions (the last one is stored), whether in namespaces.
KINDS = (
    ("opentelemetrycollectors", "OpenTelemetryCollector", ("v1alpha1", "v1beta1"), True),
    ("instrumentations", "Instrumentation", ("v1alpha1",), True),
    ("targetallocators", "TargetAllocator", ("v1alpha1",), True),
    ("opampbridges", "OpAMPBridge", ("v1alpha1",), True),
)


def load_olm_definitions() -> list[dict[str, Any]]:
    """Return OLM's definitions, and one for PackageManifests, which its package server serves without a definition."""
    olm_definitions = [yaml.safe_load(Path(file).read_text(encoding="utf-8")) for file in olm.list_definitions()]
    package_definition = build_open_definition(
        "packages.operators.coreos.com", "packagemanifests", "PackageManifest", ("v1",)
    )
    return [*olm_definitions, package_definition]


def build_stand_ins(labels: dict[str, str]) -> list[dict[str, Any]]:
    """Return definitions of the operator's kinds that take everything."""
    definitions = [
        build_open_definition(GROUP, plural, kind, versions, namespaced=namespaced)
        for plural, kind, versions, namespaced in KINDS
    ]
    for definition in definitions:
        definition["metadata"]["labels"] = labels
    return definitions


def build_open_definition(
    group: str, plural: str, kind: str, versions: tuple[str, ...], *, namespaced: bool = True
) -> dict[str, Any]:
    """Return a definition of a kind that takes every field."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced" if namespaced else "Cluster",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
            "versions": [
                {
                    "name": version,
                    "served": True,
                    "storage": version == versions[-1],
                    "schema": {"openAPIV3Schema": OPEN_SCHEMA},
                }
                for version in versions
            ],
        },
    }
