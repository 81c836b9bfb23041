# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ServiceAccount and its permissions: roles and bindings. Private."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ..._otelcol.config.paths import items, section
from ..._otelcol.kube import names
from ..._otelcol.needs.component_row import READ, Rules, rule
from ..._otelcol.needs.component_table import component, through_api
from ..._otelcol.needs.derive_needs import rules_of
from ..options import Collector
from .build import CollectorBuild, Manifest, frame, present
from .security_context_constraints import constraints_rule

_RBAC = "rbac.authorization.k8s.io/v1"


def service_account(build: CollectorBuild) -> Manifest:
    """Return the ServiceAccount of the pods. Collectors may share one, so it has the release of one of them.

    It has no label of a collector, so that no pruning deletes it while pods run under it.
    """
    collector = build.collector
    owner = build.account_owner or collector.name
    metadata: dict[str, object] = {
        "name": collector.service_account_name,
        "namespace": collector.namespace,
        "labels": {
            "app.kubernetes.io/name": "opentelemetry-collector",
            names.OWNER_LABEL: names.OWNER,
            names.RELEASE_LABEL: names.release(collector.namespace, owner),
        },
    }
    if collector.service_account_annotations:
        metadata["annotations"] = dict(collector.service_account_annotations)
    # A custom resource has no place for them; pods take those of their account.
    secrets = collector.image_pull_secrets if collector.backend == "operator" else []
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
    # Pods that need the token say so themselves; pods with a sidecar belong to others.
    token = collector.automount_service_account_token if collector.mode == "sidecar" else False
    pulling = [{"name": name} for name in secrets]
    return {**account, **present(imagePullSecrets=pulling, automountServiceAccountToken=token)}


def owned(builds: Iterable[CollectorBuild]) -> list[CollectorBuild]:
    """Return the builds with the owner of each ServiceAccount: the collector of its name, or else the first user."""
    given = list(builds)
    collectors = [build.collector for build in given]
    owners: dict[tuple[str, str], str] = {}
    for collector in sorted(collectors, key=lambda collector: (not _has_own_account(collector), collector.name)):
        owners.setdefault((collector.namespace, collector.service_account_name), collector.name)
    with_owners = []
    for build in given:
        account = build.collector.namespace, build.collector.service_account_name
        with_owners.append(replace(build, account_owner=owners[account]))
    return with_owners


def named(collectors: Iterable[Collector]) -> list[str]:
    """Return the ServiceAccounts that others may have made: those that options name, and that no collector owns."""
    used: set[tuple[str, str]] = set()
    own: set[tuple[str, str]] = set()
    for collector in collectors:
        used.add((collector.namespace, collector.service_account_name))
        of_allocator = str(collector.target_allocator.get("service_account_name") or "")
        used.add((collector.namespace, of_allocator))
        if _has_own_account(collector):
            own.add((collector.namespace, collector.name))
    return sorted(f"{namespace}/{name}" for namespace, name in used - own if name)


def _has_own_account(collector: Collector) -> bool:
    """Return whether the account of a collector has the name of the collector."""
    return collector.service_account_name == collector.name


def cluster_role(build: CollectorBuild) -> Manifest | None:
    """Return the ClusterRole that holds exactly the derived rules, or nothing when there are none."""
    rules = _of_cluster(build)
    return role(build, _name(build), rules) if rules else None


def cluster_role_binding(build: CollectorBuild) -> Manifest | None:
    if not _of_cluster(build):
        return None
    return binding(build, _name(build), build.collector.service_account_name)


def _of_cluster(build: CollectorBuild) -> Rules:
    return tuple(item for item in of_collector(build) if "namespace" not in item)


def roles(build: CollectorBuild) -> list[Manifest]:
    """Return a Role and its binding for each namespace in which the collector has rights."""
    rules: dict[str, list[dict[str, Any]]] = {}
    for item in of_collector(build):
        if "namespace" in item:
            rest = {key: value for key, value in item.items() if key != "namespace"}
            rules.setdefault(item["namespace"], []).append(rest)
    name, account = _name(build), build.collector.service_account_name
    return [
        made
        for space, found in sorted(rules.items())
        for made in (role(build, name, tuple(found), space), binding(build, name, account, space))
    ]


