# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the tables of recipes in docs/recipes.md and docs/hosts.md, and the list of them in the role's argument specs.

    python -m tools.recipes             # says which file is stale, and exits with 1 if one is
    python -m tools.recipes --write     # writes the files

What they say comes from the recipes' own declarations, roles/<role>/recipes/<name>/recipe.yml.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import yaml

ROOT = Path(__file__).parents[1]
ROLE_FOLDER = ROOT / "roles" / "otel_collector"
HOST_ROLE_FOLDER = ROOT / "roles" / "otel_host"
RECIPES_PAGE = ROOT / "docs" / "recipes.md"
HOSTS_PAGE = ROOT / "docs" / "hosts.md"
SPECS_FILE = ROLE_FOLDER / "meta" / "argument_specs.yml"
_NOTE = "written by `python -m tools.recipes --write` from the recipes; do not edit"
# A part of a page that this tool writes. Its name says which one, see `rewrite_page`.
_MARKED_BLOCK = re.compile(r"<!-- (?P<name>\w+): written by .*?-->\n.*?<!-- end -->", re.DOTALL)
# The sentence of ansible-doc that lists the names, up to its end.
_NAMES_SENTENCE = re.compile(r"(?P<indent> +)The role has the recipes\s.*?\.(?=\n)", re.DOTALL)
# A mark of Ansible's documentation, such as C(/v1/traces).
_MARKUP = re.compile(r"[A-Z]\(([^)]*)\)")
_SPECS_WIDTH = 120  # characters of a line of argument specs


class RecipeOption(TypedDict, total=False):
    """An option in a recipe.yml, in the words of Ansible's argument specs."""

    description: str
    type: str
    elements: str
    """The type of the items of a list."""
    default: Any
    required: bool
    choices: list[Any]
    options: dict[str, RecipeOption]
    """The options in a mapping, or in each mapping of a list."""


class Recipe(TypedDict, total=False):
    """What is used here of a recipe.yml."""

    summary: str
    modes: list[str]
    use_on: list[str]
    options: dict[str, RecipeOption]
    hosts: bool
    """Whether the recipe works on hosts too."""
    variables: dict[str, str]
    """What each variable of the inventory that it reads means."""


RecipesByName = dict[str, Recipe]


class _WrittenFile(NamedTuple):
    """A file that this tool writes, and the function that returns its text of today, given the present one."""

    path: Path
    rewrite: Callable[[str], str]


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit code: 1 when a file is stale and --write is not given."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.recipes", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="write the files")
    options = parser.parse_args(arguments)
    exit_code = 0
    for path, rewrite in _WRITTEN_FILES:
        current_text = path.read_text(encoding="utf-8")
        new_text = rewrite(current_text)
        if options.write:
            path.write_text(new_text, encoding="utf-8")
        elif current_text != new_text:
            print(f"{path.relative_to(ROOT)} is stale; run `python -m tools.recipes --write`", file=sys.stderr)
            exit_code = 1
    return exit_code


def read_recipes(role_folder: Path = ROLE_FOLDER) -> RecipesByName:
    """Return the declaration of every recipe of a role, by the name of the recipe."""
    recipe_files = sorted((role_folder / "recipes").glob("*/recipe.yml"))
    return {path.parent.name: yaml.safe_load(path.read_text(encoding="utf-8")) for path in recipe_files}


def rewrite_page(text: str) -> str:
    """Return a page with its marked blocks written anew."""
    lines_by_block = {
        "recipes": _list_overview_lines(),
        "options": _list_detail_lines(read_recipes()),
        "hosts": _list_host_lines(),
    }

    def replace_block(block: re.Match[str]) -> str:
        name = block["name"]
        return f"<!-- {name}: {_NOTE} -->\n" + "\n".join(lines_by_block[name]) + "\n<!-- end -->"

    return _MARKED_BLOCK.sub(replace_block, text)


def rewrite_specs(text: str) -> str:
    """Return the role's argument specs with the list of its recipes written anew."""
    *names, last_name = [f"C({name})" for name in read_recipes()]
    sentence = f"The role has the recipes {', '.join(names)} and {last_name}."

    def replace_sentence(match: re.Match[str]) -> str:
        indent = match["indent"]
        return textwrap.fill(sentence, _SPECS_WIDTH, initial_indent=indent, subsequent_indent=indent)

    return _NAMES_SENTENCE.sub(replace_sentence, text, count=1)


