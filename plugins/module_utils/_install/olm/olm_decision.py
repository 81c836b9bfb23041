# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator under OLM: the Subscription and its prerequisites, or the reason to reject it. Private."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..._errors import Problem
from ..._kube.bundle import Manifest
from ..._kube.names import OWNER, OWNER_LABEL, RELEASE_LABEL
from ..releases.products import OPERATOR, PRODUCTS
from .olm_objects import API, is_before, of_operator, read_csv
from .olm_package import PackageRequest, PackageVersion, resolve

MANUAL, AUTOMATIC = "manual", "automatic"
# Red Hat's documentation installs its build there, with the label for the cluster's own monitoring.
_RED_HAT = "openshift-opentelemetry-operator"
NAMESPACES = {"opentelemetry-product": _RED_HAT}
_NAMESPACE_LABELS = {_RED_HAT: {"openshift.io/cluster-monitoring": "true"}}
_LABELS = {OWNER_LABEL: OWNER, RELEASE_LABEL: OPERATOR}
_ASKED = "Install the operator by OLM"
Found = Mapping[str, Any]


class OlmRequest(NamedTuple):
    """The request to OLM; `config` has the Subscription's changes to the operator's Deployment."""

    asked: PackageRequest
    namespace: str
    approval: str = AUTOMATIC
    operator_group: str = ""
    config: Mapping[str, Any] = {}


class OlmPlan(NamedTuple):
    """The decision: the objects to apply, and the version to wait for."""

    action: str
    message: str
    manifests: list[Manifest]
    subscription: str
    csv: str


def namespace_for(package: str, given: str) -> str:
    return given or NAMESPACES.get(package, PRODUCTS[OPERATOR].namespace)


def plan(wanted: OlmRequest, found: Found) -> OlmPlan:
    """Return the decision. Raises Problem if it is impossible or forbidden."""
    _refuse_no_olm(found)
    _refuse_approval(wanted)
    ours = _subscription(wanted, found["subscriptions"])
    version = resolve(wanted.asked, found, ours["channel"] if ours else "")
    action, message = _step(wanted, ours, version)
    groups = _groups(wanted, found["operator_groups"])
    _refuse_left(found["csvs"], ours)
    name = ours["name"] if ours else wanted.asked.package
    manifests = [_namespace(wanted.namespace), *groups, _manifest(wanted, version, name, ours)]
    return OlmPlan(action=action, message=message, manifests=manifests, subscription=name, csv=version.csv)


def _refuse_no_olm(found: Found) -> None:
    if not found["served"]:
        wrong = f"the cluster does not have the Operator Lifecycle Manager: it does not serve {API}"
        raise Problem(wrong, asked=_ASKED, fix="Use the provider manifest or helm, or install OLM first.")
    if not found["packages_served"]:
        fix = "Check OLM's packageserver: kubectl get apiservice v1.packages.operators.coreos.com"
        raise Problem(
            "the catalogs cannot be read: the cluster does not serve packages.operators.coreos.com",
            asked=_ASKED,
            fix=fix,
        )


def _refuse_approval(wanted: OlmRequest) -> None:
    """A pin and automatic approval exclude each other: startingCSV says only where OLM begins."""
    if wanted.approval == MANUAL and not wanted.asked.csv:
        fix = "Pin it (otel_operator_olm_csv), or set otel_operator_olm_approval to automatic."
        raise Problem("manual approval needs the version that is approved", asked=_ASKED, fix=fix)
    if wanted.approval == AUTOMATIC and wanted.asked.csv:
        wrong = f"with automatic approval OLM goes past {wanted.asked.csv} to the newest version by itself"
        fix = "Set otel_operator_olm_approval to manual to stay at it, or leave otel_operator_olm_csv out."
        raise Problem(wrong, asked=_ASKED, fix=fix)


def _subscription(wanted: OlmRequest, subscriptions: Sequence[Found]) -> Found | None:
    """Return this collection's Subscription, or None. Raises Problem for one of another owner or namespace."""
    those = of_operator(subscriptions, wanted.asked.package)
    theirs = [item for item in those if not item["ours"]]
    if theirs:
        wrong = f"Subscription {_place(theirs[0])} of another owner already installs the operator"
        fix = "Set the provider to existing to use it unchanged, or remove that Subscription and its version first."
        raise Problem(wrong, asked=_ASKED, fix=fix)
    ours = next((item for item in those if item["namespace"] == wanted.namespace), None)
    strange = next((item for item in those if item is not ours), None)
    wrong = ""
    if strange:
        wrong = f"the operator's Subscription is {_place(strange)}, and the requested namespace is {wanted.namespace}"
    elif ours and ours["package"] != wanted.asked.package:
        wrong = f"Subscription {_place(ours)} is for package {ours['package']}, not {wanted.asked.package}"
    if wrong:
        raise Problem(wrong, asked=_ASKED, fix="Keep it as it was, or remove it first with state absent.")
    return ours


