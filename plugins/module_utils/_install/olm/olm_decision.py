# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator under OLM: the version, the Subscription and its prerequisites, or the reason to reject it. Private."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ..._otelcol.errors import Problem, about, at_most, near
from ..._otelcol.kube.names import OWNER, OWNER_LABEL, RELEASE_LABEL
from ..._otelcol.kube.objects import Manifest
from ..releases.products import OPERATOR, PRODUCTS
from ..releases.version_numbers import read
from ..releases.versions import FIRST_V1BETA1
from .olm_objects import API, PACKAGES, READY, Found, is_before, of_operator, read_csv

MANUAL, AUTOMATIC = "manual", "automatic"
ASKED = "Install the operator by OLM"
# Red Hat's documentation installs its build there, with the label for the cluster's own monitoring.
_RED_HAT = "openshift-opentelemetry-operator"
NAMESPACES = {"opentelemetry-product": _RED_HAT}
_NAMESPACE_LABELS = {_RED_HAT: {"openshift.io/cluster-monitoring": "true"}}
_LABELS = {OWNER_LABEL: OWNER, RELEASE_LABEL: OPERATOR}


class OlmRequest(NamedTuple):
    """The request to OLM; `config` has the Subscription's changes to the operator's Deployment."""

    package: str
    source: str
    source_namespace: str
    namespace: str
    channel: str = ""
    csv: str = ""
    approval: str = AUTOMATIC
    operator_group: str = ""
    config: Mapping[str, Any] = {}

    @property
    def catalog(self) -> str:
        return f"{self.source_namespace}/{self.source}"

    def problem(self, wrong: str, fix: str) -> Problem:
        """Return what is wrong with what the catalog has."""
        return Problem(wrong, where=f"CatalogSource {self.catalog}", fix=fix)


class OlmPlan(NamedTuple):
    """The decision: the objects to apply, and the version to wait for."""

    action: str
    message: str
    manifests: list[Manifest]
    subscription: str
    csv: str


def namespace_for(package: str, given: str) -> str:
    return given or NAMESPACES.get(package, PRODUCTS[OPERATOR].namespace)


def plan(request: OlmRequest, olm: Found) -> OlmPlan:
    """Return the decision. Raises Problem if it is impossible or forbidden."""
    with about(ASKED):
        _check(request, olm)
        ours = _subscription(request, olm["subscriptions"])
        channel, csv = resolve(request, olm, ours["channel"] if ours else "")
        installed = (ours["installed_csv"] or ours["current_csv"]) if ours else ""
        action, message = _step(request, installed, channel, csv)
        groups = _operator_group(request, olm["operator_groups"])
        if not ours:
            _refuse_left_versions(olm["csvs"])
    spec: dict[str, Any] = {
        "name": request.package,
        "channel": channel,
        "source": request.source,
        "sourceNamespace": request.source_namespace,
        "installPlanApproval": request.approval.capitalize(),
    }
    if request.csv:
        # It counts for the first installation alone, so that a pin that moves does not touch it.
        starting_csv = ours["starting_csv"] if ours and installed else ""
        spec["startingCSV"] = starting_csv or csv
    if request.config:
        spec["config"] = dict(request.config)
    name = ours["name"] if ours else request.package
    subscription = _object("Subscription", f"{API}/v1alpha1", name, request.namespace, spec)
    return OlmPlan(action, message, [_namespace(request.namespace), *groups, subscription], name, csv)


def _refuse_left_versions(csvs: Sequence[Found]) -> None:
    """Reject versions of the operator that are there without a Subscription."""
    left_versions = [csv["name"] for csv in csvs if csv["product"]]
    if left_versions:
        names = ", ".join(left_versions)
        wrong = f"ClusterServiceVersion {names} of an earlier installation is there without a Subscription"
        raise Problem(wrong, fix="Run once with state absent, or delete it: OLM takes up none that it finds.")


