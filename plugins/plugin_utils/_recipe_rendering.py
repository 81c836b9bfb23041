# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Render a recipe: its template and the options of the user become a part of a config. Controller only. Private.

A recipe is a folder with `recipe.yml` (its options, see _recipe_metadata.py) and `config.yml.j2` (a template). For
example, recipe debug_output with `{verbosity: detailed}` renders

    exporters: {debug: {verbosity: detailed}}
    service: {pipelines: {"*": {exporters: [debug]}}}

`_recipe_layers.py` calls this file for each recipe of a collector. A template reads `options`, the facts `platform` and
`collector`, and `group`, which is the group of hosts that option `to` names. The fact `resolve_group` of a collector is
the function that finds it (`GroupResolver` of _recipe_facts.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, Template, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ..module_utils._collector.recipe_config_shape import check_config_shape
from ..module_utils._collector.recipe_options import apply_alternatives, check_options
from ..module_utils._collector.recipes import RecipeUse
from ..module_utils._otelcol.config.layers import Layer
from ..module_utils._otelcol.errors import Problem
from ._arguments import validate_values
from ._otelcol import _documents
from ._recipe_filters import FILTERS
from ._role_files import ROLE, load_text

TEMPLATE_FILE = "config.yml.j2"


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
