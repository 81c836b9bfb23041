# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What others still keep in a namespace, of a kind, or of an account that is to go. Private."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from .._otelcol.config.paths import leaves
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
    items, gone = list(found), set(going)
    while more := {identity(item) for item in items if _goes_with_owners(item, gone)} - gone:
        gone |= more
    there = {ref(item) for item in items}
    accounts = {name for name in there if name.kind == "ServiceAccount" and _of_platform(name, there)}
    left = [item for item in items if identity(item) not in gone and ref(item) not in accounts]
    return [ref(item) for item in left if not _platform(item) and not _of_account(item, gone, accounts)]


def _platform(item: Manifest) -> bool:
    metadata = item["metadata"]
    labels = metadata.get("labels") or {}
    mark = PLATFORM_OBJECTS.get(item["kind"], {}).get(metadata["name"])
    return item["kind"] in DERIVED_KINDS or mark == "" or mark in labels or COPIED_BY_OLM in labels


def _of_platform(account: Ref, there: set[Ref]) -> bool:
    """Return whether the platform made an account. A person may call one `deployer` where OpenShift does not."""
    binding = OPENSHIFT_ACCOUNTS.get(account.name)
    made = account.name in PLATFORM_OBJECTS[account.kind]
    return made or (binding is not None and Ref("RoleBinding", account.namespace, binding) in there)


def _of_account(item: Manifest, going: set[Identity], platform: set[Ref]) -> bool:
    """Return whether a Secret is a token of an account that goes, or one that the platform made for its own account."""
    if item.get("type") not in ACCOUNT_SECRET_TYPES:
        return False
    metadata = item["metadata"]
    made = MADE_FOR_ACCOUNT.match(metadata["name"])
    named = (metadata.get("annotations") or {}).get(ACCOUNT_OF_SECRET) or (made[1] if made else "")
    account = Ref("ServiceAccount", metadata.get("namespace") or "", named)
    return ("", account) in going or (made is not None and account in platform)


def _goes_with_owners(item: Manifest, going: set[Identity]) -> bool:
    """Return whether Kubernetes collects an object with what goes, or names its owner in its place.

    It collects what all owners of are gone, whether one of them controls it or not.
    """
    owners = item["metadata"].get("ownerReferences") or []
    namespace = item["metadata"].get("namespace") or ""
    controller = controller_of(item)
    if controller and controller["kind"] in LEFTOVER_OWNERS:
        return True
    named = [(group_of(owner["apiVersion"]), Ref(owner["kind"], namespace, owner["name"])) for owner in owners]
    return bool(named) and all(owner in going for owner in named)


def users_of_account(found: Iterable[Manifest], account: Ref, going: set[Identity]) -> list[Ref]:
    """Return the remaining pods and workloads that run under a service account."""
    return leftovers((item for item in found if account.name in _accounts(item)), going)


def _accounts(item: Manifest) -> set[Any]:
    """Return the service accounts that a workload names: the pod of a CronJob is deep in it, an allocator beside it."""
    return {value for path, value in leaves(item.get("spec")) if path[-1:] and path[-1] in _ACCOUNT_FIELDS}
