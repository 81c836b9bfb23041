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

from .quick import ROOT, git

FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
_NAMED = re.compile(r"(?<![\w/.])(docs/\w+\.md)(?:#([\w-]+))?")
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
_ANCHOR = re.compile(r'<a (?:id|name)="([^"]+)"')
# The site joins docs/docsite with docs.
_SITE = ROOT / "docs" / "docsite"


@cache
def anchors(page: Path) -> frozenset[str]:
    """Return what a link to a page can name, as GitHub and MyST derive it from headings."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    found: list[str] = []
    for heading in _HEADING.findall(text):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        same = sum(other == slug or re.fullmatch(rf"{re.escape(slug)}-\d+", other) is not None for other in found)
        found.append(f"{slug}-{same}" if same else slug)
    return frozenset(found) | frozenset(_ANCHOR.findall(text))


def links(path: Path) -> Iterator[tuple[str, str, Path]]:
    """Yield every link of a file: the target as it is written, its anchor, and the folder that it is relative to."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        folder = _SITE.parent if path.parent == _SITE else path.parent
        prose = _CODE.sub("", FENCE.sub("", text))
        yield from ((target, anchor, folder) for target, anchor in _LINK.findall(prose))
    else:
        yield from ((target, anchor, ROOT) for target, anchor in _NAMED.findall(text))


def broken(path: Path) -> list[str]:
    """Return the links of a file that lead nowhere."""
    wrong = []
    for target, anchor, folder in links(path):
        found = folder / target if target else path
        if not found.exists() or (anchor and found.suffix == ".md" and anchor not in anchors(found)):
            wrong.append(f"{target}#{anchor}" if anchor else target)
    return wrong


def checked() -> list[Path]:
    """Return every file of the project that may have such links."""
    patterns = (
        "*.md",
        "plugins/*.py",
        "plugins/*.yml",
        "roles/*.yml",
        "playbooks/*.yml",
        "inventories/*.yml",
        "awx/*.yml",
    )
    listed = git("ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns)
    return [ROOT / path for path in listed if (ROOT / path).is_file() and not (ROOT / path).is_symlink()]


def main() -> int:
    """Print every link that leads nowhere; 1 if there is one."""
    wrong = [f"{path.relative_to(ROOT)}: {link}" for path in checked() for link in broken(path)]
    if wrong:
        print("These links lead nowhere:", *wrong, sep="\n")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
