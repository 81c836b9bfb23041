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

ROLES = Path(__file__).parents[1] / "roles"
_GROUP = re.compile(r"^      # ── (.*) ──$|^      (\w+):")
_MARKUP = re.compile(r"[A-Z]\(([^)]*)\)")
_TABLE = re.compile(r"## ([^\n]+)\n\n<!-- inputs:[^\n]*-->\n.*?<!-- end -->", re.DOTALL)
_NOTE = "<!-- inputs: written by `python -m tools.role_inputs --write` from the argument specs; do not edit -->"


def options_of(role: str) -> dict[str, Any]:
    """Return the inputs of a role as its argument specs have them."""
    specs = yaml.safe_load((ROLES / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    return dict(specs["argument_specs"]["main"]["options"])


def groups_of(role: str) -> dict[str, list[str]]:
    """Return the names of a role's inputs by the title of their group."""
    groups: dict[str, list[str]] = {}
    title, left = "", options_of(role)
    for line in (ROLES / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8").splitlines():
        match = _GROUP.match(line)
        if match and match[1]:
            title = match[1]
        elif match and left.pop(match[2], None):
            groups.setdefault(title, []).append(match[2])
    return groups


def page(role: str) -> str:
    """Return the README of a role with the tables of today's inputs."""
    groups, options = groups_of(role), options_of(role)

    def section(match: re.Match[str]) -> str:
        rows = "\n".join(f"| `{name}` | {_meaning(options[name])} |" for name in groups.get(match[1], []))
        return f"## {match[1]}\n\n{_NOTE}\n| input | meaning |\n|---|---|\n{rows}\n<!-- end -->"

    return _TABLE.sub(section, (ROLES / role / "README.md").read_text(encoding="utf-8"))


def _meaning(option: dict[str, Any]) -> str:
    described = option["description"]
    paragraphs = [described] if isinstance(described, str) else described
    return _MARKUP.sub(r"`\1`", " ".join(" ".join(paragraphs).split())).replace("|", "\\|")


def main() -> int:
    stale = [
        role.name for role in sorted(ROLES.iterdir()) if page(role.name) != (role / "README.md").read_text("utf-8")
    ]
    for role in stale:
        if "--write" in sys.argv[1:]:
            (ROLES / role / "README.md").write_text(page(role), encoding="utf-8")
        else:
            print(f"roles/{role}/README.md is stale. Run `python -m tools.role_inputs --write`.")
    return int(bool(stale) and "--write" not in sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
