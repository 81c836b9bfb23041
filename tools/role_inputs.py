# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""python -m tools.role_inputs [--write]: writes the tables of inputs in the README of each role.

A comment `# ── Title ──` in meta/argument_specs.yml starts a group of inputs. The README has a section with that title,
in which this tool writes the table; the example below the table is written by hand. Without --write, it says which
file is stale.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import yaml

ROLES_FOLDER = Path(__file__).parents[1] / "roles"
_GROUP_OR_OPTION = re.compile(r"^      # ── (.*) ──$|^      (\w+):")
_MARKUP = re.compile(r"[A-Z]\(([^)]*)\)")
_TABLE = re.compile(r"## ([^\n]+)\n\n<!-- inputs:[^\n]*-->\n.*?<!-- end -->", re.DOTALL)
_NOTE = "<!-- inputs: written by `python -m tools.role_inputs --write` from the argument specs; do not edit -->"


def read_options(role: str) -> dict[str, Any]:
    """Return the inputs of a role as its argument specs have them."""
    specs = yaml.safe_load((ROLES_FOLDER / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    return dict(specs["argument_specs"]["main"]["options"])


def group_options(role: str) -> dict[str, list[str]]:
    """Return the names of a role's inputs by the title of their group."""
    groups: dict[str, list[str]] = {}
    title, remaining_options = "", read_options(role)
    for line in (ROLES_FOLDER / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8").splitlines():
        match = _GROUP_OR_OPTION.match(line)
        if match and match[1]:
            title = match[1]
        elif match and remaining_options.pop(match[2], None):
            groups.setdefault(title, []).append(match[2])
    return groups


def build_readme(role: str) -> str:
    """Return the README of a role with the tables of today's inputs."""
    names_by_title, options = group_options(role), read_options(role)

    def replace_section(match: re.Match[str]) -> str:
        rows = "\n".join(
            f"| `{name}` | {_format_meaning(options[name])} |" for name in names_by_title.get(match[1], [])
        )
        return f"## {match[1]}\n\n{_NOTE}\n| input | meaning |\n|---|---|\n{rows}\n<!-- end -->"

    return _TABLE.sub(replace_section, (ROLES_FOLDER / role / "README.md").read_text(encoding="utf-8"))


def _format_meaning(option: dict[str, Any]) -> str:
    description = option["description"]
    paragraphs = [description] if isinstance(description, str) else description
    return _MARKUP.sub(r"`\1`", " ".join(" ".join(paragraphs).split())).replace("|", "\\|")


def main() -> int:
    stale_roles = [
        readme_role.name
        for readme_role in sorted(ROLES_FOLDER.iterdir())
        if build_readme(readme_role.name) != (readme_role / "README.md").read_text("utf-8")
    ]
    for readme_role in stale_roles:
        if "--write" in sys.argv[1:]:
            (ROLES_FOLDER / readme_role / "README.md").write_text(build_readme(readme_role), encoding="utf-8")
        else:
            print(f"roles/{readme_role}/README.md is stale. Run `python -m tools.role_inputs --write`.")
    return int(bool(stale_roles) and "--write" not in sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
