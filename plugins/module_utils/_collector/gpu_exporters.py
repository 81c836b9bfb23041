# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exporters of GPU metrics, as a table by vendor. docs/ai_inference.md has the same counters. Private.

Sources: etc/dcp-metrics-included.csv, deployment/templates and internal/pkg/transformation/const.go of NVIDIA's
dcgm-exporter 4.5.3-4.8.2; assets/state-dcgm-exporter of NVIDIA's gpu-operator 26.7.0;
docs/configuration/metricslist.md, pkg/amdgpu/gpuagent and helm-charts of AMD's device-metrics-exporter 1.5.1;
doc/Prometheus_Exported_Metrics.csv, rest/prometheus_exporter and deployment/kubernetes of Intel's XPU Manager 1.3.7.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .._otelcol.errors import Problem, suggest_word


class GpuExporter(NamedTuple):
    """An exporter: how to recognize its pods, which of its counters matter and what each means."""

    app_labels: tuple[str, ...]
    """Values of the label `app` or `app.kubernetes.io/name` of its pods."""
    port: int
    device_label: str
    """The label of a series whose value is unique for each GPU of a node."""
    pod_uid_label: str
    """The label with the uid of the pod that uses the GPU; empty if there is none."""
    power_selector: str
    """Selects, in PromQL, the series with the power of GPUs in watts."""
    full_value_by_measure: Mapping[str, int]
    """Measures of the use of a GPU, each with the value of one that is fully used.

    A GPU without the first measure may have the second.
    """
    meaning_by_counter: Mapping[str, str]
    """The counters that recipe `gpu_metrics` lets through, each with what it measures."""


_NVIDIA = {
    "DCGM_FI_PROF_GR_ENGINE_ACTIVE": "share of time in which the graphics or compute engine works, 0 to 1; MIG too",
    "DCGM_FI_PROF_SM_ACTIVE": "share of cycles in which a multiprocessor has work, 0 to 1; scales prefill",
    "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE": "share of cycles in which tensor cores work, 0 to 1",
    "DCGM_FI_PROF_DRAM_ACTIVE": "share of cycles in which memory is read or written, 0 to 1; limits decode",
    "DCGM_FI_DEV_GPU_UTIL": "share of time in which any kernel runs, in percent; not for MIG",
    "DCGM_FI_DEV_FB_USED": "memory in use, in MiB; scales decode",
    "DCGM_FI_DEV_FB_FREE": "free memory, in MiB",
    "DCGM_FI_DEV_POWER_USAGE": "power, in watts",
    "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION": "energy since the start of the driver, in millijoules",
    "DCGM_FI_DEV_GPU_TEMP": "temperature of the GPU, in degrees Celsius",
    "DCGM_FI_DEV_MEMORY_TEMP": "temperature of the memory, in degrees Celsius",
    "DCGM_FI_DEV_SM_CLOCK": "clock of the multiprocessors, in MHz; falls when the GPU is throttled",
    "DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL": "what passed between GPUs over NVLink",
    "DCGM_FI_DEV_XID_ERRORS": "code of the last error of the driver (XID)",
    "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS": "rows of memory that were replaced after errors",
}
_AMD = {
    "gpu_gfx_activity": "use of the graphics or compute engine, in percent; not for partitions",
    "gpu_umc_activity": "use of the memory controller, in percent",
    "gpu_used_vram": "memory in use, in MB",
    "gpu_free_vram": "free memory, in MB",
    "gpu_total_vram": "memory, in MB",
    "gpu_power_usage": "power, in watts",
    "gpu_energy_consumed": "energy, in microjoules",
    "gpu_junction_temperature": "temperature of the hottest place, in degrees Celsius; MI3xx",
    "gpu_edge_temperature": "temperature of the edge, in degrees Celsius; MI2xx",
    "gpu_memory_temperature": "temperature of the memory, in degrees Celsius",
    "gpu_clock": "clocks, in MHz",
    "gpu_ecc_uncorrect_total": "errors of memory that were not corrected",
    "pcie_bandwidth": "what passes over PCIe, in Mb/s; MI3xx",
}
_INTEL = {
    "xpum_engine_ratio": "share of time in which the GPU works, in percent, for each tile",
    "xpum_engine_group_ratio": "use of the engines of a type, such as compute, in percent",
    "xpum_memory_used_bytes": "memory in use, in bytes",
    "xpum_memory_ratio": "share of the memory in use, in percent",
    "xpum_memory_bandwidth_ratio": "share of the memory's throughput in use, in percent",
    "xpum_power_watts": "power, in watts",
    "xpum_energy_joules": "energy since the start, in joules",
    "xpum_temperature_celsius": "temperatures of GPU and memory, in degrees Celsius",
    "xpum_frequency_mhz": "clocks, in MHz",
    "xpum_resets": "resets of the GPU",
    "xpum_driver_errors": "errors of the driver",
    "xpum_cache_errors": "errors of caches, corrected or not",
}
# The labels by which all of them name the pod that uses a GPU. The DaemonSet is the exporter's.
_POD_LABELS = {
    "k8s.namespace.name": "namespace",
    "k8s.pod.name": "pod",
    "k8s.container.name": "container",
    "k8s.daemonset.name": "",
}
EXPORTERS = {
    "nvidia": GpuExporter(
        app_labels=("nvidia-dcgm-exporter", "dcgm-exporter"),
        port=9400,
        device_label="UUID",
        pod_uid_label="pod_uid",
        power_selector="DCGM_FI_DEV_POWER_USAGE",
        full_value_by_measure={"DCGM_FI_PROF_GR_ENGINE_ACTIVE": 1, "DCGM_FI_DEV_GPU_UTIL": 100},
        meaning_by_counter=_NVIDIA,
    ),
    "amd": GpuExporter(
        app_labels=("metrics-exporter", "amdgpu-metrics-exporter"),
        port=5000,
        device_label="gpu_id",
        pod_uid_label="pod_uuid",
        power_selector="gpu_power_usage",
        full_value_by_measure={"gpu_gfx_activity": 100},
        meaning_by_counter=_AMD,
    ),
    # Of a card with several GPUs, XPU Manager has the power of the card too, without an address.
    "intel": GpuExporter(
        app_labels=("intel-xpumanager",),
        port=29999,
        device_label="pci_bdf",
        pod_uid_label="",
        power_selector='xpum_power_watts{pci_bdf!=""}',
        full_value_by_measure={"xpum_engine_ratio": 100},
        meaning_by_counter=_INTEL,
    ),
}


