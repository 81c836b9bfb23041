# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles that give the ServiceAccount of a collector its rights, and their bindings. Private.

The rights follow from the config: `derive_needs` finds what the components ask of the Kubernetes API. Example: the
processor `k8s_attributes` of collector `gateway` in namespace `otel` reads pods. So the collector gets the ClusterRole
`otel.gateway` with a rule like

    {apiGroups: [""], resources: [namespaces, pods], verbs: [get, list, watch]}

and the binding of this role to its ServiceAccount `otel/gateway`. A rule that is needed in one namespace alone is in a
Role there. `backends.py` lists the functions that make objects.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..._kube import object_names
from ..._otelcol.config.paths import mapping_at
from ..._otelcol.needs.component_needs import Rules
from ..._otelcol.needs.derive_needs import derive_rules
from .allocator_rules import RECEIVER, list_scrape_rules
from .build import CollectorBuild, Manifest
from .role_frames import frame_role, frame_role_binding
from .security_context_constraints import constraints_rule


class _ScopedRules(NamedTuple):
    """The rules of a collector, by where they are valid."""

    cluster: Rules
    """Those for all namespaces, and for objects of the cluster."""
    by_namespace: dict[str, list[dict[str, Any]]]
    """Those for one namespace."""


def render_cluster_role(build: CollectorBuild) -> Manifest | None:
    """Return the ClusterRole with exactly the derived rules, or nothing when there are none."""
    rules = _split_rules(list_collector_rules(build)).cluster
    return frame_role(build, _role_name(build), rules) if rules else None


def render_cluster_role_binding(build: CollectorBuild) -> Manifest | None:
    """Return the binding of the ClusterRole to the account of the collector, or nothing without a role."""
    if not _split_rules(list_collector_rules(build)).cluster:
        return None
    return frame_role_binding(build, _role_name(build), build.collector.service_account_name)


def render_namespace_roles(build: CollectorBuild) -> list[Manifest]:
    """Return a Role and its binding for each namespace in which the collector has rights."""
    rules_by_namespace = _split_rules(list_collector_rules(build)).by_namespace
    name, account = _role_name(build), build.collector.service_account_name
    manifests = []
    for namespace, rules in sorted(rules_by_namespace.items()):
        manifests.append(frame_role(build, name, tuple(rules), namespace))
        manifests.append(frame_role_binding(build, name, account, namespace))
    return manifests


def _split_rules(rules: Rules) -> _ScopedRules:
    """Return rules by where they are valid: `make_rule` notes that in the key `namespace`, which Kubernetes lacks."""
    cluster_rules: list[dict[str, Any]] = []
    rules_by_namespace: dict[str, list[dict[str, Any]]] = {}
    for rule in rules:
        if "namespace" in rule:
            kubernetes_rule = {key: value for key, value in rule.items() if key != "namespace"}
            rules_by_namespace.setdefault(rule["namespace"], []).append(kubernetes_rule)
        else:
            cluster_rules.append(rule)
    return _ScopedRules(tuple(cluster_rules), rules_by_namespace)


def _role_name(build: CollectorBuild) -> str:
    return object_names.cluster_wide_name(build.collector.namespace, build.collector.name)


def list_collector_rules(build: CollectorBuild) -> Rules:
    """Return the rules of the collector, as `make_rule` writes them. With an allocator, it discovers no targets."""
    if not build.collector.is_allocated:
        return (*build.needs.rbac_rules, *constraints_rule(build))
    receivers = mapping_at(build.config, "receivers")
    other_receivers = {name: receiver for name, receiver in receivers.items() if name != RECEIVER}
    return (
        *derive_rules({**build.config, "receivers": other_receivers}, build.collector.allow),
        *list_scrape_rules(build.config),
        *constraints_rule(build),
    )
