# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""python -m tools.reading [FOLDER…] [--functions N]: how dense the code of plugins is, by room.

A room is a folder of plugins whose files belong together, such as module_utils/_waves with its folder live. A way is a
path through the branches of a function.

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

from .quick import ROOT, list_git_lines

PLUGINS_FOLDER = PurePosixPath("plugins")
ROOMS_FOLDER = "module_utils"
MIN_LINES = 6  # a function of fewer lines is no place to begin: one branch alone makes it dense


@dataclass(frozen=True)
class MeasuredFunction:
    """A function or method of a file, with how many ways lead through it."""

    path: PurePosixPath
    name: str
    first_line: int
    line_count: int
    way_count: int

    @property
    def room(self) -> str:
        """The room of a pure or live file, or the folder of another plugin."""
        plugin_folder, *subfolders = self.path.relative_to(PLUGINS_FOLDER).parts[:-1]
        return subfolders[0] if plugin_folder == ROOMS_FOLDER and subfolders else plugin_folder

    @property
    def ways_per_100_lines(self) -> float:
        """Ways through 100 lines."""
        return 100 * self.way_count / self.line_count

    @property
    def has_one_word(self) -> bool:
        """Whether the name says what it is by one word; Python's own names, such as __init__, do not count."""
        bare_name = self.name.rpartition(".")[2].strip("_")
        return "_" not in bare_name and not self.name.endswith("__")


def measure_functions(folders: Iterable[str]) -> Iterator[MeasuredFunction]:
    """Yield each function of the Python files below the folders."""
    for listed_path in sorted(list_git_lines("ls-files", "--", *(f"{folder}/*.py" for folder in folders))):
        path = PurePosixPath(listed_path)
        source_file = ROOT / path
        if not source_file.is_file() or source_file.is_symlink():
            continue
        for code_block in cc_visit_ast(ast.parse(source_file.read_text(encoding="utf-8"))):
            if isinstance(code_block, Function):
                line_count = code_block.endline - code_block.lineno + 1
                yield MeasuredFunction(path, code_block.fullname, code_block.lineno, line_count, code_block.complexity)


def format_room(room: str, functions: list[MeasuredFunction]) -> str:
    """Return the figures of a room as one line."""
    line_count = sum(function.line_count for function in functions)
    way_count = sum(function.way_count for function in functions)
    one_word_count = sum(function.has_one_word for function in functions)
    most_ways = max(function.way_count for function in functions)
    one_word_share = 100 * one_word_count / len(functions)
    return (
        f"{room:<18} {len(functions):>9} {line_count:>7} {100 * way_count / line_count:>9.1f} {most_ways:>9}"
        f" {one_word_share:>8.0f} %"
    )


def list_report_lines(functions: list[MeasuredFunction]) -> Iterator[str]:
    """Yield a line for each room, the densest first, and one for all of them."""
    functions_by_room: dict[str, list[MeasuredFunction]] = {}
    for function in functions:
        functions_by_room.setdefault(function.room, []).append(function)
    yield f"{'room':<18} {'functions':>9} {'lines':>7} {'density':>9} {'most ways':>9} {'one word':>10}"
    for room in sorted(functions_by_room, key=lambda room: -_total_density(functions_by_room[room])):
        yield format_room(room, functions_by_room[room])
    yield format_room("all", functions)


def list_densest(functions: Iterable[MeasuredFunction], count: int) -> list[MeasuredFunction]:
    """Return the functions with the most ways above what their lines explain, those of a few lines left out."""
    long_functions = [function for function in functions if function.line_count >= MIN_LINES]
    return sorted(
        long_functions, key=lambda function: (-function.ways_per_100_lines, str(function.path), function.first_line)
    )[:count]


def _total_density(functions: list[MeasuredFunction]) -> float:
    return 100 * sum(function.way_count for function in functions) / sum(function.line_count for function in functions)


def main() -> int:
    """Print the figures. Returns 0, since the limits are those of tests/contract."""
    parser = argparse.ArgumentParser(prog="python -m tools.reading", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folders", nargs="*", default=[str(PLUGINS_FOLDER)], help="folders below plugins")
    parser.add_argument("--functions", type=int, default=0, metavar="N", help="show the N densest functions")
    options = parser.parse_args()
    functions = list(measure_functions(options.folders))
    if not functions:
        print(f"There is no function below {', '.join(options.folders)}. Name folders such as {PLUGINS_FOLDER}.")
        return 1
    for line in list_report_lines(functions):
        print(line)
    for function in list_densest(functions, options.functions):
        location = f"{function.path}:{function.first_line}"
        print(
            f"{function.ways_per_100_lines:>5.0f}  {function.way_count:>2} ways in {function.line_count:>2} lines "
            f" {location} {function.name}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
