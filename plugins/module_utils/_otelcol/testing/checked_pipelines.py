# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pipelines of a user's config as a test reads them: a part of another shape is named. Private.

A part that is no mapping or list where one must be raises Problem with its path. harness.py and tests start from here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..config.paths import ROLES, SECTIONS, Path, format_path, value_at
from ..config.pipelines import signal_of
from ..errors import Problem


class NamedPipeline(NamedTuple):
    """A pipeline of a config: its name, and the ids that it lists in each role."""

    name: str
    ids_by_role: Mapping[str, Any]


def read_checked_pipelines(config: Mapping[str, Any]) -> Iterator[NamedPipeline]:
    """Yield the pipelines of a config, in their order. Raises Problem if it has none, or a part of another shape."""
    pipelines = value_at(config, ("service", "pipelines"))
    if not isinstance(pipelines, Mapping) or not pipelines:
        raise Problem("the config has no pipelines", where="service.pipelines", fix="Give a whole config.")
    _check_shapes(config, pipelines)
    for name, ids in pipelines.items():
        yield NamedPipeline(str(name), ids or {})


def _check_shapes(config: Mapping[str, Any], pipelines: Mapping[str, Any]) -> None:
    """Raise Problem for a section or pipeline that is no mapping, and for a role of a pipeline that is no list."""
    for name in SECTIONS:
        check_shape(config, (name,), Mapping, "mapping")
    for name in pipelines:
        path = ("service", "pipelines", name)
        check_shape(config, path, Mapping, "mapping")
        for role in ROLES:
            check_shape(config, (*path, role), list, "list")
            _check_ids(config, (*path, role))


def check_shape(config: Mapping[str, Any], path: Path, shape: type, shape_word: str) -> None:
    """Raise Problem if a part of a config has another shape, which a message calls `shape_word`.

    No value is no fault.
    """
    value = value_at(config, path)
    if value is not None and not isinstance(value, shape):
        raise Problem(
            f"this part of the config is no {shape_word}", where=format_path(path), fix=f"Write a {shape_word} here."
        )


def _check_ids(config: Mapping[str, Any], path: Path) -> None:
    """Raise Problem for an item of a list of ids that is no text, such as the mapping of `- otlp:`."""
    for id_index, component_id in enumerate(value_at(config, path) or ()):
        if not isinstance(component_id, str):
            problem = "this item is no id of a component"
            raise Problem(problem, where=format_path((*path, id_index)), fix="Write the id alone, such as `- otlp`.")


def list_used_ids(config: Mapping[str, Any], role: str) -> list[str]:
    """Return the ids that pipelines list in a role, each once, in their order. Raises Problem."""
    ids_in_order: dict[str, None] = {}
    for pipeline in read_checked_pipelines(config):
        ids_in_order.update(dict.fromkeys(pipeline.ids_by_role.get(role) or ()))
    return list(ids_in_order)


def list_used_exporters(config: Mapping[str, Any]) -> list[str]:
    """Return the exporters in pipelines, in their order; connectors are none. Raises Problem."""
    connectors = config.get("connectors") or {}
    return [exporter for exporter in list_used_ids(config, "exporters") if exporter not in connectors]


def map_signals_of_receivers(config: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return for each receiver in a pipeline the signals that it feeds; connectors are none. Raises Problem."""
    connectors = config.get("connectors") or {}
    signals_by_receiver: dict[str, dict[str, None]] = {}
    for pipeline in read_checked_pipelines(config):
        for receiver in pipeline.ids_by_role.get("receivers") or ():
            if receiver not in connectors:
                signals_by_receiver.setdefault(receiver, {})[signal_of(pipeline.name)] = None
    return {receiver: tuple(signals) for receiver, signals in signals_by_receiver.items()}
