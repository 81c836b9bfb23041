# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adds a sink behind each processor of a test's config, so that a trace tells what each step makes of the records.

A run with the option `trace` does so. A stage is a copy of a pipeline with its first processors only, and a sink an
exporter that sends to the test. For the pipeline `traces` with the processors `a` and `b`, there are three::

    traces/stage_0_of_0_traces: {receivers: [otlp], exporters: [otlp_http/stage_0_of_0_traces]}
    traces/stage_1_of_0_traces: {receivers: [otlp], processors: [a], exporters: [otlp_http/stage_1_of_0_traces]}
    traces/stage_2_of_0_traces: {receivers: [otlp], processors: [a, b], exporters: [otlp_http/stage_2_of_0_traces]}

harness.py adds them, and traced_steps.py compares what arrives. probes.py uses `list_beside` and
`may_get_only_a_part` too. Private.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..config.pipelines import signal_of
from ..traits import takes_turns
from .replaced_ends import ReplacedEnds, build_sink_settings, make_id_part


def name_stage(pipeline: str, processor_count: int) -> str:
    """Return the name under which the records come that leave the first `processor_count` processors."""
    return f"stage {processor_count} of {pipeline}"


def add_stages(config: dict[str, Any], ends: ReplacedEnds) -> None:
    """Add to the config of a test a pipeline for each step of each pipeline: it ends behind that step, in a sink.

    A connector that names a pipeline then names these too. Behind a connector that takes turns nothing is added, since
    each pipeline would get only a part of the records.
    """
    pipelines = config["service"]["pipelines"]
    for position, (name, pipeline) in enumerate(list(pipelines.items())):
        if may_get_only_a_part(pipeline):
            continue
        for processor_count in range(len(pipeline.get("processors", ())) + 1):
            stage_id = f"stage_{processor_count}_of_{position}_{make_id_part(name)}"
            sink = f"{ends.otlp_http}/{stage_id}"
            stage_pipeline = f"{signal_of(name)}/{stage_id}"
            config["exporters"][sink] = build_sink_settings(name_stage(name, processor_count), ends)
            pipelines[stage_pipeline] = _build_stage(pipeline, processor_count, sink)
            config["connectors"] = list_beside(config["connectors"], name, stage_pipeline)


def _build_stage(pipeline: Mapping[str, Any], processor_count: int, sink: str) -> dict[str, Any]:
    """Return a pipeline with the receivers of another one and its first processors, which ends in a sink."""
    processors = pipeline.get("processors", [])[:processor_count]
    stage = {"receivers": pipeline["receivers"], "processors": processors, "exporters": [sink]}
    return {role: ids for role, ids in stage.items() if ids}


def may_get_only_a_part(pipeline: Mapping[str, Any]) -> bool:
    """Return whether a pipeline shares the records of a connector with others, so that a copy would take some away."""
    return any(takes_turns(str(receiver)) for receiver in pipeline.get("receivers") or ())


def list_beside(value: Any, name: str, added_name: str) -> Any:
    """Return settings in which each list with a name, at any depth, also has another name at its end.

    `{"pipelines": ["traces"]}` with `traces` and `traces/b` is `{"pipelines": ["traces", "traces/b"]}`.
    """
    if isinstance(value, Mapping):
        return {key: list_beside(nested_value, name, added_name) for key, nested_value in value.items()}
    if not isinstance(value, (list, tuple)):
        return value
    extended_list = [list_beside(nested_value, name, added_name) for nested_value in value]
    if name in value:
        extended_list.append(added_name)
    return extended_list
