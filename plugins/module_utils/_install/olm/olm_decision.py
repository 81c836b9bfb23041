# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The decision on an operator that OLM installs: its version and its Subscription, or a refusal with a fix. Private.

Action release_render calls `plan_installation` with the result of module olm_info. OLM then does the work, and module
olm_wait follows it. The user may pin a version: OLM then stays at it, since nothing newer is approved.

The words of OLM: a catalog (CatalogSource) offers packages, a package has channels, and a channel has versions of an
operator, each a ClusterServiceVersion (CSV). A Subscription asks OLM to install a package from a channel, and an
OperatorGroup says for which namespaces the operators of a namespace work. For example, a new Subscription:

    spec: {name: opentelemetry-product, channel: stable, source: redhat-operators, installPlanApproval: Manual,
           sourceNamespace: openshift-marketplace, startingCSV: opentelemetry-operator.v0.140.0-2}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ..._otelcol.errors import Problem, join_at_most, prefix_problems, suggest_word
from ..._otelcol.kube.names import OWNER, OWNER_LABEL, RELEASE_LABEL
from ..._otelcol.kube.objects import Manifest
from ..releases.products import OPERATOR, PRODUCTS
from ..releases.supported_kubernetes import FIRST_V1BETA1
from ..releases.version_numbers import parse_release_version
from .csv_names import is_before, parse_csv_name
from .olm_objects import (
    API,
    PACKAGES,
    READY,
    CatalogRow,
    ChannelRow,
    CsvRow,
    FoundOlm,
    ObjectIdentity,
    OperatorGroupRow,
    PackageRow,
    SubscriptionRow,
    select_of_operator,
)

# Whether this collection approves each version, or OLM installs the newest one by itself.
MANUAL_APPROVAL = "manual"
AUTOMATIC_APPROVAL = "automatic"
TASK = "Install the operator by OLM"
# How many names a message shows.
_MOST_NAMES = 10
# Red Hat's documentation installs its build there, with the label for the cluster's own monitoring.
_RED_HAT = "openshift-opentelemetry-operator"
DEFAULT_NAMESPACES = {"opentelemetry-product": _RED_HAT}
_NAMESPACE_LABELS = {_RED_HAT: {"openshift.io/cluster-monitoring": "true"}}
_LABELS = {OWNER_LABEL: OWNER, RELEASE_LABEL: OPERATOR}


class OlmRequest(NamedTuple):
    """What the user wants: a package of a catalog, and how OLM installs it."""

    package: str
    source: str
    """The name of the CatalogSource."""
    source_namespace: str
    namespace: str
    channel: str = ""
    """Empty for the channel that the Subscription has, or else the default of the package."""
    csv: str = ""
    """The pinned ClusterServiceVersion; empty for the newest one of the channel."""
    approval: str = AUTOMATIC_APPROVAL
    """MANUAL_APPROVAL with a pin, AUTOMATIC_APPROVAL without one."""
    operator_group: str = ""
    """The name of a new OperatorGroup; empty for that of the namespace."""
    config: Mapping[str, Any] = {}
    """What the Subscription changes in the operator's Deployment."""

    @property
    def catalog(self) -> str:
        """The CatalogSource as NAMESPACE/NAME."""
        return f"{self.source_namespace}/{self.source}"

    def problem(self, wrong: str, fix: str) -> Problem:
        """Return the problem of something that the catalog does not have."""
        return Problem(wrong, where=f"CatalogSource {self.catalog}", fix=fix)


class CsvChoice(NamedTuple):
    """The chosen version: a channel, and a ClusterServiceVersion in it."""

    channel: str
    csv: str


class OlmAction(NamedTuple):
    """What OLM will do, and the message about that."""

    name: str
    """`install`, `upgrade` or `unchanged`."""
    message: str


class OlmPlan(NamedTuple):
    """The decision: the objects to apply, and the version to wait for."""

    action: str
    message: str
    manifests: list[Manifest]
    subscription: str
    """The name of the Subscription."""
    csv: str
    """The ClusterServiceVersion to wait for."""


def choose_namespace(package: str, requested_namespace: str) -> str:
    """Return the namespace of the operator: the requested one, or the usual one of its package."""
    return requested_namespace or DEFAULT_NAMESPACES.get(package, PRODUCTS[OPERATOR].namespace)