def map_pod_attributes(vendor: str) -> dict[str, str]:
    """Return the label of each attribute of the pod that uses a GPU; without one, it is of the exporter alone."""
    return {**_POD_LABELS, "k8s.pod.uid": EXPORTERS[vendor].pod_uid_label}


def list_label_statements(vendor: str) -> list[str]:
    """Return OTTL statements that make attributes of pods out of labels.

    The resource names the pod of the exporter, and processor groupbyattrs replaces its attributes by those of the data
    points. An attribute without a label is empty, so that it replaces that of the exporter too. Then
    `list_cleanup_statements` removes it. Metric `up` is about the exporter, and stays as it is.
    """
    statements = []
    for attribute, label in map_pod_attributes(vendor).items():
        statements.append(f'set(datapoint.attributes["{attribute}"], "") where metric.name != "up"')
        if label:
            label_path = f'datapoint.attributes["{label}"]'
            has_label = f'metric.name != "up" and {label_path} != nil'
            statements.append(f'set(datapoint.attributes["{attribute}"], {label_path}) where {has_label}')
            statements.append(f'delete_key(datapoint.attributes, "{label}") where metric.name != "up"')
    return statements


def list_cleanup_statements(vendor: str) -> list[str]:
    """Return OTTL statements that remove empty attributes of pods from resources."""
    keys = map_pod_attributes(vendor)
    return [f'delete_key(resource.attributes, "{key}") where resource.attributes["{key}"] == ""' for key in keys]


def build_names_pattern(vendor: str, extra_counters: Sequence[str], left_out_counters: Sequence[str]) -> str:
    """Return the pattern for the names of metrics that stay.

    Raises Problem if `left_out_counters` has a counter that does not stay by default.

    A counter may end with `_total`, as clients of Prometheus add it. `up` says whether the exporter answers.
    """
    counters = EXPORTERS[vendor].meaning_by_counter
    unknown_counter = next((name for name in left_out_counters if name not in counters), None)
    if unknown_counter is not None:
        wrong = (
            f"`without_counters` has {unknown_counter}, which is not kept by"
            f" default{suggest_word(unknown_counter, counters)}"
        )
        raise Problem(wrong, fix="Remove it: only the counters of docs/ai_inference.md are kept by default.")
    kept_patterns = [
        re.escape(name) for name in dict.fromkeys((*counters, *extra_counters)) if name not in left_out_counters
    ]
    return f"^(up|(?:{'|'.join(kept_patterns)})(_total)?)$"


def build_pods_pattern(vendor: str, apps: Sequence[str]) -> str:
    """Return the pattern for labels `app` and `app.kubernetes.io/name` of an exporter's pod, joined by a semicolon.

    Example: `(?:metrics-exporter);.*|.*;(?:metrics-exporter)`, of which either label is enough. `apps` are the names
    that the user gives instead of the usual ones.
    """
    names = "|".join(re.escape(app) for app in apps or EXPORTERS[vendor].app_labels)
    return f"(?:{names});.*|.*;(?:{names})"


def build_gpu_pods_pattern(recipes: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the result of `build_pods_pattern` for the options of recipe `gpu_metrics`; empty without that recipe."""
    recipe_options = recipes.get("gpu_metrics")
    return (
        ""
        if recipe_options is None
        else build_pods_pattern(recipe_options.get("vendor") or "nvidia", recipe_options.get("apps") or ())
    )
