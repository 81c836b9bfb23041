# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible overlooks in an inventory: misspelt names, keys that stand twice, broken files, no hosts. Private.

Ansible ignores a variable that nobody reads, keeps the last of two keys, and leaves out a file that it cannot read.
Each ends in a green run that did something else than the inventory says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from ..module_utils._otelcol.errors import Problem
from . import _origins, _sources
from ._otelcol import _files, _yaml

# What playbooks of this collection read beside the options of roles.
OF_PLAYBOOKS = frozenset(
    f"otel_{name}"
    for name in (
        *(
            "collectors",
            "instrumentations",
            "hosts",
            "expected_cluster",
            "lock_file",
            "lock_exclude",
            "compare_running",
            "rights_account",
        ),
        *("waves", "wave", "wave_until"),
        *("alert_path", "alert_goes_back", "alert_change_seconds"),
        *("rights_name", "rights_path", "report_path", "mirror_path", "mirror_registry", "mirror_registries_conf"),
        *("mirror_authfile", "mirror_source_tls_verify", "mirror_tls_verify"),
    )
)
_ENDINGS = (".yml", ".yaml", ".json")
_FOLDERS = ("group_vars", "host_vars")
# So many letters may differ in the name of a role, and one in that of an option, which has at least five. With two,
# variables of users such as `other_collectors` would be taken for a slip.
_OF_ROLE, _SHORTEST = 1, 5
_ROLE_WORDS = 3  # at most, in the name of a role


def check(variables: Mapping[str, Any], hosts: bool = False) -> dict[str, Any]:
    """Return nothing. Raises Problem for an inventory that does not mean what it says.

    Its files are read for the first host alone.
    """
    first = next(iter(variables.get("ansible_play_hosts_all") or ()), "")
    if first in ("", variables.get("inventory_hostname")):
        check_files(list(files(variables)))
    if hosts and not (variables.get("groups") or {}).get("all"):
        sources = ", ".join(map(str, variables.get("ansible_inventory_sources") or ())) or "none"
        fix = "Name one below `all.hosts`, or correct `-i`. Ansible warns of files that it cannot read."
        raise Problem(f"the inventory names no host, so this run does nothing (inventory: {sources})", fix=fix)
    check_names(variables)
    return {}


def check_names(variables: Mapping[str, Any]) -> None:
    """Raise Problem for a variable of this collection, or almost one, that has no effect."""
    _check_waves(variables)
    for name in variables:
        meant = _meant(name)
        if meant:
            where = str(_origins.place(variables, name) or "")
            wrong = f"variable {name} is read by nothing; did you mean {meant}?"
            raise Problem(wrong, where=where, fix="Correct the name. Rename a variable of your own use.")


def _check_waves(variables: Mapping[str, Any]) -> None:
    """Raise Problem for waves of some hosts alone, which would all change at once.

    Plays choose their hosts before variables of hosts are known, so the first host of the inventory answers for all.
    """
    hosts = (variables.get("groups") or {}).get("all")
    if "otel_waves" in variables and hosts and "otel_waves" not in variables["hostvars"][hosts[0]]:
        wrong = f"variable otel_waves is not set for all hosts: {hosts[0]} lacks it"
        where = str(_origins.place(variables, "otel_waves") or "")
        raise Problem(wrong, where=where, fix="Set it for group all, or by -e.")


@cache
def _meant(name: str) -> str:
    """Return the variable of this collection that a name misspells; empty for its own names and for all others."""
    known = _known()
    may_be_ours = name.isidentifier() and name.count("_") <= _most_words()
    if name in known or not may_be_ours:
        return ""
    for candidate in _candidates(name):
        if candidate in known:
            return candidate
    return ""


@cache
def _known() -> frozenset[str]:
    """Return the variables of this collection: those of playbooks, and the options of roles."""
    return OF_PLAYBOOKS.union(*(_sources.documented(role) for role in _sources.roles()))


@cache
def _most_words() -> int:
    """Return how many underscores a misspelt variable of this collection has at most."""
    return max(name.count("_") for name in _known()) + 1


def _candidates(name: str) -> Iterator[str]:
    """Yield the names that this one may misspell: in the name of the role, or by one letter in that of the option."""
    for role in _sources.roles():
        if name.startswith(role):
            yield from _with_another_option(name, role)
        elif name[0] == role[0]:
            yield from _with_another_role(name, role)


def _with_another_option(name: str, role: str) -> Iterator[str]:
    """Yield the variables of a role whose option is one letter from that of a name."""
    for known in _known():
        if known.startswith(role) and _is_slip(name.removeprefix(role), known.removeprefix(role)):
            yield known


def _with_another_role(name: str, role: str) -> Iterator[str]:
    """Yield the same option of a role whose name is one letter from the first words of a name."""
    words = name.split("_")
    for number in range(1, min(len(words), _ROLE_WORDS + 1)):
        if _edits("_".join(words[:number]), role) <= _OF_ROLE:
            yield f"{role}_{'_'.join(words[number:])}"
    plural = f"{role}s"
    if _edits(name, plural) <= _OF_ROLE:
        yield plural


def _is_slip(word: str, option: str) -> bool:
    """Whether one letter of an option differs: not the first, which makes another word, and no plural."""
    plural = option.rstrip("s") == word.rstrip("s")
    if plural or len(option) <= _SHORTEST or option[:2] != word[:2]:
        return False
    return _edits(option, word) == 1


@cache
def _edits(one: str, other: str) -> int:
    """Return how many letters must be added, removed, replaced or swapped with the next (Damerau and Levenshtein)."""
    if abs(len(one) - len(other)) > _OF_ROLE:
        return _OF_ROLE + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for index, letter in enumerate(one):
        earlier, before, row = before, row, [index + 1]
        for place, against in enumerate(other):
            costs = [before[place + 1] + 1, row[place] + 1, before[place] + (letter != against)]
            if index and place and letter == other[place - 1] and one[index - 1] == against:
                costs.append(earlier[place - 1] + 1)
            row.append(min(costs))
    return row[-1]


def _yaml_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file() and path.suffix in _ENDINGS)


def files(variables: Mapping[str, Any]) -> Iterator[Path]:
    """Yield the YAML files of the inventory, and those of variables beside it."""
    folders: list[Path] = []
    beside: list[Path] = []
    for source in map(str, variables.get("ansible_inventory_sources") or ()):
        path = Path(source)
        if "," in source:
            continue
        if path.is_dir():
            folders.append(path)
        elif path.is_file():
            beside.append(path.parent)
            if path.suffix in _ENDINGS:
                yield path
    for folder in folders:
        yield from _yaml_files(folder)
    of_variables: dict[Path, None] = {}
    for folder in (*folders, *beside):
        of_variables.update(dict.fromkeys(_of_variables(folder)))
    yield from of_variables


def _of_variables(folder: Path) -> Iterable[Path]:
    """Yield the files of variables that Ansible reads beside an inventory: no hidden ones, and no other endings."""
    for name in _FOLDERS:
        for path in sorted((folder / name).rglob("*")):
            if path.suffix in ("", *_ENDINGS) and path.is_file() and not _is_hidden(path.relative_to(folder)):
                yield path


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def check_files(paths: Sequence[Path]) -> None:
    """Raise Problem with file and line for YAML that cannot be read, and for a key that stands twice."""
    for path in paths:
        text = _files.read_plain(path)
        for document in _yaml.load_lenient(text, str(path)) if text else ():
            for key, position in document.duplicates[:1]:
                wrong = f"key '{key[-1]}' stands twice, and Ansible keeps only the last one"
                raise Problem(wrong, where=str(position), fix="Remove one of the two, or merge them.")
