# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recipes, platforms and documented options, read from disk. Controller only. Private.

A recipe is a folder with `recipe.yml` (its options) and `config.yml.j2` (a template of a part of a config). A platform
is a file with facts about a sort of cluster. A user may have folders of both, whose files hide those of the roles.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from ansible.module_utils.common.parameters import DEFAULT_TYPE_VALIDATORS
from jinja2 import FileSystemLoader, StrictUndefined, Template, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ..module_utils._collector.recipes import RecipeUse, apply_alternatives, check_config_shape, check_options
from ..module_utils._otelcol.config.layers import Layer
from ..module_utils._otelcol.errors import Problem, suggest_word
from ._arguments import validate_values
from ._option_values import describe_held_values
from ._otelcol import _documents, _files
from ._recipe_filters import FILTERS

_ROOT = Path(__file__).parents[2]
ROLE = _ROOT / "roles" / "otel_collector"
RECIPE_FILE = "recipe.yml"
TEMPLATE_FILE = "config.yml.j2"
PLATFORMS_KIND = "platforms"
# How the paths of all files of this collection's roles begin.
_OWN_FILES_PREFIX = f"{ROLE.parent}{os.sep}"
_OPTIONS_FIX = "Write `name: {type: str, description: …}` for each option."


def read_role_options(prefix: str, names: Iterable[str]) -> dict[str, Any]:
    """Return options of the role whose variables have this prefix, as its argument specs document them."""
    spec = read_all_role_options(prefix.removesuffix("_"))
    return {name: spec[prefix + name] for name in names}


@cache
def list_roles() -> tuple[str, ...]:
    """Return the roles of this collection, which document their options."""
    return tuple(sorted(path.parent.parent.name for path in ROLE.parent.glob("*/meta/argument_specs.yml")))


def read_all_role_options(role: str) -> dict[str, Any]:
    """Return all options of a role by name, from its argument specs. Those of a collector also say what they hold."""
    specifications = _documents.read_yaml(ROLE.with_name(role) / "meta" / "argument_specs.yml")["argument_specs"]
    return describe_held_values(role, specifications["main"]["options"])


def find_files(folders: Iterable[str], kind: str) -> dict[str, Path]:
    """Return the recipes or platforms by name, from the user's folders and from that of the role.

    `kind` is `recipes` or `platforms`. Of files with the same name, the first folder's wins, and the role's comes last.
    """
    user_files = [_list_files(Path(folder), kind) for folder in folders]
    first_by_name: dict[str, Path] = {}
    for files in (*user_files, _list_role_files(kind)):
        for name, path in files.items():
            first_by_name.setdefault(name, path)
    return first_by_name


def _read_text(file: Path) -> str:
    """Return the text of a file; one of this collection is read once per process. Raises Problem."""
    return _read_own_text(file) if str(file).startswith(_OWN_FILES_PREFIX) else _files.read_text_file(file)


@cache
def _read_own_text(file: Path) -> str:
    """Return the text of a file of this collection, which stays as it is while a process runs."""
    return _files.read_text_file(file)


@cache
def _list_role_files(kind: str) -> dict[str, Path]:
    """Return the role's own files, which stay as they are while a process runs."""
    return _list_files(ROLE / kind, kind)


def _list_files(folder: Path, kind: str) -> dict[str, Path]:
    """Return the recipes or platforms of a folder, by name. Raises Problem if there is no such folder.

    A recipe is a folder of its name. A platform is a file of its name and `.yml`.
    """
    if not _files.is_path_of_kind(folder, Path.is_dir):
        raise Problem(f"the folder {folder} does not exist", fix="Correct recipe_paths or platform_paths.")
    by_name: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if kind == PLATFORMS_KIND and path.suffix == ".yml":
            by_name[path.stem] = path
        elif kind != PLATFORMS_KIND and (path / RECIPE_FILE).is_file():
            by_name[path.name] = path
    return by_name


def read_platform(name: str, files: Mapping[str, Path]) -> dict[str, Any]:
    """Return the facts of a platform: the generic facts, overridden by the platform's own."""
    if name not in files:
        wrong = f"there is no platform '{name}'{suggest_word(name, files)}"
        raise Problem(wrong, fix=f"Platforms: {', '.join(sorted(files))}.")
    generic_facts = _read_facts(files["generic"])
    own_facts = _read_facts(files[name])
    facts = {**generic_facts, **own_facts, "name": name}
    for fact, value in own_facts.items():
        if isinstance(value, dict) and isinstance(generic_facts.get(fact), dict):
            facts[fact] = {**generic_facts[fact], **value}
    return facts


def _read_facts(file: Path) -> dict[str, Any]:
    """Return the facts in the file of a platform. Raises Problem for a file that is no mapping."""
    facts = _documents.parse_document(_read_text(file), str(file)).data or {}
    if not isinstance(facts, dict):
        raise Problem(
            f"{file} is not a mapping", fix="Write `fact: value` for each fact that differs from generic.yml."
        )
    return facts


def read_recipe(folder: Path) -> dict[str, Any]:
    """Return the metadata of a recipe. Raises Problem if it is incomplete."""
    file = folder / RECIPE_FILE
    return _parse_recipe(_read_text(file), str(file))


@lru_cache(_documents.CACHE_SIZE)
def _parse_recipe(text: str, file: str) -> dict[str, Any]:
    """Return the metadata in the text of a file, which is checked once per process. Raises Problem."""
    recipe_data = _documents.parse_document(text, file).data
    if isinstance(recipe_data, dict) and "summary" in recipe_data and isinstance(recipe_data.get("modes"), list):
        _check_options_of(recipe_data.get("options") or {}, file)
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
        _check_options_of(spec.get("options") or {}, file)


def _check_option(name: str, spec: Mapping[str, Any], file: str) -> None:
    """Raise Problem for an option of a recipe with an unknown type, or with names or values that are no list."""
    for key in ("type", "elements"):
        if key in spec and str(spec[key]) not in DEFAULT_TYPE_VALIDATORS:
            wrong = f"{file} has an option '{name}' with {key} '{spec[key]}', which is no type"
            raise Problem(wrong, fix=f"Types: {', '.join(sorted(DEFAULT_TYPE_VALIDATORS))}.")
    for key in ("aliases", "choices"):
        if not isinstance(spec.get(key) or [], list):
            raise Problem(f"{file} has an option '{name}' whose `{key}` are no list", fix=f"Write `{key}: [a, b]`.")


def render_fragment(
    use: RecipeUse,
    folder: Path,
    recipe: Mapping[str, Any],
    facts: Mapping[str, Any],
    collector_facts: Mapping[str, Any],
) -> Layer:
    """Return a recipe's config as a layer. Raises Problem for wrong options or a template that does not render."""
    option_specs = apply_alternatives(use.name, use.options, recipe.get("options") or {})
    options = validate_values(use.options, option_specs, f"recipe '{use.name}'", one_line=False)
    check_options(use.name, options, option_specs)
    template_file = folder / TEMPLATE_FILE
    template_text = _read_text(template_file)
    try:
        group = collector_facts["resolve_group"](options) if options.get("to") else None
        text = _compile_template(template_text).render(
            options=options, platform=facts, collector=collector_facts, group=group
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
    """Recipes see `options`, `platform`, `collector` and `group`; any other name is an error, never empty text.

    What several recipes share is a macro in a file beside them.
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
