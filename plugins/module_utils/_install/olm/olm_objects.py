# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts of module olm_info: what objects of the Operator Lifecycle Manager say. Private.

`live/olm_info.py` reads the objects, and the functions here turn each into a row of `OlmFacts`. `olm_decision.py`
decides from them, and explains the words of OLM. `mark_own_objects` and `add_versions` prepare a removal: OLM removes
the objects of a ClusterServiceVersion except definitions, and removes nothing when only the Subscription is deleted
(https://olm.operatorframework.io/docs/tasks/uninstall-operator/).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypedDict

from ..._kube.ownership import read_release_label
from ..._otelcol.config.paths import list_at, mapping_at
from ..._otelcol.kube.objects import Manifest
from ..releases.installed import OLM, DefinitionFacts, ObjectFacts, ReleaseFacts
from ..releases.products import OPERATOR, PRODUCTS

# The packages of the operator: Red Hat's build (catalog redhat-operators), and the project's own bundle.
PACKAGES = ("opentelemetry-product", "opentelemetry-operator")
API = "operators.coreos.com"
READY = "READY"
_DEFINITIONS = frozenset(kind.definition_name for kind in PRODUCTS[OPERATOR].kinds)


class ObjectIdentity(TypedDict):
    """The name of an object."""

    name: str
    namespace: str
    ours: bool
    """Whether this collection made it as a part of the operator."""


class SubscriptionFacts(ObjectIdentity):
    """A Subscription: which package OLM keeps up to date. All values are texts, empty if the object does not say it."""

    package: str
    channel: str
    source: str
    """The name of the CatalogSource."""
    source_namespace: str
    starting_csv: str
    """The ClusterServiceVersion that OLM installs first."""
    approval: str
    """`Automatic` or `Manual`."""
    installed_csv: str
    current_csv: str
    """The ClusterServiceVersion that OLM is installing, or has installed."""
    state: str


class OperatorGroupFacts(ObjectIdentity):
    """An OperatorGroup: for which namespaces the operators of a namespace work."""

    targets: list[str]
    all: bool
    """Whether it is for all namespaces."""


class CsvFacts(ObjectIdentity):
    """A ClusterServiceVersion: an installed version of an operator."""

    phase: str
    reason: str
    message: str
    product: bool
    """Whether it is a version of the OpenTelemetry operator."""


class CatalogFacts(ObjectIdentity):
    """A CatalogSource."""

    state: str
    """READY if it answers."""
    message: str


class ChannelFacts(TypedDict):
    """A channel of a package."""

    name: str
    csv: str
    """Its newest ClusterServiceVersion."""
    csvs: list[str]
    """All its ClusterServiceVersions, newest first."""
    min_kubernetes: str
    """The oldest Kubernetes that the newest version works with, such as 1.25.0; empty if it does not say."""
    all_namespaces: bool
    """Whether the newest version can work for all namespaces."""


class PackageFacts(TypedDict):
    """A package that a catalog offers."""

    name: str
    source: str
    source_namespace: str
    default_channel: str
    channels: list[ChannelFacts]


class OlmFacts(TypedDict):
    """The result of module olm_info."""

    served: bool
    """Whether the cluster has OLM."""
    packages_served: bool
    """Whether the package server of OLM answers."""
    namespace: str
    """The namespace in which the operator is, or will be."""
    subscriptions: list[SubscriptionFacts]
    """The Subscriptions of the operator in all namespaces, and every Subscription of its namespace."""
    operator_groups: list[OperatorGroupFacts]
    csvs: list[CsvFacts]
    """The ClusterServiceVersions of the namespace."""
    catalogs: list[CatalogFacts]
    packages: list[str]
    """If the catalog does not offer the package: the names of packages that look alike."""
    package: PackageFacts | None
    """The package in the given catalog; None if the catalog does not offer it, or was not asked."""


def _read_identity(manifest: Manifest) -> ObjectIdentity:
    metadata = manifest["metadata"]
    return {
        "name": metadata["name"],
        "namespace": metadata["namespace"],
        "ours": read_release_label(manifest) == OPERATOR,
    }


def read_subscription(manifest: Manifest) -> SubscriptionFacts:
    """Return the facts about a Subscription."""
    spec, status = mapping_at(manifest, "spec"), mapping_at(manifest, "status")
    return {
        **_read_identity(manifest),
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


def read_operator_group(manifest: Manifest) -> OperatorGroupFacts:
    """Return the facts about an OperatorGroup. Without target namespaces and selector it is for all namespaces."""
    spec = mapping_at(manifest, "spec")
    targets = list_at(spec, "targetNamespaces")
    selector = mapping_at(spec, "selector")
    has_selector = bool(selector.get("matchLabels") or selector.get("matchExpressions"))
    is_for_all = not has_selector and targets in ([], [""])
    return {**_read_identity(manifest), "targets": targets, "all": is_for_all}


def read_csv_object(manifest: Manifest) -> CsvFacts:
    """Return the facts about a ClusterServiceVersion. The definitions that it owns say of which operator it is."""
    spec, status = mapping_at(manifest, "spec"), mapping_at(manifest, "status")
    owned_definitions = list_at(spec, "customresourcedefinitions", "owned")
    return {
        **_read_identity(manifest),
        "phase": status.get("phase", ""),
        "reason": status.get("reason", ""),
        "message": status.get("message", ""),
        "product": any(definition.get("name") in _DEFINITIONS for definition in owned_definitions),
    }


def read_catalog(manifest: Manifest) -> CatalogFacts:
    """Return the facts about a CatalogSource."""
    status = mapping_at(manifest, "status")
    state = mapping_at(status, "connectionState").get("lastObservedState", "")
    return {**_read_identity(manifest), "state": state, "message": status.get("message", "")}


def read_package(manifest: Manifest) -> PackageFacts:
    """Return the facts about a PackageManifest."""
    status = mapping_at(manifest, "status")
    return {
        "name": status.get("packageName") or manifest["metadata"]["name"],
        "source": status.get("catalogSource", ""),
        "source_namespace": status.get("catalogSourceNamespace", ""),
        "default_channel": status.get("defaultChannel", ""),
        "channels": [_read_channel(channel) for channel in list_at(status, "channels")],
    }


def _read_channel(channel: Mapping[str, Any]) -> ChannelFacts:
    """Return the facts about a channel of a PackageManifest."""
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


def select_of_operator(subscriptions: Iterable[SubscriptionFacts], package: str) -> list[SubscriptionFacts]:
    """Return the Subscriptions of the operator's packages and of the requested package."""
    packages = {*PACKAGES, package}
    return [subscription for subscription in subscriptions if subscription["package"] in packages]


# `opentelemetry-operator.v0.140.0-2`: Red Hat counts its rebuilds of a version after a dash, older ones after a plus.
_CSV_NAME = re.compile(
    r"(?P<base>.+?)\.v?(?P<version>(?P<numbers>\d{1,9}\.\d{1,9}\.\d{1,9})"
    r"(?:(?P<mark>[-+])(?P<build>[0-9A-Za-z.-]{1,128}))?)"
)
# A version with a dash comes before the one without (semver.org, 11.3).
_BUILD_MARK_ORDER = {"-": 0, None: 1, "+": 2}


class CsvName(NamedTuple):
    """The parts of a ClusterServiceVersion's name. All are empty if the name has no version."""

    operator_name: str = ""
    """Such as opentelemetry-operator."""
    version: str = ""
    """Such as 0.140.0-2."""
    version_order: tuple[Any, ...] = ()
    """What versions are compared by."""


def parse_csv_name(name: str) -> CsvName:
    """Return the parts of a name such as opentelemetry-operator.v0.140.0-2."""
    match = _CSV_NAME.fullmatch(name)
    if not match:
        return CsvName()
    numbers = tuple(int(number) for number in match["numbers"].split("."))
    build_text = match["build"] or ""
    build = [_build_order(word) for word in build_text.split(".")]
    version_order = (numbers, _BUILD_MARK_ORDER[match["mark"]], build)
    return CsvName(match["base"], match["version"], version_order)


def _build_order(word: str) -> tuple[int, int, str]:
    """Return what a word of a build is compared by: numbers come before words, and count as numbers."""
    if word.isdigit():
        return 0, int(word), ""
    return 1, 0, word


def is_same_operator(csv_name: str, other_csv_name: str) -> bool:
    """Return whether two names of ClusterServiceVersions are of the same operator."""
    operator_name = parse_csv_name(csv_name).operator_name
    return operator_name != "" and operator_name == parse_csv_name(other_csv_name).operator_name


def is_before(csv_name: str, other_csv_name: str) -> bool:
    """Return whether the first name is of an older version of the same operator than the second one."""
    if not is_same_operator(csv_name, other_csv_name):
        return False
    return parse_csv_name(csv_name).version_order < parse_csv_name(other_csv_name).version_order


def sort_newest_first(csv_names: Iterable[str]) -> list[str]:
    """Return the names that have a version, the newest one first."""
    versioned_names = [name for name in csv_names if parse_csv_name(name).version]
    return sorted(versioned_names, key=lambda name: (parse_csv_name(name).version_order, name), reverse=True)


def mark_own_objects(namespace: str, package: str, release_facts: ReleaseFacts, olm: OlmFacts) -> ReleaseFacts:
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


def add_versions(namespace: str, package: str, release_facts: ReleaseFacts, olm: OlmFacts) -> ReleaseFacts:
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


def list_other_subscriptions(namespace: str, olm: OlmFacts) -> list[SubscriptionFacts]:
    """Return the Subscriptions of other owners in a namespace, which need its OperatorGroup."""
    other_subscriptions = []
    for subscription in olm["subscriptions"]:
        if subscription["namespace"] == namespace and not subscription["ours"]:
            other_subscriptions.append(subscription)
    return other_subscriptions
