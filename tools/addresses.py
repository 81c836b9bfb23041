# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tools.addresses [--guides] FOLDER [REPOSITORY]`: name the repository in a copy that is published.

Galaxy shows README.md and docs/*.md outside the repository: relative links become links to the repository at the
release's tag, or plain text. Links between the pages of docs/ stay. `--guides` does this for the documentation site.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

LINK = re.compile(r"\[([^\]]+)\]\((?!https?://|#)([^)]+)\)")
IMAGE = re.compile(r"!" + LINK.pattern + r"\n\n?")
OUTSIDE = re.compile(r"\[([^\]]+)\]\(\.\./([^)]+)\)")
BY_FILE = re.compile(r"\[(?:docs/)?(\w+\.md)\]\((\1(?:#[^)]*)?)\)")


def page(text: str, base: str) -> str:
    """Return README.md, whose own links are below this address, or are text if there is none."""
    text = IMAGE.sub(rf"![\1]({base}/\2?raw=true)\n\n" if base else "", text)
    return LINK.sub(rf"[\1]({base}/\2)" if base else r"\1", text)


def guide(text: str, base: str) -> str:
    """Return a page of docs/, whose links out of that folder are below this address, or are text if there is none.

    A link that is named after its file gets the title of that page or heading.
    """
    return inside(BY_FILE.sub(r"[](\2)", text), base)


def inside(text: str, base: str) -> str:
    """Return a page of docs/ whose links out of that folder are below this address, or are text if there is none."""
    return OUTSIDE.sub(rf"[\1]({base}/\2)" if base else r"\1", text)


def galaxy(text: str, repository: str) -> str:
    """Return galaxy.yml with the addresses of the project."""
    lines = {
        "repository": repository,
        "documentation": f"{repository}/tree/main/docs",
        "homepage": repository,
        "issues": f"{repository}/issues",
    }
    return text + "".join(f"{name}: {value}\n" for name, value in lines.items())


def archive(folder: Path, repository: str = "") -> None:
    """Rewrite what `tools/build` publishes."""
    about = folder / "galaxy.yml"
    (version,) = re.findall(r"^version: (\S+)$", about.read_text(encoding="utf-8"), re.MULTILINE)
    base = f"{repository}/blob/v{version}" if repository else ""
    for path in [folder / "README.md", *folder.glob("roles/*/README.md")]:
        path.write_text(page(path.read_text(encoding="utf-8"), base), encoding="utf-8")
    for path in folder.glob("docs/*.md"):
        path.write_text(inside(path.read_text(encoding="utf-8"), base), encoding="utf-8")
    if repository:
        about.write_text(galaxy(about.read_text(encoding="utf-8"), repository), encoding="utf-8")


def guides(folder: Path, repository: str = "") -> None:
    """Rewrite the pages that `tools/docs` publishes."""
    for path in folder.glob("*.md"):
        base = f"{repository}/blob/main" if repository else ""
        path.write_text(guide(path.read_text(encoding="utf-8"), base), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1] == "--guides":
        guides(Path(sys.argv[2]), *sys.argv[3:])
    else:
        archive(Path(sys.argv[1]), *sys.argv[2:])
