# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The custom resource OpenTelemetryCollector, from which the operator makes workload, Services, autoscaler and budget.

The backend `operator` calls `render_collector_resource`. The build has the options of a collector and what follows from
them (see build.py). Example: a collector of mode deployment with two replicas is

    {"apiVersion": "opentelemetry.io/v1beta1", "kind": "OpenTelemetryCollector", "metadata": {"name": "gateway", …},
     "spec": {"mode": "deployment", "replicas": 2, "serviceAccount": "gateway", "config": {"receivers": {…}, …}, …}}

A pod that needs the API mounts its token itself, because the resource has no field for `automountServiceAccountToken`.
A decision at the ServiceAccount would hold for all collectors that share it.

The mode decides which fields there are:

- deployment: replicas, autoscaler, disruption budget and strategy.
- daemonset: strategy alone.
- statefulset: as deployment without a strategy, and the fields of `_render_stateful_fields`.
- sidecar: the fields of `_render_sidecar_fields`.

Source of the fields: the operator's CRD, version v1beta1, and internal/manifests/collector for what it makes of them.
Private.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from ..._otelcol.kube import names
from ..options import Collector
from . import autoscaler, own_metrics, workload
from .api_token import ApiToken, render_api_token
from .build import CollectorBuild, Manifest, frame_manifest, omit_empty
from .collector_container import render_lifecycle, render_shared_fields
from .container_probes import find_probe_times
from .explicit_config import make_config_explicit
from .network import DUAL_STACK
from .pod import list_user_containers, render_shared_pod_fields
from .pod_security import CONTAINER_SECURITY, render_pod_security
from .pod_volumes import list_volume_mounts, list_volumes
from .target_allocator import prepare_operator_config, render_target_allocator

API_VERSION = "opentelemetry.io/v1beta1"
KIND = "OpenTelemetryCollector"
# The modes with an update strategy, and the field for it.
STRATEGY_FIELDS = {"daemonset": "daemonSetUpdateStrategy", "deployment": "deploymentUpdateStrategy"}
# How many digits of a hash the annotation of the pods has.
_HASH_DIGITS = 16


def render_collector_resource(build: CollectorBuild) -> Manifest:
    """Return the custom resource. Its labels become those of the pods, for which it has no field of its own."""
    collector = build.collector
    config = make_config_explicit(prepare_operator_config(build))
    mode_fields = _render_sidecar_fields(build) if collector.is_sidecar else _render_workload_fields(build, config)
    spec = {
        "mode": collector.mode,
        "managementState": "managed",
        "upgradeStrategy": collector.upgrade_strategy,
        **mode_fields,
        # The operator's own policy admits TCP alone (0.158) and nothing but what it finds; ours has the derived ports.
        "networkPolicy": {"enabled": False},
        **omit_empty(configVersions=_count_config_versions(collector)),
        "observability": {"metrics": {"disablePrometheusAnnotations": True}},
        **omit_empty(targetAllocator=render_target_allocator(build)),
        "config": config,
    }
    manifest = frame_manifest(build, API_VERSION, KIND, spec=spec)
    manifest["metadata"]["labels"] = {**collector.pod_labels, **collector.object_labels}
    return manifest


def _render_sidecar_fields(build: CollectorBuild) -> dict[str, Any]:
    """Return the fields of a sidecar: those of a container alone, since its pod belongs to an application.

    No field of the custom resource reaches that pod. So the container also has the security context that the pod of
    another collector has, without `fsGroup`, which exists for pods alone. The pod has a token by itself.
    """
    pod_context = {key: value for key, value in render_pod_security(build).items() if key != "fsGroup"}
    no_token = ApiToken([], [])
    return _render_container_fields(build, {**CONTAINER_SECURITY, **pod_context}, no_token)


