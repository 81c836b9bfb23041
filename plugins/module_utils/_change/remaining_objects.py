# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which objects would remain in a namespace, or under a ServiceAccount, when a removal has deleted its own. Private.

`live/remove.py` deletes a namespace, the definition of a kind or a ServiceAccount of the bundle only if no object of
others remains that needs it. For example, a namespace holds the objects of a collector that the removal deletes, a
ConfigMap `theirs`, and what Kubernetes makes in every namespace:

    Deployment gateway, ReplicaSet gateway-7d (owned by it), ConfigMap kube-root-ca.crt, ConfigMap theirs
    → only ConfigMap theirs remains, so the namespace stays

What Kubernetes, OpenShift and OLM make in every namespace does not count, nor what goes with an object that is deleted.
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

# Kinds that servers and controllers write about other objects or for themselves, and write again after a deletion, with
# their API groups: what people make may have a kind of the same name.
_DERIVED_KINDS = (
    ("", "Endpoints"),
    ("", "Event"),
    ("events.k8s.io", "Event"),
    ("discovery.k8s.io", "EndpointSlice"),
    ("coordination.k8s.io", "Lease"),
)
# The label of what the Operator Lifecycle Manager copies into every namespace.
_COPIED_BY_OLM_LABEL = "olm.copiedFrom"
# Pods of these owners are deleted with them, so messages name the owner alone. Other API groups have kinds of the same
# names, which nobody may have asked for: only their pods show that they are there.
_NAMED_OWNERS = (("apps", "ReplicaSet"), ("apps", "DaemonSet"), ("apps", "StatefulSet"))
# The types of Secrets that go with their ServiceAccount.
_ACCOUNT_SECRET_TYPES = ("kubernetes.io/service-account-token", "kubernetes.io/dockercfg")
# The annotation with the ServiceAccount of such a Secret.
_ACCOUNT_ANNOTATION = "kubernetes.io/service-account.name"
# The name of such a Secret that the platform has made, such as `default-token-x7k2p` for the account `default`.
_ACCOUNT_SECRET_NAME = re.compile(r"(.+)-(?:token|dockercfg)-[a-z0-9]{5}\Z")
# The fields of an object in which it names a ServiceAccount.
_ACCOUNT_FIELDS = ("serviceAccountName", "serviceAccount")


def find_remaining_objects(manifests: Iterable[Manifest], deleted_identities: set[ObjectIdentity]) -> list[ObjectRef]:
    """Return the objects that remain when the objects `deleted_identities` are deleted, in the order of `manifests`."""
    live_objects = list(manifests)
    gone_identities = _find_gone_with_owners(live_objects, deleted_identities)
    platform_accounts = _find_platform_accounts({ref(manifest) for manifest in live_objects})
    remaining = []
    for manifest in live_objects:
        if object_identity(manifest) in gone_identities or ref(manifest) in platform_accounts:
            continue
        if _is_made_by_platform(manifest) or _goes_with_account(manifest, gone_identities, platform_accounts):
            continue
        remaining.append(ref(manifest))
    return remaining


def find_account_users(
    manifests: Iterable[Manifest], account: ObjectRef, deleted_identities: set[ObjectIdentity]
) -> list[ObjectRef]:
    """Return the pods and workloads under an account, in its namespace, that remain after a deletion."""
    using_manifests = [manifest for manifest in manifests if account.name in _list_account_names(manifest)]
    return find_remaining_objects(using_manifests, deleted_identities)


def _list_account_names(manifest: Manifest) -> set[Any]:
    """Return the ServiceAccounts that an object names, at any depth of its spec.

    A CronJob names that of its pods deep in its spec; an OpenTelemetryCollector has one of its target allocator too.
    """
    account_names = set()
    for path, value in iter_leaves(manifest.get("spec")):
        if path and path[-1] in _ACCOUNT_FIELDS:
            account_names.add(value)
    return account_names


# ── What goes with its owner ──


def _find_gone_with_owners(
    live_objects: Iterable[Manifest], deleted_identities: set[ObjectIdentity]
) -> set[ObjectIdentity]:
    """Return what is deleted, with what Kubernetes collects after it, however long the chain of owners is."""
    gone_identities = set(deleted_identities)
    while True:
        dependents = {
            object_identity(manifest) for manifest in live_objects if _goes_with_owners(manifest, gone_identities)
        }
        if dependents <= gone_identities:
            return gone_identities
        gone_identities |= dependents


def _goes_with_owners(manifest: Manifest, gone_identities: set[ObjectIdentity]) -> bool:
    """Return whether Kubernetes collects an object with what is gone, or messages name its owner in its place.

    Kubernetes collects an object as soon as all its owners are gone, whether one of them controls it or not.
    """
    controller = controlling_owner(manifest)
    if controller and (api_group(controller["apiVersion"]), controller["kind"]) in _NAMED_OWNERS:
        return True
    owners = manifest["metadata"].get("ownerReferences") or []
    namespace = manifest["metadata"].get("namespace") or ""
    for owner in owners:
        owner_identity = (api_group(owner["apiVersion"]), ObjectRef(owner["kind"], namespace, owner["name"]))
        if owner_identity not in gone_identities:
            return False
    return bool(owners)


# ── What the platform makes ──


def _is_made_by_platform(manifest: Manifest) -> bool:
    """Return whether Kubernetes, OpenShift or OLM makes an object in every namespace."""
    metadata = manifest["metadata"]
    labels = metadata.get("labels") or {}
    is_derived = (api_group(manifest["apiVersion"]), manifest["kind"]) in _DERIVED_KINDS
    if is_derived or _COPIED_BY_OLM_LABEL in labels:
        return True
    # None for a name that no platform uses. Empty for a name that only the platform may use, so that no label must tell
    # whose the object is.
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


def _goes_with_account(
    manifest: Manifest, gone_identities: set[ObjectIdentity], platform_accounts: set[ObjectRef]
) -> bool:
    """Return whether a Secret is a token of an account that goes, or one that the platform made for its own account."""
    if manifest.get("type") not in _ACCOUNT_SECRET_TYPES:
        return False
    metadata = manifest["metadata"]
    generated_name = _ACCOUNT_SECRET_NAME.match(metadata["name"])
    account_name = mapping_at(metadata, "annotations").get(_ACCOUNT_ANNOTATION)
    if not account_name and generated_name:
        account_name = generated_name[1]
    account = ObjectRef("ServiceAccount", metadata.get("namespace") or "", account_name or "")
    core_group = ""
    if (core_group, account) in gone_identities:
        return True
    # Of an account that stays, such as `default`, the platform has made only the Secrets with a generated name.
    return generated_name is not None and account in platform_accounts
