# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the removal of an operator has to delete that OLM installed. Private.

Action release_render calls these functions before `plan_removal` of releases/removal.py. OLM gives its objects no label
of this collection, and deletes nothing when only a Subscription is deleted. When a ClusterServiceVersion is deleted,
OLM deletes the objects of that version except its CustomResourceDefinitions. So the functions change the result of
module release_info: `mark_own_objects` says what is ours, and `choose_objects_to_remove` what has to be deleted. For
example, namespace `otel` has our Subscription and one of tempo, which needs the same OperatorGroup:

    objects before: [OperatorGroup otel/otel, Subscription otel/otel]
    objects after:  [Subscription otel/otel, ClusterServiceVersion otel/opentelemetry-operator.v0.140.0-2 (no label),
                     Deployment otel/opentelemetry-operator-controller-manager (no label)]

`lacks_release_label` marks objects without our label, which OLM made: see `DefinitionRow` of releases/installed.py. A
row of `olm["csvs"]` is a ClusterServiceVersion, and its `product` says whether that is a version of the operator.

Source: https://olm.operatorframework.io/docs/tasks/uninstall-operator/
"""

from __future__ import annotations

from collections.abc import Iterable

from ..releases.installed import OLM, DefinitionRow, FoundRelease, ObjectRow
from .olm_objects import API, FoundOlm, SubscriptionRow, select_of_operator


def mark_own_objects(namespace: str, package: str, found_release: FoundRelease, olm: FoundOlm) -> FoundRelease:
    """Return the result of release_info, in which all that this collection's Subscription brought is `ours`.

    OLM gives the labels of a Subscription to no other object, so the labels alone do not show that.
    """
    is_ours = found_release["ours"] or _is_own_installation(namespace, package, found_release, olm)
    # The definitions serve the whole cluster, so a Subscription of others in any namespace may need them.
    operator_subscriptions = select_of_operator(olm["subscriptions"], package)
    has_foreign_subscription = any(not subscription["ours"] for subscription in operator_subscriptions)
    is_needed_by_others = has_foreign_subscription or bool(list_unclaimed_versions(namespace, package, olm))
    definitions = [_mark_definition(definition, is_needed_by_others) for definition in found_release["crds"]]
    return {**found_release, "ours": is_ours, "crds": definitions}


def _is_own_installation(namespace: str, package: str, found_release: FoundRelease, olm: FoundOlm) -> bool:
    """Return whether OLM has installed the operator in the requested namespace for this collection.

    The Subscriptions of the operator in that namespace say so. A removal that was interrupted has left none. It deletes
    our OperatorGroup after the versions, so that says whose they are:

    | Subscriptions in the namespace | OperatorGroup | versions of the operator | result |
    |---|---|---|---|
    | ours, alone or beside others | any | any or none | yes |
    | only those of others | any | any or none | no |
    | none | ours | one or more | yes: an interrupted removal left them |
    | none | ours | none | no |
    | none | of others, or none | any or none | no |
    """
    is_installed_here = found_release["installer"]["by"] == OLM and found_release["namespace"] == namespace
    if not is_installed_here:
        return False
    local_subscriptions = _select_local_subscriptions(namespace, package, olm)
    if local_subscriptions:
        return any(subscription["ours"] for subscription in local_subscriptions)
    return _has_own_group(olm) and bool(_list_versions(olm))


def _select_local_subscriptions(namespace: str, package: str, olm: FoundOlm) -> list[SubscriptionRow]:
    """Return the Subscriptions of the operator in a namespace."""
    operator_subscriptions = select_of_operator(olm["subscriptions"], package)
    return [subscription for subscription in operator_subscriptions if subscription["namespace"] == namespace]


def _has_own_group(olm: FoundOlm) -> bool:
    """Return whether this collection made the OperatorGroup of the requested namespace."""
    return any(group["ours"] for group in olm["operator_groups"])


def _list_versions(olm: FoundOlm) -> list[str]:
    """Return the names of the ClusterServiceVersions of the operator in the requested namespace."""
    return [csv["name"] for csv in olm["csvs"] if csv["product"]]


def list_unclaimed_versions(namespace: str, package: str, olm: FoundOlm) -> list[str]:
    """Return the versions of the operator that may be of this collection or of others, as NAMESPACE/NAME.

    A removal leaves them. Without a Subscription and without our OperatorGroup, these are all versions. With a
    Subscription of ours and one of others, they are those that no Subscription names.
    """
    local_subscriptions = _select_local_subscriptions(namespace, package, olm)
    owners = {subscription["ours"] for subscription in local_subscriptions}
    if owners == {True, False}:
        named_versions = _list_named_versions([*local_subscriptions, *list_other_subscriptions(namespace, olm)])
        unclaimed_versions = [name for name in _list_versions(olm) if name not in named_versions]
    elif owners or _has_own_group(olm):
        unclaimed_versions = []
    else:
        unclaimed_versions = _list_versions(olm)
    return [f"{namespace}/{name}" for name in unclaimed_versions]


def _mark_definition(definition: DefinitionRow, is_needed_by_others: bool) -> DefinitionRow:
    """Return a definition with `ours` also set if OLM installed it, and nobody else has a Subscription of the operator.

    A version that may be of others needs it too. Before this, only definitions with our label are `ours`. So all
    others lack it.
    """
    was_installed_for_us = definition["installer"]["by"] == OLM and not is_needed_by_others
    is_ours = definition["ours"] or was_installed_for_us
    return {**definition, "ours": is_ours, "lacks_release_label": not definition["ours"]}


def choose_objects_to_remove(namespace: str, package: str, found_release: FoundRelease, olm: FoundOlm) -> FoundRelease:
    """Return the result of release_info, in which `objects` has all that is removed with the Subscription.

    The OperatorGroup is left out if Subscriptions of others in the namespace need it. The versions of the operator that
    `_list_own_versions` returns are added with their Deployment: they have no label of this collection.
    """
    other_subscriptions = list_other_subscriptions(namespace, olm)
    objects_to_remove: list[ObjectRow] = []
    for object_row in found_release["objects"]:
        is_needed_by_others = bool(other_subscriptions) and object_row["kind"] == "OperatorGroup"
        if not is_needed_by_others:
            objects_to_remove.append(object_row)
    own_versions = _list_own_versions(namespace, package, olm)
    for name in own_versions:
        objects_to_remove.append(_build_object(f"{API}/v1alpha1", "ClusterServiceVersion", namespace, name))
    installer = found_release["installer"]
    is_installed_here = installer["by"] == OLM and found_release["namespace"] == namespace
    # OLM names the version that a Deployment belongs to. A Deployment of another version may be of another owner.
    if is_installed_here and installer["name"] in own_versions:
        for workload in found_release["workloads"]:
            objects_to_remove.append(
                _build_object("apps/v1", workload["kind"], workload["namespace"], workload["name"])
            )
    return {**found_release, "objects": objects_to_remove}


def _list_own_versions(namespace: str, package: str, olm: FoundOlm) -> list[str]:
    """Return the versions of the operator in the requested namespace that this collection's Subscription brought.

    A Deployment of ours does not show that: it may be of another installation, such as one from a manifest.

    | Subscriptions of the operator in the namespace | OperatorGroup | versions of ours |
    |---|---|---|
    | ours alone | any | all |
    | ours beside others | any | those that ours names, see `list_unclaimed_versions` |
    | only those of others | any | none |
    | none | ours | all: an interrupted removal left them |
    | none | of others, or none | none, see `list_unclaimed_versions` |

    A version that any Subscription of others in the namespace names is never ours.
    """
    other_names = _list_named_versions(list_other_subscriptions(namespace, olm))
    versions = [name for name in _list_versions(olm) if name not in other_names]
    local_subscriptions = _select_local_subscriptions(namespace, package, olm)
    if not local_subscriptions:
        return versions if _has_own_group(olm) else []
    own_subscriptions = [subscription for subscription in local_subscriptions if subscription["ours"]]
    if own_subscriptions == local_subscriptions:
        return versions
    own_names = _list_named_versions(own_subscriptions)
    return [name for name in versions if name in own_names]


def _list_named_versions(subscriptions: Iterable[SubscriptionRow]) -> set[str]:
    """Return the ClusterServiceVersions that Subscriptions have installed, or are installing."""
    names: set[str] = set()
    for subscription in subscriptions:
        names.update((subscription["installed_csv"], subscription["current_csv"]))
    return names - {""}


def _build_object(api_version: str, kind: str, namespace: str, name: str) -> ObjectRow:
    """Return an object that OLM made for this collection."""
    return {"api_version": api_version, "kind": kind, "namespace": namespace, "name": name, "lacks_release_label": True}


def list_other_subscriptions(namespace: str, olm: FoundOlm) -> list[SubscriptionRow]:
    """Return the Subscriptions of other owners in a namespace, which need its OperatorGroup."""
    other_subscriptions = []
    for subscription in olm["subscriptions"]:
        if subscription["namespace"] == namespace and not subscription["ours"]:
            other_subscriptions.append(subscription)
    return other_subscriptions
