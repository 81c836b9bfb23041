# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hops of telemetry: how to see what each collector on its way receives and sends on. Private.

The render of a collector plans its hop (`_rendered_bundle.py` of plugin_utils). The search for lost records reads the
metrics of each collector that telemetry passes, one hop after the other. Example of a hop:

    {"name": "otel/agent", "namespace": "otel", "selector": "…", "metrics_port": 8888,
     "exporters": {"otlp_grpc/gateway": {"signals": ["logs", "traces"], "to": ["otel/gateway"]}}}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

from .._otelcol.config.pipelines import PipelineGraph
from .._otelcol.traits import is_for_trials
from .manifests.build import CollectorBuild
from .manifests.network import list_plain_ports
from .probing import METRICS_PORT


class HopExporter(TypedDict):
    """An exporter of a collector: its signals, and the collectors that it sends to."""

    signals: list[str]
    to: list[str]
    """NAMESPACE/NAME of each."""


class Hop(TypedDict):
    """A collector that telemetry passes, with its pods and the port of their metrics."""

    name: str
    """NAMESPACE/NAME."""
    namespace: str
    selector: str
    metrics_port: int
    """0 if it does not serve its own metrics."""
    exporters: dict[str, HopExporter]


def plan_hop(build: CollectorBuild, receivers_by_exporter: Mapping[str, Sequence[str]]) -> Hop | None:
    """Return the hop of a collector; None for a sidecar, which has no pods of its own.

    `receivers_by_exporter` has the names of the collectors that each exporter sends to.
    """
    collector = build.collector
    if collector.is_sidecar:
        return None
    signals_by_exporter = PipelineGraph.of(build.config).find_signals_by_id("exporters")
    exporters: dict[str, HopExporter] = {}
    for name in sorted(signals_by_exporter):
        if not is_for_trials(name):  # such as `debug`, which only prints
            exporters[name] = {
                "signals": sorted(signals_by_exporter[name]),
                "to": list(receivers_by_exporter.get(name, ())),
            }
    return {
        "name": f"{collector.namespace}/{collector.name}",
        "namespace": collector.namespace,
        "selector": collector.selector_text,
        "metrics_port": list_plain_ports(build, build.config).get(METRICS_PORT, 0),
        "exporters": exporters,
    }
