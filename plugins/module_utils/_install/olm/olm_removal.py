# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the removal of an operator has to delete that OLM installed. Private.

Action release_render calls these functions before `plan_removal` of releases/removal.py. OLM gives its objects no label
of this collection, and deletes nothing when only a Subscription is deleted. When a ClusterServiceVersion is deleted,
OLM deletes the objects of that version except its CustomResourceDefinitions. So the functions add to the result of
module release_info what is ours (`mark_own_objects`) and what has to be deleted (`add_versions`), for example:

    {"kind": "ClusterServiceVersion", "namespace": "otel", "name": "opentelemetry-operator.v0.140.0-2", "made": True, …}

Source: https://olm.operatorframework.io/docs/tasks/uninstall-operator/
"""

from __future__ import annotations

from ..releases.installed import OLM, DefinitionRow, FoundRelease, ObjectRow
from .olm_objects import API, FoundOlm, SubscriptionRow, select_of_operator


def mark_own_objects(namespace: str, package: str, found_release: FoundRelease, olm: FoundOlm) -> FoundRelease:
    """Return the result of release_info, in which all that this collection's Subscription brought is `ours`.

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
    is_installed_here = found_release["installer"]["by"] == OLM and found_release["namespace"] == namespace
    has_no_other_owner = all(subscription["ours"] for subscription in operator_subscriptions)
    definitions: list[DefinitionRow] = []
    for definition in found_release["crds"]:
        is_unowned = has_no_other_owner and definition["installer"]["by"] == OLM
        is_own_definition = definition["ours"] or is_unowned
        definitions.append({**definition, "ours": is_own_definition, "made": not definition["ours"]})
    is_own = found_release["ours"] or (is_installed_here and is_own_installation)
    return {**found_release, "ours": is_own, "crds": definitions}


def add_versions(namespace: str, package: str, found_release: FoundRelease, olm: FoundOlm) -> FoundRelease:
    """Return the result of release_info, in which `objects` has all that is removed with the Subscription.

    These are the versions of the operator and their Deployments, which have no label of this collection. An
    OperatorGroup that other Subscriptions need is left out.
    """
    other_subscriptions = list_other_subscriptions(namespace, olm)
    objects_to_remove: list[ObjectRow] = []
    for object_row in found_release["objects"]:
        is_needed = bool(other_subscriptions) and object_row["kind"] == "OperatorGroup"
        if not is_needed:
            objects_to_remove.append(object_row)
    if found_release["ours"] or not select_of_operator(other_subscriptions, package):
        objects_to_remove += _list_versions_and_workloads(namespace, found_release, olm)
    return {**found_release, "objects": objects_to_remove}


def _list_versions_and_workloads(namespace: str, found_release: FoundRelease, olm: FoundOlm) -> list[ObjectRow]:
    """Return the versions of the operator, and its Deployments; nothing if there is no version."""
    objects: list[ObjectRow] = []
    for csv in olm["csvs"]:
        if csv["product"]:
            objects.append(_build_object(f"{API}/v1alpha1", "ClusterServiceVersion", namespace, csv["name"]))
    if objects:
        for workload in found_release["workloads"]:
            objects.append(_build_object("apps/v1", workload["kind"], workload["namespace"], workload["name"]))
    return objects


def _build_object(api_version: str, kind: str, namespace: str, name: str) -> ObjectRow:
    """Return an object that OLM made for this collection."""
    return {"api_version": api_version, "kind": kind, "namespace": namespace, "name": name, "made": True}


def list_other_subscriptions(namespace: str, olm: FoundOlm) -> list[SubscriptionRow]:
    """Return the Subscriptions of other owners in a namespace, which need its OperatorGroup."""
    other_subscriptions = []
    for subscription in olm["subscriptions"]:
        if subscription["namespace"] == namespace and not subscription["ours"]:
            other_subscriptions.append(subscription)
    return other_subscriptions
