# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tools.addresses [--guides] FOLDER [REPOSITORY]`: rewrite relative links in a copy that is published.

Galaxy shows README.md and docs/*.md outside the repository. So a relative link becomes a link to REPOSITORY, which is
the address of a git host such as `https://git.example.org/team/collection`. Without REPOSITORY, it becomes its text.
Links between the pages of docs/ stay.

`tools/build` calls it for the artefact, whose links lead to the tag of the release. `tools/docs` calls it with
`--guides` for the pages of the documentation site, whose links lead to the branch main.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

# `[text](target)`, where the target is neither an address nor a heading of the same page.
RELATIVE_LINK = re.compile(r"\[([^\]]+)\]\((?!https?://|#)([^)]+)\)")
# An image in a paragraph of its own.
IMAGE = re.compile(r"!" + RELATIVE_LINK.pattern + r"\n\n?")
# A link of a page of docs/ to a file outside of that folder.
LINK_OUT_OF_DOCS = re.compile(r"\[([^\]]+)\]\(\.\./([^)]+)\)")
# A link whose text is the name of its file, such as `[docs/eks.md](eks.md#roles)`.
LINK_NAMED_BY_FILE = re.compile(r"\[(?:docs/)?(\w+\.md)\]\((\1(?:#[^)]*)?)\)")
# The version in galaxy.yml, such as `version: 1.2.0`.
VERSION_LINE = re.compile(r"^version: (\S+)$", re.MULTILINE)


def rewrite_readme_page(text: str, base_address: str) -> str:
    """Return a README.md whose relative links and images are below the address `base_address`.

    If `base_address` is empty, a link becomes its text, and an image goes.
    """
    if not base_address:
        return RELATIVE_LINK.sub(r"\1", IMAGE.sub("", text))
    with_images = IMAGE.sub(rf"![\1]({base_address}/\2?raw=true)\n\n", text)
    return RELATIVE_LINK.sub(rf"[\1]({base_address}/\2)", with_images)


def rewrite_docs_page(text: str, base_address: str) -> str:
    """Return a page of docs/ whose links out of that folder are below `base_address`; their text if it is empty."""
    return LINK_OUT_OF_DOCS.sub(rf"[\1]({base_address}/\2)" if base_address else r"\1", text)


def rewrite_site_page(text: str, base_address: str) -> str:
    """Return a page of docs/ for the documentation site.

    Links out of the folder are those of `rewrite_docs_page`. A link that is named by its file loses its text: the site
    writes the title of the page or heading there.
    """
    return rewrite_docs_page(LINK_NAMED_BY_FILE.sub(r"[](\2)", text), base_address)


def add_galaxy_addresses(text: str, repository: str) -> str:
    """Return galaxy.yml with the addresses of the project, which the repository itself does not have."""
    addresses = {
        "repository": repository,
        "documentation": f"{repository}/tree/main/docs",
        "homepage": repository,
        "issues": f"{repository}/issues",
    }
    return text + "".join(f"{key}: {address}\n" for key, address in addresses.items())


def rewrite_artefact(folder: Path, repository: str = "") -> None:
    """Rewrite the pages of a copy of the collection, and add the addresses to its galaxy.yml if there is a repository.

    Raises ValueError if galaxy.yml has no version, or several.
    """
    galaxy = folder / "galaxy.yml"
    galaxy_text = galaxy.read_text(encoding="utf-8")
    (version,) = VERSION_LINE.findall(galaxy_text)
    base_address = f"{repository}/blob/v{version}" if repository else ""
    for path in (folder / "README.md", *folder.glob("roles/*/README.md")):
        path.write_text(rewrite_readme_page(path.read_text(encoding="utf-8"), base_address), encoding="utf-8")
    for path in folder.glob("docs/*.md"):
        path.write_text(rewrite_docs_page(path.read_text(encoding="utf-8"), base_address), encoding="utf-8")
    if repository:
        galaxy.write_text(add_galaxy_addresses(galaxy_text, repository), encoding="utf-8")


def rewrite_site(folder: Path, repository: str = "") -> None:
    """Rewrite the pages in a folder of the documentation site."""
    base_address = f"{repository}/blob/main" if repository else ""
    for path in folder.glob("*.md"):
        path.write_text(rewrite_site_page(path.read_text(encoding="utf-8"), base_address), encoding="utf-8")


def main(arguments: list[str]) -> None:
    """Rewrite the folder that the arguments of the command line name."""
    if arguments[0] == "--guides":
        rewrite_site(Path(arguments[1]), *arguments[2:])
    else:
        rewrite_artefact(Path(arguments[0]), *arguments[1:])


if __name__ == "__main__":
    main(sys.argv[1:])
