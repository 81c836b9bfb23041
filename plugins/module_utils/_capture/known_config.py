# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check that a config itself has the parts that a capture has to know: components, pipelines and extensions. Private.

`capture_tap.py` adds pipelines to the config of a collector, and decides by its receivers and exporters. If one of
these parts is a reference, only the Collector knows what is in it. Then `check_config_is_known` raises, for example:

    `exporters.otlp` of its config stands elsewhere, and cannot be read
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .._otelcol.config.paths import ROLES, Path, format_path, mapping_at, value_at
from .._otelcol.errors import Problem
from .._otelcol.traits import CONNECTORS, EXPORTERS, EXTENSIONS, PROCESSORS, RECEIVERS

# The path of the pipelines in a config, and the sections that a capture has to know.
_PIPELINES = ("service", "pipelines")
_SECTIONS = (RECEIVERS, PROCESSORS, EXPORTERS, CONNECTORS, EXTENSIONS, "service")


def check_config_is_known(config: Mapping[str, Any]) -> None:
    """Raise Problem for a part of a config that a capture has to know, and that the config does not have itself.

    Such a part is a reference to a variable or a file, such as `exporters: ${file:exporters.yaml}`, or an item in a
    list of ids that is no id.
    """
    for path in _mapping_paths(config):
        _check_is_written_out(config, path, dict)
    for path in _list_paths(config):
        _check_is_written_out(config, path, list)
        _check_ids(config, path)


def _mapping_paths(config: Mapping[str, Any]) -> Iterator[Path]:
    """Yield the paths of the mappings that a capture has to know, such as `("service", "pipelines")`."""
    for name in _SECTIONS:
        yield (name,)
    yield _PIPELINES
    for name in mapping_at(config, EXPORTERS):
        yield (EXPORTERS, name)
        yield (EXPORTERS, name, "sending_queue")
    for name in mapping_at(config, *_PIPELINES):
        yield (*_PIPELINES, name)


def _list_paths(config: Mapping[str, Any]) -> Iterator[Path]:
    """Yield the paths of the lists of ids that it has to know, such as `("service", "extensions")`."""
    yield ("service", EXTENSIONS)
    for name in mapping_at(config, *_PIPELINES):
        for role in ROLES:
            yield (*_PIPELINES, name, role)


def _check_is_written_out(config: Mapping[str, Any], path: Path, shape: type[dict[Any, Any] | list[Any]]) -> None:
    """Raise Problem for a part that is there, and is no mapping or list that is written out in the config.

    `shape` is `dict` for a mapping, or `list`.
    """
    part = value_at(config, path)
    if part is None or (isinstance(part, shape) and not _has_reference(part)):
        return
    wrong = f"`{format_path(path)}` of its config stands elsewhere, and cannot be read"
    raise Problem(wrong, fix="Write it into the config, or capture another collector.")


def _has_reference(names: Iterable[Any]) -> bool:
    """Whether a key of a mapping, or an item of a list, is a reference such as `${env:NAME}`."""
    return any(isinstance(name, str) and "${" in name for name in names)


def _check_ids(config: Mapping[str, Any], path: Path) -> None:
    """Raise Problem for an item of a list that is no text. The config of a collector that does not start may have
    any."""
    for index, component_id in enumerate(value_at(config, path) or ()):
        if not isinstance(component_id, str):
            wrong = f"`{format_path((*path, index))}` of its config is no id of a component"
            raise Problem(wrong, fix="Write the id alone, such as `- otlp`.")
