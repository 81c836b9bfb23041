# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Render a recipe: its template and the options of the user become a part of a config. Controller only. Private.

A recipe is a folder with `recipe.yml` (its options) and `config.yml.j2` (a template). For example, recipe debug_output
with `{verbosity: detailed}` renders

    exporters: {debug: {verbosity: detailed}}
    service: {pipelines: {"*": {exporters: [debug]}}}

`_recipe_layers.py` calls this file for each recipe of a collector. A template reads `options`, the facts `platform` and
`collector`, and `group`, which is the group of hosts that option `to` names (`GroupResolver` of _recipe_facts.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from ansible.module_utils.common.parameters import DEFAULT_TYPE_VALIDATORS
from jinja2 import FileSystemLoader, StrictUndefined, Template, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ..module_utils._collector.recipes import RecipeUse, apply_alternatives, check_config_shape, check_options
from ..module_utils._otelcol.config.layers import Layer
from ..module_utils._otelcol.errors import Problem
from ._arguments import validate_values
from ._otelcol import _documents
from ._recipe_filters import FILTERS
from ._role_files import RECIPE_FILE, ROLE, load_text

TEMPLATE_FILE = "config.yml.j2"
# Keys of an option whose values are lists, each with an example.
_EXAMPLES_OF_LISTS = {"aliases": "[a, b]", "choices": "[a, b]", "range": "[1, 100]"}
# The types of options that may have a range: of a list or a mapping, it is the least number of entries.
_RANGE_TYPES = ("int", "float", "list", "dict")
_OPTIONS_FIX = "Write `name: {type: str, description: …}` for each option."


# ── The template ──


def render_fragment(
    use: RecipeUse,
    folder: Path,
    recipe: Mapping[str, Any],
    platform_facts: Mapping[str, Any],
    collector_facts: Mapping[str, Any],
) -> Layer:
    """Return the part of a config that a recipe renders, as a layer.

    `use` has the options that the user gives, `recipe` the metadata of recipe.yml. Raises Problem for wrong options,
    and for a template that does not render.
    """
    option_specs = apply_alternatives(use.name, use.options, recipe.get("options") or {})
    options = validate_values(use.options, option_specs, f"recipe '{use.name}'", one_line=False)
    check_options(use.name, options, option_specs)
    template_file = folder / TEMPLATE_FILE
    template_text = load_text(template_file)
    try:
        group = collector_facts["resolve_group"](options) if options.get("to") else None
        text = _compile_template(template_text).render(
            options=options, platform=platform_facts, collector=collector_facts, group=group
        )
    except Problem as error:
        raise Problem(f"recipe '{use.name}': {error.wrong}", fix=error.fix) from error
    except Exception as error:  # a template is the user's code and can raise any exception
        line_suffix = f":{error.lineno}" if isinstance(error, TemplateSyntaxError) else ""
        wrong = f"recipe '{use.name}' does not render: {error}"
        raise Problem(wrong, where=f"{template_file}{line_suffix}", fix="Correct its template.") from error
    config = _documents.parse_document(text, f"{template_file} (rendered)").data or {}
    check_config_shape(f"recipe '{use.name}'", config)
    return Layer(f"recipe '{use.name}'", config, recipe=True)


@lru_cache(_documents.CACHE_SIZE)
def _compile_template(source: str) -> Template:
    """Return the template of a text, compiled once per process."""
    return _build_environment().from_string(source)


@cache
def _build_environment() -> ImmutableSandboxedEnvironment:
    """Return the environment of Jinja for recipes.

    Any name but `options`, `platform`, `collector` and `group` is an error, never empty text. What several recipes
    share is a macro in a file beside them.
    """
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(ROLE / "recipes"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= FILTERS
    return environment


# ── The metadata ──


def read_recipe(folder: Path) -> dict[str, Any]:
    """Return the metadata of a recipe. Raises Problem if it is incomplete."""
    file = folder / RECIPE_FILE
    return _parse_recipe(load_text(file), str(file))


@lru_cache(_documents.CACHE_SIZE)
def _parse_recipe(text: str, file: str) -> dict[str, Any]:
    """Return the metadata in the text of a file, which is checked once per process. Raises Problem."""
    recipe_data = _documents.parse_document(text, file).data
    if isinstance(recipe_data, dict) and "summary" in recipe_data and isinstance(recipe_data.get("modes"), list):
        _check_options_of(recipe_data.get("options") or {}, file)
        if not isinstance(recipe_data.get("requires") or [], list):
            raise Problem(f"{file} has `requires` that are no list", fix="Write `requires: [RECIPE]`.")
        return recipe_data
    wrong = f"{file} needs a `summary` and a list of `modes`"
    raise Problem(wrong, fix="Use a recipe of the role as a template.")


def _check_options_of(options: Any, file: str) -> None:
    """Raise Problem for options of a recipe, at any depth, that Ansible's validator of arguments does not take."""
    if not isinstance(options, dict):
        raise Problem(f"{file} has `options` that are no mapping", fix=_OPTIONS_FIX)
    for name, spec in options.items():
        if not isinstance(name, str) or not isinstance(spec, dict):
            raise Problem(f"{file} has an option '{name}' that is no mapping", fix=_OPTIONS_FIX)
        _check_option(name, spec, file)
        _check_range_of(name, spec, file)
        _check_named_options(name, spec, options, file)
        _check_options_of(spec.get("options") or {}, file)


def _check_option(name: str, spec: Mapping[str, Any], file: str) -> None:
    """Raise Problem for an option of a recipe with an unknown type, or with names or values that are no list."""
    for key in ("type", "elements"):
        if key in spec and str(spec[key]) not in DEFAULT_TYPE_VALIDATORS:
            wrong = f"{file} has an option '{name}' with {key} '{spec[key]}', which is no type"
            raise Problem(wrong, fix=f"Types: {', '.join(sorted(DEFAULT_TYPE_VALIDATORS))}.")
    for key, example in _EXAMPLES_OF_LISTS.items():
        if not isinstance(spec.get(key) or [], list):
            raise Problem(f"{file} has an option '{name}' whose `{key}` are no list", fix=f"Write `{key}: {example}`.")


def _check_range_of(name: str, spec: Mapping[str, Any], file: str) -> None:
    """Raise Problem for a range that has no numbers, or that is one of something else than a number or entries."""
    limits = spec.get("range")
    if limits is None:
        return
    if not limits or not all(isinstance(limit, int | float) for limit in limits):
        wrong = f"{file} has an option '{name}' with a `range` of no numbers"
        raise Problem(wrong, fix=f"Write `range: {_EXAMPLES_OF_LISTS['range']}`.")
    if spec.get("type") not in _RANGE_TYPES:
        wrong = f"{file} has an option '{name}' with a `range`, whose type is no number, list or mapping"
        raise Problem(wrong, fix="Write `type: int`, `float`, `list` or `dict`, or remove `range`.")


def _check_named_options(name: str, spec: Mapping[str, Any], options: Mapping[str, Any], file: str) -> None:
    """Raise Problem for an option that depends on one that does not exist, or says so in another shape."""
    needs = spec.get("needs") or {}
    if not isinstance(needs, dict):
        wrong = f"{file} has an option '{name}' whose `needs` are no mapping"
        raise Problem(wrong, fix=f"Write `needs: {{{needs if isinstance(needs, str) else 'OPTION'}: null}}`.")
    replaced_options = [spec["instead_of"]] if spec.get("instead_of") else []
    for key, named_options in (("needs", list(needs)), ("instead_of", replaced_options)):
        for named_option in named_options:
            if named_option not in options:
                wrong = f"{file} has an option '{name}' whose `{key}` names '{named_option}', which is no option of it"
                raise Problem(wrong, fix=f"Options: {', '.join(map(str, options))}.")