def _render_workload_fields(build: CollectorBuild, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a collector with pods of its own: those of the pods, their number and their annotations."""
    pod_fields = _render_pod_fields(build)
    return {
        **pod_fields,
        **_render_scale_fields(build),
        "podAnnotations": _render_pod_annotations(build, pod_fields, config),
    }


def _count_config_versions(collector: Collector) -> int | None:
    """Return how many ConfigMaps the operator keeps: one for each revision of the workload. None for a sidecar.

    `revision_history_limit` counts earlier revisions; with the present one, there is one more. By default, the operator
    keeps three, and the workloads that it makes have ten revisions. A sidecar has no such field: its config is in its
    pod.
    """
    return None if collector.is_sidecar else collector.revision_history_limit + 1


def _render_pod_fields(build: CollectorBuild) -> dict[str, Any]:
    """Return the fields that become the pods: those of the container, and those of the pod around it.

    `ipFamilyPolicy` is about Services, and stays among them for the hash of `_render_pod_annotations`: without it, an
    update of this collection would replace the pods of each collector with two IP families.
    """
    collector = build.collector
    return {
        **_render_container_fields(build, dict(CONTAINER_SECURITY), render_api_token(build)),
        "podSecurityContext": render_pod_security(build),
        "terminationGracePeriodSeconds": collector.termination_grace_seconds,
        **omit_empty(lifecycle=render_lifecycle(build)),
        **omit_empty(additionalContainers=list_user_containers(build), initContainers=collector.init_containers),
        **omit_empty(ipFamilyPolicy=DUAL_STACK if collector.is_dual_stack else None),
        **render_shared_pod_fields(build, collector.pods),
        **_render_stateful_fields(build),
    }


def _render_container_fields(
    build: CollectorBuild, security_context: Mapping[str, Any], token: ApiToken
) -> dict[str, Any]:
    """Return the fields of the container in which the Collector runs."""
    collector = build.collector
    return {
        **omit_empty(image=build.image),
        "imagePullPolicy": collector.image_pull_policy,
        "serviceAccount": collector.service_account_name,
        **render_shared_fields(build),
        "securityContext": security_context,
        **omit_empty(
            ports=_list_ports(build),
            volumes=[*list_volumes(build), *token.volumes],
            volumeMounts=[*list_volume_mounts(build), *token.mounts],
        ),
        **find_probe_times(build),
    }


def _list_ports(build: CollectorBuild) -> list[dict[str, Any]]:
    """Return the ports that the config opens to other pods, so that the operator need not know its components."""
    ports = []
    for port in build.exposed_ports:
        fields = {"name": port.name, "port": port.number, "targetPort": port.number, "protocol": port.protocol}
        fields |= omit_empty(appProtocol=port.app_protocol)
        if build.collector.uses_host_ports:
            fields["hostPort"] = port.number
        ports.append(fields)
    return ports


def _render_stateful_fields(build: CollectorBuild) -> dict[str, Any]:
    """Return the fields that only mode statefulset has.

    The governing Service is the one of this collection, so that replicas keep their DNS domain after a switch.
    """
    if build.collector.mode != "statefulset":
        return {}
    claim_templates = omit_empty(volumeClaimTemplates=workload.list_volume_claims(build))
    return {"serviceName": names.headless_service_name(build.collector.name), **claim_templates}


def _render_scale_fields(build: CollectorBuild) -> dict[str, Any]:
    """Return the fields about the number of pods, and about how they are replaced."""
    collector = build.collector
    strategy_field = {}
    if collector.mode in STRATEGY_FIELDS:
        strategy_field[STRATEGY_FIELDS[collector.mode]] = workload.choose_update_strategy(build)
    if collector.mode == "daemonset":
        return strategy_field
    budget_field = omit_empty(podDisruptionBudget=workload.read_disruption_budget(build))
    return {
        **workload.replica_field(build),
        **autoscaler.render_autoscaler_field(build),
        **budget_field,
        **strategy_field,
    }


def _render_pod_annotations(
    build: CollectorBuild, pod_fields: Mapping[str, Any], config: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the annotations of the pods, with a hash of what replaces the pods when it changes.

    The hash is over the fields of the pods and the config. `appProtocol` is not in it, since a port of a container has
    no such field. `pod_fields` is the result of `_render_pod_fields`.
    """
    hashed_ports = []
    for port in pod_fields.get("ports", []):
        hashed_ports.append({key: value for key, value in port.items() if key != "appProtocol"})
    hashed_text = json.dumps([{**pod_fields, "ports": hashed_ports}, config], sort_keys=True, default=str)
    return {
        **own_metrics.scrape_annotations(build),
        **build.collector.pod_annotations,
        names.SPEC_HASH: hashlib.sha256(hashed_text.encode()).hexdigest()[:_HASH_DIGITS],
    }
