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

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..._otelcol.errors import Problem, prefix_problems
from ..._otelcol.kube.names import OWNER, OWNER_LABEL, RELEASE_LABEL
from ..._otelcol.kube.objects import Manifest
from ..releases.products import OPERATOR, PRODUCTS
from .csv_choice import CsvChoice, choose_csv
from .csv_names import is_before
from .olm_objects import (
    API,
    CsvRow,
    FoundOlm,
    OperatorGroupRow,
    SubscriptionRow,
    full_name,
    select_of_operator,
)
from .olm_request import AUTOMATIC_APPROVAL, MANUAL_APPROVAL, OlmRequest

TASK = "Install the operator by OLM"
# Red Hat's documentation installs its build there, with the label for the cluster's own monitoring.
_RED_HAT = "openshift-opentelemetry-operator"
DEFAULT_NAMESPACES = {"opentelemetry-product": _RED_HAT}
_NAMESPACE_LABELS = {_RED_HAT: {"openshift.io/cluster-monitoring": "true"}}
_LABELS = {OWNER_LABEL: OWNER, RELEASE_LABEL: OPERATOR}
# What to do about a Subscription of this collection that does not fit the request.
_KEEP_FIX = "Keep it as it was, or remove it first with state absent."


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
        choice = choose_csv(request, olm, kubernetes, installed_channel)
        action = _decide_action(request, _installed_csv(own_subscription), choice)
        groups = _build_operator_group(request, olm["operator_groups"])
        # The versions of a Subscription that is there belong to it.
        if not own_subscription:
            _refuse_orphaned_versions(olm["csvs"])
    subscription = _build_subscription(request, choice, own_subscription)
    manifests = [_build_namespace(request.namespace), *groups, subscription]
    return OlmPlan(
        action=action.name,
        message=action.message,
        manifests=manifests,
        subscription=subscription["metadata"]["name"],
        csv=choice.csv,
    )


# ── What is possible ──


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
    subscriptions_in_place = [row for row in operator_subscriptions if row["namespace"] == request.namespace]
    own_subscription = subscriptions_in_place[0] if subscriptions_in_place else None
    _refuse_other_subscriptions(request, [row for row in operator_subscriptions if row is not own_subscription])
    if own_subscription:
        _refuse_other_package(request, own_subscription)
    return own_subscription


def _refuse_other_owners(operator_subscriptions: Sequence[SubscriptionRow]) -> None:
    """Raise Problem for a Subscription of the operator that this collection did not make."""
    for subscription in operator_subscriptions:
        if not subscription["ours"]:
            fix = "Set the provider to existing to use it unchanged, or remove that Subscription and its version first."
            wrong = f"Subscription {full_name(subscription)} of another owner already installs the operator"
            raise Problem(wrong, fix=fix)


def _refuse_other_subscriptions(request: OlmRequest, other_subscriptions: Sequence[SubscriptionRow]) -> None:
    """Raise Problem if there is a Subscription of the operator beside the one of the requested namespace."""
    if other_subscriptions:
        name = full_name(other_subscriptions[0])
        wrong = f"the operator's Subscription is {name}, and the requested namespace is {request.namespace}"
        raise Problem(wrong, fix=_KEEP_FIX)


def _refuse_other_package(request: OlmRequest, own_subscription: SubscriptionRow) -> None:
    """Raise Problem if the Subscription that is there is for another package of the operator."""
    package = own_subscription["package"]
    if package != request.package:
        wrong = f"Subscription {full_name(own_subscription)} is for package {package}, not {request.package}"
        raise Problem(wrong, fix=_KEEP_FIX)


def _installed_csv(subscription: SubscriptionRow | None) -> str:
    """Return the ClusterServiceVersion that OLM has installed or is installing; an empty text without one."""
    if subscription is None:
        return ""
    return subscription["installed_csv"] or subscription["current_csv"]


def _decide_action(request: OlmRequest, installed_csv: str, choice: CsvChoice) -> OlmAction:
    """Return what OLM will do. Raises Problem for a downgrade, which OLM never does."""
    csv = choice.csv
    if not installed_csv:
        return OlmAction("install", f"{csv} is installed by OLM from channel {choice.channel}")
    if installed_csv == csv:
        return OlmAction("unchanged", f"{installed_csv} is installed")
    if is_before(csv, installed_csv):
        newer_text = f"the pinned {csv}" if request.csv else f"the newest of channel {choice.channel}, {csv},"
        fix = "OLM never goes back: ask for that one or a newer one, or remove it first with state absent."
        raise Problem(f"{installed_csv} is installed, and {newer_text} is older", fix=fix)
    return OlmAction("upgrade", f"OLM upgrades {installed_csv} to {csv}")


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


# ── The objects to apply ──


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


def _build_subscription(request: OlmRequest, choice: CsvChoice, own_subscription: SubscriptionRow | None) -> Manifest:
    """Return the Subscription to apply. One that is there keeps its name."""
    spec: dict[str, Any] = {
        "name": request.package,
        "channel": choice.channel,
        "source": request.source,
        "sourceNamespace": request.source_namespace,
        "installPlanApproval": request.approval.capitalize(),
    }
    if request.csv:
        # OLM reads startingCSV for the first installation alone, so a later pin does not change it.
        starting_csv = ""
        if own_subscription and _installed_csv(own_subscription):
            starting_csv = own_subscription["starting_csv"]
        spec["startingCSV"] = starting_csv or choice.csv
    if request.config:
        spec["config"] = dict(request.config)
    name = own_subscription["name"] if own_subscription else request.package
    return _build_object(
        "Subscription", api_version=f"{API}/v1alpha1", name=name, namespace=request.namespace, spec=spec
    )


def _build_namespace(name: str) -> Manifest:
    labels = {**_LABELS, **_NAMESPACE_LABELS.get(name, {})}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def _build_object(kind: str, *, api_version: str, name: str, namespace: str, spec: Mapping[str, Any]) -> Manifest:
    metadata = {"name": name, "namespace": namespace, "labels": dict(_LABELS)}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": dict(spec)}
