# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of module olm_info: what objects of the Operator Lifecycle Manager (OLM) say. Private.

`live/olm_info.py` reads the objects, and the functions here turn each into a row of `FoundOlm`. `olm_decision.py`
decides from them, and explains the words of OLM. For example, the row of a Subscription:

    {"name": "otel", "namespace": "otel-system", "ours": True, "package": "opentelemetry-product", "channel": "stable",
     "approval": "Manual", "installed_csv": "opentelemetry-operator.v0.140.0-2", …}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from ..._kube.ownership import read_release_label
from ..._otelcol.config.paths import list_at, mapping_at
from ..._otelcol.kube.objects import Manifest
from ..releases.products import OPERATOR, PRODUCTS
from .csv_names import sort_newest_first

# The packages of the operator: Red Hat's build (catalog redhat-operators), and the project's own bundle.
PACKAGES = ("opentelemetry-product", "opentelemetry-operator")
# The API group of OLM.
API = "operators.coreos.com"
# The state of a catalog that answers.
READY = "READY"
_DEFINITIONS = frozenset(kind.definition_name for kind in PRODUCTS[OPERATOR].kinds)


class ObjectIdentity(TypedDict):
    """The name of an object."""

    name: str
    namespace: str
    ours: bool
    """Whether this collection made it as a part of the operator."""


class SubscriptionRow(ObjectIdentity):
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


class OperatorGroupRow(ObjectIdentity):
    """An OperatorGroup: for which namespaces the operators of a namespace work."""

    targets: list[str]
    all: bool
    """Whether it is for all namespaces."""


class CsvRow(ObjectIdentity):
    """A ClusterServiceVersion: an installed version of an operator."""

    phase: str
    reason: str
    message: str
    product: bool
    """Whether it is a version of the OpenTelemetry operator."""


class CatalogRow(ObjectIdentity):
    """A CatalogSource."""

    state: str
    """READY if it answers."""
    message: str


class ChannelRow(TypedDict):
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


class PackageRow(TypedDict):
    """A package that a catalog offers."""

    name: str
    source: str
    source_namespace: str
    default_channel: str
    channels: list[ChannelRow]


class FoundOlm(TypedDict):
    """The result of module olm_info."""

    served: bool
    """Whether the cluster has OLM."""
    packages_served: bool
    """Whether the package server of OLM answers."""
    namespace: str
    """The namespace in which the operator is, or will be."""
    subscriptions: list[SubscriptionRow]
    """The Subscriptions of the operator in all namespaces, and every Subscription of its namespace."""
    operator_groups: list[OperatorGroupRow]
    csvs: list[CsvRow]
    """The ClusterServiceVersions of the namespace."""
    catalogs: list[CatalogRow]
    packages: list[str]
    """If the catalog does not offer the package: the names of packages that look alike."""
    package: PackageRow | None
    """The package in the given catalog; None if the catalog does not offer it, or was not asked."""


def _read_identity(manifest: Manifest) -> ObjectIdentity:
    metadata = manifest["metadata"]
    return {
        "name": metadata["name"],
        "namespace": metadata["namespace"],
        "ours": read_release_label(manifest) == OPERATOR,
    }


def read_subscription(manifest: Manifest) -> SubscriptionRow:
    """Return the row of a Subscription."""
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


def read_operator_group(manifest: Manifest) -> OperatorGroupRow:
    """Return the row of an OperatorGroup. Without target namespaces and selector it is for all namespaces."""
    spec = mapping_at(manifest, "spec")
    targets = list_at(spec, "targetNamespaces")
    selector = mapping_at(spec, "selector")
    has_selector = bool(selector.get("matchLabels") or selector.get("matchExpressions"))
    is_for_all = not has_selector and targets in ([], [""])
    return {**_read_identity(manifest), "targets": targets, "all": is_for_all}


def read_csv_object(manifest: Manifest) -> CsvRow:
    """Return the row of a ClusterServiceVersion. The definitions that it owns say of which operator it is."""
    spec, status = mapping_at(manifest, "spec"), mapping_at(manifest, "status")
    owned_definitions = list_at(spec, "customresourcedefinitions", "owned")
    return {
        **_read_identity(manifest),
        "phase": status.get("phase", ""),
        "reason": status.get("reason", ""),
        "message": status.get("message", ""),
        "product": any(definition.get("name") in _DEFINITIONS for definition in owned_definitions),
    }


def read_catalog(manifest: Manifest) -> CatalogRow:
    """Return the row of a CatalogSource."""
    status = mapping_at(manifest, "status")
    state = mapping_at(status, "connectionState").get("lastObservedState", "")
    return {**_read_identity(manifest), "state": state, "message": status.get("message", "")}


def read_package(manifest: Manifest) -> PackageRow:
    """Return the row of a PackageManifest."""
    status = mapping_at(manifest, "status")
    return {
        "name": status.get("packageName") or manifest["metadata"]["name"],
        "source": status.get("catalogSource", ""),
        "source_namespace": status.get("catalogSourceNamespace", ""),
        "default_channel": status.get("defaultChannel", ""),
        "channels": [_read_channel(channel) for channel in list_at(status, "channels")],
    }


def _read_channel(channel: Mapping[str, Any]) -> ChannelRow:
    """Return the row of a channel of a PackageManifest."""
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


def full_name(identity: ObjectIdentity) -> str:
    """Return the name of an object as NAMESPACE/NAME."""
    return f"{identity['namespace']}/{identity['name']}"


def select_of_operator(subscriptions: Iterable[SubscriptionRow], package: str) -> list[SubscriptionRow]:
    """Return the Subscriptions of the operator's packages and of the requested package."""
    packages = {*PACKAGES, package}
    return [subscription for subscription in subscriptions if subscription["package"] in packages]
