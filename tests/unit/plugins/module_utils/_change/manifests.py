# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of Kubernetes for tests, with and without owners."""

from __future__ import annotations

from typing import Any

APIS = {
    "OpenTelemetryCollector": "opentelemetry.io/v1beta1",
    "Deployment": "apps/v1",
    "ReplicaSet": "apps/v1",
    "Thing": "example.com/v1",
}


def obj(kind: Any, name: Any = "a", namespace: Any = "ns", **more: Any) -> Any:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **more.pop("metadata", {})}
    return {"apiVersion": more.pop("api", "v1"), "kind": kind, "metadata": metadata, **more}


def owned(*names: str, controller: bool = False) -> Any:
    """Return the metadata of what goes with its owners, none of which controls it."""
    owners = [dict(zip(("kind", "name"), name.split("/"), strict=True)) for name in names]
    more = {"controller": True} if controller else {}
    return {"ownerReferences": [{"apiVersion": APIS.get(owner["kind"], "v1"), **owner, **more} for owner in owners]}


def controlled(kind: str, name: str = "a") -> Any:
    return owned(f"{kind}/{name}", controller=True)