def _step(wanted: OlmRequest, ours: Found | None, version: PackageVersion) -> tuple[str, str]:
    """Return the action: install, upgrade or none. OLM never downgrades."""
    here = (ours["installed_csv"] or ours["current_csv"]) if ours else ""
    if not here:
        return "install", f"{version.csv} is installed by OLM from channel {version.channel}"
    if here == version.csv:
        return "unchanged", f"{here} is installed"
    if is_before(here, version.csv):
        return "upgrade", f"OLM upgrades {here} to {version.csv}"
    if is_before(version.csv, here):
        what = (
            f"the pinned {version.csv}"
            if wanted.asked.csv
            else f"the newest of channel {version.channel}, {version.csv},"
        )
        fix = "OLM never goes back: ask for that one or a newer one, or remove it first with state absent."
        raise Problem(f"{here} is installed, and {what} is older", asked="Upgrade", fix=fix)
    return "upgrade", f"OLM goes from {here} to {version.csv}"


def _groups(wanted: OlmRequest, groups: Sequence[Found]) -> list[Manifest]:
    """Return the OperatorGroup to apply; none if the namespace has one, since two stop OLM."""
    names = ", ".join(item["name"] for item in groups)
    if len(groups) > 1:
        raise Problem(
            f"namespace {wanted.namespace} has more than one OperatorGroup ({names}), with which OLM installs nothing",
            asked=_ASKED,
            fix="Delete all but one.",
        )
    if not groups or groups[0]["ours"]:
        name = groups[0]["name"] if groups else wanted.operator_group or wanted.namespace
        return [_object("OperatorGroup", f"{API}/v1", name, wanted.namespace, {})]
    if not groups[0]["all"]:
        wrong = (
            f"OperatorGroup {names} of namespace {wanted.namespace} is for {', '.join(groups[0]['targets']) or 'some'}"
            " namespaces, and the operator works only for all"
        )
        raise Problem(wrong, asked=_ASKED, fix="Use another namespace (otel_operator_olm_namespace).")
    return []


def _refuse_left(csvs: Sequence[Found], ours: Found | None) -> None:
    """Reject a ClusterServiceVersion without a Subscription: OLM does not adopt it."""
    left = [item["name"] for item in csvs if item["product"]]
    if ours is None and left:
        wrong = f"ClusterServiceVersion {', '.join(left)} of an earlier installation is there without a Subscription"
        fix = "Run once with state absent, or delete it: OLM takes up none that it finds."
        raise Problem(wrong, asked=_ASKED, fix=fix)


def _namespace(name: str) -> Manifest:
    labels = {**_LABELS, **_NAMESPACE_LABELS.get(name, {})}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def _manifest(wanted: OlmRequest, version: PackageVersion, name: str, ours: Found | None) -> Manifest:
    spec: dict[str, Any] = {
        "name": wanted.asked.package,
        "channel": version.channel,
        "source": wanted.asked.source,
        "sourceNamespace": wanted.asked.source_namespace,
        "installPlanApproval": wanted.approval.capitalize(),
    }
    # It counts for the first installation alone, so that a pin that moves does not touch it.
    if wanted.asked.csv:
        begun = bool(ours and (ours["installed_csv"] or ours["current_csv"]))
        spec["startingCSV"] = (ours or {}).get("starting_csv") or version.csv if begun else version.csv
    if wanted.config:
        spec["config"] = dict(wanted.config)
    return _object("Subscription", f"{API}/v1alpha1", name, wanted.namespace, spec)


def _object(kind: str, version: str, name: str, namespace: str, spec: Mapping[str, Any]) -> Manifest:
    metadata = {"name": name, "namespace": namespace, "labels": dict(_LABELS)}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": dict(spec)}


def _place(item: Found) -> str:
    return f"{item['namespace']}/{item['name']}"


def version_of(name: str) -> str:
    found = read_csv(name)
    return found.version if found else ""
