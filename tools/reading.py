# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""python -m tools.reading [FOLDER…] [--functions N]: how dense the code of plugins is, by room.

For each room it prints its functions, their lines, the ways through 100 of their lines, the most ways through one
function, and how many functions have a name of one word. radon counts the ways, as `tests/contract/test_complexity.py`
does. With `--functions`, it also prints the N functions of the folders that have the most ways for their lines.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from radon.complexity import cc_visit_ast
from radon.visitors import Function

from .quick import ROOT, git

PLUGINS = PurePosixPath("plugins")
ROOMS = "module_utils"
SHORT_LINES = 6  # a function of fewer lines is no place to begin: one branch alone makes it dense


@dataclass(frozen=True)
class MeasuredFunction:
    """A function or method of a file, with how many ways lead through it."""

    path: PurePosixPath
    name: str
    first_line: int
    lines: int
    ways: int

    @property
    def room(self) -> str:
        """The room of a pure or live file, or the folder of another plugin."""
        kind, *below = self.path.relative_to(PLUGINS).parts[:-1]
        return below[0] if kind == ROOMS and below else kind

    @property
    def density(self) -> float:
        """Ways through 100 lines."""
        return 100 * self.ways / self.lines

    @property
    def has_one_word(self) -> bool:
        """Whether the name says what it is by one word; Python's own names, such as __init__, do not count."""
        bare = self.name.rpartition(".")[2].strip("_")
        return "_" not in bare and not self.name.endswith("__")


def measured_functions(folders: Iterable[str]) -> Iterator[MeasuredFunction]:
    """Yield each function of the Python files below the folders."""
    for line in sorted(git("ls-files", "--", *(f"{folder}/*.py" for folder in folders))):
        path = PurePosixPath(line)
        source = ROOT / path
        if not source.is_file() or source.is_symlink():
            continue
        for block in cc_visit_ast(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(block, Function):
                lines = block.endline - block.lineno + 1
                yield MeasuredFunction(path, block.fullname, block.lineno, lines, block.complexity)


def room_line(room: str, functions: list[MeasuredFunction]) -> str:
    """Return the figures of a room as one line."""
    lines = sum(function.lines for function in functions)
    ways = sum(function.ways for function in functions)
    one_word = sum(function.has_one_word for function in functions)
    most = max(function.ways for function in functions)
    share = 100 * one_word / len(functions)
    return f"{room:<18} {len(functions):>9} {lines:>7} {100 * ways / lines:>9.1f} {most:>9} {share:>8.0f} %"


def report_lines(functions: list[MeasuredFunction]) -> Iterator[str]:
    """Yield a line for each room, the densest first, and one for all of them."""
    rooms: dict[str, list[MeasuredFunction]] = {}
    for function in functions:
        rooms.setdefault(function.room, []).append(function)
    yield f"{'room':<18} {'functions':>9} {'lines':>7} {'density':>9} {'most ways':>9} {'one word':>10}"
    for room in sorted(rooms, key=lambda room: -_density_of(rooms[room])):
        yield room_line(room, rooms[room])
    yield room_line("all", functions)


def densest(functions: Iterable[MeasuredFunction], count: int) -> list[MeasuredFunction]:
    """Return the functions with the most ways above what their lines explain, those of a few lines left out."""
    long = [function for function in functions if function.lines >= SHORT_LINES]
    return sorted(long, key=lambda function: (-function.density, str(function.path), function.first_line))[:count]


def _density_of(functions: list[MeasuredFunction]) -> float:
    return 100 * sum(function.ways for function in functions) / sum(function.lines for function in functions)


def main() -> int:
    """Print the figures. Returns 0, since the limits are those of tests/contract."""
    parser = argparse.ArgumentParser(prog="python -m tools.reading", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folders", nargs="*", default=[str(PLUGINS)], help="folders below plugins")
    parser.add_argument("--functions", type=int, default=0, metavar="N", help="show the N densest functions")
    options = parser.parse_args()
    functions = list(measured_functions(options.folders))
    if not functions:
        print(f"There is no function below {', '.join(options.folders)}. Name folders such as {PLUGINS}.")
        return 1
    for line in report_lines(functions):
        print(line)
    for function in densest(functions, options.functions):
        place = f"{function.path}:{function.first_line}"
        print(
            f"{function.density:>5.0f}  {function.ways:>2} ways in {function.lines:>2} lines  {place} {function.name}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
