# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ServiceAccount of a collector, and the roles and bindings that give it rights. Private.

`backends.py` lists the functions that make objects. The rights follow from the config: `derive_needs` finds what the
components ask of the Kubernetes API. Example: the processor `k8s_attributes` of collector `gateway` in namespace `otel`
reads pods. So the collector gets the ClusterRole `otel.gateway` with a rule like

    {apiGroups: [""], resources: [namespaces, pods], verbs: [get, list, watch]}

and the binding of this role to its ServiceAccount `otel/gateway`.

A target allocator is a program of the operator that discovers the targets of receiver `prometheus` in place of the
collector. This file also has its rights; `target_allocator.py` makes the role of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NamedTuple

from ..._otelcol.config.paths import list_at, mapping_at
from ..._otelcol.kube import names
from ..._otelcol.needs.component_needs import READ_VERBS, Rules, make_rule
from ..._otelcol.needs.component_table import find_component_needs, rules_through_api
from ..._otelcol.needs.derive_needs import derive_rules
from ..options import Collector
from .build import CollectorBuild, Manifest, frame_manifest, omit_empty
from .security_context_constraints import constraints_rule

_RBAC_GROUP = "rbac.authorization.k8s.io"
_RBAC = f"{_RBAC_GROUP}/v1"
# The receiver whose targets the allocator discovers.
_RECEIVER = "prometheus"
# What a scrape itself asks for: the kubelet's metrics by the node, those of the API server by their URL.
_SCRAPE_RESOURCES = frozenset(("nodes/metrics", "nodes/proxy"))
_SCRAPE_RULES: Rules = (
    make_rule("core", "nodes/metrics", ("get",)),
    {"nonResourceURLs": ["/metrics"], "verbs": ["get"]},
)
# The allocator watches the pods that it shares targets out to. Source: cmd/otel-allocator/internal/collector.
_POD_RULES: Rules = (make_rule("core", "pods"),)
# The allocator reads the monitors of the Prometheus operator, and finds targets by them. Source:
# cmd/otel-allocator/internal/watcher.
_CUSTOM_RESOURCE_RULES: Rules = (
    make_rule("monitoring.coreos.com", "podmonitors probes scrapeconfigs servicemonitors"),
    make_rule("core", "endpoints namespaces nodes pods services"),
    make_rule("discovery.k8s.io", "endpointslices"),
    make_rule("networking.k8s.io", "ingresses"),
)
# The right to read the credentials of targets.
SECRET_RULES: Rules = (make_rule("core", "secrets", READ_VERBS),)


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
            names.RELEASE_LABEL: names.collector_release(collector.namespace, owner),
        },
    }
    if collector.service_account_annotations:
        metadata["annotations"] = dict(collector.service_account_annotations)
    pull_secrets = []
    if collector.backend == "operator":
        # A custom resource has no field for the Secrets of registries; pods take those of their account.
        pull_secrets = [{"name": name} for name in collector.image_pull_secrets]
    # Pods that need the token say so themselves. A sidecar runs in pods of others, which the account decides for.
    mounts_token = collector.automount_service_account_token if collector.mode == "sidecar" else False
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
    return {**account, **omit_empty(imagePullSecrets=pull_secrets, automountServiceAccountToken=mounts_token)}


def assign_account_owners(builds: Iterable[CollectorBuild]) -> list[CollectorBuild]:
    """Return the builds with the owner of each ServiceAccount.

    It is the collector that has the name of the account, or else the first by name of those that use the account.
    """
    all_builds = list(builds)
    candidates = [build.collector for build in all_builds]
    candidates.sort(key=lambda collector: (not _has_own_account(collector), collector.name))
    owner_by_account: dict[_AccountRef, str] = {}
    for collector in candidates:
        owner_by_account.setdefault(_account_of(collector), collector.name)
    return [replace(build, account_owner=owner_by_account[_account_of(build.collector)]) for build in all_builds]


def list_foreign_accounts(collectors: Iterable[Collector]) -> list[str]:
    """Return the ServiceAccounts that others may have made: those that options name and no collector has for itself.

    An example: `["otel/shared"]`. The role looks whether these exist before it applies anything.
    """
    used_accounts: set[_AccountRef] = set()
    own_accounts: set[_AccountRef] = set()
    for collector in collectors:
        used_accounts.add(_account_of(collector))
        allocator_account = str(collector.target_allocator.get("service_account_name") or "")
        if allocator_account:
            used_accounts.add(_AccountRef(collector.namespace, allocator_account))
        if _has_own_account(collector):
            own_accounts.add(_account_of(collector))
    return sorted(f"{account.namespace}/{account.name}" for account in used_accounts - own_accounts)


def _account_of(collector: Collector) -> _AccountRef:
    """Return the ServiceAccount under which the pods of a collector run."""
    return _AccountRef(collector.namespace, collector.service_account_name)


def _has_own_account(collector: Collector) -> bool:
    """Return whether the account of a collector has the name of the collector."""
    return collector.service_account_name == collector.name


