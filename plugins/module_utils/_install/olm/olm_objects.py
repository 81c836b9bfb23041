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

from ..._kube.ownership import release_of
from ..._otelcol.config.paths import items, section
from ..._otelcol.kube.objects import Manifest
from ..releases.installed import OLM
from ..releases.products import OPERATOR, PRODUCTS

# The packages of the operator: Red Hat's build (catalog redhat-operators), and the project's own bundle.
PACKAGES = ("opentelemetry-product", "opentelemetry-operator")
API = "operators.coreos.com"
READY = "READY"
Found = Mapping[str, Any]
_DEFINITIONS = frozenset(kind.definition for kind in PRODUCTS[OPERATOR].kinds)


def _identity(item: Manifest) -> dict[str, Any]:
    """Return the name of an object, and whether this collection made it as a part of the operator."""
    metadata = item["metadata"]
    return {"name": metadata["name"], "namespace": metadata["namespace"], "ours": release_of(item) == OPERATOR}


def subscription(item: Manifest) -> dict[str, Any]:
    """Return what there is to know about a Subscription."""
    spec, status = section(item, "spec"), section(item, "status")
    return {
        **_identity(item),
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
    spec = section(item, "spec")
    targets = items(spec, "targetNamespaces")
    selector = section(spec, "selector")
    has_selector = bool(selector.get("matchLabels") or selector.get("matchExpressions"))
    is_for_all = not has_selector and targets in ([], [""])
    return {**_identity(item), "targets": targets, "all": is_for_all}


def csv(item: Manifest) -> dict[str, Any]:
    """Return what there is to know about a ClusterServiceVersion; `product` when it is one of the operator."""
    spec, status = section(item, "spec"), section(item, "status")
    owned_definitions = items(spec, "customresourcedefinitions", "owned")
    return {
        **_identity(item),
        "phase": status.get("phase", ""),
        "reason": status.get("reason", ""),
        "message": status.get("message", ""),
        "product": any(definition.get("name") in _DEFINITIONS for definition in owned_definitions),
    }


def catalog(item: Manifest) -> dict[str, Any]:
    """Return what there is to know about a CatalogSource."""
    status = section(item, "status")
    state = section(status, "connectionState").get("lastObservedState", "")
    return {**_identity(item), "state": state, "message": status.get("message", "")}


def package(item: Manifest) -> dict[str, Any]:
    """Return what there is to know about a PackageManifest."""
    status = section(item, "status")
    return {
        "name": status.get("packageName") or item["metadata"]["name"],
        "source": status.get("catalogSource", ""),
        "source_namespace": status.get("catalogSourceNamespace", ""),
        "default_channel": status.get("defaultChannel", ""),
        "channels": [_channel(channel) for channel in items(status, "channels")],
    }


def _channel(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return what there is to know about a channel of a package."""
    newest = item.get("currentCSV", "")
    description = section(item, "currentCSVDesc")
    install_modes = items(description, "installModes")
    modes = {mode.get("type"): mode.get("supported") for mode in install_modes}
    entries = items(item, "entries")
    names = [entry["name"] for entry in entries if entry.get("name")]
    return {
        "name": item["name"],
        "csv": newest,
        # Older package servers list only the newest version.
        "csvs": newest_first(names or [newest]),
        "min_kubernetes": description.get("minKubeVersion", ""),
        "all_namespaces": bool(modes.get("AllNamespaces", not modes)),
    }


def of_operator(subscriptions: Iterable[Found], package: str) -> list[Found]:
    """Return the Subscriptions of the operator's packages and of the requested one."""
    return [item for item in subscriptions if item["package"] in {*PACKAGES, package}]


# `opentelemetry-operator.v0.140.0-2`: Red Hat counts its rebuilds of a version after a dash, older ones after a plus.
_NAME = re.compile(
    r"(?P<base>.+?)\.v?(?P<version>(?P<numbers>\d{1,9}\.\d{1,9}\.\d{1,9})"
    r"(?:(?P<mark>[-+])(?P<build>[0-9A-Za-z.-]{1,128}))?)"
)
# A version with a dash comes before the one without (semver.org, 11.3).
_MARKS = {"-": 0, None: 1, "+": 2}


class Csv(NamedTuple):
    """What the name of a ClusterServiceVersion says; nothing without a version."""

    base: str = ""
    version: str = ""
    order: tuple[Any, ...] = ()


def read_csv(name: str) -> Csv:
    """Return the parts of a name."""
    match = _NAME.fullmatch(name)
    if not match:
        return Csv()
    numbers = tuple(int(number) for number in match["numbers"].split("."))
    build = [_build_order(word) for word in (match["build"] or "").split(".")]
    return Csv(match["base"], match["version"], (numbers, _MARKS[match["mark"]], build))


def _build_order(word: str) -> tuple[int, int, str]:
    """Return what a part of a build is ordered by: numbers come before words, and are compared as numbers."""
    if word.isdigit():
        return 0, int(word), ""
    return 1, 0, word


def is_same_operator(one: str, other: str) -> bool:
    """Return whether two names are those of versions of the same operator."""
    return read_csv(one).base == read_csv(other).base != ""


def is_before(one: str, other: str) -> bool:
    """Return whether one is an older version of the same operator as the other."""
    return is_same_operator(one, other) and read_csv(one).order < read_csv(other).order


def newest_first(names: Iterable[str]) -> list[str]:
    """Return the names that have a version."""
    known = [name for name in names if read_csv(name).version]
    return sorted(known, key=lambda name: (read_csv(name).order, name), reverse=True)


def as_ours(namespace: str, package: str, found: Found, olm: Found) -> dict[str, Any]:
    """Return the result of release_info, with the objects of this collection's Subscription marked as its own.

    OLM passes no label of a Subscription on. A version without any Subscription, in the namespace that was asked for,
    is what a removal that was interrupted left.
    """
    everywhere = of_operator(olm["subscriptions"], package)
    here = [subscription for subscription in everywhere if subscription["namespace"] == namespace]
    if here:
        is_own_installation = any(subscription["ours"] for subscription in here)
    else:
        is_own_installation = any(csv["product"] for csv in olm["csvs"])
    is_installed_here = found["installer"]["by"] == OLM and found["namespace"] == namespace
    no_other_owner = all(subscription["ours"] for subscription in everywhere)
    crds = []
    for definition in found["crds"]:
        is_nobodys = no_other_owner and definition["installer"]["by"] == OLM
        crds.append({**definition, "ours": definition["ours"] or is_nobodys, "made": not definition["ours"]})
    ours = found["ours"] or (is_installed_here and is_own_installation)
    return {**found, "ours": ours, "crds": crds}


def with_versions(namespace: str, package: str, found: Found, olm: Found) -> dict[str, Any]:
    """Return the same with the unlabelled objects that go with the Subscription; an OperatorGroup in use stays."""
    others = neighbours(namespace, olm)
    going = list(found["objects"])
    if others:
        going = [facts for facts in going if facts["kind"] != "OperatorGroup"]
    versions = []
    if found["ours"] or not of_operator(others, package):
        versions = [csv["name"] for csv in olm["csvs"] if csv["product"]]
    for name in versions:
        identity = {"api_version": f"{API}/v1alpha1", "kind": "ClusterServiceVersion", "namespace": namespace}
        going.append({**identity, "name": name, "made": True})
    if versions:
        going += [{"api_version": "apps/v1", **workload, "made": True} for workload in found["workloads"]]
    return {**found, "objects": going}


def neighbours(namespace: str, olm: Found) -> list[Found]:
    """Return the Subscriptions of other owners in the namespace, which need its OperatorGroup."""
    return [item for item in olm["subscriptions"] if item["namespace"] == namespace and not item["ours"]]
