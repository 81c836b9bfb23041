# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tools.links`: check that links between pages lead to files and headings that exist.

It checks the relative links and anchors of all Markdown pages, and `docs/PAGE.md#HEADING` in the documentation and the
messages of plugins, roles and playbooks. It does not use the network.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from .quick import ROOT, list_git_lines

# A block of code between two lines of three backticks.
FENCED_BLOCK = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
# The target of a link, such as `](eks.md#roles)`: a path, a heading, or both, but no address.
_LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
# A page that a text names, such as `docs/eks.md#roles`, and that is no part of a longer path.
_NAMED_PAGE = re.compile(r"(?<![\w/.])(docs/\w+\.md)(?:#([\w-]+))?")
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
# An anchor that a page sets itself, such as `<a name="roles">`.
_ANCHOR = re.compile(r'<a (?:id|name)="([^"]+)"')
# The site joins docs/docsite with docs.
_SITE = ROOT / "docs" / "docsite"


@cache
def list_anchors(page: Path) -> frozenset[str]:
    """Return what a link to a page can name, as GitHub and MyST derive it from headings."""
    text = FENCED_BLOCK.sub("", page.read_text(encoding="utf-8"))
    slugs: list[str] = []
    for heading in _HEADING.findall(text):
        heading_text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", heading_text).replace(" ", "-")
        # A second heading with the same words gets a number: `roles`, then `roles-1`.
        numbered_slug = re.compile(rf"{re.escape(slug)}(?:-\d+)?")
        earlier_count = sum(numbered_slug.fullmatch(earlier_slug) is not None for earlier_slug in slugs)
        slugs.append(f"{slug}-{earlier_count}" if earlier_count else slug)
    return frozenset(slugs) | frozenset(_ANCHOR.findall(text))


class Link(NamedTuple):
    """A link of a file: the target as it is written, its anchor, and the folder that it is relative to.

    The target is empty for a link within the page.
    """

    target: str
    anchor: str
    folder: Path

    def __str__(self) -> str:
        """Return the link as it is written."""
        return f"{self.target}#{self.anchor}" if self.anchor else self.target


def list_links(path: Path) -> Iterator[Link]:
    """Yield every link of a file."""
    page_text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        folder = _SITE.parent if path.parent == _SITE else path.parent
        prose = _CODE.sub("", FENCED_BLOCK.sub("", page_text))
        for target, anchor in _LINK.findall(prose):
            yield Link(target, anchor, folder)
    else:
        for target, anchor in _NAMED_PAGE.findall(page_text):
            yield Link(target, anchor, ROOT)


def list_broken_links(path: Path) -> list[str]:
    """Return the links of a file that lead nowhere."""
    return [str(link) for link in list_links(path) if not _leads_somewhere(link, path)]


def _leads_somewhere(link: Link, path: Path) -> bool:
    """Whether a link of a file leads to a file, and if that is a page, to a heading of it."""
    target = link.folder / link.target if link.target else path
    if not target.exists():
        return False
    return not link.anchor or target.suffix != ".md" or link.anchor in list_anchors(target)


def list_checked_files() -> list[Path]:
    """Return every file of the project that may have such links."""
    file_patterns = (
        "*.md",
        "plugins/*.py",
        "plugins/*.yml",
        "roles/*.yml",
        "playbooks/*.yml",
        "inventories/*.yml",
        "awx/*.yml",
    )
    listed_files = list_git_lines("ls-files", "--cached", "--others", "--exclude-standard", "--", *file_patterns)
    return [ROOT / path for path in listed_files if (ROOT / path).is_file() and not (ROOT / path).is_symlink()]


def main() -> int:
    """Print every link that leads nowhere; 1 if there is one."""
    broken_links = [
        f"{path.relative_to(ROOT)}: {link}" for path in list_checked_files() for link in list_broken_links(path)
    ]
    if broken_links:
        print("These links lead nowhere:", *broken_links, sep="\n")
    return int(bool(broken_links))


if __name__ == "__main__":
    sys.exit(main())
