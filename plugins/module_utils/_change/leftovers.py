# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which objects of others still need a namespace, a kind or a ServiceAccount that a removal would delete. Private.

What Kubernetes, OpenShift and OLM make in every namespace is no leftover, nor what goes with an object of the bundle.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from .._otelcol.config.paths import leaves, section
from .._otelcol.kube.objects import Identity, Manifest, Ref, controller_of, group_of, identity, ref
from .._otelcol.kube.platform_objects import OPENSHIFT_ACCOUNTS, PLATFORM_OBJECTS

# Kinds that servers and controllers write about other objects or for themselves, and write again after a deletion.
DERIVED_KINDS = ("Endpoints", "EndpointSlice", "Event", "Lease")
COPIED_BY_OLM = "olm.copiedFrom"
# Secrets that go with their account. Those that the platform makes are named after it.
ACCOUNT_SECRET_TYPES = ("kubernetes.io/service-account-token", "kubernetes.io/dockercfg")
ACCOUNT_OF_SECRET = "kubernetes.io/service-account.name"
MADE_FOR_ACCOUNT = re.compile(r"(.+)-(?:token|dockercfg)-[a-z0-9]{5}\Z")
# Pods of these owners are deleted with them, so messages name the owner.
LEFTOVER_OWNERS = ("ReplicaSet", "DaemonSet", "StatefulSet")
_ACCOUNT_FIELDS = ("serviceAccountName", "serviceAccount")


def leftovers(manifests: Iterable[Manifest], going: set[Identity]) -> list[Ref]:
    """Return the objects that stay when the objects `going` are deleted, in the order of `manifests`."""
    live = list(manifests)
    gone = _gone_with_owners(live, going)
    platform_accounts = _platform_accounts({ref(manifest) for manifest in live})
    remaining = []
    for manifest in live:
        if identity(manifest) in gone or ref(manifest) in platform_accounts:
            continue
        if _is_of_platform(manifest) or _is_of_account(manifest, gone, platform_accounts):
            continue
        remaining.append(ref(manifest))
    return remaining


def _gone_with_owners(live: Iterable[Manifest], going: set[Identity]) -> set[Identity]:
    """Return what goes, with the objects that Kubernetes collects after it, however deep the chain of owners is."""
    gone = set(going)
    while True:
        dependents = {identity(manifest) for manifest in live if _goes_with_owners(manifest, gone)}
        if dependents <= gone:
            return gone
        gone |= dependents


def _is_of_platform(manifest: Manifest) -> bool:
    """Return whether Kubernetes, OpenShift or OLM makes an object in every namespace."""
    metadata = manifest["metadata"]
    labels = metadata.get("labels") or {}
    if manifest["kind"] in DERIVED_KINDS or COPIED_BY_OLM in labels:
        return True
    mark = PLATFORM_OBJECTS.get(manifest["kind"], {}).get(metadata["name"])
    return mark == "" or mark in labels


def _platform_accounts(refs: set[Ref]) -> set[Ref]:
    """Return the ServiceAccounts among some objects that the platform made."""
    accounts = {name for name in refs if name.kind == "ServiceAccount"}
    return {account for account in accounts if _is_platform_account(account, refs)}


def _is_platform_account(account: Ref, refs: set[Ref]) -> bool:
    """Return whether the platform made an account. OpenShift makes each of its own with a RoleBinding.

    On other platforms a user may have an account of such a name, for example `deployer`.
    """
    if account.name in PLATFORM_OBJECTS[account.kind]:
        return True
    binding_name = OPENSHIFT_ACCOUNTS.get(account.name)
    return binding_name is not None and Ref("RoleBinding", account.namespace, binding_name) in refs


def _is_of_account(manifest: Manifest, going: set[Identity], platform_accounts: set[Ref]) -> bool:
    """Return whether a Secret is a token of an account that goes, or one that the platform made for its own account."""
    if manifest.get("type") not in ACCOUNT_SECRET_TYPES:
        return False
    metadata = manifest["metadata"]
    generated_name = MADE_FOR_ACCOUNT.match(metadata["name"])
    account_name = section(metadata, "annotations").get(ACCOUNT_OF_SECRET)
    if not account_name and generated_name:
        account_name = generated_name[1]
    account = Ref("ServiceAccount", metadata.get("namespace") or "", account_name or "")
    if ("", account) in going:
        return True
    return generated_name is not None and account in platform_accounts


def _goes_with_owners(manifest: Manifest, going: set[Identity]) -> bool:
    """Return whether an object is none to name: Kubernetes collects it with what goes, or its owner is named instead.

    Kubernetes collects an object as soon as all its owners are gone, whether one of them controls it or not.
    """
    controller = controller_of(manifest)
    if controller and controller["kind"] in LEFTOVER_OWNERS:
        return True
    owners = manifest["metadata"].get("ownerReferences") or []
    namespace = manifest["metadata"].get("namespace") or ""
    for owner in owners:
        if (group_of(owner["apiVersion"]), Ref(owner["kind"], namespace, owner["name"])) not in going:
            return False
    return bool(owners)


def users_of_account(manifests: Iterable[Manifest], account: Ref, going: set[Identity]) -> list[Ref]:
    """Return the pods and workloads of the account's namespace that run under it, and stay when `going` is deleted."""
    users = [manifest for manifest in manifests if account.name in _account_names(manifest)]
    return leftovers(users, going)


def _account_names(manifest: Manifest) -> set[Any]:
    """Return the ServiceAccounts that an object names, at any depth of its spec.

    A CronJob names that of its pods deep in its spec; an OpenTelemetryCollector has one of its target allocator too.
    """
    names = set()
    for path, value in leaves(manifest.get("spec")):
        if path and path[-1] in _ACCOUNT_FIELDS:
            names.add(value)
    return names