def role(build: CollectorBuild, name: str, rules: Rules, namespace: str = "") -> Manifest:
    """Return a role of the cluster, or of a namespace when one is given."""
    kind = "Role" if namespace else "ClusterRole"
    return _placed(frame(build, _RBAC, kind, name=name, namespaced=False, rules=list(rules)), namespace)


def binding(build: CollectorBuild, name: str, account: str, namespace: str = "") -> Manifest:
    """Return the binding of a role, of the cluster or of a namespace, to an account beside the collector."""
    kind = "Role" if namespace else "ClusterRole"
    subject = {"kind": "ServiceAccount", "name": account, "namespace": build.collector.namespace}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}
    made = frame(build, _RBAC, f"{kind}Binding", name=name, namespaced=False, roleRef=reference, subjects=[subject])
    return _placed(made, namespace)


def _placed(manifest: Manifest, namespace: str) -> Manifest:
    if namespace:
        manifest["metadata"]["namespace"] = namespace
    return manifest


def _name(build: CollectorBuild) -> str:
    return names.cluster_wide(build.collector.namespace, build.collector.name)


_RECEIVER = "prometheus"
# What a scrape itself asks for: the kubelet's metrics by the node, those of the API server by their URL.
_OF_SCRAPES = frozenset(("nodes/metrics", "nodes/proxy"))
_SCRAPE: Rules = (rule("core", "nodes/metrics", ("get",)), {"nonResourceURLs": ["/metrics"], "verbs": ["get"]})
# The allocator watches the pods that it shares targets out to. Source: cmd/otel-allocator/internal/collector.
_COLLECTORS: Rules = (rule("core", "pods"),)
# Source: cmd/otel-allocator/internal/watcher; what it finds there it discovers like any job.
_CUSTOM_RESOURCES: Rules = (
    rule("monitoring.coreos.com", "podmonitors probes scrapeconfigs servicemonitors"),
    rule("core", "endpoints namespaces nodes pods services"),
    rule("discovery.k8s.io", "endpointslices"),
    rule("networking.k8s.io", "ingresses"),
)
SECRETS: Rules = (rule("core", "secrets", READ),)


def of_collector(build: CollectorBuild) -> Rules:
    """Return what the collector may do: with an allocator it discovers nothing itself."""
    if not build.collector.is_allocated:
        return (*build.needs.rules, *constraints_rule(build))
    receivers = section(build.config, "receivers")
    others = {name: other for name, other in receivers.items() if name != _RECEIVER}
    settings = section(receivers, _RECEIVER)
    return (
        *rules_of({**build.config, "receivers": others}, build.collector.allow),
        *_SCRAPE,
        *through_api(settings),
        *constraints_rule(build),
    )


def of_allocator(build: CollectorBuild) -> Rules:
    """Return what the allocator may read: its collectors, and the kinds in which its jobs look for targets."""
    settings = section(build.config, "receivers", _RECEIVER)
    row = component("receivers", _RECEIVER)
    rules = list(_COLLECTORS)
    if row:
        rules += row.rules(settings)
    custom_resources = build.collector.target_allocator.get("prometheus_cr") or {}
    if custom_resources.get("enabled"):
        rules += _CUSTOM_RESOURCES
    return _merged([rule_of_kind for rule_of_kind in rules if "resources" in rule_of_kind])


def _merged(rules: list[dict[str, Any]]) -> Rules:
    """Return one rule for each API group, without what only scrapes need."""
    resources_of_group: dict[str, set[str]] = {}
    for given in rules:
        resources = set(items(given, "resources")) - _OF_SCRAPES
        for group in items(given, "apiGroups"):
            resources_of_group.setdefault(group, set()).update(resources)
    merged = []
    for group, resources in sorted(resources_of_group.items()):
        merged.append(rule(group or "core", " ".join(sorted(resources))))
    return tuple(merged)
