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
_FILE_LANGUAGES = ("yaml", "python")
_FILE_PATH = re.compile(r"# (\S+)\n")


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

    def find_missing_line(self, printed_text: str) -> str:
        """Return the first line that is not in the output, or an empty text."""
        if not self.output:
            return "nothing" if printed_text else ""
        start = 0
        for line in self.output:
            match = _output_pattern(line).search(printed_text, start)
            if not match:
                return line
            start = match.end()
        return ""


def _output_pattern(line: str) -> re.Pattern[str]:
    """Return the pattern of a line of output: `…` is any text, and any space as wide as it was printed."""
    literal_parts = [re.escape(part) for part in line.split("…")]
    return re.compile(re.sub(r"(\\ )+", r"\\s+", ".*".join(literal_parts)))


Step = File | Command


def read_sections(path: Path) -> dict[str, list[Step]]:
    """Return what the reader does in each section of a page."""
    section_texts = re.split(r"^## ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    steps_by_title = {section.split("\n", 1)[0]: list(_find_steps(section)) for section in section_texts}
    return {title: steps for title, steps in steps_by_title.items() if steps}


def _find_steps(section: str) -> Iterator[Step]:
    """Yield the files and commands in the blocks of a section."""
    for language, block_text in _BLOCK.findall(section):
        path_match = _FILE_PATH.match(block_text)
        if language in _FILE_LANGUAGES and path_match:
            yield File(path_match[1], block_text)
        elif language == "console":
            yield from _find_commands(block_text)


def _find_commands(block_text: str) -> Iterator[Command]:
    """Yield the commands of a block, each with its lines of output that are not empty."""
    for command in re.split(r"^\$ ", block_text, flags=re.MULTILINE)[1:]:
        command_line, *output = command.splitlines()
        yield Command(command_line, tuple(filter(None, output)))
