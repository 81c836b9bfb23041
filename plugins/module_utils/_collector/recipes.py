# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of recipes: of their use by a collector, of their options, and of the config that they render. Private.

A recipe is a folder with `recipe.yml`, which has its `modes`, `summary`, `options` and `requires`, and a template that
renders a part of a config. An option has, beside its type, rules that are checked here:

    port: {type: int, range: [0, 65535]}             a number from 0 to 65535
    series_limit: {type: int, range: [1]}            1 or more
    signals: {type: list, range: [1]}                1 entry or more; also of a mapping
    max_size: {type: int, needs: {protocols: grpc}}  has an effect only if option protocols is, or lists, `grpc`
    client_ca: {type: str, needs: {tls: null}}       has an effect only if option tls has any value
    ca: {type: str, needs: {insecure: false}}        has an effect only if option insecure is false
    to: {type: str, instead_of: endpoint}            replaces option endpoint, which is required otherwise
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._otelcol.config.layers import is_pattern
from .._otelcol.config.paths import ROLES, SECTIONS, Path, format_path, mapping_at, value_at
from .._otelcol.errors import Problem, suggest_word
from .._otelcol.rules import structure
from .._otelcol.rules.rule_definitions import Fault
from .._otelcol.rules.subject import Subject

# The mode of a collector that systemd runs. A recipe that works there says `hosts: true`.
SERVICE_MODE = "service"
# The keys that a recipe may render; its pipelines and ids may be wildcards, so their names are not checked.
_SHAPE_RULES = (
    structure.not_a_mapping,
    structure.not_a_list,
    structure.unknown_section,
    structure.unknown_key,
    structure.invalid_id,
)


@dataclass(frozen=True)
class RecipeUse:
    """A recipe that a collector uses, with the options it was given."""

    name: str
    options: dict[str, Any]


def read_recipe_uses(recipes: Iterable[Any]) -> list[RecipeUse]:
    """Return the recipes that a collector uses, such as `- otlp_ingest` and `- otlp_forward: {endpoint: HOST:PORT}`.

    Raises Problem for an item that is neither a name, nor a mapping of one name to options.
    """
    return [_read_recipe_use(recipe) for recipe in recipes]


def _read_recipe_use(recipe: Any) -> RecipeUse:
    if isinstance(recipe, str):
        return RecipeUse(recipe.strip(), {})  # a survey may separate names by comma and space
    if isinstance(recipe, Mapping) and len(recipe) == 1:
        ((name, options),) = recipe.items()
        if isinstance(name, str) and (options is None or isinstance(options, Mapping)):
            return RecipeUse(str(name), dict(options or {}))
    wrong = f"a recipe is a name, or a mapping of one name to its options, not {json.dumps(recipe, default=str)}"
    raise Problem(wrong, fix="Write `- otlp_ingest` or `- otlp_forward: {endpoint: HOST:PORT}`.")


