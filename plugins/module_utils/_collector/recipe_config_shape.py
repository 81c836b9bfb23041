# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a recipe renders a part of a config, on whose shape later steps rely. Private.

Recipes render parts of one config, so one may add to what another has begun. For example, `service: {pipelines: {logs:
"${file:a.yml}"}}` is refused, although a Collector takes it: nobody can add to an expression.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .._otelcol.config.layers import is_pattern
from .._otelcol.config.paths import ROLES, SECTIONS, Path, format_path, mapping_at, value_at
from .._otelcol.errors import Problem
from .._otelcol.rules import structure
from .._otelcol.rules.rule_definitions import Fault
from .._otelcol.rules.subject import Subject

# The keys that a recipe may render; its pipelines and ids may be wildcards, so their names are not checked.
_SHAPE_RULES = (
    structure.not_a_mapping,
    structure.not_a_list,
    structure.unknown_section,
    structure.unknown_key,
    structure.invalid_id,
)


def check_config_shape(name: str, config: Any) -> None:
    """Raise Problem if a recipe renders something else than a part of a config. Later steps rely on its shape."""
    for fault in _find_shape_faults(config):  # the first one is raised
        wrong = f"{name} renders no collector config: {fault.message}"
        raise Problem(wrong, where=format_path(fault.path), fix=fault.fix or "Correct its template.")


def _find_shape_faults(config: Any) -> Iterator[Fault]:
    """Yield why a rendered config has not the shape of one."""
    for find_faults in _SHAPE_RULES:
        yield from find_faults(Subject(_without_patterns(config)))
    for pipeline_id in mapping_at(config, "service", "pipelines"):
        if not isinstance(pipeline_id, str):
            path = ("service", "pipelines", pipeline_id)
            yield Fault(path, "the name of a pipeline is text", "Write `signal` or `signal/name`.")
    yield from _find_shared_expressions(config)


def _find_shared_expressions(config: Any) -> Iterator[Fault]:
    """Yield the expressions, such as `${env:NAMES}`, that stand for what all recipes add to."""
    for path in _list_shared_paths(config):
        if structure.is_expression(value_at(config, path)):
            yield Fault(
                path,
                "other recipes add to this, and nobody can add to an expression",
                "Write it out in the recipe, or put the expression in `config` of a collector.",
            )


def _list_shared_paths(config: Any) -> list[Path]:
    """Return the paths of what all recipes add to: the service, its extensions, pipelines, and each of these."""
    pipelines_path: Path = ("service", "pipelines")
    paths: list[Path] = [("service",), ("service", "extensions"), pipelines_path]
    for name in mapping_at(config, "service", "pipelines"):
        paths.append((*pipelines_path, name))
        paths += [(*pipelines_path, name, role) for role in ROLES]
    return paths


def _without_patterns(config: Any) -> Any:
    """Return the config with names in place of wildcards in ids: `otlp/*` becomes `otlp/any`.

    A recipe may change all components that match, so a wildcard is valid in its config. Rule invalid_id, which is one
    of _SHAPE_RULES, would refuse it.
    """
    if not isinstance(config, dict):
        return config
    without_patterns = dict(config)
    for section in SECTIONS:
        components = mapping_at(config, section)
        if components:
            without_patterns[section] = {_without_wildcard(key): settings for key, settings in components.items()}
    return without_patterns


def _without_wildcard(key: Any) -> Any:
    if isinstance(key, str) and is_pattern(key):
        return key.replace("*", "any")
    return key