def _check(request: OlmRequest, olm: Found) -> None:
    if not olm["served"]:
        wrong = f"the cluster does not have the Operator Lifecycle Manager: it does not serve {API}"
        raise Problem(wrong, fix="Use the provider manifest or helm, or install OLM first.")
    if not olm["packages_served"]:
        wrong = "the catalogs cannot be read: the cluster does not serve packages.operators.coreos.com"
        fix = "Check OLM's packageserver: kubectl get apiservice v1.packages.operators.coreos.com"
        raise Problem(wrong, fix=fix)
    # A pin and automatic approval exclude each other: startingCSV says only where OLM begins.
    if request.approval == MANUAL and not request.csv:
        fix = "Pin it (otel_operator_olm_csv), or set otel_operator_olm_approval to automatic."
        raise Problem("manual approval needs the version that is approved", fix=fix)
    if request.approval == AUTOMATIC and request.csv:
        wrong = f"with automatic approval OLM goes past {request.csv} to the newest version by itself"
        fix = "Set otel_operator_olm_approval to manual to stay at it, or leave otel_operator_olm_csv out."
        raise Problem(wrong, fix=fix)


def _subscription(request: OlmRequest, subscriptions: Sequence[Found]) -> Found | None:
    """Return this collection's Subscription, or None. Raises Problem for one of another owner or namespace."""
    ours: Found | None = None
    others = []
    everywhere = of_operator(subscriptions, request.package)
    for subscription in everywhere:
        if not subscription["ours"]:
            fix = "Set the provider to existing to use it unchanged, or remove that Subscription and its version first."
            wrong = f"Subscription {_place(subscription)} of another owner already installs the operator"
            raise Problem(wrong, fix=fix)
    for subscription in everywhere:
        if ours is None and subscription["namespace"] == request.namespace:
            ours = subscription
        else:
            others.append(subscription)
    keep = "Keep it as it was, or remove it first with state absent."
    if others:
        place = _place(others[0])
        raise Problem(
            f"the operator's Subscription is {place}, and the requested namespace is {request.namespace}", fix=keep
        )
    if ours and ours["package"] != request.package:
        wrong = f"Subscription {_place(ours)} is for package {ours['package']}, not {request.package}"
        raise Problem(wrong, fix=keep)
    return ours


def _place(item: Found) -> str:
    return f"{item['namespace']}/{item['name']}"


def resolve(request: OlmRequest, olm: Found, installed_channel: str = "") -> tuple[str, str]:
    """Return the channel and the version. Raises Problem with what the catalog has instead."""
    _check_catalog(request, olm["catalogs"])
    package = olm["package"]
    if package is None:
        similar = olm["packages"]
        listed = f"Packages there that look alike: {_list(similar)}." if similar else "It offers no package at all."
        wrong = f"the catalog has no package {request.package}{near(request.package, similar)}"
        raise request.problem(wrong, f"Set otel_operator_olm_package, or another catalog. {listed}")
    channel = _channel(request, package, installed_channel)
    csv = request.csv or channel["csv"]
    if request.csv and csv not in channel["csvs"]:
        elsewhere = [other["name"] for other in package["channels"] if csv in other["csvs"]]
        there = f"; it is in channel {_list(elsewhere)}" if elsewhere else near(csv, channel["csvs"])
        wrong = f"channel {channel['name']} of {request.package} has no {csv}{there}"
        raise request.problem(wrong, f"Set otel_operator_olm_csv to one of: {_list(channel['csvs'])}.")
    _check_version(request, channel, csv, olm["kubernetes"])
    return channel["name"], csv


def _channel(request: OlmRequest, package: Found, installed_channel: str) -> Found:
    """Return the channel that is asked for, else that of the Subscription, else the default of the package."""
    channels = {channel["name"]: channel for channel in package["channels"]}
    name = package["default_channel"]
    if request.channel:
        name = request.channel
    elif installed_channel in channels:
        # The Subscription keeps its channel, even if the package's default changes.
        name = installed_channel
    if name not in channels:
        wrong = f"package {request.package} has no channel {name}{near(name, channels)}"
        raise request.problem(wrong, f"Set otel_operator_olm_channel to one of: {_list(channels)}.")
    channel: Found = channels[name]
    if not channel["all_namespaces"]:
        wrong = f"channel {name} of {request.package} is not for all namespaces"
        raise request.problem(wrong, "Use a channel of the OpenTelemetry operator; it covers all namespaces.")
    return channel