def check_recipe_exists(use: RecipeUse, known_names: Iterable[str]) -> None:
    """Raise Problem when there is no recipe of this name."""
    names = sorted(known_names)
    if use.name not in names:
        raise Problem(
            f"there is no recipe '{use.name}'{suggest_word(use.name, names)}", fix=f"Recipes: {', '.join(names)}."
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


def check_mode(use: RecipeUse, recipe: Mapping[str, Any], mode: str) -> None:
    """Raise Problem when a recipe does not work in this mode. Mode `service` is that of Linux hosts."""
    modes = recipe["modes"]
    if mode == SERVICE_MODE and not recipe.get("hosts"):
        wrong = f"recipe '{use.name}' does not work on a Linux host: {recipe['summary']}"
        raise Problem(wrong, fix="Use a recipe that docs/hosts.md lists.")
    if mode not in (SERVICE_MODE, *modes):
        wrong = f"recipe '{use.name}' does not work in mode {mode}: {recipe['summary']}"
        raise Problem(wrong, fix=f"Use it in mode {' or '.join(modes)}.")


def check_options(name: str, values: Mapping[str, Any], options: Mapping[str, Any], outer_path: str = "") -> None:
    """Raise Problem for a number out of its `range`, and for an option that has no effect without what it `needs`.

    `range` has the least and the largest number, or the least alone. `needs` has other options and the value that each
    must have or list; null stands for any value. Options of options have both too; `outer_path` is where these are.
    """
    for key, option in options.items():
        rules = option or {}
        value = values.get(key)
        path = f"{outer_path}{key}"
        _check_range(f"option '{path}' of recipe '{name}'", value, rules)
        if not value:  # an option that is not used needs nothing
            continue
        _check_needs(f"option '{path}' of recipe '{name}'", key, values, rules.get("needs") or {})
        inner_options = rules.get("options") or {}
        if isinstance(value, list):
            for index, item in enumerate(value):
                check_options(name, item or {}, inner_options, f"{path}[{index}].")
        elif isinstance(value, Mapping):
            check_options(name, value, inner_options, f"{path}.")


def _check_needs(option_words: str, key: str, values: Mapping[str, Any], needs: Mapping[str, Any]) -> None:
    """Raise Problem for an option that has no effect without what it needs."""
    for needed_option, needed_value in needs.items():
        if _has_value(values.get(needed_option), needed_value):
            continue
        missing_words = _describe_needed_value(needed_option, needed_value)
        wrong = f"{option_words} has no effect without {missing_words}"
        raise Problem(wrong, fix=f"Set {missing_words}, or remove `{key}`.")


def _describe_needed_value(option: str, needed_value: Any) -> str:
    """Return what an option needs in words, such as `grpc in protocol`."""
    if needed_value is None:
        return f"`{option}`"
    if needed_value is False:
        return f"`{option}: false`"
    return f"{needed_value} in `{option}`"


def _has_value(option_value: Any, needed_value: Any) -> bool:
    """Return whether an option has or lists a value; any value will do if `needed_value` is None."""
    if needed_value is None:
        return bool(option_value)
    if isinstance(option_value, list):
        return needed_value in option_value
    return bool(needed_value == option_value)


def apply_alternatives(name: str, values: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a recipe for the values that are given.

    An option with `instead_of` replaces the one that it names, which is not required then. Raises Problem if both are
    given.
    """
    adjusted_options = dict(options)
    for key, option in options.items():
        replaced_option = (option or {}).get("instead_of")
        if replaced_option and values.get(key):
            if values.get(replaced_option):
                wrong = f"options '{key}' and '{replaced_option}' of recipe '{name}' exclude each other"
                raise Problem(wrong, fix="Remove one of the two.")
            adjusted_options[replaced_option] = {**options[replaced_option], "required": False}
    return adjusted_options


def _check_range(option_words: str, value: Any, rules: Mapping[str, Any]) -> None:
    """Raise Problem for a number out of its limits: the least and the largest number, or the least alone.

    Of a list or a mapping, the least number is that of its entries.
    """
    limits: Sequence[float] = rules.get("range") or ()
    if value is None or not limits:
        return
    if isinstance(value, (list, Mapping)):
        _check_entry_count(option_words, len(value), limits[0], is_required=bool(rules.get("required")))
    else:
        _check_number(option_words, value, limits)


def _check_entry_count(option_words: str, entry_count: int, minimum: float, *, is_required: bool) -> None:
    """Raise Problem for a list or a mapping with fewer entries than it must have."""
    if entry_count < minimum:
        other_way = "" if is_required else ", or leave the option out"
        raise Problem(f"{option_words} has {entry_count} entries", fix=f"Give {minimum} or more{other_way}.")


def _check_number(option_words: str, value: float, limits: Sequence[float]) -> None:
    """Raise Problem for a number below the first limit, or above the second one if there are two."""
    minimum = limits[0]
    maximum = limits[1] if len(limits) > 1 else math.inf
    # `not` stands before the comparison, because no comparison with nan holds: so nan is refused too.
    if not minimum <= value <= maximum:
        allowed = f"{minimum} or more" if maximum == math.inf else f"a number from {minimum} to {maximum}"
        raise Problem(f"{option_words} is {value}", fix=f"Give {allowed}.")


def check_requires(recipe_uses: Iterable[RecipeUse], recipes: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise Problem when a recipe needs another one that is not in use."""
    names = [use.name for use in recipe_uses]
    for name in names:
        missing_names = [
            required_name for required_name in recipes[name].get("requires") or [] if required_name not in names
        ]
        if missing_names:
            fix = f"Add '{missing_names[0]}' to the recipes of this collector."
            raise Problem(f"recipe '{name}' needs recipe '{missing_names[0]}'", fix=fix)
