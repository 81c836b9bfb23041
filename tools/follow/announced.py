# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release of the Collector deprecates, removes and plans, quoted with its source.

The source is the Collector's own module, which has CHANGELOG.md and docs/rfcs of its release. A component that is not
named there as deprecated is not: a plan for a later release is quoted as a plan, with the line that names the release.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from . import proxy

MODULE = "go.opentelemetry.io/collector"
CHANGELOG, PLANS_FOLDER = "CHANGELOG.md", "docs/rfcs"
# The headings of CHANGELOG.md between their two pictures.
BREAKING_HEADINGS = ("Breaking changes", "Deprecations")
# The heading of a release in CHANGELOG.md, such as `## v1.71.0/v0.165.0`.
_RELEASE = re.compile(r"^## .*\b(v0\.\d+\.\d+)\s*$")
# A heading below that, perhaps with a picture on both sides; its `name` is without them.
_HEADING = re.compile(r"^### \W*(?P<name>.*?)\W*$")
# A release that a text names, such as `v0.165` or `v0.165.0`; the number is its minor one.
_NAMED_RELEASE = re.compile(r"\bv0\.(\d+)(?:\.\d+)?\b")
# A bullet elsewhere that tells of a deprecation, or of a warning at the start.
_TELLS_DEPRECATION = re.compile(r"\bdeprecat|\bwarn(?:s|ing)? at start|\bwill be removed", re.IGNORECASE)


@dataclass(frozen=True)
class Quote:
    """A text of a release, and where it is: a path in the module, and a line from 1."""

    text: str
    path: str
    line: int

    def format_markdown(self, release: str) -> str:
        """Return the quote as an item of a list, with its source."""
        return f"- {self.text} ({MODULE}@{release}/{self.path}, line {self.line})"


def describe_release(release: str) -> str:
    """Return what a release such as `v0.165.0` announces, as Markdown.

    Raises RefusedModule if the proxy lacks its module.
    """
    [download] = proxy.download_modules([f"{MODULE}@{release}"])
    if "Error" in download:
        raise proxy.RefusedModule(download["Error"])
    folder = Path(download["Dir"])
    changed_quotes = list_deprecations((folder / CHANGELOG).read_text(encoding="utf-8"), release)
    planned_quotes: list[Quote] = []
    for path in sorted((folder / PLANS_FOLDER).glob("*.md")):
        planned_quotes += list_plans(path.read_text(encoding="utf-8"), f"{PLANS_FOLDER}/{path.name}", release)
    lines = [f"# {release} of the Collector"]
    lines += ["", "## What it deprecates or breaks", "", *_list_items(changed_quotes, release)]
    lines += ["", "## What it plans", "", *_list_items(planned_quotes, release)]
    return "\n".join(lines)


def _list_items(quotes: Iterable[Quote], release: str) -> list[str]:
    """Return quotes as items of a list; a sentence without any."""
    return [quote.format_markdown(release) for quote in quotes] or ["Nothing."]


def list_deprecations(changelog: str, release: str) -> Iterator[Quote]:
    """Yield the changes of a release below the headings, and others that tell of a deprecation or a warning."""
    current_release, heading = "", ""
    for line_number, line in enumerate(changelog.splitlines(), 1):
        if match := _RELEASE.match(line):
            current_release, heading = match[1], ""
        elif match := _HEADING.match(line):
            heading = match["name"]
        elif current_release == release and _is_announced(line, heading):
            yield Quote(line.removeprefix("- "), CHANGELOG, line_number)


def _is_announced(line: str, heading: str) -> bool:
    """Whether a line of the changelog, below a heading, is a change that breaks, or tells of a deprecation."""
    return line.startswith("- ") and (heading in BREAKING_HEADINGS or _TELLS_DEPRECATION.search(line) is not None)


def list_plans(document: str, path: str, release: str) -> Iterator[Quote]:
    """Yield the lines of a document that name a later release than this one."""
    current_minor = int(release.split(".")[1])
    for line_number, line in enumerate(document.splitlines(), 1):
        if any(int(named_minor) > current_minor for named_minor in _NAMED_RELEASE.findall(line)):
            yield Quote(" ".join(line.split()), path, line_number)
