# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users' own rules, read from files and folders. Controller only. Private.

The entry point of every caller: a task, a role, a command line. Files are parsed once per process; nothing that a rule
says makes this collection read another file.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from ...module_utils._otelcol.catalogue.catalogue import Catalogue
from ...module_utils._otelcol.errors import Problem
from ...module_utils._otelcol.rules.user_path_check import KnownPaths
from ...module_utils._otelcol.rules.user_rule_files import RuleReader
from ...module_utils._otelcol.rules.user_rules import NONE, UserRules
from . import _builds, _files, _jmespath, _yaml

_SUFFIXES = (".yml", ".yaml")
_MOST_FILES = 200
_LARGEST = 512 * 1024  # characters of a file


def load_rules(paths: Iterable[str], taken: Collection[str]) -> UserRules:
    """Return the rules in files and folders; `taken` are ids that no rule may have.

    Raises Problem for a path without rules, and with all faults of the files: wrong keys and types, ids that stand
    twice, paths that lead nowhere, invalid expressions, and examples that do not hold.
    """
    given = list(paths)
    if not given:
        return NONE
    if "" in given:
        raise Problem("a path is empty", asked="rule_paths", fix="Give files or folders, or leave the option out.")
    files = list(dict.fromkeys(file for path in given for file in _files_at(Path(path))))
    if len(files) > _MOST_FILES:
        raise Problem(f"there are more than {_MOST_FILES} files with rules", asked="rule_paths", fix="Join some.")
    texts = tuple((str(file), _text(file)) for file in files)
    return _parsed(texts, frozenset(taken), _Shared(_builds.tables()))


class _Shared:
    """A catalogue as a key of a cache: by what it is, for its tables are too large to compare."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Shared) and self.catalogue is other.catalogue

    def __hash__(self) -> int:
        return id(self.catalogue)


def _files_at(path: Path) -> Iterator[Path]:
    """Yield a file, or the YAML files of a folder at any depth. Raises Problem if there are none."""
    if _files.is_there(path, Path.is_file):
        yield path
        return
    folder = _files.Folder.read(path)
    found = [file for file in folder.items if file.suffix in _SUFFIXES]
    _check_linked(folder)
    if not found:
        fix = "Give a file with `rules`, or a folder with such files. docs/own_rules.md shows one."
        raise Problem(f"there is no file with rules at {path}", asked="rule_paths", fix=fix)
    root = path.resolve()
    for file in found:
        if not file.resolve().is_relative_to(root):
            fix = "Copy it into the folder, or name the file itself in `rule_paths`."
            raise Problem(f"{file} is a link to a file outside of {path}", asked="rule_paths", fix=fix)
    yield from found


def _check_linked(folder: _files.Folder) -> None:
    """Raise Problem for a link to a folder outside, whose rules would be left out."""
    for link in folder.linked_folders():
        fix = "Copy it into the folder, or name it too in `rule_paths`."
        raise Problem(f"{link} is a link to a folder outside of {folder.path}", asked="rule_paths", fix=fix)


def _text(file: Path) -> str:
    text = _files.read(file)
    if len(text) > _LARGEST:
        raise Problem(f"{file} has more than {_LARGEST} characters", asked="rule_paths", fix="Split it.")
    return text


@lru_cache(maxsize=8)
def _parsed(texts: tuple[tuple[str, str], ...], taken: frozenset[str], shared: _Shared) -> UserRules:
    reader = RuleReader(taken, KnownPaths(shared.catalogue), _jmespath.bounded_search)
    for name, text in texts:
        reader.read(_yaml.load(text, name), name)
    return reader.result()
