# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The YAML files that Ansible reads for an inventory, and what Ansible overlooks in them. Private.

Ansible keeps the last of two equal keys, and leaves out a file that it cannot read. `_inventory.py` calls
`check_inventory_files`, which refuses both: "key 'otel_collectors' stands twice, and Ansible keeps only the last one
(at group_vars/all.yml:9:1)". Files that Ansible does not read, such as `.pre-commit-config.yaml` or
`group_vars/README`, are not looked at here either.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

# What Ansible leaves out in a folder of inventories: hidden files, folders of variables, and the endings that
# `inventory_ignore_extensions` and `inventory_ignore_patterns` of ansible.cfg name.
from ansible.inventory.manager import IGNORED

from ..module_utils._otelcol.errors import Problem
from ._otelcol import _files, _yaml

_FILE_ENDINGS = (".yml", ".yaml", ".json")
# In this order, Ansible looks for the variables of a group or host, and takes the first that is there.
_ENDINGS_OF_VARIABLES = ("", *_FILE_ENDINGS)


def check_inventory_files(variables: Mapping[str, Any]) -> None:
    """Raise Problem with file and line for YAML that cannot be read, and for a key that stands twice.

    `variables` are those of a task, which name the sources, the groups and the hosts of the inventory.
    """
    for path in dict.fromkeys(find_inventory_files(variables)):
        _check_duplicate_keys(path)


def _check_duplicate_keys(path: Path) -> None:
    """Raise Problem for a key that stands twice in a file. One that is encrypted has nothing to read."""
    text = _files.read_plain(path)
    if not text:
        return
    for document in _yaml.load_lenient(text, str(path)):
        if document.duplicates:
            key, position = document.duplicates[0]
            wrong = f"key '{key[-1]}' stands twice, and Ansible keeps only the last one"
            raise Problem(wrong, where=str(position), fix="Remove one of the two, or merge them.")


def find_inventory_files(variables: Mapping[str, Any]) -> Iterator[Path]:
    """Yield the YAML files of the sources of an inventory, then those of the variables beside each source."""
    sources = [Path(str(source)) for source in variables.get("ansible_inventory_sources") or ()]
    for source in sources:
        yield from _find_source_files(source)
    groups = variables.get("groups") or {}
    hosts = {*(groups.get("all") or ()), *(variables.get("ansible_play_hosts_all") or ())}
    for source in sources:
        folder = _find_source_folder(source)
        if folder:
            yield from _find_variable_files(folder / "group_vars", groups)
            yield from _find_variable_files(folder / "host_vars", hosts)


def _find_source_files(source: Path) -> Iterator[Path]:
    """Yield a YAML file, or those of a folder at any depth, as `InventoryManager.parse_source` reads them.

    A source may be a list of hosts, and no path.
    """
    if _files.is_path_of_kind(source, Path.is_dir):
        for entry in sorted(source.iterdir()):
            if not IGNORED.search(os.fsencode(entry.name)):
                yield from _find_source_files(entry)
    elif source.suffix in _FILE_ENDINGS and _files.is_path_of_kind(source, Path.is_file):
        yield source


def _find_source_folder(source: Path) -> Path | None:
    """Return the folder in which Ansible looks for variables; None for a list of hosts."""
    if _files.is_path_of_kind(source, Path.is_dir):
        return source
    return source.parent if _files.is_path_of_kind(source, Path.is_file) else None


def _find_variable_files(folder: Path, names: Collection[str]) -> Iterator[Path]:
    """Yield the files of variables of groups or hosts, as `DataLoader.find_vars_files` finds them.

    `names` are those of the groups or hosts. A file with another name is read by nothing.
    """
    if not folder.is_dir():
        return
    entries_by_name = {path.name: path for path in folder.iterdir() if path.exists()}
    for name in sorted(names):
        for file_ending in _ENDINGS_OF_VARIABLES:
            entry = entries_by_name.get(f"{name}{file_ending}")
            if entry is not None:
                yield from _list_files_below(entry) if entry.is_dir() else (entry,)
                break


def _list_files_below(folder: Path) -> Iterable[Path]:
    """Yield the files in the folder of a group or host, at any depth: no hidden ones, and no backups of editors."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name.endswith("~"):
            continue
        if path.is_dir() and not path.suffix:
            yield from _list_files_below(path)
        elif path.suffix in _ENDINGS_OF_VARIABLES and path.is_file():
            yield path
