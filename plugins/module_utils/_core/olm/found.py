# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in the cluster of OLM, in short: from the API's objects to what decisions need. Private."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..cluster.bundle import Manifest
from ..collector.names import RELEASE_LABEL
from ..releases.products import OPERATOR, PRODUCTS
from .names import newest_first

# The packages of the operator: Red Hat's build (catalog redhat-operators), and the project's own bundle.
PACKAGES = ("opentelemetry-product", "opentelemetry-operator")
READY = "READY"
ALL_NAMESPACES = "AllNamespaces"
_DEFINITIONS = frozenset(kind.definition for kind in PRODUCTS[OPERATOR].kinds)


def subscription(item: Manifest) -> dict[str, Any]:
    """Return what there is to know about a Subscription."""
    spec, status = item.get("spec") or {}, item.get("status") or {}
    return {
        "name": item["metadata"]["name"],
        "namespace": item["metadata"]["namespace"],
        "ours": is_ours(item),
        "package": spec.get("name", ""),
        "channel": spec.get("channel", ""),
        "source": spec.get("source", ""),
        "source_namespace": spec.get("sourceNamespace", ""),
        "starting_csv": spec.get("startingCSV", ""),
        "approval": spec.get("installPlanApproval", "Automatic"),
        "installed_csv": status.get("installedCSV", ""),
        "current_csv": status.get("currentCSV", ""),
        "state": status.get("state", ""),
    }


def operator_group(item: Manifest) -> dict[str, Any]:
    """Return what there is to know about an OperatorGroup; without targets and selector it is for all namespaces."""
    spec = item.get("spec") or {}
    targets = spec.get("targetNamespaces") or []
    selects = bool(
        (spec.get("selector") or {}).get("matchLabels") or (spec.get("selector") or {}).get("matchExpressions")
    )
    return {
        "name": item["metadata"]["name"],
        "ours": is_ours(item),
        "targets": targets,
        "all": not selects and (not targets or targets == [""]),
    }


def csv(item: Manifest) -> dict[str, Any]:
    """Return what there is to know about a ClusterServiceVersion; `product` when it is one of the operator."""
    status = item.get("status") or {}
    owned = ((item.get("spec") or {}).get("customresourcedefinitions") or {}).get("owned") or []
    return {
        "name": item["metadata"]["name"],
        "namespace": item["metadata"]["namespace"],
        "phase": status.get("phase", ""),
        "reason": status.get("reason", ""),
        "message": status.get("message", ""),
        "product": any(one.get("name") in _DEFINITIONS for one in owned),
    }


def catalog(item: Manifest) -> dict[str, Any]:
    """Return what there is to know about a CatalogSource."""
    status = item.get("status") or {}
    return {
        "name": item["metadata"]["name"],
        "namespace": item["metadata"]["namespace"],
        "state": (status.get("connectionState") or {}).get("lastObservedState", ""),
        "message": status.get("message", ""),
    }


def package(item: Manifest) -> dict[str, Any]:
    """Return what a PackageManifest offers."""
    status = item.get("status") or {}
    return {
        "name": status.get("packageName") or item["metadata"]["name"],
        "source": status.get("catalogSource", ""),
        "source_namespace": status.get("catalogSourceNamespace", ""),
        "default_channel": status.get("defaultChannel", ""),
        "channels": [_channel(one) for one in status.get("channels") or []],
    }


def _channel(item: Mapping[str, Any]) -> dict[str, Any]:
    described = item.get("currentCSVDesc") or {}
    modes = {mode.get("type"): mode.get("supported") for mode in described.get("installModes") or []}
    entries = [one["name"] for one in item.get("entries") or [] if one.get("name")]
    return {
        "name": item["name"],
        "csv": item.get("currentCSV", ""),
        # Older package servers tell only the newest one.
        "csvs": newest_first(entries or [item.get("currentCSV", "")]),
        "min_kubernetes": described.get("minKubeVersion", ""),
        "all_namespaces": bool(modes.get(ALL_NAMESPACES, not modes)),
    }


def is_ours(item: Manifest) -> bool:
    """Return whether this collection made an object as a part of the operator."""
    return (item["metadata"].get("labels") or {}).get(RELEASE_LABEL) == OPERATOR


def of_operator(subscriptions: Iterable[Mapping[str, Any]], asked: str) -> list[Mapping[str, Any]]:
    """Return the Subscriptions that bring the operator, under whichever package."""
    return [item for item in subscriptions if item["package"] in {*PACKAGES, asked}]
