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

from ..._kube.ownership import read_release_label
from ..._otelcol.config.paths import list_at, mapping_at
from ..._otelcol.kube.objects import Manifest
from ..releases.installed import OLM, DefinitionFacts, ObjectFacts, ReleaseFacts
from ..releases.products import OPERATOR, PRODUCTS

# The packages of the operator: Red Hat's build (catalog redhat-operators), and the project's own bundle.
PACKAGES = ("opentelemetry-product", "opentelemetry-operator")
API = "operators.coreos.com"
READY = "READY"
Facts = Mapping[str, Any]
_DEFINITIONS = frozenset(kind.definition_name for kind in PRODUCTS[OPERATOR].kinds)


def _identity_facts(manifest: Manifest) -> dict[str, Any]:
    """Return the name of an object, and whether this collection made it as a part of the operator."""
    metadata = manifest["metadata"]
    return {
        "name": metadata["name"],
        "namespace": metadata["namespace"],
        "ours": read_release_label(manifest) == OPERATOR,
    }


def read_subscription(manifest: Manifest) -> dict[str, Any]:
    """Return what there is to know about a Subscription."""
    spec, status = mapping_at(manifest, "spec"), mapping_at(manifest, "status")
    return {
        **_identity_facts(manifest),
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


def read_operator_group(manifest: Manifest) -> dict[str, Any]:
    """Return what there is to know about an OperatorGroup; without targets and selector it is for all namespaces."""
    spec = mapping_at(manifest, "spec")
    targets = list_at(spec, "targetNamespaces")
    selector = mapping_at(spec, "selector")
    has_selector = bool(selector.get("matchLabels") or selector.get("matchExpressions"))
    is_for_all = not has_selector and targets in ([], [""])
    return {**_identity_facts(manifest), "targets": targets, "all": is_for_all}


def read_csv_object(manifest: Manifest) -> dict[str, Any]:
    """Return what there is to know about a ClusterServiceVersion; `product` when it is one of the operator."""
    spec, status = mapping_at(manifest, "spec"), mapping_at(manifest, "status")
    owned_definitions = list_at(spec, "customresourcedefinitions", "owned")
    return {
        **_identity_facts(manifest),
        "phase": status.get("phase", ""),
        "reason": status.get("reason", ""),
        "message": status.get("message", ""),
        "product": any(definition.get("name") in _DEFINITIONS for definition in owned_definitions),
    }


def read_catalog(manifest: Manifest) -> dict[str, Any]:
    """Return what there is to know about a CatalogSource."""
    status = mapping_at(manifest, "status")
    state = mapping_at(status, "connectionState").get("lastObservedState", "")
    return {**_identity_facts(manifest), "state": state, "message": status.get("message", "")}


def read_package(manifest: Manifest) -> dict[str, Any]:
    """Return what there is to know about a PackageManifest."""
    status = mapping_at(manifest, "status")
    return {
        "name": status.get("packageName") or manifest["metadata"]["name"],
        "source": status.get("catalogSource", ""),
        "source_namespace": status.get("catalogSourceNamespace", ""),
        "default_channel": status.get("defaultChannel", ""),
        "channels": [_read_channel(channel) for channel in list_at(status, "channels")],
    }


def _read_channel(channel: Mapping[str, Any]) -> dict[str, Any]:
    """Return what there is to know about a channel of a package."""
    newest_csv = channel.get("currentCSV", "")
    description = mapping_at(channel, "currentCSVDesc")
    install_modes = list_at(description, "installModes")
    modes = {mode.get("type"): mode.get("supported") for mode in install_modes}
    entries = list_at(channel, "entries")
    csv_names = [entry["name"] for entry in entries if entry.get("name")]
    return {
        "name": channel["name"],
        "csv": newest_csv,
        # Older package servers list only the newest version.
        "csvs": sort_newest_first(csv_names or [newest_csv]),
        "min_kubernetes": description.get("minKubeVersion", ""),
        "all_namespaces": bool(modes.get("AllNamespaces", not modes)),
    }


def select_of_operator(subscriptions: Iterable[Facts], package: str) -> list[Facts]:
    """Return the Subscriptions of the operator's packages and of the requested one."""
    return [
        subscription_facts
        for subscription_facts in subscriptions
        if subscription_facts["package"] in {*PACKAGES, package}
    ]


# `opentelemetry-operator.v0.140.0-2`: Red Hat counts its rebuilds of a version after a dash, older ones after a plus.
_CSV_NAME = re.compile(
    r"(?P<base>.+?)\.v?(?P<version>(?P<numbers>\d{1,9}\.\d{1,9}\.\d{1,9})"
    r"(?:(?P<mark>[-+])(?P<build>[0-9A-Za-z.-]{1,128}))?)"
)
# A version with a dash comes before the one without (semver.org, 11.3).
_BUILD_MARK_ORDER = {"-": 0, None: 1, "+": 2}


class CsvName(NamedTuple):
    """What the name of a ClusterServiceVersion says; nothing without a version."""

    operator_name: str = ""
    version: str = ""
    version_order: tuple[Any, ...] = ()


def parse_csv_name(name: str) -> CsvName:
    """Return the parts of a name."""
    match = _CSV_NAME.fullmatch(name)
    if not match:
        return CsvName()
    numbers = tuple(int(number) for number in match["numbers"].split("."))
    build = [_build_order(word) for word in (match["build"] or "").split(".")]
    return CsvName(match["base"], match["version"], (numbers, _BUILD_MARK_ORDER[match["mark"]], build))


def _build_order(word: str) -> tuple[int, int, str]:
    """Return what a part of a build is ordered by: numbers come before words, and are compared as numbers."""
    if word.isdigit():
        return 0, int(word), ""
    return 1, 0, word


def is_same_operator(name: str, other_name: str) -> bool:
    """Return whether two names are those of versions of the same operator."""
    return parse_csv_name(name).operator_name == parse_csv_name(other_name).operator_name != ""


def is_before(name: str, other_name: str) -> bool:
    """Return whether one is an older version of the same operator as the other."""
    return (
        is_same_operator(name, other_name)
        and parse_csv_name(name).version_order < parse_csv_name(other_name).version_order
    )


def sort_newest_first(names: Iterable[str]) -> list[str]:
    """Return the names that have a version."""
    versioned_names = [name for name in names if parse_csv_name(name).version]
    return sorted(versioned_names, key=lambda name: (parse_csv_name(name).version_order, name), reverse=True)


def mark_own_objects(namespace: str, package: str, release_facts: ReleaseFacts, olm: Facts) -> ReleaseFacts:
    """Return the facts of release_info, in which all that this collection's Subscription brought is `ours`.

    OLM gives the labels of a Subscription to no other object, so the labels alone do not show that. A version without
    any Subscription in the requested namespace is ours too: an interrupted removal left it.
    """
    operator_subscriptions = select_of_operator(olm["subscriptions"], package)
    local_subscriptions = [
        subscription for subscription in operator_subscriptions if subscription["namespace"] == namespace
    ]
    if local_subscriptions:
        is_own_installation = any(subscription["ours"] for subscription in local_subscriptions)
    else:
        is_own_installation = any(csv["product"] for csv in olm["csvs"])
    is_installed_here = release_facts["installer"]["by"] == OLM and release_facts["namespace"] == namespace
    has_no_other_owner = all(subscription["ours"] for subscription in operator_subscriptions)
    definitions: list[DefinitionFacts] = []
    for definition in release_facts["crds"]:
        is_unowned = has_no_other_owner and definition["installer"]["by"] == OLM
        is_own_definition = definition["ours"] or is_unowned
        definitions.append({**definition, "ours": is_own_definition, "made": not definition["ours"]})
    is_own = release_facts["ours"] or (is_installed_here and is_own_installation)
    return {**release_facts, "ours": is_own, "crds": definitions}


def add_versions(namespace: str, package: str, release_facts: ReleaseFacts, olm: Facts) -> ReleaseFacts:
    """Return the facts of release_info, in which `objects` has all that is removed with the Subscription.

    These are the versions of the operator and their Deployments, which have no label of this collection. An
    OperatorGroup that other Subscriptions need is left out.
    """
    other_subscriptions = list_other_subscriptions(namespace, olm)
    objects_to_remove: list[ObjectFacts] = []
    for facts in release_facts["objects"]:
        is_needed = bool(other_subscriptions) and facts["kind"] == "OperatorGroup"
        if not is_needed:
            objects_to_remove.append(facts)
    csv_names: list[str] = []
    if release_facts["ours"] or not select_of_operator(other_subscriptions, package):
        csv_names = [csv["name"] for csv in olm["csvs"] if csv["product"]]
    for name in csv_names:
        objects_to_remove.append(
            {
                "api_version": f"{API}/v1alpha1",
                "kind": "ClusterServiceVersion",
                "namespace": namespace,
                "name": name,
                "made": True,
            }
        )
    if csv_names:
        for workload in release_facts["workloads"]:
            objects_to_remove.append(
                {
                    "api_version": "apps/v1",
                    "kind": workload["kind"],
                    "namespace": workload["namespace"],
                    "name": workload["name"],
                    "made": True,
                }
            )
    return {**release_facts, "objects": objects_to_remove}


def list_other_subscriptions(namespace: str, olm: Facts) -> list[Facts]:
    """Return the Subscriptions of other owners in the namespace, which need its OperatorGroup."""
    return [
        subscription_facts
        for subscription_facts in olm["subscriptions"]
        if subscription_facts["namespace"] == namespace and not subscription_facts["ours"]
    ]
