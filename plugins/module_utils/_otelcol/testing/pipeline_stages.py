# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A test's config with an end behind each processor, so that a trace tells what every step makes of the records.

Private.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..config.pipelines import signal_of
from ..traits import takes_turns
from .replaced_ends import Ends, id_part, sink_settings


def stage_name(pipeline: str, number: int) -> str:
    """Return the name under which a traced pipeline sends what leaves its first processors."""
    return f"stage {number} of {pipeline}"


def add_stages(config: dict[str, Any], ends: Ends) -> None:
    """Add to the config of a test, for each pipeline and each number of its processors, a pipeline that ends there.

    A connector that names pipelines sends to these too. One that takes turns would send them a part of the records.
    """
    pipelines = config["service"]["pipelines"]
    for position, (name, pipeline) in enumerate(list(pipelines.items())):
        if gets_a_part(pipeline):
            continue
        for number in range(len(pipeline.get("processors", ())) + 1):
            stage_id = f"stage_{number}_of_{position}_{id_part(name)}"
            sink, added = f"{ends.otlp_http}/{stage_id}", f"{signal_of(name)}/{stage_id}"
            config["exporters"][sink] = sink_settings(stage_name(name, number), ends)
            pipelines[added] = _stage_of(pipeline, number, sink)
            config["connectors"] = listed_beside(config["connectors"], name, added)


def _stage_of(pipeline: Mapping[str, Any], number: int, sink: str) -> dict[str, Any]:
    """Return a pipeline with the receivers of another one and its first processors, which ends in a sink."""
    processors = pipeline.get("processors", [])[:number]
    stage = {"receivers": pipeline["receivers"], "processors": processors, "exporters": [sink]}
    return {role: ids for role, ids in stage.items() if ids}


def gets_a_part(pipeline: Mapping[str, Any]) -> bool:
    """Return whether a pipeline gets a part of the records of a connector, so that nothing can listen beside it."""
    return any(takes_turns(str(receiver)) for receiver in pipeline.get("receivers") or ())


def listed_beside(value: Any, name: str, added: str) -> Any:
    """Return settings in which each list that has a name has another name too."""
    if isinstance(value, Mapping):
        return {key: listed_beside(inner, name, added) for key, inner in value.items()}
    if not isinstance(value, (list, tuple)):
        return value
    listed = [listed_beside(inner, name, added) for inner in value]
    if name in value:
        listed.append(added)
    return listed
