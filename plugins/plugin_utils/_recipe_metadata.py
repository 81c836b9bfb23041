# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the metadata of a recipe: the file recipe.yml, with the options that its template takes. Private.

Controller only. For example, a part of that of recipe debug_output:

    summary: Print incoming data to the collector's log, to check that it arrives.
    modes: [daemonset, deployment, sidecar, statefulset]
    options:
      verbosity: {description: How much to print., choices: [basic, normal, detailed], default: basic}

Options have the form of Ansible's options of modules, and three more keys: `range` has the bounds of a number,
`instead_of` names an option that this one replaces, and `needs` names options that must be given with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from ansible.module_utils.common.parameters import DEFAULT_TYPE_VALIDATORS

from ..module_utils._otelcol.errors import Problem
from ._otelcol import _documents
from ._role_files import RECIPE_FILE, load_text

# Keys of an option whose values are lists, each with an example.
_EXAMPLES_OF_LISTS = {"aliases": "[a, b]", "choices": "[a, b]", "range": "[1, 100]"}
# The types of options that may have a range: of a list or a mapping, it is the least number of entries.
_RANGE_TYPES = ("int", "float", "list", "dict")
_OPTIONS_FIX = "Write `name: {type: str, description: …}` for each option."


def read_recipe(folder: Path) -> dict[str, Any]:
    """Return the metadata of a recipe. Raises Problem if it is incomplete."""
    file = folder / RECIPE_FILE
    return _parse_recipe(load_text(file), str(file))


@lru_cache(_documents.CACHE_SIZE)
def _parse_recipe(text: str, file: str) -> dict[str, Any]:
    """Return the metadata in the text of a file, which is checked once per process. Raises Problem."""
    recipe_data = _documents.parse_document(text, file).data
    if (
        not isinstance(recipe_data, dict)
        or "summary" not in recipe_data
        or not isinstance(recipe_data.get("modes"), list)
    ):
        wrong = f"{file} needs a `summary` and a list of `modes`"
        raise Problem(wrong, fix="Use a recipe of the role as a template.")
    _check_options(recipe_data.get("options") or {}, file)
    if not isinstance(recipe_data.get("requires") or [], list):
        raise Problem(f"{file} has `requires` that are no list", fix="Write `requires: [RECIPE]`.")
    return recipe_data


class _RecipeOption(NamedTuple):
    """An option of a recipe that is checked."""

    name: str
    spec: Mapping[str, Any]
    """What recipe.yml has of the option."""
    file: str
    """The path of recipe.yml."""

    def build_problem(self, fault: str, fix: str) -> Problem:
        """Return the problem of a fault, such as `that is no mapping`."""
        return Problem(f"{self.file} has an option '{self.name}' {fault}", fix=fix)


def _check_options(options: Any, file: str) -> None:
    """Raise Problem for options of a recipe, at any depth, that Ansible's validator of arguments does not take."""
    if not isinstance(options, dict):
        raise Problem(f"{file} has `options` that are no mapping", fix=_OPTIONS_FIX)
    for name, spec in options.items():
        option = _RecipeOption(name, spec, file)
        if not isinstance(name, str) or not isinstance(spec, dict):
            raise option.build_problem("that is no mapping", _OPTIONS_FIX)
        _check_types(option)
        _check_lists(option)
        _check_range(option)
        _check_named_options(option, options)
        _check_options(spec.get("options") or {}, file)


def _check_types(option: _RecipeOption) -> None:
    """Raise Problem for an unknown type of an option, or of its elements."""
    for key in ("type", "elements"):
        if key in option.spec and str(option.spec[key]) not in DEFAULT_TYPE_VALIDATORS:
            fault = f"with {key} '{option.spec[key]}', which is no type"
            raise option.build_problem(fault, f"Types: {', '.join(sorted(DEFAULT_TYPE_VALIDATORS))}.")


def _check_lists(option: _RecipeOption) -> None:
    """Raise Problem if names, values or bounds of an option are no list."""
    for key, example in _EXAMPLES_OF_LISTS.items():
        if not isinstance(option.spec.get(key) or [], list):
            raise option.build_problem(f"whose `{key}` are no list", f"Write `{key}: {example}`.")


def _check_range(option: _RecipeOption) -> None:
    """Raise Problem for a range that has no numbers, or that is one of something else than a number or entries.

    `_check_lists` has checked before that it is a list.
    """
    bounds = option.spec.get("range")
    if bounds is None:
        return
    if not bounds or not all(isinstance(bound, int | float) for bound in bounds):
        raise option.build_problem("with a `range` of no numbers", f"Write `range: {_EXAMPLES_OF_LISTS['range']}`.")
    if option.spec.get("type") not in _RANGE_TYPES:
        fix = "Write `type: int`, `float`, `list` or `dict`, or remove `range`."
        raise option.build_problem("with a `range`, whose type is no number, list or mapping", fix)


def _check_named_options(option: _RecipeOption, options: Mapping[str, Any]) -> None:
    """Raise Problem for an option that depends on one that does not exist, or says so in another shape.

    `options` are all options of the recipe, or of the option that has this one.
    """
    needs = option.spec.get("needs") or {}
    if not isinstance(needs, dict):
        needed_option = needs if isinstance(needs, str) else "OPTION"
        raise option.build_problem("whose `needs` are no mapping", f"Write `needs: {{{needed_option}: null}}`.")
    replaced_option = option.spec.get("instead_of")
    named_options = {"needs": list(needs), "instead_of": [replaced_option] if replaced_option else []}
    for key, names in named_options.items():
        for name in names:
            if name not in options:
                fault = f"whose `{key}` names '{name}', which is no option of it"
                raise option.build_problem(fault, f"Options: {', '.join(map(str, options))}.")
