# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The RBAC rules for receiver `prometheus` if a target allocator shares out its targets. Private.

A target allocator is a program of the operator that discovers the targets of this receiver in place of the collector.
So the rights are divided: the allocator reads the kinds in which the jobs look for targets, and the collector only
scrapes what it is given. Example: a job looks for targets by the role `pod`. The allocator has

    {apiGroups: [""], resources: [pods], verbs: [get, list, watch]}

`target_allocator.py` makes the role of the allocator, `collector_roles.py` that of the collector.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..._otelcol.config.paths import list_at, mapping_at
from ..._otelcol.needs.component_needs import READ_VERBS, Rules, make_rule
from ..._otelcol.needs.component_table import control_plane_rules, list_discovery_rules, rules_through_api
from .build import CollectorBuild

# The receiver whose targets the allocator discovers: the operator looks for this name and no other.
RECEIVER = "prometheus"
# What a scrape itself asks for: the kubelet's metrics by the node, those of the API server by their URL.
_SCRAPE_RESOURCES = frozenset(("nodes/metrics",))
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
# The right of the allocator to read the credentials of targets.
SECRET_RULES: Rules = (make_rule("core", "secrets", READ_VERBS),)


def list_scrape_rules(config: Mapping[str, Any]) -> Rules:
    """Return the rules of a collector that scrapes the targets which an allocator gives it."""
    settings = mapping_at(config, "receivers", RECEIVER)
    return (*_SCRAPE_RULES, *rules_through_api(settings), *control_plane_rules(settings))


def list_allocator_rules(build: CollectorBuild) -> Rules:
    """Return the rules of the allocator: it reads its collectors, and the kinds in which its jobs look for targets."""
    settings = mapping_at(build.config, "receivers", RECEIVER)
    rules = [*_POD_RULES, *list_discovery_rules(settings)]
    custom_resources = build.collector.target_allocator.get("prometheus_cr") or {}
    if custom_resources.get("enabled"):
        rules += _CUSTOM_RESOURCE_RULES
    return _merge_rules(rules)


def _merge_rules(rules: Iterable[Mapping[str, Any]]) -> Rules:
    """Return one rule to read all resources of an API group, for each group of some rules.

    The resources that only scrapes need (`nodes/metrics`) are left out. The rules must be for all objects of all
    namespaces: names of objects and a namespace would be lost.
    """
    resources_by_group: dict[str, set[str]] = {}
    for rule in rules:
        resources = set(list_at(rule, "resources")) - _SCRAPE_RESOURCES
        for group in list_at(rule, "apiGroups"):
            resources_by_group.setdefault(group, set()).update(resources)
    merged_rules = []
    for group, group_resources in sorted(resources_by_group.items()):
        merged_rules.append(make_rule(group or "core", " ".join(sorted(group_resources))))
    return tuple(merged_rules)
