# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's recipes, and checks of their use. Private."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._otelcol.config.layers import is_pattern
from .._otelcol.config.paths import SECTIONS, dotted, section
from .._otelcol.errors import Problem, near
from .._otelcol.rules import structure
from .._otelcol.rules.subject import Fault, Subject

# The mode of a collector that systemd runs. A recipe that works there says `hosts: true`.
SERVICE = "service"
# The keys that a recipe may render; its pipelines and ids may be wildcards, so their names are not checked.
_SHAPE = (
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


def uses(recipes: Iterable[Any]) -> list[RecipeUse]:
    """Return the recipes of a collector. Each is a name, or a mapping of one name to options.

    Raises Problem for anything else.
    """
    return [_use(item) for item in recipes]


def _use(item: Any) -> RecipeUse:
    if isinstance(item, str):
        return RecipeUse(item.strip(), {})  # a survey may separate names by comma and space
    if isinstance(item, Mapping) and len(item) == 1:
        name, options = next(iter(item.items()))
        if isinstance(name, str) and (options is None or isinstance(options, Mapping)):
            return RecipeUse(str(name), dict(options or {}))
    wrong = f"a recipe is a name, or a mapping of one name to its options, not {json.dumps(item, default=str)}"
    raise Problem(wrong, fix="Write `- otlp_ingest` or `- otlp_forward: {endpoint: HOST:PORT}`.")


def check_known(use: RecipeUse, known: Iterable[str]) -> None:
    """Raise Problem when there is no recipe of this name."""
    names = sorted(known)
    if use.name not in names:
        raise Problem(f"there is no recipe '{use.name}'{near(use.name, names)}", fix=f"Recipes: {', '.join(names)}.")


def check_shape(name: str, config: Any) -> None:
    """Raise Problem when what a recipe renders is no part of a collector config; what comes after trusts its shape."""
    faults = [fault for rule in _SHAPE for fault in rule(Subject(_without_patterns(config)))]
    faults += [
        Fault(("service", "pipelines", key), "the name of a pipeline is text", "Write `signal` or `signal/name`.")
        for key in section(config, "service", "pipelines")
        if not isinstance(key, str)
    ]
    for fault in faults:
        wrong = f"{name} renders no collector config: {fault.message}"
        raise Problem(wrong, where=dotted(fault.path), fix=fault.fix or "Correct its template.")


def _without_patterns(config: Any) -> Any:
    """Return the config with names in place of wildcards in ids."""
    if not isinstance(config, dict):
        return config
    named = {name: {_named(key): value for key, value in section(config, name).items()} for name in SECTIONS}
    return {**config, **{name: parts for name, parts in named.items() if parts}}


def _named(key: Any) -> Any:
    return key.replace("*", "_any") if isinstance(key, str) and is_pattern(key) else key


def check_mode(use: RecipeUse, recipe: Mapping[str, Any], mode: str) -> None:
    """Raise Problem when a recipe does not work in this mode. Mode `service` is that of Linux hosts."""
    modes = recipe["modes"]
    if mode == SERVICE and not recipe.get("hosts"):
        wrong = f"recipe '{use.name}' does not work on a Linux host: {recipe['summary']}"
        raise Problem(wrong, fix="Use a recipe that docs/hosts.md lists.")
    if mode not in (SERVICE, *modes):
        wrong = f"recipe '{use.name}' does not work in mode {mode}: {recipe['summary']}"
        raise Problem(wrong, fix=f"Use it in mode {' or '.join(modes)}.")


def check_options(name: str, values: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    """Raise Problem for a number out of its `range`, and for an option that has no effect without what it `needs`.

    `range` has the least and the largest number, or the least alone. `needs` has other options and the value that each
    must have or list; null stands for any value.
    """
    for key, option in options.items():
        _check_range(f"option '{key}' of recipe '{name}'", values.get(key), (option or {}).get("range"))
        for other, wanted in ((option or {}).get("needs") or {}).items() if values.get(key) else ():
            found = values.get(other)
            if found if wanted is None else wanted in (found if isinstance(found, list) else [found]):
                continue
            missing = f"`{other}`" if wanted is None else f"{wanted} in `{other}`"
            wrong = f"option '{key}' of recipe '{name}' has no effect without {missing}"
            raise Problem(wrong, fix=f"Set {missing}, or remove `{key}`.")


def with_alternatives(name: str, given: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a recipe for these values: one that stands in for another makes that one optional.

    Raises Problem if both are given. `instead_of` has the name of the other one.
    """
    found = dict(options)
    for key, option in options.items():
        other = (option or {}).get("instead_of")
        if other and given.get(key):
            if given.get(other):
                wrong = f"options '{key}' and '{other}' of recipe '{name}' exclude each other"
                raise Problem(wrong, fix="Remove one of the two.")
            found[other] = {**options[other], "required": False}
    return found


def _check_range(what: str, value: Any, limits: Sequence[float] | None) -> None:
    if value is None or not limits or limits[0] <= value <= (limits[-1] if len(limits) > 1 else value):
        return
    fix = f"Give a number from {limits[0]} to {limits[1]}." if len(limits) > 1 else f"Give {limits[0]} or more."
    raise Problem(f"{what} is {value}", fix=fix)


def check_requires(used: Iterable[RecipeUse], recipes: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise Problem when a recipe needs another one that is not in use."""
    names = [use.name for use in used]
    for name in names:
        missing = [other for other in recipes[name].get("requires") or [] if other not in names]
        if missing:
            fix = f"Add '{missing[0]}' to the recipes of this collector."
            raise Problem(f"recipe '{name}' needs recipe '{missing[0]}'", fix=fix)
