# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The target allocator of a collector: its part of custom resource and config, its account and permissions. Private."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._otelcol.config.paths import list_at, mapping_at
from ..._otelcol.kube import names
from ..options import replace_registry
from . import pod, service_account
from .build import CollectorBuild, Manifest, frame_manifest, omit_empty

RECEIVER = "prometheus"  # the operator looks for this name and no other
_FILTER_STRATEGIES = {"none": ""}
_POD_SECURITY = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


def render_target_allocator(build: CollectorBuild) -> dict[str, Any]:
    """Return the settings of the allocator, empty when there is none."""
    options = build.collector.target_allocator
    if not build.collector.is_allocated:
        return {}
    memory = options["memory_limit"]
    return {
        "enabled": True,
        "replicas": options["replicas"],
        "allocationStrategy": build.collector.allocation_strategy,
        "filterStrategy": _FILTER_STRATEGIES.get(options["filter_strategy"], options["filter_strategy"]),
        "serviceAccount": _account_name(build),
        "resources": {"limits": {"memory": memory}, "requests": omit_empty(cpu=options["cpu_request"], memory=memory)},
        "securityContext": dict(pod.CONTAINER_SECURITY),
        "podSecurityContext": dict(_POD_SECURITY),
        **omit_empty(
            image=replace_registry(
                options.get("image") or "", build.collector.image_registry if options["image"] else ""
            ),
            nodeSelector={**names.LINUX_NODES, **(options.get("node_selector") or {})},
            tolerations=options.get("tolerations"),
            affinity=options.get("affinity"),
            prometheusCR=_render_custom_resources(options.get("prometheus_cr") or {}),
        ),
    }


def _render_custom_resources(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return where other targets come from: an empty selector selects all, none selects nothing."""
    if not options.get("enabled"):
        return {}
    selectors = {
        "serviceMonitorSelector": options["service_monitor_selector"] or {},
        "podMonitorSelector": options["pod_monitor_selector"] or {},
        "scrapeConfigSelector": options.get("scrape_config_selector"),
        "probeSelector": options.get("probe_selector"),
    }
    return {
        "enabled": True,
        "scrapeInterval": options["scrape_interval"],
        **{key: value for key, value in selectors.items() if value is not None},
        **omit_empty(
            allowNamespaces=options.get("namespaces"),
            denyNamespaces=options.get("denied_namespaces"),
            secretNamespaces=options.get("secret_namespaces"),
        ),
    }


def prepare_operator_config(build: CollectorBuild) -> Mapping[str, Any]:
    """Return the config as the operator must be given it.

    Jobs of receiver `prometheus` go to the allocator, which takes `$$` for one dollar sign in `replacement` and for
    two everywhere else; to the Collector it is one everywhere. Source: UnescapeDollarSignsInPromConfig in the
    operator's internal/manifests/targetallocator/adapters.
    """
    config = build.config
    if not build.collector.is_allocated or not _list_scrape_jobs(config):
        return config
    receivers = mapping_at(config, "receivers")
    prometheus_config = mapping_at(receivers, RECEIVER, "config")
    jobs = [_escape_for_allocator(job, "") for job in _list_scrape_jobs(config)]
    receiver = {**receivers[RECEIVER], "config": {**prometheus_config, "scrape_configs": jobs}}
    return {**config, "receivers": {**receivers, RECEIVER: receiver}}


def _list_scrape_jobs(config: Mapping[str, Any]) -> list[Any]:
    return list_at(config, "receivers", RECEIVER, "config", "scrape_configs")


def _escape_for_allocator(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        return {name: _escape_for_allocator(child, str(name)) for name, child in value.items()}
    if isinstance(value, list):
        return [_escape_for_allocator(child, key) for child in value]
    if not isinstance(value, str):
        return value
    plain_text = value.replace("$$", "$")
    return plain_text.replace("$", "$$") if key == "replacement" else plain_text


def render_account(build: CollectorBuild) -> Manifest | None:
    """Return the ServiceAccount of the allocator; it goes when the allocator does."""
    return (
        frame_manifest(build, "v1", "ServiceAccount", name=_account_name(build))
        if build.collector.is_allocated
        else None
    )


def render_cluster_role(build: CollectorBuild) -> Manifest | None:
    """Return what the allocator may read: the targets that its jobs and custom resources look for."""
    if not build.collector.is_allocated:
        return None
    return service_account.frame_role(build, _role_name(build), service_account.list_allocator_rules(build))


def render_cluster_role_binding(build: CollectorBuild) -> Manifest | None:
    if not build.collector.is_allocated:
        return None
    return service_account.frame_role_binding(build, _role_name(build), _account_name(build))


def render_secret_roles(build: CollectorBuild) -> list[Manifest]:
    """Return the right to read credentials of targets, in the namespaces that the user names and no others."""
    secret_namespaces = (build.collector.target_allocator.get("prometheus_cr") or {}).get("secret_namespaces") or []
    return (
        [manifest for namespace in secret_namespaces for manifest in _render_secret_role(build, namespace)]
        if build.collector.is_allocated
        else []
    )


def _render_secret_role(build: CollectorBuild, namespace: str) -> list[Manifest]:
    role_name = _role_name(build)
    secret_role = service_account.frame_role(build, role_name, service_account.SECRET_RULES, namespace=namespace)
    return [
        secret_role,
        service_account.frame_role_binding(build, role_name, _account_name(build), namespace=namespace),
    ]


def _account_name(build: CollectorBuild) -> str:
    return build.collector.target_allocator.get("service_account_name") or names.target_allocator_name(
        build.collector.name
    )


def _role_name(build: CollectorBuild) -> str:
    return names.cluster_wide_name(build.collector.namespace, names.target_allocator_name(build.collector.name))
