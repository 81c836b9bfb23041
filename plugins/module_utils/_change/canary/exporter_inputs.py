# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From where does an exporter get its signal? Two configs are compared by it. Private.

For example, exporter `debug` of this config gets traces from `otlp` alone:

    service:
      pipelines:
        traces: {receivers: [otlp], exporters: [debug]}
        traces/archive: {receivers: [jaeger], exporters: [file]}
    → ExporterInputs(
          pipeline_ends=[
              PipelineEnds(receivers=["jaeger"], has_exporter=False),
              PipelineEnds(receivers=["otlp"], has_exporter=True),
          ],
          connector_settings={},
      )
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..._otelcol.config.paths import mapping_at
from ..._otelcol.config.pipelines import PipelineGraph, signal_of
from ..._telemetry.signal_flow import ExporterRow


class PipelineEnds(NamedTuple):
    """The receivers of a pipeline, in order of their names, and whether the pipeline lists the exporter."""

    receivers: list[str]
    has_exporter: bool


class ExporterInputs(NamedTuple):
    """The ends of all pipelines of the signal, whatever their names, and the settings of all connectors.

    Pipelines without the exporter count too: a connector may lead from them to the exporter.
    """

    pipeline_ends: list[PipelineEnds]
    connector_settings: Mapping[str, Any]


def find_exporter_inputs(exporter: ExporterRow, config: Mapping[str, Any]) -> ExporterInputs:
    """Return from where an exporter of a config may get the signal of its row."""
    graph = PipelineGraph.of(config)
    pipeline_ends: list[PipelineEnds] = []
    for pipeline in graph.pipelines:
        if signal_of(pipeline) == exporter["signal"]:
            receivers = sorted(graph.list_ids(pipeline, "receivers"))
            has_exporter = exporter["id"] in graph.list_ids(pipeline, "exporters")
            pipeline_ends.append(PipelineEnds(receivers, has_exporter))
    # Sorted, since a pipeline that was only renamed or moved within the config changes no input.
    return ExporterInputs(sorted(pipeline_ends), mapping_at(config, "connectors"))
