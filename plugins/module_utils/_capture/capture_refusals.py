# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a collector must not be captured by one more pod: its records would be lost, or counted otherwise. Private.

A capture starts one more pod of a collector, which gets a share of the data and writes it to a file. Before that,
`capture_tap.py` calls each of these checks, and a check raises Problem. For example:

    exporter file keeps data in its pod, so what the pod of the capture gets would be lost
    tail_sampling decides by records that it saw before, and another pod takes a share of them

`check_*` functions raise the problem themselves. `build_*` functions return the problem of something that the caller
has found out while it builds the config of the capture.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._otelcol.config.paths import mapping_at
from .._otelcol.config.pipelines import PipelineGraph
from .._otelcol.errors import Problem
from .._otelcol.traits import CONNECTORS, EXPORTERS, PROCESSORS, RECEIVERS, Trait, traits_of


def build_no_receivers_problem(left_out_receivers: Iterable[str]) -> Problem:
    """Return the problem of a collector whose receivers all read by themselves, such as `host_metrics`."""
    wrong = "no receiver of it gets data from others, so another pod of it would get nothing"
    fix = "Let the collector write what it gets with exporter file, and capture the files with `capture_files`."
    receiver_names = ", ".join(left_out_receivers)
    if receiver_names:
        fix = f"{receiver_names} read by themselves, and must not read twice. {fix}"
    return Problem(wrong, fix=fix)


def build_no_signals_problem(receivers: Iterable[str]) -> Problem:
    """Return the problem of a collector that gets profiles alone."""
    wrong = f"its receivers get no traces, metrics or logs: {', '.join(receivers)}"
    return Problem(wrong, fix="A capture has no other signals. Capture another collector.")


def check_left_out_receivers(receiver_ids: Iterable[str]) -> None:
    """Raise Problem for a receiver whose port would be shut in a pod to which the Services send."""
    for name in receiver_ids:
        if Trait.READS_BY_ITSELF not in traits_of(RECEIVERS, name):
            wrong = (
                f"it is not known whether receiver {name} reads by itself: in the pod of the capture, its port would be"
                " shut, and requests would fail there"
            )
            raise Problem(wrong, fix="Move the receiver into a collector of its own, or capture another collector.")


def check_exporters(config: Mapping[str, Any], graph: PipelineGraph) -> None:
    """Raise Problem for an exporter that keeps data in its pod: that of the capture ends, and its data with it."""
    # A connector stands among the exporters of a pipeline too. It is no component of this section, so it is left out.
    for name in _list_started_components(graph, EXPORTERS, mapping_at(config, EXPORTERS)):
        if traits_of(EXPORTERS, name) & {Trait.WRITES_FILES, Trait.IS_SCRAPED}:
            wrong = f"exporter {name} keeps data in its pod, so what the pod of the capture gets would be lost"
            raise Problem(wrong, fix="Capture at a collector in front of it, or capture its files.")


def check_stateless_components(config: Mapping[str, Any], graph: PipelineGraph) -> None:
    """Raise Problem for a component that decides by what it saw before: with one more pod, it decides otherwise."""
    for name in _list_started_components(graph, PROCESSORS, mapping_at(config, PROCESSORS)):
        _check_stateless(PROCESSORS, name)
    # Pipelines list a connector among their exporters, and among the receivers of the next pipeline.
    for name in _list_started_components(graph, EXPORTERS, mapping_at(config, CONNECTORS)):
        _check_stateless(CONNECTORS, name)


def _check_stateless(section_name: str, name: str) -> None:
    """Raise Problem for a component of a section that keeps state."""
    if Trait.KEEPS_STATE in traits_of(section_name, name):
        wrong = f"{name} decides by records that it saw before, and another pod takes a share of them"
        fix = "Capture at a collector in front of it, or consent with `capture_allow: [state]`, see docs/capture.md."
        raise Problem(wrong, fix=fix)


def _list_started_components(graph: PipelineGraph, role: str, known_components: Mapping[str, Any]) -> list[str]:
    """Return those of the known components that pipelines list in a role, each once: the others do not run.

    `known_components` are those of one section of the config, which tells exporters and connectors apart.
    """
    listed_ids: dict[str, None] = {}
    for pipeline in graph.pipelines:
        listed_ids.update(dict.fromkeys(graph.list_ids(pipeline, role)))
    return [name for name in listed_ids if name in known_components]
