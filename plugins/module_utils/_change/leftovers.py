# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which objects of others still need a namespace, a kind or a ServiceAccount that a removal would delete. Private.

What Kubernetes, OpenShift and OLM make in every namespace is no leftover, nor what goes with an object of the bundle.
An object goes if the removal deletes it, or if Kubernetes collects it after its owner. In prune.py of `live`, leftovers
are something else: objects of this collection that have left the bundle.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from .._otelcol.config.paths import iter_leaves, mapping_at
from .._otelcol.kube.objects import (
    Manifest,
    ObjectIdentity,
    ObjectRef,
    api_group,
    controlling_owner,
    object_identity,
    ref,
)
from .._otelcol.kube.platform_objects import OPENSHIFT_ACCOUNTS, PLATFORM_OBJECTS

# Kinds that servers and controllers write about other objects or for themselves, and write again after a deletion.
DERIVED_KINDS = ("Endpoints", "EndpointSlice", "Event", "Lease")
COPIED_BY_OLM_LABEL = "olm.copiedFrom"
# Secrets that go with their account. Those that the platform makes are named after it.
ACCOUNT_SECRET_TYPES = ("kubernetes.io/service-account-token", "kubernetes.io/dockercfg")
ACCOUNT_ANNOTATION = "kubernetes.io/service-account.name"
ACCOUNT_SECRET_NAME = re.compile(r"(.+)-(?:token|dockercfg)-[a-z0-9]{5}\Z")
# Pods of these owners are deleted with them, so messages name the owner.
LEFTOVER_OWNERS = ("ReplicaSet", "DaemonSet", "StatefulSet")
_ACCOUNT_FIELDS = ("serviceAccountName", "serviceAccount")


def find_leftovers(manifests: Iterable[Manifest], leaving_identities: set[ObjectIdentity]) -> list[ObjectRef]:
    """Return the objects that stay when the objects `leaving_identities` are deleted, in the order of `manifests`."""
    live_objects = list(manifests)
    gone_identities = _find_gone_with_owners(live_objects, leaving_identities)
    platform_accounts = _find_platform_accounts({ref(manifest) for manifest in live_objects})
    remaining = []
    for manifest in live_objects:
        if object_identity(manifest) in gone_identities or ref(manifest) in platform_accounts:
            continue
        if _is_made_by_platform(manifest) or _belongs_to_account(manifest, gone_identities, platform_accounts):
            continue
        remaining.append(ref(manifest))
    return remaining


def _find_gone_with_owners(
    live_objects: Iterable[Manifest], leaving_identities: set[ObjectIdentity]
) -> set[ObjectIdentity]:
    """Return what goes, with the objects that Kubernetes collects after it, however deep the chain of owners is."""
    gone_identities = set(leaving_identities)
    while True:
        dependents = {
            object_identity(manifest) for manifest in live_objects if _goes_with_owners(manifest, gone_identities)
        }
        if dependents <= gone_identities:
            return gone_identities
        gone_identities |= dependents


def _is_made_by_platform(manifest: Manifest) -> bool:
    """Return whether Kubernetes, OpenShift or OLM makes an object in every namespace."""
    metadata = manifest["metadata"]
    labels = metadata.get("labels") or {}
    if manifest["kind"] in DERIVED_KINDS or COPIED_BY_OLM_LABEL in labels:
        return True
    mark_label = PLATFORM_OBJECTS.get(manifest["kind"], {}).get(metadata["name"])
    return mark_label == "" or mark_label in labels


def _find_platform_accounts(refs: set[ObjectRef]) -> set[ObjectRef]:
    """Return the ServiceAccounts among some objects that the platform made."""
    accounts = {account_ref for account_ref in refs if account_ref.kind == "ServiceAccount"}
    return {account for account in accounts if _is_platform_account(account, refs)}


def _is_platform_account(account: ObjectRef, refs: set[ObjectRef]) -> bool:
    """Return whether the platform made an account. OpenShift makes each of its own with a RoleBinding.

    On other platforms a user may have an account of such a name, for example `deployer`.
    """
    if account.name in PLATFORM_OBJECTS[account.kind]:
        return True
    binding_name = OPENSHIFT_ACCOUNTS.get(account.name)
    return binding_name is not None and ObjectRef("RoleBinding", account.namespace, binding_name) in refs


def _belongs_to_account(
    manifest: Manifest, leaving_identities: set[ObjectIdentity], platform_accounts: set[ObjectRef]
) -> bool:
    """Return whether a Secret is a token of an account that goes, or one that the platform made for its own account."""
    if manifest.get("type") not in ACCOUNT_SECRET_TYPES:
        return False
    metadata = manifest["metadata"]
    generated_name = ACCOUNT_SECRET_NAME.match(metadata["name"])
    account_name = mapping_at(metadata, "annotations").get(ACCOUNT_ANNOTATION)
    if not account_name and generated_name:
        account_name = generated_name[1]
    account = ObjectRef("ServiceAccount", metadata.get("namespace") or "", account_name or "")
    if ("", account) in leaving_identities:
        return True
    return generated_name is not None and account in platform_accounts


def _goes_with_owners(manifest: Manifest, leaving_identities: set[ObjectIdentity]) -> bool:
    """Return whether an object is none to name: Kubernetes collects it with what goes, or its owner is named instead.

    Kubernetes collects an object as soon as all its owners are gone, whether one of them controls it or not.
    """
    controller = controlling_owner(manifest)
    if controller and controller["kind"] in LEFTOVER_OWNERS:
        return True
    owners = manifest["metadata"].get("ownerReferences") or []
    namespace = manifest["metadata"].get("namespace") or ""
    for owner in owners:
        if (
            api_group(owner["apiVersion"]),
            ObjectRef(owner["kind"], namespace, owner["name"]),
        ) not in leaving_identities:
            return False
    return bool(owners)


def find_account_users(
    manifests: Iterable[Manifest], account: ObjectRef, leaving_identities: set[ObjectIdentity]
) -> list[ObjectRef]:
    """Return the pods and workloads under an account, in its namespace, that stay when `leaving_identities` go."""
    using_manifests = [manifest for manifest in manifests if account.name in _list_account_names(manifest)]
    return find_leftovers(using_manifests, leaving_identities)


def _list_account_names(manifest: Manifest) -> set[Any]:
    """Return the ServiceAccounts that an object names, at any depth of its spec.

    A CronJob names that of its pods deep in its spec; an OpenTelemetryCollector has one of its target allocator too.
    """
    account_names = set()
    for path, value in iter_leaves(manifest.get("spec")):
        if path and path[-1] in _ACCOUNT_FIELDS:
            account_names.add(value)
    return account_names