def _check_catalog(request: OlmRequest, catalogs: Iterable[Found]) -> None:
    """Reject a catalog that is not there or does not answer."""
    by_place = {_place(catalog): catalog for catalog in catalogs}
    if request.catalog not in by_place:
        wrong = f"there is no CatalogSource {request.catalog}{near(request.catalog, by_place)}"
        fix = f"Set otel_operator_olm_source and otel_operator_olm_source_namespace to one of: {_list(by_place)}."
        raise Problem(wrong, fix=fix)
    catalog = by_place[request.catalog]
    if catalog["state"] != READY:
        wrong = f"the catalog does not answer (its state is {catalog['state'] or 'not known'})"
        if catalog["message"]:
            wrong += f": {catalog['message']}"
        pods = f"kubectl -n {request.source_namespace} get pods -l olm.catalogSource={request.source}"
        raise request.problem(wrong, f"Look at its pod: {pods}")


def _check_version(request: OlmRequest, channel: Found, csv: str, kubernetes: str) -> None:
    """Reject a version that does not work with this collection or cluster."""
    # The channel says what its newest version requires; a pinned version reports its own in its state.
    if not request.csv:
        _check_kubernetes(request, channel, csv, kubernetes)
    # A package of another name has versions of its own.
    if request.package in PACKAGES and _is_old(csv):
        fitting = _list(name for name in channel["csvs"] if not _is_old(name))
        wrong = f"{csv} has an operator that does not serve OpenTelemetryCollector as v1beta1"
        fix = f"Take a version from {FIRST_V1BETA1} on. Channel {channel['name']} has: {fitting}."
        raise request.problem(wrong, fix)


def _check_kubernetes(request: OlmRequest, channel: Found, csv: str, kubernetes: str) -> None:
    """Reject the newest version of a channel if it needs a newer Kubernetes than the cluster has."""
    least = read(channel["min_kubernetes"] or "")
    here = read(kubernetes or "")
    if least and here and here < least:
        wrong = f"{csv} needs Kubernetes {least} or later, and this cluster has {here}"
        fix = "Upgrade the cluster, or choose an older channel, or pin an older version (otel_operator_olm_csv)."
        raise request.problem(wrong, fix)


def _is_old(csv: str) -> bool:
    version = read(read_csv(csv).version)
    return version is not None and version < FIRST_V1BETA1


def _list(names: Iterable[Any]) -> str:
    return at_most(10, names) or "none"


def _step(request: OlmRequest, installed: str, channel: str, csv: str) -> tuple[str, str]:
    """Return the action: install, upgrade or none. OLM never downgrades."""
    if not installed:
        return "install", f"{csv} is installed by OLM from channel {channel}"
    if installed == csv:
        return "unchanged", f"{installed} is installed"
    if is_before(csv, installed):
        what = f"the pinned {csv}" if request.csv else f"the newest of channel {channel}, {csv},"
        fix = "OLM never goes back: ask for that one or a newer one, or remove it first with state absent."
        raise Problem(f"{installed} is installed, and {what} is older", fix=fix)
    return "upgrade", f"OLM upgrades {installed} to {csv}"


def _operator_group(request: OlmRequest, groups: Sequence[Found]) -> list[Manifest]:
    """Return the OperatorGroup to apply; none if the namespace has one, since two stop OLM."""
    names = ", ".join(group["name"] for group in groups)
    where = f"namespace {request.namespace}"
    if len(groups) > 1:
        wrong = f"{where} has more than one OperatorGroup ({names}), with which OLM installs nothing"
        raise Problem(wrong, fix="Delete all but one.")
    if not groups or groups[0]["ours"]:
        name = names or request.operator_group or request.namespace
        return [_object("OperatorGroup", f"{API}/v1", name, request.namespace, {})]
    if not groups[0]["all"]:
        targets = ", ".join(groups[0]["targets"]) or "some"
        wrong = f"OperatorGroup {names} of {where} is for {targets} namespaces, and the operator works only for all"
        raise Problem(wrong, fix="Use another namespace (otel_operator_olm_namespace).")
    return []


def _namespace(name: str) -> Manifest:
    labels = {**_LABELS, **_NAMESPACE_LABELS.get(name, {})}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def _object(kind: str, version: str, name: str, namespace: str, spec: Mapping[str, Any]) -> Manifest:
    metadata = {"name": name, "namespace": namespace, "labels": dict(_LABELS)}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": dict(spec)}