_WRITTEN_FILES = (
    _WrittenFile(RECIPES_PAGE, rewrite_page),
    _WrittenFile(HOSTS_PAGE, rewrite_page),
    _WrittenFile(SPECS_FILE, rewrite_specs),
)


def _list_overview_lines() -> Iterator[str]:
    """Yield the table of all recipes of role otel_collector."""
    all_modes = _read_all_modes()
    yield "| recipe | outcome | use on | modes |"
    yield "|---|---|---|---|"
    for name, recipe in read_recipes().items():
        has_all_modes = set(recipe["modes"]) == all_modes
        modes_text = "all" if has_all_modes else ", ".join(sorted(recipe["modes"]))
        summary = _convert_markup(recipe["summary"])
        yield f"| {_format_link(name, recipe)} | {summary} | {' or '.join(recipe['use_on'])} | {modes_text} |"


def _read_all_modes() -> set[str]:
    """Return the modes of a collector, which are the choices of the role's input `otel_collector_mode`."""
    specs = yaml.safe_load(SPECS_FILE.read_text(encoding="utf-8"))
    inputs = specs["argument_specs"]["main"]["options"]
    return set(inputs["otel_collector_mode"]["choices"])


def _list_host_lines() -> Iterator[str]:
    """Yield the table of the recipes that work on hosts, then the options of those that are for hosts alone.

    The options of the others are in docs/recipes.md.
    """
    host_recipes = read_recipes(HOST_ROLE_FOLDER)
    shared_recipes = {name: recipe for name, recipe in read_recipes().items() if recipe.get("hosts")}
    yield "| recipe | outcome |"
    yield "|---|---|"
    for name, recipe in sorted((shared_recipes | host_recipes).items()):
        page = "" if name in host_recipes else RECIPES_PAGE.name
        yield f"| {_format_link(name, recipe, page)} | {_convert_markup(recipe['summary'])} |"
    yield from _list_detail_lines(host_recipes)


def _format_link(name: str, recipe: Recipe, page: str = "") -> str:
    """Return the name of a recipe, with a link to its options if it has any; no page stands for the same one."""
    return f"[`{name}`]({page}#{name})" if recipe["options"] else f"`{name}`"


def _list_detail_lines(recipes: RecipesByName) -> Iterator[str]:
    """Yield the table of options of each recipe, and the variables that it reads."""
    for name, recipe in recipes.items():
        if recipe["options"]:
            yield from ("", f"### {name}", "", "| option | type | default | meaning |", "|---|---|---|---|")
            yield from _list_option_rows(recipe["options"])
        for variable, meaning in recipe.get("variables", {}).items():
            yield from ("", f"It reads the variable `{variable}`: {_convert_markup(meaning)}")
    yield ""


def _list_option_rows(options: Mapping[str, RecipeOption], key_prefix: str = "") -> Iterator[str]:
    """Yield a row for each option and for each one in it, such as `jobs`, `jobs[].name` and `jobs[].targets`."""
    for name, option in options.items():
        key = f"{key_prefix}{name}"
        yield _format_option_row(key, option)
        item_mark = "[]" if "elements" in option else ""
        yield from _list_option_rows(option.get("options", {}), f"{key}{item_mark}.")


def _format_option_row(key: str, option: RecipeOption) -> str:
    """Return the row of an option in the table of its recipe."""
    meaning = _convert_markup(option["description"])
    if "choices" in option:
        choices = ", ".join(f"`{_format_value(choice)}`" for choice in option["choices"])
        meaning = f"{meaning} Choices: {choices}."
    return f"| `{key}` | {_describe_type(option)} | {_describe_default(option)} | {meaning} |"


def _describe_type(option: RecipeOption) -> str:
    """Return the type of an option, such as `list of str`."""
    if "elements" in option:
        return f"list of {option['elements']}"
    return option.get("type", "str")


def _describe_default(option: RecipeOption) -> str:
    """Return the default of an option as code, or that it is required; empty if it is neither."""
    if option.get("required"):
        return "required"
    return f"`{_format_value(option['default'])}`" if "default" in option else ""


def _format_value(value: Any) -> str:
    """Return a value for a cell of a table: a text as it is, anything else as JSON."""
    text = value if isinstance(value, str) else json.dumps(value)
    return (text or '""').replace("|", "\\|")


def _convert_markup(text: str) -> str:
    """Return a text of Ansible's documentation for a cell of a table, with code in place of its marks."""
    return _MARKUP.sub(r"`\1`", text).replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
