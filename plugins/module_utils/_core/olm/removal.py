# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an installation by OLM leaves, seen with the eyes of the other providers' removal. Private.

OLM removes by itself what a ClusterServiceVersion brought, but for definitions, and nothing when only the Subscription
goes (https://olm.operatorframework.io/docs/tasks/uninstall-operator/).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..releases.found import OLM
from . import found as reads
from .choose import API

Found = Mapping[str, Any]


def as_ours(namespace: str, package: str, found: Found, olm: Found) -> dict[str, Any]:
    """Return what release_info found, with what is ours by our Subscription marked so.

    OLM passes no label of a Subscription on. A version without any Subscription, in the namespace that was asked for,
    is what a removal that was interrupted left.
    """
    those = reads.of_operator(olm["subscriptions"], package)
    mine = any(item["ours"] and item["namespace"] == namespace for item in those)
    here = [item for item in olm["csvs"] if item["product"]]
    left = bool(here) and not [item for item in those if item["namespace"] == namespace]
    by_olm = found["installer"]["by"] == OLM and found["namespace"] == namespace
    nobodys = not [item for item in those if not item["ours"]]
    return {
        **found,
        "ours": found["ours"] or (by_olm and (mine or left)),
        "crds": [{**item, "ours": item["ours"] or (nobodys and _by_olm(item))} for item in found["crds"]],
    }


def with_versions(namespace: str, found: Found, olm: Found) -> dict[str, Any]:
    """Return the same with the objects that carry no label of ours but go with the Subscription."""
    api_version = f"{API}/v1alpha1"
    mine = [item for item in olm["csvs"] if item["product"]] if _may_go(namespace, found, olm) else []
    csvs = [_named(api_version, "ClusterServiceVersion", namespace, item["name"]) for item in mine]
    workloads = [_named("apps/v1", i["kind"], i["namespace"], i["name"]) for i in found["workloads"]] if mine else []
    return {**found, "objects": [*_kept(namespace, found, olm), *csvs, *workloads]}


def neighbours(namespace: str, olm: Found) -> list[str]:
    """Return other Subscriptions of the namespace, which need its OperatorGroup."""
    return [
        f"{item['namespace']}/{item['name']}"
        for item in olm["subscriptions"]
        if item["namespace"] == namespace and not item["ours"]
    ]


def _may_go(namespace: str, found: Found, olm: Found) -> bool:
    """Return whether the versions of the operator in the namespace are ours to remove."""
    return bool(found["ours"]) or not [
        item
        for item in reads.of_operator(olm["subscriptions"], "")
        if item["namespace"] == namespace and not item["ours"]
    ]


def _kept(namespace: str, found: Found, olm: Found) -> list[Any]:
    """Return our objects without an OperatorGroup that others use too."""
    used = bool(neighbours(namespace, olm))
    return [item for item in found["objects"] if not (used and item["kind"] == "OperatorGroup")]


def _by_olm(definition: Found) -> bool:
    return bool(definition["installer"]["by"] == OLM)


def _named(api_version: str, kind: str, namespace: str, name: str) -> dict[str, Any]:
    return {"api_version": api_version, "kind": kind, "namespace": namespace, "name": name, "made": True}