def plan_installation(request: OlmRequest, olm: FoundOlm, kubernetes: str) -> OlmPlan:
    """Return the decision. Raises Problem if the installation is impossible or forbidden.

    `kubernetes` is the version of the API server, such as v1.34.4.
    """
    with prefix_problems(TASK):
        _check_request(request, olm)
        own_subscription = _find_own_subscription(request, olm["subscriptions"])
        installed_channel = own_subscription["channel"] if own_subscription else ""
        version = resolve_version(request, olm, kubernetes, installed_channel)
        action = _decide_action(request, _installed_csv(own_subscription), version)
        groups = _build_operator_group(request, olm["operator_groups"])
        # The versions of a Subscription that is there belong to it.
        if not own_subscription:
            _refuse_orphaned_versions(olm["csvs"])
    subscription = _build_subscription(request, version, own_subscription)
    manifests = [_build_namespace(request.namespace), *groups, subscription]
    return OlmPlan(
        action=action.name,
        message=action.message,
        manifests=manifests,
        subscription=subscription["metadata"]["name"],
        csv=version.csv,
    )


def _installed_csv(subscription: SubscriptionRow | None) -> str:
    """Return the ClusterServiceVersion that OLM has installed or is installing; an empty text without one."""
    if subscription is None:
        return ""
    return subscription["installed_csv"] or subscription["current_csv"]


def _build_subscription(request: OlmRequest, version: CsvChoice, own_subscription: SubscriptionRow | None) -> Manifest:
    """Return the Subscription to apply. One that is there keeps its name."""
    spec: dict[str, Any] = {
        "name": request.package,
        "channel": version.channel,
        "source": request.source,
        "sourceNamespace": request.source_namespace,
        "installPlanApproval": request.approval.capitalize(),
    }
    if request.csv:
        # OLM reads startingCSV for the first installation alone, so a later pin does not change it.
        starting_csv = ""
        if own_subscription and _installed_csv(own_subscription):
            starting_csv = own_subscription["starting_csv"]
        spec["startingCSV"] = starting_csv or version.csv
    if request.config:
        spec["config"] = dict(request.config)
    name = own_subscription["name"] if own_subscription else request.package
    return _build_object(
        "Subscription", api_version=f"{API}/v1alpha1", name=name, namespace=request.namespace, spec=spec
    )


def _refuse_orphaned_versions(csvs: Sequence[CsvRow]) -> None:
    """Raise Problem for versions of the operator that have no Subscription, since an earlier one was deleted alone."""
    orphaned_versions = [csv["name"] for csv in csvs if csv["product"]]
    if orphaned_versions:
        csv_names = ", ".join(orphaned_versions)
        wrong = f"ClusterServiceVersion {csv_names} of an earlier installation is there without a Subscription"
        fix = (
            "OLM takes up none that it finds: delete it, or if this collection made the OperatorGroup beside it, run"
            " once with state absent."
        )
        raise Problem(wrong, fix=fix)


def _check_request(request: OlmRequest, olm: FoundOlm) -> None:
    """Raise Problem if OLM is missing, or if the pin and the approval contradict each other."""
    if not olm["served"]:
        wrong = f"the cluster does not have the Operator Lifecycle Manager: it does not serve {API}"
        raise Problem(wrong, fix="Use the provider manifest or helm, or install OLM first.")
    if not olm["packages_served"]:
        wrong = "the catalogs cannot be read: the cluster does not serve packages.operators.coreos.com"
        fix = "Check OLM's packageserver: kubectl get apiservice v1.packages.operators.coreos.com"
        raise Problem(wrong, fix=fix)
    # A pin and automatic approval exclude each other: startingCSV says only where OLM begins.
    if request.approval == MANUAL_APPROVAL and not request.csv:
        fix = "Pin it (otel_operator_olm_csv), or set otel_operator_olm_approval to automatic."
        raise Problem("manual approval needs the version that is approved", fix=fix)
    if request.approval == AUTOMATIC_APPROVAL and request.csv:
        wrong = f"with automatic approval OLM goes past {request.csv} to the newest version by itself"
        fix = "Set otel_operator_olm_approval to manual to stay at it, or leave otel_operator_olm_csv out."
        raise Problem(wrong, fix=fix)


def _find_own_subscription(request: OlmRequest, subscriptions: Sequence[SubscriptionRow]) -> SubscriptionRow | None:
    """Return this collection's Subscription of the operator; None if there is none.

    Raises Problem for a Subscription of the operator that has another owner, namespace or package.
    """
    operator_subscriptions = select_of_operator(subscriptions, request.package)
    _refuse_other_owners(operator_subscriptions)
    own_subscription: SubscriptionRow | None = None
    other_subscriptions = []
    for subscription in operator_subscriptions:
        if own_subscription is None and subscription["namespace"] == request.namespace:
            own_subscription = subscription
        else:
            other_subscriptions.append(subscription)
    keep_fix = "Keep it as it was, or remove it first with state absent."
    if other_subscriptions:
        full_name = _full_name(other_subscriptions[0])
        wrong = f"the operator's Subscription is {full_name}, and the requested namespace is {request.namespace}"
        raise Problem(wrong, fix=keep_fix)
    if own_subscription and own_subscription["package"] != request.package:
        wrong = (
            f"Subscription {_full_name(own_subscription)} is for package {own_subscription['package']}, not"
            f" {request.package}"
        )
        raise Problem(wrong, fix=keep_fix)
    return own_subscription


