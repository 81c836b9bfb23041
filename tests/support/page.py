# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A page whose files and commands are read from its own text, for a test that runs them.

A block ```yaml or ```python whose first line is `# PATH` is a file. A block ```console has commands (`$ COMMAND`),
each with lines of its output; `…` stands for any text, and no line for no output. Others are for the reader alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILES = ("yaml", "python")
_FILE = re.compile(r"# (\S+)\n")


@dataclass(frozen=True)
class File:
    """A file that the reader saves."""

    path: str
    text: str


@dataclass(frozen=True)
class Command:
    """A command that the reader types, and lines that it prints, in this order."""

    text: str
    output: tuple[str, ...]

    def misses(self, printed: str) -> str:
        """Return the first line that is not in the output, or an empty text."""
        if not self.output:
            return "nothing" if printed else ""
        start = 0
        for line in self.output:
            found = _pattern(line).search(printed, start)
            if not found:
                return line
            start = found.end()
        return ""


def _pattern(line: str) -> re.Pattern[str]:
    """Return the pattern of a line of output: `…` is any text, and any space as wide as it was printed."""
    literal_parts = [re.escape(part) for part in line.split("…")]
    return re.compile(re.sub(r"(\\ )+", r"\\s+", ".*".join(literal_parts)))


Step = File | Command


def sections(path: Path) -> dict[str, list[Step]]:
    """Return what the reader does in each section of a page."""
    parts = re.split(r"^## ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    found = {part.split("\n", 1)[0]: list(_steps(part)) for part in parts}
    return {title: steps for title, steps in found.items() if steps}


def _steps(part: str) -> Iterator[Step]:
    """Yield the files and commands in the blocks of a section."""
    for kind, text in _BLOCK.findall(part):
        named = _FILE.match(text)
        if kind in _FILES and named:
            yield File(named[1], text)
        elif kind == "console":
            yield from _commands(text)


def _commands(text: str) -> Iterator[Command]:
    """Yield the commands of a block, each with its lines of output that are not empty."""
    for command in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        typed, *output = command.splitlines()
        yield Command(typed, tuple(filter(None, output)))
