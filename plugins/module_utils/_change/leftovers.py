# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What others still keep in a namespace, of a kind, or of an account that is to go. Private."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from .._otelcol.config.paths import leaves, section
from .._otelcol.kube.objects import Identity, Manifest, Ref, controller_of, group_of, identity, ref
from .._otelcol.kube.platform_objects import OPENSHIFT_ACCOUNTS, PLATFORM_OBJECTS

# What servers and controllers write about other objects, or for themselves, and write again when it is gone.
DERIVED_KINDS = ("Endpoints", "EndpointSlice", "Event", "Lease")
COPIED_BY_OLM = "olm.copiedFrom"
# Secrets that go with their account. Those that the platform makes are named after it.
ACCOUNT_SECRET_TYPES = ("kubernetes.io/service-account-token", "kubernetes.io/dockercfg")
ACCOUNT_OF_SECRET = "kubernetes.io/service-account.name"
MADE_FOR_ACCOUNT = re.compile(r"(.+)-(?:token|dockercfg)-[a-z0-9]{5}\Z")
# Pods of these owners are deleted with them, so messages name the owner.
LEFTOVER_OWNERS = ("ReplicaSet", "DaemonSet", "StatefulSet")
_ACCOUNT_FIELDS = ("serviceAccountName", "serviceAccount")


def leftovers(found: Iterable[Manifest], going: set[Identity]) -> list[Ref]:
    """Return what others still keep in a namespace, given what goes together with the bundle."""
    objects = list(found)
    gone = _gone_with_owners(objects, going)
    platform_accounts = _platform_accounts({ref(manifest) for manifest in objects})
    remaining = []
    for manifest in objects:
        if identity(manifest) in gone or ref(manifest) in platform_accounts:
            continue
        if _is_of_platform(manifest) or _is_of_account(manifest, gone, platform_accounts):
            continue
        remaining.append(ref(manifest))
    return remaining


def _gone_with_owners(objects: Iterable[Manifest], going: set[Identity]) -> set[Identity]:
    """Return what goes, with the objects that Kubernetes collects after it, however deep the chain of owners is."""
    gone = set(going)
    while True:
        dependents = {identity(manifest) for manifest in objects if _goes_with_owners(manifest, gone)}
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


def _platform_accounts(there: set[Ref]) -> set[Ref]:
    """Return the accounts among some objects that the platform made."""
    return {name for name in there if name.kind == "ServiceAccount" and _of_platform(name, there)}


def _of_platform(account: Ref, there: set[Ref]) -> bool:
    """Return whether the platform made an account. A person may call one `deployer` where OpenShift does not."""
    binding = OPENSHIFT_ACCOUNTS.get(account.name)
    made = account.name in PLATFORM_OBJECTS[account.kind]
    return made or (binding is not None and Ref("RoleBinding", account.namespace, binding) in there)


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


def _goes_with_owners(item: Manifest, going: set[Identity]) -> bool:
    """Return whether Kubernetes collects an object with what goes, or names its owner in its place.

    It collects what all owners of are gone, whether one of them controls it or not.
    """
    controller = controller_of(item)
    if controller and controller["kind"] in LEFTOVER_OWNERS:
        return True
    owners = item["metadata"].get("ownerReferences") or []
    namespace = item["metadata"].get("namespace") or ""
    for owner in owners:
        if (group_of(owner["apiVersion"]), Ref(owner["kind"], namespace, owner["name"])) not in going:
            return False
    return bool(owners)


def users_of_account(found: Iterable[Manifest], account: Ref, going: set[Identity]) -> list[Ref]:
    """Return the remaining pods and workloads that run under a service account."""
    return leftovers((item for item in found if account.name in _accounts(item)), going)


def _accounts(item: Manifest) -> set[Any]:
    """Return the service accounts that a workload names: the pod of a CronJob is deep in it, an allocator beside it."""
    return {value for path, value in leaves(item.get("spec")) if path[-1:] and path[-1] in _ACCOUNT_FIELDS}
