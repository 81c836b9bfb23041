# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users' own rules, read from files and folders. Controller only. Private.

Tasks, roles and the command line read them here, with the option `rule_paths`. Files are parsed once per process;
nothing that a rule says makes this collection read another file. Examples of files are in the folder
examples/rules, and docs/own_rules.md describes their keys. For example, `load_rules(["team-rules"], …)` returns the
rules of team-rules/tls.yml and team-rules/names/services.yml as one `UserRules`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from ...module_utils._otelcol.catalogue.catalogue import Catalogue
from ...module_utils._otelcol.errors import Problem
from ...module_utils._otelcol.rules.user_path_check import KnownPaths
from ...module_utils._otelcol.rules.user_rule_builder import RuleBuildContext
from ...module_utils._otelcol.rules.user_rule_files import RuleFileReader
from ...module_utils._otelcol.rules.user_rules import NO_USER_RULES, UserRules
from . import _builds, _files, _jmespath, _yaml

_SUFFIXES = (".yml", ".yaml")
# The bounds of what is read: more is a wrong folder.
_MOST_FILES = 200
_MOST_CHARACTERS = 512 * 1024  # characters of a file


def load_rules(paths: Iterable[str], taken_ids: Collection[str]) -> UserRules:
    """Return the rules in files and folders; `taken_ids` are ids that no rule may have.

    Raises Problem for a path without rules, and with all faults of the files: wrong keys and types, ids that stand
    twice, paths that lead nowhere, invalid expressions, and examples that do not hold.
    """
    rule_paths = list(paths)
    if not rule_paths:
        return NO_USER_RULES
    if "" in rule_paths:
        raise Problem("a path is empty", asked="rule_paths", fix="Give files or folders, or leave the option out.")
    files = list(dict.fromkeys(file for path in rule_paths for file in _list_rule_files(Path(path))))
    if len(files) > _MOST_FILES:
        raise Problem(f"there are more than {_MOST_FILES} files with rules", asked="rule_paths", fix="Join some.")
    texts = tuple(_RuleText(str(file), _read_bounded_text(file)) for file in files)
    return _parse_rules(texts, frozenset(taken_ids), _CatalogueKey(_builds.load_catalogue()))


class _RuleText(NamedTuple):
    """A file with rules: its path, and its text."""

    file: str
    text: str


class _CatalogueKey:
    """A catalogue as a key of a cache. Only the same object is equal, since its tables are too large to compare."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _CatalogueKey) and self.catalogue is other.catalogue

    def __hash__(self) -> int:
        return id(self.catalogue)


def _list_rule_files(path: Path) -> Iterator[Path]:
    """Yield a file, or the YAML files of a folder at any depth. Raises Problem if there are none."""
    if _files.is_path_of_kind(path, Path.is_file):
        yield path
        return
    folder = _files.Folder.read(path)
    rule_files = [file for file in folder.entries if file.suffix in _SUFFIXES]
    for closed_folder in folder.closed_folders:
        raise _files.build_closed_folder_problem(closed_folder)
    _check_no_outside_links(folder)
    if not rule_files:
        fix = "Give a file with `rules`, or a folder with such files. docs/own_rules.md shows one."
        raise Problem(f"there is no file with rules at {path}", asked="rule_paths", fix=fix)
    real_folder = path.resolve()
    for file in rule_files:
        if not file.resolve().is_relative_to(real_folder):
            fix = "Copy it into the folder, or name the file itself in `rule_paths`."
            raise Problem(f"{file} is a link to a file outside of {path}", asked="rule_paths", fix=fix)
    yield from rule_files


def _check_no_outside_links(folder: _files.Folder) -> None:
    """Raise Problem for a link to a folder outside, whose rules would be left out."""
    for link in folder.linked_folders():
        fix = "Copy it into the folder, or name it too in `rule_paths`."
        raise Problem(f"{link} is a link to a folder outside of {folder.path}", asked="rule_paths", fix=fix)


def _read_bounded_text(file: Path) -> str:
    """Return the text of a file. Raises Problem for a file that is too large."""
    text = _files.read_text_file(file)
    if len(text) > _MOST_CHARACTERS:
        raise Problem(f"{file} has more than {_MOST_CHARACTERS} characters", asked="rule_paths", fix="Split it.")
    return text


@lru_cache(maxsize=8)
def _parse_rules(texts: tuple[_RuleText, ...], taken_ids: frozenset[str], catalogue_key: _CatalogueKey) -> UserRules:
    """Return the rules of some files. Equal files are parsed once per process."""
    known_paths = KnownPaths(catalogue_key.catalogue)
    reader = RuleFileReader(RuleBuildContext(taken_ids, known_paths, _jmespath.build_bounded_search))
    for rule_text in texts:
        reader.read_document(_yaml.load(rule_text.text, rule_text.file), rule_text.file)
    return reader.join_rules()