# ── Roles and bindings ──


def render_cluster_role(build: CollectorBuild) -> Manifest | None:
    """Return the ClusterRole with exactly the derived rules, or nothing when there are none."""
    rules = _list_cluster_rules(build)
    return frame_role(build, _role_name(build), rules) if rules else None


def render_cluster_role_binding(build: CollectorBuild) -> Manifest | None:
    """Return the binding of the ClusterRole to the account of the collector, or nothing without a role."""
    if not _list_cluster_rules(build):
        return None
    return frame_role_binding(build, _role_name(build), build.collector.service_account_name)


def _list_cluster_rules(build: CollectorBuild) -> Rules:
    """Return the rules that are valid in all namespaces."""
    return tuple(permission for permission in list_collector_rules(build) if "namespace" not in permission)


def render_namespace_roles(build: CollectorBuild) -> list[Manifest]:
    """Return a Role and its binding for each namespace in which the collector has rights."""
    rules_by_namespace: dict[str, list[dict[str, Any]]] = {}
    for permission in list_collector_rules(build):
        if "namespace" in permission:
            rule = {key: value for key, value in permission.items() if key != "namespace"}
            rules_by_namespace.setdefault(permission["namespace"], []).append(rule)
    name, account = _role_name(build), build.collector.service_account_name
    manifests = []
    for namespace, rules in sorted(rules_by_namespace.items()):
        manifests.append(frame_role(build, name, tuple(rules), namespace))
        manifests.append(frame_role_binding(build, name, account, namespace))
    return manifests


def frame_role(build: CollectorBuild, name: str, rules: Rules, namespace: str = "") -> Manifest:
    """Return a role of the cluster, or of a namespace when one is given."""
    kind = "Role" if namespace else "ClusterRole"
    return _set_namespace(frame_manifest(build, _RBAC, kind, name=name, namespaced=False, rules=list(rules)), namespace)


def frame_role_binding(build: CollectorBuild, name: str, account: str, namespace: str = "") -> Manifest:
    """Return the binding of a role, of the cluster or of a namespace, to an account beside the collector."""
    kind = "Role" if namespace else "ClusterRole"
    subject = {"kind": "ServiceAccount", "name": account, "namespace": build.collector.namespace}
    reference = {"apiGroup": _RBAC_GROUP, "kind": kind, "name": name}
    role_binding = frame_manifest(
        build, _RBAC, f"{kind}Binding", name=name, namespaced=False, roleRef=reference, subjects=[subject]
    )
    return _set_namespace(role_binding, namespace)


def _set_namespace(manifest: Manifest, namespace: str) -> Manifest:
    """Return an object in a namespace; an empty namespace changes nothing."""
    if not namespace:
        return manifest
    return {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}


def _role_name(build: CollectorBuild) -> str:
    return names.cluster_wide_name(build.collector.namespace, build.collector.name)


# ── Rules ──


def list_collector_rules(build: CollectorBuild) -> Rules:
    """Return the rules of the collector. With an allocator, it needs no rights to discover targets.

    A rule with the key `namespace` is valid in that namespace alone; the key is no part of Kubernetes' rules.
    """
    if not build.collector.is_allocated:
        return (*build.needs.rbac_rules, *constraints_rule(build))
    receivers = mapping_at(build.config, "receivers")
    other_receivers = {name: receiver for name, receiver in receivers.items() if name != _RECEIVER}
    settings = mapping_at(receivers, _RECEIVER)
    return (
        *derive_rules({**build.config, "receivers": other_receivers}, build.collector.allow),
        *_SCRAPE_RULES,
        *rules_through_api(settings),
        *constraints_rule(build),
    )


def list_allocator_rules(build: CollectorBuild) -> Rules:
    """Return the rules of the allocator: it reads its collectors, and the kinds in which its jobs look for targets."""
    settings = mapping_at(build.config, "receivers", _RECEIVER)
    prometheus_row = find_component_needs("receivers", _RECEIVER)
    rules = list(_POD_RULES)
    if prometheus_row:
        rules += prometheus_row.list_rules(settings)
    custom_resources = build.collector.target_allocator.get("prometheus_cr") or {}
    if custom_resources.get("enabled"):
        rules += _CUSTOM_RESOURCE_RULES
    return _merge_rules([rule for rule in rules if "resources" in rule])


def _merge_rules(rules: list[dict[str, Any]]) -> Rules:
    """Return one rule for each API group, without the resources that only scrapes need (`nodes/metrics`)."""
    resources_by_group: dict[str, set[str]] = {}
    for rule in rules:
        resources = set(list_at(rule, "resources")) - _SCRAPE_RESOURCES
        for group in list_at(rule, "apiGroups"):
            resources_by_group.setdefault(group, set()).update(resources)
    merged_rules = []
    for group, resources in sorted(resources_by_group.items()):
        merged_rules.append(make_rule(group or "core", " ".join(sorted(resources))))
    return tuple(merged_rules)
