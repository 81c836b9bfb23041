# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The OLM objects of a cluster, reduced to the facts for decisions and for the removal. Private.

OLM removes the objects of a ClusterServiceVersion except definitions, and removes nothing when only the Subscription
is deleted (https://olm.operatorframework.io/docs/tasks/uninstall-operator/).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..._errors import Problem
from ..._kube.bundle import Manifest
from ..._kube.ownership import release_of
from ..releases.installed import OLM
from ..releases.products import OPERATOR, PRODUCTS

# The packages of the operator: Red Hat's build (catalog redhat-operators), and the project's own bundle.
PACKAGES = ("opentelemetry-product", "opentelemetry-operator")
API = "operators.coreos.com"
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
        # Older package servers list only the newest version.
        "csvs": newest_first(entries or [item.get("currentCSV", "")]),
        "min_kubernetes": described.get("minKubeVersion", ""),
        "all_namespaces": bool(modes.get(ALL_NAMESPACES, not modes)),
    }


def is_ours(item: Manifest) -> bool:
    """Return whether this collection made an object as a part of the operator."""
    return release_of(item) == OPERATOR


def of_operator(subscriptions: Iterable[Mapping[str, Any]], asked: str) -> list[Mapping[str, Any]]:
    return [item for item in subscriptions if item["package"] in {*PACKAGES, asked}]


# `opentelemetry-operator.v0.140.0-2`: Red Hat counts its rebuilds of a version after a dash, older ones after a plus.
_NAME = re.compile(
    r"(?P<base>.+?)\.v?(?P<numbers>\d{1,9}\.\d{1,9}\.\d{1,9})(?:(?P<mark>[-+])(?P<more>[0-9A-Za-z.-]{1,128}))?"
)
# A version with a dash comes before the one without (semver.org, 11.3).
_MARKS = {"-": 0, None: 1, "+": 2}

Order = tuple[tuple[int, ...], int, tuple[tuple[int, int, str], ...]]


class Csv(NamedTuple):
    """What the name of a ClusterServiceVersion says."""

    name: str
    base: str
    version: str
    order: Order


def read_csv(name: str) -> Csv | None:
    """Return the parts of a name, or None without a version."""
    match = _NAME.fullmatch(name)
    if not match:
        return None
    numbers, mark, more = match["numbers"], match["mark"], match["more"] or ""
    order = (tuple(int(part) for part in numbers.split(".")), _MARKS[mark], tuple(_part(part) for part in _parts(more)))
    return Csv(name, match["base"], f"{numbers}{mark or ''}{more}", order)


def checked(name: str, where: str) -> Csv:
    """Return what the name of a pin says. Raises Problem for one without a version, whose order is unknown."""
    found = read_csv(name)
    if found is None:
        wrong = f"'{name}' has no version in it"
        raise Problem(wrong, where=where, fix="Give the whole name, like opentelemetry-operator.v1.2.3.")
    return found


def is_before(one: str, other: str) -> bool:
    """Return whether one is an older version of the same as the other."""
    old, new = read_csv(one), read_csv(other)
    return bool(old and new and old.base == new.base and old.order < new.order)


def newest_first(names: Iterable[str]) -> list[str]:
    known = [found for found in map(read_csv, names) if found]
    return [found.name for found in sorted(known, key=lambda item: (item.order, item.name), reverse=True)]


def _parts(more: str) -> list[str]:
    return more.split(".") if more else []


def _part(text: str) -> tuple[int, int, str]:
    """Numbers come before words, and are compared as numbers."""
    return (0, int(text), "") if text.isdigit() else (1, 0, text)


Found = Mapping[str, Any]


def as_ours(namespace: str, package: str, found: Found, olm: Found) -> dict[str, Any]:
    """Return the result of release_info, with the objects of this collection's Subscription marked as its own.

    OLM passes no label of a Subscription on. A version without any Subscription, in the namespace that was asked for,
    is what a removal that was interrupted left.
    """
    those = of_operator(olm["subscriptions"], package)
    mine = any(item["ours"] and item["namespace"] == namespace for item in those)
    here = [item for item in olm["csvs"] if item["product"]]
    left = bool(here) and not [item for item in those if item["namespace"] == namespace]
    by_olm = found["installer"]["by"] == OLM and found["namespace"] == namespace
    nobodys = not [item for item in those if not item["ours"]]
    return {
        **found,
        "ours": found["ours"] or (by_olm and (mine or left)),
        "crds": [
            {**item, "ours": item["ours"] or (nobodys and _by_olm(item)), "made": not item["ours"]}
            for item in found["crds"]
        ],
    }


def with_versions(namespace: str, found: Found, olm: Found) -> dict[str, Any]:
    """Return the same with the unlabelled objects that belong to the Subscription."""
    api_version = f"{API}/v1alpha1"
    mine = [item for item in olm["csvs"] if item["product"]] if _may_go(namespace, found, olm) else []
    csvs = [_named(api_version, "ClusterServiceVersion", namespace, item["name"]) for item in mine]
    workloads = [_named("apps/v1", i["kind"], i["namespace"], i["name"]) for i in found["workloads"]] if mine else []
    return {**found, "objects": [*_unused_by_others(namespace, found, olm), *csvs, *workloads]}


def neighbours(namespace: str, olm: Found) -> list[str]:
    """Return other Subscriptions of the namespace, which need its OperatorGroup."""
    return [
        f"{item['namespace']}/{item['name']}"
        for item in olm["subscriptions"]
        if item["namespace"] == namespace and not item["ours"]
    ]


def _may_go(namespace: str, found: Found, olm: Found) -> bool:
    """Return whether this collection may remove the operator's versions in the namespace."""
    return bool(found["ours"]) or not [
        item for item in of_operator(olm["subscriptions"], "") if item["namespace"] == namespace and not item["ours"]
    ]


def _unused_by_others(namespace: str, found: Found, olm: Found) -> list[Any]:
    """Return our objects without an OperatorGroup that others use too."""
    used = bool(neighbours(namespace, olm))
    return [item for item in found["objects"] if not (used and item["kind"] == "OperatorGroup")]


def _by_olm(definition: Found) -> bool:
    return bool(definition["installer"]["by"] == OLM)


def _named(api_version: str, kind: str, namespace: str, name: str) -> dict[str, Any]:
    return {"api_version": api_version, "kind": kind, "namespace": namespace, "name": name, "made": True}
