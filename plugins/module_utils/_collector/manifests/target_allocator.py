# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Option `target_allocator` of a collector: settings of the custom resource, the config for it, account and rights.

The operator runs the allocator, which finds the targets of receiver `prometheus` and shares them out to the pods of the
collector. `open_telemetry_collector.py` puts the settings and the config into the custom resource of the collector;
`backends.py` lists the functions for the account and its rights. Example: for `{enabled: true, replicas: 1, …}` of
collector `gateway` in namespace `otel`, the field `targetAllocator` of the custom resource is

    {enabled: true, replicas: 1, allocationStrategy: consistent-hashing, serviceAccount: gateway-targetallocator, …}

Private.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._kube import object_names
from ..._otelcol.config.paths import list_at, mapping_at
from ..._otelcol.kube.operator_names import target_allocator_name
from ..options import replace_registry
from .allocator_rules import RECEIVER, SECRET_RULES, list_allocator_rules
from .build import CollectorBuild, Manifest, frame_manifest, omit_empty
from .pod_security import CONTAINER_SECURITY
from .role_frames import frame_role, frame_role_binding

# What the custom resource calls the filters of targets, where its word is not that of the option.
_FILTER_STRATEGIES = {"none": ""}
_POD_SECURITY = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


def render_target_allocator(build: CollectorBuild) -> dict[str, Any]:
    """Return the settings of the allocator for the custom resource; empty without an allocator."""
    options = build.collector.target_allocator
    if not build.collector.is_allocated:
        return {}
    memory = options["memory_limit"]
    image = options.get("image") or ""
    if image:
        image = replace_registry(image, build.collector.image_registry)
    return {
        "enabled": True,
        "replicas": options["replicas"],
        "allocationStrategy": build.collector.allocation_strategy,
        "filterStrategy": _FILTER_STRATEGIES.get(options["filter_strategy"], options["filter_strategy"]),
        "serviceAccount": _account_name(build),
        "resources": {"limits": {"memory": memory}, "requests": omit_empty(cpu=options["cpu_request"], memory=memory)},
        "securityContext": dict(CONTAINER_SECURITY),
        "podSecurityContext": dict(_POD_SECURITY),
        **omit_empty(
            image=image,
            nodeSelector={**object_names.LINUX_NODES, **(options.get("node_selector") or {})},
            tolerations=options.get("tolerations"),
            affinity=options.get("affinity"),
            prometheusCR=_render_custom_resources(options.get("prometheus_cr") or {}),
        ),
    }


def _render_custom_resources(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the field `prometheusCR`: the monitors of the Prometheus operator in which the allocator finds targets.

    An empty selector selects all of them. Without a selector, no ScrapeConfig and no Probe is selected.
    """
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
    """Return the config as the operator must be given it, which passes the jobs of `prometheus` on to the allocator.

    A config writes `$$` for one dollar sign. The allocator reads it so in `replacement` alone, and takes `$$` for two
    signs everywhere else. So `regex: (.*)$$` becomes `regex: (.*)$`, and `replacement: $$1` stays. Source:
    UnescapeDollarSignsInPromConfig in the operator's internal/manifests/targetallocator/adapters.
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
    """Return the jobs of receiver `prometheus`."""
    return list_at(config, "receivers", RECEIVER, "config", "scrape_configs")


def _escape_for_allocator(value: Any, key: str) -> Any:
    """Return a part of a job with its dollar signs as the allocator reads them. `key` is the one that the part has."""
    if isinstance(value, dict):
        return {name: _escape_for_allocator(child, str(name)) for name, child in value.items()}
    if isinstance(value, list):
        return [_escape_for_allocator(child, key) for child in value]
    if not isinstance(value, str):
        return value
    # First as it is meant: `$$` of the config is one dollar sign. Then as the allocator reads it.
    plain_text = value.replace("$$", "$")
    return plain_text.replace("$", "$$") if key == "replacement" else plain_text


def render_account(build: CollectorBuild) -> Manifest | None:
    """Return the ServiceAccount of the allocator; None without an allocator."""
    if not build.collector.is_allocated:
        return None
    return frame_manifest(build, "v1", "ServiceAccount", name=_account_name(build))


def render_cluster_role(build: CollectorBuild) -> Manifest | None:
    """Return the ClusterRole of the allocator, which reads the targets of its jobs and custom resources."""
    if not build.collector.is_allocated:
        return None
    return frame_role(build, _role_name(build), list_allocator_rules(build))


def render_cluster_role_binding(build: CollectorBuild) -> Manifest | None:
    """Return the binding of that ClusterRole to the account of the allocator."""
    if not build.collector.is_allocated:
        return None
    return frame_role_binding(build, _role_name(build), _account_name(build))


def render_secret_roles(build: CollectorBuild) -> list[Manifest]:
    """Return roles and bindings to read credentials of targets, in the namespaces that the user names and no others."""
    if not build.collector.is_allocated:
        return []
    custom_resources = build.collector.target_allocator.get("prometheus_cr") or {}
    role_name, account = _role_name(build), _account_name(build)
    manifests = []
    for namespace in custom_resources.get("secret_namespaces") or []:
        manifests.append(frame_role(build, role_name, SECRET_RULES, namespace=namespace))
        manifests.append(frame_role_binding(build, role_name, account, namespace=namespace))
    return manifests


def _account_name(build: CollectorBuild) -> str:
    """Return the name of the allocator's ServiceAccount, such as `gateway-targetallocator`."""
    requested_name = build.collector.target_allocator.get("service_account_name")
    return requested_name or target_allocator_name(build.collector.name)


def _role_name(build: CollectorBuild) -> str:
    """Return the name of the allocator's roles, which no other collector of the cluster has."""
    return object_names.cluster_wide_name(build.collector.namespace, target_allocator_name(build.collector.name))
