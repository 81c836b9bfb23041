# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the tables of inputs in the README of each role.

    python -m tools.role_inputs             # says which README is stale, and exits with 1 if one is
    python -m tools.role_inputs --write     # writes them

A comment `# ── Title ──` in meta/argument_specs.yml of a role begins a group of inputs. The README has a section with
that title, in which this tool writes the table of the group. The example below the table is written by hand.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import yaml

ROLES_FOLDER = Path(__file__).parents[1] / "roles"
# A line of argument specs that begins a group or an input.
_GROUP_OR_INPUT = re.compile(r"^      # ── (?P<title>.*) ──$|^      (?P<input>\w+):")
# A mark of Ansible's documentation, such as C(/v1/traces).
_MARKUP = re.compile(r"[A-Z]\(([^)]*)\)")
# A section of a README up to the end of its table.
_TABLE = re.compile(r"## ([^\n]+)\n\n<!-- inputs:[^\n]*-->\n.*?<!-- end -->", re.DOTALL)
_NOTE = "<!-- inputs: written by `python -m tools.role_inputs --write` from the argument specs; do not edit -->"


def read_options(role: str) -> dict[str, Any]:
    """Return the inputs of a role by name, each with its argument spec."""
    specs = yaml.safe_load(_read_specs(role))
    return dict(specs["argument_specs"]["main"]["options"])


def _read_specs(role: str) -> str:
    """Return the text of the argument specs of a role."""
    return (ROLES_FOLDER / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8")


def group_options(role: str) -> dict[str, list[str]]:
    """Return the names of a role's inputs by the title of their group."""
    names_by_title: dict[str, list[str]] = {}
    title = ""
    remaining_inputs = read_options(role)  # a key elsewhere in the file may have the name of an input too
    for line in _read_specs(role).splitlines():
        match = _GROUP_OR_INPUT.match(line)
        if match is None:
            continue
        if match["title"]:
            title = match["title"]
        elif remaining_inputs.pop(match["input"], None):
            names_by_title.setdefault(title, []).append(match["input"])
    return names_by_title


def build_readme(role: str) -> str:
    """Return the README of a role with the tables of today's inputs."""
    names_by_title, spec_by_name = group_options(role), read_options(role)

    def replace_section(match: re.Match[str]) -> str:
        title = match[1]
        names = names_by_title.get(title, [])
        rows = "\n".join(f"| `{name}` | {_format_meaning(spec_by_name[name])} |" for name in names)
        return f"## {title}\n\n{_NOTE}\n| input | meaning |\n|---|---|\n{rows}\n<!-- end -->"

    return _TABLE.sub(replace_section, (ROLES_FOLDER / role / "README.md").read_text(encoding="utf-8"))


def _format_meaning(input_spec: dict[str, Any]) -> str:
    """Return the description of an input in one line, for a cell of a table."""
    description = input_spec["description"]
    paragraphs = [description] if isinstance(description, str) else description
    words = " ".join(paragraphs).split()
    return _MARKUP.sub(r"`\1`", " ".join(words)).replace("|", "\\|")


def main() -> int:
    """Write the READMEs that are stale, or name them. Return 1 if one is stale and stays so."""
    is_write = "--write" in sys.argv[1:]
    has_stale_readme = False
    for role_folder in sorted(ROLES_FOLDER.iterdir()):
        readme_file = role_folder / "README.md"
        current_text = build_readme(role_folder.name)
        if current_text == readme_file.read_text(encoding="utf-8"):
            continue
        if is_write:
            readme_file.write_text(current_text, encoding="utf-8")
        else:
            print(f"roles/{role_folder.name}/README.md is stale. Run `python -m tools.role_inputs --write`.")
            has_stale_readme = True
    return int(has_stale_readme)


if __name__ == "__main__":
    sys.exit(main())