def _refuse_other_owners(operator_subscriptions: Sequence[SubscriptionRow]) -> None:
    """Raise Problem for a Subscription of the operator that this collection did not make."""
    for subscription in operator_subscriptions:
        if not subscription["ours"]:
            fix = "Set the provider to existing to use it unchanged, or remove that Subscription and its version first."
            wrong = f"Subscription {_full_name(subscription)} of another owner already installs the operator"
            raise Problem(wrong, fix=fix)


def _full_name(identity: ObjectIdentity) -> str:
    return f"{identity['namespace']}/{identity['name']}"


def resolve_version(request: OlmRequest, olm: FoundOlm, kubernetes: str, installed_channel: str = "") -> CsvChoice:
    """Return the version to install. Raises Problem with what the catalog has instead.

    `installed_channel` is the channel of the Subscription that is there.
    """
    _check_catalog(request, olm["catalogs"])
    package = olm["package"]
    if package is None:
        raise _missing_package_problem(request, olm["packages"])
    channel = _choose_channel(request, package, installed_channel)
    if request.csv and request.csv not in channel["csvs"]:
        raise _missing_csv_problem(request, package, channel)
    csv = request.csv or channel["csv"]
    _check_version(request, channel, csv, kubernetes)
    return CsvChoice(channel["name"], csv)


def _missing_package_problem(request: OlmRequest, similar_names: list[str]) -> Problem:
    """Return the problem of a catalog that does not offer the package."""
    similar_text = "It offers no package at all."
    if similar_names:
        similar_text = f"Packages there that look alike: {_join_names(similar_names)}."
    wrong = f"the catalog has no package {request.package}{suggest_word(request.package, similar_names)}"
    return request.problem(wrong, f"Set otel_operator_olm_package, or another catalog. {similar_text}")


def _missing_csv_problem(request: OlmRequest, package: PackageRow, channel: ChannelRow) -> Problem:
    """Return the problem of a pinned version that is not in the channel; another channel may have it."""
    other_channels = [
        other_channel["name"] for other_channel in package["channels"] if request.csv in other_channel["csvs"]
    ]
    hint = suggest_word(request.csv, channel["csvs"])
    if other_channels:
        hint = f"; it is in channel {_join_names(other_channels)}"
    wrong = f"channel {channel['name']} of {request.package} has no {request.csv}{hint}"
    return request.problem(wrong, f"Set otel_operator_olm_csv to one of: {_join_names(channel['csvs'])}.")


def _choose_channel(request: OlmRequest, package: PackageRow, installed_channel: str) -> ChannelRow:
    """Return the requested channel, else that of the Subscription, else the default of the package."""
    channels = {channel["name"]: channel for channel in package["channels"]}
    name = package["default_channel"]
    if request.channel:
        name = request.channel
    elif installed_channel in channels:
        # The Subscription keeps its channel, even if the package's default changes.
        name = installed_channel
    if name not in channels:
        wrong = f"package {request.package} has no channel {name}{suggest_word(name, channels)}"
        raise request.problem(wrong, f"Set otel_operator_olm_channel to one of: {_join_names(channels)}.")
    channel = channels[name]
    if not channel["all_namespaces"]:
        wrong = f"channel {name} of {request.package} is not for all namespaces"
        raise request.problem(wrong, "Use a channel of the OpenTelemetry operator; it covers all namespaces.")
    return channel


def _check_catalog(request: OlmRequest, catalogs: Iterable[CatalogRow]) -> None:
    """Raise Problem for a catalog that is not there or does not answer."""
    catalogs_by_name = {_full_name(catalog): catalog for catalog in catalogs}
    if request.catalog not in catalogs_by_name:
        wrong = f"there is no CatalogSource {request.catalog}{suggest_word(request.catalog, catalogs_by_name)}"
        fix = (
            "Set otel_operator_olm_source and otel_operator_olm_source_namespace to one of:"
            f" {_join_names(catalogs_by_name)}."
        )
        raise Problem(wrong, fix=fix)
    catalog = catalogs_by_name[request.catalog]
    if catalog["state"] != READY:
        wrong = f"the catalog does not answer (its state is {catalog['state'] or 'not known'})"
        if catalog["message"]:
            wrong += f": {catalog['message']}"
        command = f"kubectl -n {request.source_namespace} get pods -l olm.catalogSource={request.source}"
        raise request.problem(wrong, f"Look at its pod: {command}")


