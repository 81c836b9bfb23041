# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ServiceAccount of a collector, which collectors may share, and others may have made. Private.

`backends.py` lists the functions that make objects, and `collector_roles.py` gives the account its rights. Example:
collector `gateway` in namespace `otel`, whose options name no account, runs as the account `otel/gateway`, which has no
label of a collector:

    {name: gateway, namespace: otel, labels: {o11y.opentelemetry/release: otel.gateway, …}}
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from ..._kube.release_names import collector_release
from ..._otelcol.kube import names
from ..options import Collector
from .build import CollectorBuild, Manifest, omit_empty


class _AccountRef(NamedTuple):
    """The namespace and the name of a ServiceAccount."""

    namespace: str
    name: str


def render_service_account(build: CollectorBuild) -> Manifest:
    """Return the ServiceAccount of the pods.

    Collectors may share it. One of them is its owner, and only the release label names that one: the account has no
    label of a collector, so no pruning of a collector deletes it while pods of others run under it.
    """
    collector = build.collector
    owner = build.account_owner or collector.name
    metadata: dict[str, object] = {
        "name": collector.service_account_name,
        "namespace": collector.namespace,
        "labels": {
            "app.kubernetes.io/name": "opentelemetry-collector",
            names.OWNER_LABEL: names.OWNER,
            names.RELEASE_LABEL: collector_release(collector.namespace, owner),
        },
    }
    if collector.service_account_annotations:
        metadata["annotations"] = dict(collector.service_account_annotations)
    pull_secrets = []
    if collector.backend == "operator":
        # A custom resource has no field for the Secrets of registries; pods take those of their account.
        pull_secrets = [{"name": name} for name in collector.image_pull_secrets]
    # Pods that need the token say so themselves. A sidecar runs in pods of others, which the account decides for.
    mounts_token = collector.automount_service_account_token if collector.is_sidecar else False
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
    return {**account, **omit_empty(imagePullSecrets=pull_secrets, automountServiceAccountToken=mounts_token)}


def assign_account_owners(builds: Iterable[CollectorBuild]) -> list[CollectorBuild]:
    """Return the builds with the owner of each ServiceAccount.

    It is the collector that has the name of the account, or else the first by name of those that use the account.
    """
    all_builds = list(builds)
    candidates = [build.collector for build in all_builds]
    candidates.sort(key=lambda collector: (not collector.has_own_account, collector.name))
    owner_by_account: dict[_AccountRef, str] = {}
    for collector in candidates:
        owner_by_account.setdefault(_account_of(collector), collector.name)
    return [replace(build, account_owner=owner_by_account[_account_of(build.collector)]) for build in all_builds]


def list_foreign_accounts(collectors: Iterable[Collector]) -> list[str]:
    """Return the ServiceAccounts that others may have made: those that no collector using them is named after.

    An example: `["otel/shared"]`. The role looks whether these exist before it applies anything.
    """
    used_accounts: set[_AccountRef] = set()
    collector_accounts: set[_AccountRef] = set()
    for collector in collectors:
        used_accounts.add(_account_of(collector))
        allocator_account = str(collector.target_allocator.get("service_account_name") or "")
        if allocator_account:
            used_accounts.add(_AccountRef(collector.namespace, allocator_account))
        if collector.has_own_account:
            collector_accounts.add(_account_of(collector))
    return sorted(f"{account.namespace}/{account.name}" for account in used_accounts - collector_accounts)


def _account_of(collector: Collector) -> _AccountRef:
    """Return the ServiceAccount under which the pods of a collector run."""
    return _AccountRef(collector.namespace, collector.service_account_name)
