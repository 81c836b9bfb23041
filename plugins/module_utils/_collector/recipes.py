# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The recipes that a collector uses, and whether it may use them together and in its mode. Private.

A recipe is a folder with `recipe.yml`, which has its `modes`, `summary`, `options` and `requires`, and a template that
renders a part of a config. recipe_options.py checks the options, and recipe_config_shape.py what the template renders.
For example, a collector with

    recipes: [otlp_ingest, {otlp_forward: {endpoint: "gateway:4317"}}]

has `RecipeUse("otlp_ingest", {})` and `RecipeUse("otlp_forward", {"endpoint": "gateway:4317"})`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .._otelcol.errors import Problem, suggest_word

# The mode of a collector that systemd runs. A recipe that works there says `hosts: true`.
SERVICE_MODE = "service"


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


def check_mode(use: RecipeUse, recipe: Mapping[str, Any], mode: str) -> None:
    """Raise Problem when a recipe does not work in this mode. Mode `service` is that of Linux hosts."""
    modes = recipe["modes"]
    if mode == SERVICE_MODE and not recipe.get("hosts"):
        wrong = f"recipe '{use.name}' does not work on a Linux host: {recipe['summary']}"
        raise Problem(wrong, fix="Use a recipe that docs/hosts.md lists.")
    if mode not in (SERVICE_MODE, *modes):
        wrong = f"recipe '{use.name}' does not work in mode {mode}: {recipe['summary']}"
        raise Problem(wrong, fix=f"Use it in mode {' or '.join(modes)}.")


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
