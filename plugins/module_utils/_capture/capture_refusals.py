# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a collector must not be captured by one more pod: its records would be lost, or counted otherwise. Private.

A capture starts one more pod of a collector, which gets a share of the data and writes it to a file (capture_plan.py).
Each check raises Problem. A part of a config is literal if no `${…}` stands for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .._otelcol.config.paths import ROLES, Path, format_path, mapping_at, value_at
from .._otelcol.config.pipelines import PipelineGraph
from .._otelcol.errors import Problem
from .._otelcol.traits import CONNECTORS, EXPORTERS, EXTENSIONS, PROCESSORS, RECEIVERS, Trait, traits_of

_PIPELINES = ("service", "pipelines")
_SECTIONS = (RECEIVERS, PROCESSORS, EXPORTERS, CONNECTORS, EXTENSIONS, "service")


def check_readable(config: Mapping[str, Any]) -> None:
    """Raise Problem for a part by which a capture decides, and that cannot be read.

    It stands elsewhere, such as `${file:…}`, or it is an item of a list of ids that is none.
    """
    for path in _mapping_paths(config):
        _check_literal(config, path, dict)
    for path in _list_paths(config):
        _check_literal(config, path, list)
        _check_ids(config, path)


def _mapping_paths(config: Mapping[str, Any]) -> Iterator[Path]:
    """Yield the paths of the mappings by which a capture decides."""
    for name in _SECTIONS:
        yield (name,)
    yield _PIPELINES
    for name in mapping_at(config, EXPORTERS):
        yield (EXPORTERS, name)
        yield (EXPORTERS, name, "sending_queue")
    for name in mapping_at(config, *_PIPELINES):
        yield (*_PIPELINES, name)


def _list_paths(config: Mapping[str, Any]) -> Iterator[Path]:
    """Yield the paths of the lists of ids by which a capture decides."""
    yield ("service", EXTENSIONS)
    for name in mapping_at(config, *_PIPELINES):
        for role in ROLES:
            yield (*_PIPELINES, name, role)


def _check_literal(config: Mapping[str, Any], path: Path, shape: type[dict[Any, Any] | list[Any]]) -> None:
    """Raise Problem for a part that is given and is no literal mapping or list: nobody knows what is in it."""
    part = value_at(config, path)
    if part is None or (isinstance(part, shape) and not _has_reference(part)):
        return
    wrong = f"`{format_path(path)}` of its config stands elsewhere, and cannot be read"
    raise Problem(wrong, fix="Write it into the config, or capture another collector.")


def _has_reference(names: Iterable[Any]) -> bool:
    """Whether a key of a mapping, or an item of a list, is a reference to a variable or a file."""
    return any(isinstance(name, str) and "${" in name for name in names)


def _check_ids(config: Mapping[str, Any], path: Path) -> None:
    """Raise Problem for an item of a list that is no text. A collector that does not start may have anything."""
    for index, component_id in enumerate(value_at(config, path) or ()):
        if not isinstance(component_id, str):
            wrong = f"`{format_path((*path, index))}` of its config is no id of a component"
            raise Problem(wrong, fix="Write the id alone, such as `- otlp`.")


def explain_no_receivers(left_out_receivers: Iterable[str]) -> Problem:
    """Return why a collector whose receivers all read by themselves cannot be captured."""
    wrong = "no receiver of it gets data from others, so another pod of it would get nothing"
    receiver_names = ", ".join(left_out_receivers)
    fix = f"{receiver_names} read by themselves, and must not read twice. " if receiver_names else ""
    fix += "Let the collector write what it gets with exporter file, and capture the files with `capture_files`."
    return Problem(wrong, fix=fix)


def explain_no_signals(receivers: Iterable[str]) -> Problem:
    """Return why a collector that gets profiles alone cannot be captured."""
    wrong = f"its receivers get no traces, metrics or logs: {', '.join(receivers)}"
    return Problem(wrong, fix="A capture has no other signals. Capture another collector.")


def check_left_out_receivers(receiver_ids: Iterable[str]) -> None:
    """Raise Problem for a receiver whose port would be shut in a pod to which the Services send."""
    for name in receiver_ids:
        if Trait.READS_BY_ITSELF not in traits_of(RECEIVERS, name):
            wrong = f"it is not known whether receiver {name} reads by itself: in the pod of the capture, its port"
            wrong += " would be shut, and requests would fail there"
            raise Problem(wrong, fix="Move the receiver into a collector of its own, or capture another collector.")


def check_exporters(config: Mapping[str, Any], graph: PipelineGraph) -> None:
    """Raise Problem for an exporter that keeps data in its pod: that of the capture ends, and its data with it."""
    for name in _list_started_components(graph, EXPORTERS, mapping_at(config, EXPORTERS)):
        if traits_of(EXPORTERS, name) & {Trait.WRITES_FILES, Trait.IS_SCRAPED}:
            wrong = f"exporter {name} keeps data in its pod, so what the pod of the capture gets would be lost"
            raise Problem(wrong, fix="Capture at a collector in front of it, or capture its files.")


def check_stateless_components(config: Mapping[str, Any], graph: PipelineGraph) -> None:
    """Raise Problem for a component that decides by what it saw before: with one more pod, it decides otherwise."""
    for name in _list_started_components(graph, PROCESSORS, mapping_at(config, PROCESSORS)):
        _check_stateless(PROCESSORS, name)
    for name in _list_started_components(graph, EXPORTERS, mapping_at(config, CONNECTORS)):
        _check_stateless(CONNECTORS, name)


def _check_stateless(section_name: str, name: str) -> None:
    """Raise Problem for a component of a section that keeps state."""
    if Trait.KEEPS_STATE in traits_of(section_name, name):
        wrong = f"{name} decides by records that it saw before, and another pod takes a share of them"
        fix = "Capture at a collector in front of it, or consent with `capture_allow: [state]`, see docs/capture.md."
        raise Problem(wrong, fix=fix)


def _list_started_components(graph: PipelineGraph, role: str, known_components: Mapping[str, Any]) -> list[str]:
    """Return those of the known components that pipelines list in a role, each once: the others do not run."""
    listed_ids: dict[str, None] = {}
    for pipeline in graph.pipelines:
        listed_ids.update(dict.fromkeys(graph.list_ids(pipeline, role)))
    return [name for name in listed_ids if name in known_components]
