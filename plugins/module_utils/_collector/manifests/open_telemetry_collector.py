# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The custom resource OpenTelemetryCollector, from which the operator makes workload, Services, autoscaler and budget.

Source of the fields: the operator's CRD, version v1beta1, and internal/manifests/collector for what it makes of them.

A pod that needs the API mounts its token itself, because the resource has no field for `automountServiceAccountToken`.
A decision at the ServiceAccount would hold for all collectors that share it. Private.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from ..._otelcol.config.paths import SECTIONS, section
from ..._otelcol.kube import names
from . import autoscaler, own_metrics, pod, workload
from .build import CollectorBuild, Manifest, frame, present
from .network import DUAL_STACK
from .target_allocator import allocated, target_allocator

API_VERSION = "opentelemetry.io/v1beta1"
KIND = "OpenTelemetryCollector"
# The modes whose way of replacing pods can be said, and the field for it.
STRATEGIES = {"daemonset": "daemonSetUpdateStrategy", "deployment": "deploymentUpdateStrategy"}
_SIDECAR = "sidecar"
_OPTIONAL = ("connectors", "extensions", "processors")


def open_telemetry_collector(build: CollectorBuild) -> Manifest:
    """Return the custom resource. Its labels become those of the pods, for which it has no field of its own."""
    collector = build.collector
    pods = _pods(build)
    config = explicit(allocated(build))
    spec = {
        "mode": collector.mode,
        "managementState": "managed",
        "upgradeStrategy": collector.upgrade_strategy,
        **pods,
        **_scale(build),
        **_stamp(build, pods, config),
        # The operator's own policy admits TCP alone (0.158) and nothing but what it finds; ours has the derived ports.
        "networkPolicy": {"enabled": False},
        **_versions(build),
        "observability": {"metrics": {"disablePrometheusAnnotations": True}},
        **present(targetAllocator=target_allocator(build)),
        "config": config,
    }
    manifest = frame(build, API_VERSION, KIND, spec=spec)
    manifest["metadata"]["labels"] = {**collector.pod_labels, **collector.object_labels}
    return manifest


def _pods(build: CollectorBuild) -> dict[str, Any]:
    """Return the parts of the pods. A sidecar has only a container, its pod has another owner."""
    collector = build.collector
    token, token_mount = pod.api_access(build) if collector.mode != _SIDECAR else ([], [])
    container = {
        **present(image=build.image),
        "imagePullPolicy": collector.image_pull_policy,
        "serviceAccount": collector.service_account_name,
        **pod.container_fields(build),
        "securityContext": _container_security(build),
        **present(
            ports=_ports(build),
            volumes=[*pod.volumes(build), *token],
            volumeMounts=[*pod.volume_mounts(build), *token_mount],
        ),
        **(pod.probes(build) if build.needs.probe else {}),
    }
    if collector.mode == _SIDECAR:
        return container
    return {
        **container,
        "podSecurityContext": pod.pod_security(build),
        "terminationGracePeriodSeconds": collector.termination_grace_seconds,
        **present(lifecycle=pod.lifecycle(build)),
        **present(additionalContainers=pod.beside(build), initContainers=collector.init_containers),
        **present(ipFamilyPolicy=DUAL_STACK if collector.is_dual_stack else None),
        **pod.pod_fields(build, collector.pods),
        **_governed(build),
    }


def _versions(build: CollectorBuild) -> dict[str, Any]:
    """Return how many ConfigMaps the operator keeps: the present config, and one for each revision to go back to.

    The operator keeps three, and the workloads that it makes ten revisions. A sidecar's config is in its pod.
    """
    if build.collector.mode == _SIDECAR:
        return {}
    return {"configVersions": build.collector.revision_history_limit + 1}


def _governed(build: CollectorBuild) -> dict[str, Any]:
    """Return what a StatefulSet has more: its governing Service is ours, so that replicas keep their DNS domain."""
    if build.collector.mode != "statefulset":
        return {}
    claims = present(volumeClaimTemplates=workload.claims(build))
    return {"serviceName": names.headless(build.collector.name), **claims}


def _scale(build: CollectorBuild) -> dict[str, Any]:
    """Return the scale. An autoscaled collector has no replica count, because the autoscaler writes it."""
    collector = build.collector
    if collector.mode == _SIDECAR:
        return {}
    strategy = {STRATEGIES[collector.mode]: workload.strategy(build)} if collector.mode in STRATEGIES else {}
    if collector.mode == "daemonset":
        return strategy
    budget = present(podDisruptionBudget=workload.disruption_budget(build))
    return {**workload.replicas(build), **autoscaler.of_resource(build), **budget, **strategy}


def _container_security(build: CollectorBuild) -> dict[str, Any]:
    """Return the security context: that of a sidecar has what other pods have for all their containers."""
    if build.collector.mode != _SIDECAR:
        return dict(pod.CONTAINER_SECURITY)
    whole = {key: value for key, value in pod.pod_security(build).items() if key != "fsGroup"}
    return {**pod.CONTAINER_SECURITY, **whole}


def _ports(build: CollectorBuild) -> list[dict[str, Any]]:
    """Return the ports of receivers; with them given, nothing hangs on which components the operator knows."""
    on_node = build.collector.uses_host_ports
    return [
        {"name": port.name, "port": port.number, "targetPort": port.number, "protocol": port.protocol}
        | present(appProtocol=port.app_protocol)
        | ({"hostPort": port.number} if on_node else {})
        for port in build.exposed_ports
    ]


def _stamp(build: CollectorBuild, pods: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the annotations of the pods, among them a hash of all that replaces pods when it changes, and no more."""
    if build.collector.mode == _SIDECAR:
        return {}
    listening = [{key: port[key] for key in port if key != "appProtocol"} for port in pods.get("ports", [])]
    text = json.dumps([{**pods, "ports": listening}, config], sort_keys=True, default=str)
    return {
        "podAnnotations": {
            **own_metrics.scrape_annotations(build),
            **build.collector.pod_annotations,
            names.SPEC_HASH: hashlib.sha256(text.encode()).hexdigest()[:16],
        }
    }


def explicit(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config with `{}` for each component and protocol that is null: tools drop null from an object.

    Deeper inside null can mean something of its own, and stays. An optional section without components is left out: the
    API server makes null of `{}` where server-side apply removes the last component, and then rejects it.
    """
    sections = {name: _components(value) if name in SECTIONS else value for name, value in config.items()}
    sections = {name: value for name, value in sections.items() if value != {} or name not in _OPTIONAL}
    if "service" in sections:
        sections["service"] = _service(sections["service"])
    return {name: value for name, value in sections.items() if value is not None}


def _components(components: Any) -> Any:
    if not isinstance(components, dict):
        return components
    return {str(key): _settings(value) for key, value in components.items()}


def _settings(settings: Any) -> Any:
    if settings is None:
        return {}
    if not section(settings, "protocols"):
        return settings
    protocols = {key: {} if value is None else value for key, value in settings["protocols"].items()}
    return {**settings, "protocols": protocols}


def _service(service: Any) -> Any:
    """The CRD knows the fields of this section and refuses null in them."""
    if not isinstance(service, dict):
        return service
    said = {key: value for key, value in service.items() if value is not None}
    pipelines = section(said, "pipelines")
    return {**said, "pipelines": {key: _lists(value) for key, value in pipelines.items()}} if pipelines else said


def _lists(pipeline: Any) -> Any:
    if not isinstance(pipeline, dict):
        return pipeline
    return {key: value for key, value in pipeline.items() if value is not None}
