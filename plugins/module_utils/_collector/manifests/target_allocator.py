# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The target allocator of a collector: its part of custom resource and config, its account and permissions. Private."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._otelcol.config.paths import items, section
from ..._otelcol.kube import names
from ..options import from_registry
from . import pod, service_account
from .build import CollectorBuild, Manifest, frame, present

RECEIVER = "prometheus"  # the operator looks for this name and no other
_FILTERS = {"none": ""}
_RESTRICTED = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


def target_allocator(build: CollectorBuild) -> dict[str, Any]:
    """Return the settings of the allocator, empty when there is none."""
    options = build.collector.target_allocator
    if not build.collector.is_allocated:
        return {}
    memory = options["memory_limit"]
    return {
        "enabled": True,
        "replicas": options["replicas"],
        "allocationStrategy": build.collector.allocation_strategy,
        "filterStrategy": _FILTERS.get(options["filter_strategy"], options["filter_strategy"]),
        "serviceAccount": _account(build),
        "resources": {"limits": {"memory": memory}, "requests": present(cpu=options["cpu_request"], memory=memory)},
        "securityContext": dict(pod.CONTAINER_SECURITY),
        "podSecurityContext": dict(_RESTRICTED),
        **present(
            image=from_registry(options.get("image") or "", build.collector.image_registry if options["image"] else ""),
            nodeSelector={**names.LINUX_NODES, **(options.get("node_selector") or {})},
            tolerations=options.get("tolerations"),
            affinity=options.get("affinity"),
            prometheusCR=_custom_resources(options.get("prometheus_cr") or {}),
        ),
    }


def _custom_resources(options: Mapping[str, Any]) -> dict[str, Any]:
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
        **present(
            allowNamespaces=options.get("namespaces"),
            denyNamespaces=options.get("denied_namespaces"),
            secretNamespaces=options.get("secret_namespaces"),
        ),
    }


def allocated(build: CollectorBuild) -> Mapping[str, Any]:
    """Return the config as the operator must be given it.

    Jobs of receiver `prometheus` go to the allocator, which takes `$$` for one dollar sign in `replacement` and for
    two everywhere else; to the Collector it is one everywhere. Source: UnescapeDollarSignsInPromConfig in the
    operator's internal/manifests/targetallocator/adapters.
    """
    config = build.config
    if not build.collector.is_allocated or not _jobs(config):
        return config
    receivers = section(config, "receivers")
    inner = section(receivers, RECEIVER, "config")
    jobs = [_for_allocator(job, "") for job in _jobs(config)]
    receiver = {**receivers[RECEIVER], "config": {**inner, "scrape_configs": jobs}}
    return {**config, "receivers": {**receivers, RECEIVER: receiver}}


def _jobs(config: Mapping[str, Any]) -> list[Any]:
    return items(config, "receivers", RECEIVER, "config", "scrape_configs")


def _for_allocator(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        return {name: _for_allocator(item, str(name)) for name, item in value.items()}
    if isinstance(value, list):
        return [_for_allocator(item, key) for item in value]
    if not isinstance(value, str):
        return value
    meant = value.replace("$$", "$")
    return meant.replace("$", "$$") if key == "replacement" else meant


def account(build: CollectorBuild) -> Manifest | None:
    """Return the ServiceAccount of the allocator; it goes when the allocator does."""
    return frame(build, "v1", "ServiceAccount", name=_account(build)) if build.collector.is_allocated else None


def cluster_role(build: CollectorBuild) -> Manifest | None:
    """Return what the allocator may read: the targets that its jobs and custom resources look for."""
    if not build.collector.is_allocated:
        return None
    return service_account.role(build, _wide(build), service_account.of_allocator(build))


def cluster_role_binding(build: CollectorBuild) -> Manifest | None:
    if not build.collector.is_allocated:
        return None
    return service_account.binding(build, _wide(build), _account(build))


def secret_roles(build: CollectorBuild) -> list[Manifest]:
    """Return the right to read credentials of targets, in the namespaces that the user names and no others."""
    spaces = (build.collector.target_allocator.get("prometheus_cr") or {}).get("secret_namespaces") or []
    return [made for space in spaces for made in _secret_role(build, space)] if build.collector.is_allocated else []


def _secret_role(build: CollectorBuild, space: str) -> list[Manifest]:
    name = _wide(build)
    role = service_account.role(build, name, service_account.SECRETS, namespace=space)
    return [role, service_account.binding(build, name, _account(build), namespace=space)]


def _account(build: CollectorBuild) -> str:
    return build.collector.target_allocator.get("service_account_name") or names.allocator(build.collector.name)


def _wide(build: CollectorBuild) -> str:
    return names.cluster_wide(build.collector.namespace, names.allocator(build.collector.name))
