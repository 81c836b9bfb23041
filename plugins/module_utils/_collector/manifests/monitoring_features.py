# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The features of a collector: the words by which the tables of alerts and panels say who has an alert. Private.

Example: a DaemonSet with receiver `otlp` in its pipelines and option `monitoring: {gpus: {}}` has the features
`receivers`, `receivers/otlp`, `daemonset`, `gpus` and others. So it has the alert OtelGpuIdle, which needs `gpus`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..._otelcol.config.paths import mapping_at
from ..._otelcol.traits import sends_nothing
from ..critical import critical_table, critical_use
from ..monitoring.gpu_values import find_gpu_features
from ..monitoring.series import parse_known_version
from ..monitoring.used_components import UsedComponents
from .build import CollectorBuild

# The value of option `scrape` that makes a PodMonitor.
POD_MONITOR = "pod_monitor"
# The version from which processors count what goes in and out. Earlier ones count what they drop.
_FIRST_VERSION_WITH_ITEMS = (0, 111)


def find_monitoring_features(build: CollectorBuild, components: UsedComponents) -> frozenset[str]:
    """Return the features of a collector: kinds and types of components, and abilities such as `gpus`.

    `components` are those of its config. Raises Problem for a budget of GPUs without a price.
    """
    features = {*components.kinds, *components.types}
    for component in critical_use.list_components(build.collector.recipes):
        features.add(critical_table.component_feature(component))
    features.update(_list_abilities(build))
    return frozenset(features)


def _list_abilities(build: CollectorBuild) -> Iterator[str]:
    """Yield what a collector can do by its options, its config and its version."""
    collector = build.collector
    options = collector.monitoring
    counts_items = parse_known_version(build.collector_version) >= _FIRST_VERSION_WITH_ITEMS
    has_ability = {
        "daemonset": collector.mode == "daemonset",
        # A collector that selects nodes has no pod on the others, and OtelCollectorNodeUncovered would report these.
        "every_node": collector.every_node and not collector.nodes,
        # Prometheus has the metrics of kube-state-metrics, and those of recipe cluster_metrics.
        "kube_state_metrics": bool(options.get("kube_state_metrics")),
        "workloads": bool(options.get("workloads")),
        # Only a PodMonitor makes the label `config_hash` of the annotation of the pods.
        "config_hash": options.get("scrape") == POD_MONITOR,
        "certificates": bool(collector.certificates),
        "queue": any(_has_queue(build.config, name) for name in mapping_at(build.config, "exporters")),
        # Processors count what goes in and out, or what they drop.
        "items": counts_items,
        "dropped": not counts_items,
        **find_gpu_features(options.get("gpus")),
    }
    for ability, is_there in has_ability.items():
        if is_there:
            yield ability


def _has_queue(config: Mapping[str, Any], exporter: str) -> bool:
    """Return whether an exporter keeps a queue: one that sends requests, unless the config turns it off."""
    queue_settings = mapping_at(config, "exporters", exporter, "sending_queue")
    return not sends_nothing(exporter) and queue_settings.get("enabled") is not False
