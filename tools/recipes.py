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
ROLE = ROOT / "roles" / "otel_collector"
PAGE = ROOT / "docs" / "recipes.md"
HOSTS_PAGE = ROOT / "docs" / "hosts.md"
SPECS = ROLE / "meta" / "argument_specs.yml"
_NOTE = "written by `python -m tools.recipes --write` from the recipes; do not edit"
_BLOCK = re.compile(r"<!-- (\w+): written by .*?-->\n.*?<!-- end -->", re.DOTALL)
# The sentence of ansible-doc that lists the names, up to its end.
_NAMES = re.compile(r"( +)The role has the recipes\s.*?\.(?=\n)", re.DOTALL)
_MARKUP = re.compile(r"[A-Z]\(([^)]*)\)")
# Width of the lines of argument specs.
_WIDTH = 120


def recipes(role: Path = ROLE) -> dict[str, dict[str, Any]]:
    """Return what every recipe of a role declares, by its name."""
    found = sorted((role / "recipes").glob("*/recipe.yml"))
    return {path.parent.name: yaml.safe_load(path.read_text(encoding="utf-8")) for path in found}


def page(text: str) -> str:
    """Return a page with its marked blocks written anew."""
    blocks = {"recipes": _overview(), "options": _details(recipes()), "hosts": _of_hosts()}

    def written(block: re.Match[str]) -> str:
        return f"<!-- {block[1]}: {_NOTE} -->\n" + "\n".join(blocks[block[1]]) + "\n<!-- end -->"

    return _BLOCK.sub(written, text)


def specs(text: str) -> str:
    """Return the role's argument specs with the list of its recipes written anew."""
    *names, last = [f"C({name})" for name in recipes()]
    sentence = f"The role has the recipes {', '.join(names)} and {last}."

    def written(found: re.Match[str]) -> str:
        indent = found[1]
        return textwrap.fill(sentence, _WIDTH, initial_indent=indent, subsequent_indent=indent)

    return _NAMES.sub(written, text, count=1)


def _overview() -> Iterator[str]:
    modes = yaml.safe_load(SPECS.read_text(encoding="utf-8"))["argument_specs"]["main"]["options"][
        "otel_collector_mode"
    ]["choices"]
    yield "| recipe | outcome | use on | modes |"
    yield "|---|---|---|---|"
    for name, recipe in recipes().items():
        possible = "all" if set(recipe["modes"]) == set(modes) else ", ".join(sorted(recipe["modes"]))
        named = f"[`{name}`](#{name})" if recipe["options"] else f"`{name}`"
        yield f"| {named} | {_prose(recipe['summary'])} | {' or '.join(recipe['use_on'])} | {possible} |"


def _of_hosts() -> Iterator[str]:
    """Yield the recipes that work on hosts, then the options of those that are for hosts alone."""
    own = recipes(ROLE.with_name("otel_host"))
    shared = {name: recipe for name, recipe in recipes().items() if recipe.get("hosts") and name not in own}
    yield "| recipe | outcome |"
    yield "|---|---|"
    for name, recipe in sorted({**shared, **own}.items()):
        page = "" if name in own else "recipes.md"
        named = f"[`{name}`]({page}#{name})" if recipe["options"] else f"`{name}`"
        yield f"| {named} | {_prose(recipe['summary'])} |"
    yield from _details(own)


def _details(described: dict[str, dict[str, Any]]) -> Iterator[str]:
    for name, recipe in described.items():
        if recipe["options"]:
            yield from ("", f"### {name}", "", "| option | type | default | meaning |", "|---|---|---|---|")
            yield from _rows(recipe["options"])
        for variable, meaning in recipe.get("variables", {}).items():
            yield from ("", f"It reads the variable `{variable}`: {_prose(meaning)}")
    yield ""


def _rows(options: dict[str, Any], above: str = "") -> Iterator[str]:
    for key, option in options.items():
        yield _row(f"{above}{key}", option)
        yield from _rows(option.get("options", {}), f"{above}{key}{'[]' if 'elements' in option else ''}.")


def _row(key: str, option: dict[str, Any]) -> str:
    kind = option.get("type", "str")
    if "elements" in option:
        kind = f"list of {option['elements']}"
    default = f"`{_value(option['default'])}`" if "default" in option else ""
    if option.get("required"):
        default = "required"
    meaning = _prose(option["description"])
    if "choices" in option:
        meaning += " Choices: " + ", ".join(f"`{_value(choice)}`" for choice in option["choices"]) + "."
    return f"| `{key}` | {kind} | {default} | {meaning} |"


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return (text or '""').replace("|", "\\|")


def _prose(text: str) -> str:
    return _MARKUP.sub(r"`\1`", text).replace("|", "\\|")


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 1 when a file is stale and --write is not given."""
    parser = argparse.ArgumentParser(prog="python -m tools.recipes", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the files")
    options = parser.parse_args(arguments)
    stale = 0
    for path, written in ((PAGE, page), (HOSTS_PAGE, page), (SPECS, specs)):
        present = path.read_text(encoding="utf-8")
        wanted = written(present)
        if options.write:
            path.write_text(wanted, encoding="utf-8")
        elif present != wanted:
            print(f"{path.relative_to(ROOT)} is stale; run `python -m tools.recipes --write`", file=sys.stderr)
            stale = 1
    return stale


if __name__ == "__main__":
    sys.exit(main())
