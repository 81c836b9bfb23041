# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tools.addresses FOLDER [REPOSITORY]`: name the repository in a copy of the checkout that is published.

Galaxy shows README.md outside the repository, and draws no diagrams: relative links become links to the repository at
the release's tag, or plain text, and diagrams are left out.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

LINK = re.compile(r"\[([^\]]+)\]\((?!https?://|#)([^)]+)\)")
DIAGRAM = re.compile(r"```mermaid\n.*?```\n\n?", re.DOTALL)


def page(text: str, base: str) -> str:
    """Return a page whose own links are below this address, or are text if there is none."""
    text = DIAGRAM.sub("", text)
    return LINK.sub(rf"[\1]({base}/\2)" if base else r"\1", text)


def galaxy(text: str, repository: str) -> str:
    """Return galaxy.yml with the addresses of the project."""
    lines = {
        "repository": repository,
        "documentation": f"{repository}/tree/main/docs",
        "homepage": repository,
        "issues": f"{repository}/issues",
    }
    return text + "".join(f"{name}: {value}\n" for name, value in lines.items())


def main(folder: Path, repository: str = "") -> None:
    """Rewrite the files in the folder."""
    about = folder / "galaxy.yml"
    (version,) = re.findall(r"^version: (\S+)$", about.read_text(encoding="utf-8"), re.MULTILINE)
    base = f"{repository}/blob/v{version}" if repository else ""
    for path in [folder / "README.md", *folder.glob("roles/*/README.md")]:
        path.write_text(page(path.read_text(encoding="utf-8"), base), encoding="utf-8")
    if repository:
        about.write_text(galaxy(about.read_text(encoding="utf-8"), repository), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
