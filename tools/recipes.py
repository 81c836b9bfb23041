# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""python -m tools.recipes [--write]: writes the tables of recipes in docs, and the list in the role's argument specs.

All come from the recipes' own declarations, roles/otel_collector/recipes/<name>/recipe.yml. Without --write, it says
which file is stale.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
ROLE_FOLDER = ROOT / "roles" / "otel_collector"
RECIPES_PAGE = ROOT / "docs" / "recipes.md"
HOSTS_PAGE = ROOT / "docs" / "hosts.md"
SPECS_FILE = ROLE_FOLDER / "meta" / "argument_specs.yml"
_NOTE = "written by `python -m tools.recipes --write` from the recipes; do not edit"
_MARKED_BLOCK = re.compile(r"<!-- (\w+): written by .*?-->\n.*?<!-- end -->", re.DOTALL)
# The sentence of ansible-doc that lists the names, up to its end.
_NAMES_SENTENCE = re.compile(r"( +)The role has the recipes\s.*?\.(?=\n)", re.DOTALL)
_MARKUP = re.compile(r"[A-Z]\(([^)]*)\)")
# Width of the lines of argument specs.
_WIDTH = 120


def read_recipes(role: Path = ROLE_FOLDER) -> dict[str, dict[str, Any]]:
    """Return what every recipe of a role declares, by its name."""
    recipe_files = sorted((role / "recipes").glob("*/recipe.yml"))
    return {path.parent.name: yaml.safe_load(path.read_text(encoding="utf-8")) for path in recipe_files}


def rewrite_page(text: str) -> str:
    """Return a page with its marked blocks written anew."""
    blocks = {
        "recipes": _list_overview_lines(),
        "options": _list_detail_lines(read_recipes()),
        "hosts": _list_host_lines(),
    }

    def replace_block(block: re.Match[str]) -> str:
        return f"<!-- {block[1]}: {_NOTE} -->\n" + "\n".join(blocks[block[1]]) + "\n<!-- end -->"

    return _MARKED_BLOCK.sub(replace_block, text)


def rewrite_specs(text: str) -> str:
    """Return the role's argument specs with the list of its recipes written anew."""
    *names, last_name = [f"C({name})" for name in read_recipes()]
    sentence = f"The role has the recipes {', '.join(names)} and {last_name}."

    def replace_sentence(match: re.Match[str]) -> str:
        indent = match[1]
        return textwrap.fill(sentence, _WIDTH, initial_indent=indent, subsequent_indent=indent)

    return _NAMES_SENTENCE.sub(replace_sentence, text, count=1)


def _list_overview_lines() -> Iterator[str]:
    all_modes = yaml.safe_load(SPECS_FILE.read_text(encoding="utf-8"))["argument_specs"]["main"]["options"][
        "otel_collector_mode"
    ]["choices"]
    yield "| recipe | outcome | use on | modes |"
    yield "|---|---|---|---|"
    for name, recipe in read_recipes().items():
        mode_text = "all" if set(recipe["modes"]) == set(all_modes) else ", ".join(sorted(recipe["modes"]))
        recipe_link = f"[`{name}`](#{name})" if recipe["options"] else f"`{name}`"
        yield (
            f"| {recipe_link} | {_convert_markup(recipe['summary'])} | {' or '.join(recipe['use_on'])} | {mode_text} |"
        )


def _list_host_lines() -> Iterator[str]:
    """Yield the recipes that work on hosts, then the options of those that are for hosts alone."""
    host_recipes = read_recipes(ROLE_FOLDER.with_name("otel_host"))
    shared_recipes = {
        name: recipe for name, recipe in read_recipes().items() if recipe.get("hosts") and name not in host_recipes
    }
    yield "| recipe | outcome |"
    yield "|---|---|"
    for name, recipe in sorted({**shared_recipes, **host_recipes}.items()):
        linked_page = "" if name in host_recipes else "recipes.md"
        recipe_link = f"[`{name}`]({linked_page}#{name})" if recipe["options"] else f"`{name}`"
        yield f"| {recipe_link} | {_convert_markup(recipe['summary'])} |"
    yield from _list_detail_lines(host_recipes)


def _list_detail_lines(recipes_by_name: dict[str, dict[str, Any]]) -> Iterator[str]:
    for name, recipe in recipes_by_name.items():
        if recipe["options"]:
            yield from ("", f"### {name}", "", "| option | type | default | meaning |", "|---|---|---|---|")
            yield from _list_option_rows(recipe["options"])
        for variable, meaning in recipe.get("variables", {}).items():
            yield from ("", f"It reads the variable `{variable}`: {_convert_markup(meaning)}")
    yield ""


def _list_option_rows(options: dict[str, Any], key_prefix: str = "") -> Iterator[str]:
    for key, option in options.items():
        yield _option_row(f"{key_prefix}{key}", option)
        yield from _list_option_rows(
            option.get("options", {}), f"{key_prefix}{key}{'[]' if 'elements' in option else ''}."
        )


def _option_row(key: str, option: dict[str, Any]) -> str:
    type_text = option.get("type", "str")
    if "elements" in option:
        type_text = f"list of {option['elements']}"
    default = f"`{_format_value(option['default'])}`" if "default" in option else ""
    if option.get("required"):
        default = "required"
    meaning = _convert_markup(option["description"])
    if "choices" in option:
        meaning += " Choices: " + ", ".join(f"`{_format_value(choice)}`" for choice in option["choices"]) + "."
    return f"| `{key}` | {type_text} | {default} | {meaning} |"


def _format_value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return (text or '""').replace("|", "\\|")


def _convert_markup(text: str) -> str:
    return _MARKUP.sub(r"`\1`", text).replace("|", "\\|")


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 1 when a file is stale and --write is not given."""
    parser = argparse.ArgumentParser(prog="python -m tools.recipes", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the files")
    options = parser.parse_args(arguments)
    exit_code = 0
    for path, rewrite in ((RECIPES_PAGE, rewrite_page), (HOSTS_PAGE, rewrite_page), (SPECS_FILE, rewrite_specs)):
        current_text = path.read_text(encoding="utf-8")
        new_text = rewrite(current_text)
        if options.write:
            path.write_text(new_text, encoding="utf-8")
        elif current_text != new_text:
            print(f"{path.relative_to(ROOT)} is stale; run `python -m tools.recipes --write`", file=sys.stderr)
            exit_code = 1
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