def _check_version(request: OlmRequest, channel: ChannelRow, csv: str, kubernetes: str) -> None:
    """Raise Problem for a version that does not work with this collection or this cluster."""
    # The channel says what its newest version requires; a pinned version reports its own in its state.
    if not request.csv:
        _check_kubernetes(request, channel, csv, kubernetes)
    # A package of another name has versions of its own.
    if request.package in PACKAGES and _is_old(csv):
        fitting_names = _join_names(name for name in channel["csvs"] if not _is_old(name))
        wrong = f"{csv} has an operator that does not serve OpenTelemetryCollector as v1beta1"
        fix = f"Take a version from {FIRST_V1BETA1} on. Channel {channel['name']} has: {fitting_names}."
        raise request.problem(wrong, fix)


def _check_kubernetes(request: OlmRequest, channel: ChannelRow, csv: str, kubernetes: str) -> None:
    """Raise Problem if the newest version of a channel needs a newer Kubernetes than the cluster has."""
    required_version = parse_release_version(channel["min_kubernetes"] or "")
    cluster_version = parse_release_version(kubernetes or "")
    if required_version and cluster_version and cluster_version < required_version:
        wrong = f"{csv} needs Kubernetes {required_version} or later, and this cluster has {cluster_version}"
        fix = "Upgrade the cluster, or choose an older channel, or pin an older version (otel_operator_olm_csv)."
        raise request.problem(wrong, fix)


def _is_old(csv: str) -> bool:
    """Return whether a version is too old to serve the collectors of this collection."""
    version = parse_release_version(parse_csv_name(csv).version)
    return version is not None and version < FIRST_V1BETA1


def _join_names(names: Iterable[Any]) -> str:
    return join_at_most(_MOST_NAMES, names) or "none"


def _decide_action(request: OlmRequest, installed_csv: str, version: CsvChoice) -> OlmAction:
    """Return what OLM will do. Raises Problem for a downgrade, which OLM never does."""
    channel, csv = version
    if not installed_csv:
        return OlmAction("install", f"{csv} is installed by OLM from channel {channel}")
    if installed_csv == csv:
        return OlmAction("unchanged", f"{installed_csv} is installed")
    if is_before(csv, installed_csv):
        newer_text = f"the pinned {csv}" if request.csv else f"the newest of channel {channel}, {csv},"
        fix = "OLM never goes back: ask for that one or a newer one, or remove it first with state absent."
        raise Problem(f"{installed_csv} is installed, and {newer_text} is older", fix=fix)
    return OlmAction("upgrade", f"OLM upgrades {installed_csv} to {csv}")


def _build_operator_group(request: OlmRequest, groups: Sequence[OperatorGroupRow]) -> list[Manifest]:
    """Return the OperatorGroup to apply, as a list of one; an empty list if the namespace has one of another owner.

    A second OperatorGroup in a namespace would stop OLM. Raises Problem if the one that is there does not fit.
    """
    group_names = ", ".join(group["name"] for group in groups)
    place = f"namespace {request.namespace}"
    if len(groups) > 1:
        wrong = f"{place} has more than one OperatorGroup ({group_names}), with which OLM installs nothing"
        raise Problem(wrong, fix="Delete all but one.")
    if not groups or groups[0]["ours"]:
        name = group_names or request.operator_group or request.namespace
        # Without target namespaces and selector, the group is for all namespaces.
        group = _build_object("OperatorGroup", api_version=f"{API}/v1", name=name, namespace=request.namespace, spec={})
        return [group]
    if not groups[0]["all"]:
        targets = ", ".join(groups[0]["targets"]) or "some"
        wrong = (
            f"OperatorGroup {group_names} of {place} is for {targets} namespaces, and the operator works only for all"
        )
        raise Problem(wrong, fix="Use another namespace (otel_operator_olm_namespace).")
    return []


def _build_namespace(name: str) -> Manifest:
    labels = {**_LABELS, **_NAMESPACE_LABELS.get(name, {})}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def _build_object(kind: str, *, api_version: str, name: str, namespace: str, spec: Mapping[str, Any]) -> Manifest:
    metadata = {"name": name, "namespace": namespace, "labels": dict(_LABELS)}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": dict(spec)}
