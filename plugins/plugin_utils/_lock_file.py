# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of a lock, found and read. `_written_lock.py` writes it. Controller only. Private."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..module_utils._install.releases import lock_file
from ..module_utils._otelcol.errors import Problem
from ._otelcol import _documents, _files

# The value of lock_file that uses no lock.
NONE = "none"


def path_of_lock(given: str, inventory: Any) -> str:
    """Return the lock to use: the given file, or the one in the folder of the inventory if it exists.

    The path is empty if no lock is used. `inventory` is the variable inventory_dir, which a list of hosts lacks.
    """
    if given:
        return "" if given == NONE else given
    if not inventory:
        return ""
    path = Path(str(inventory)) / lock_file.FILE
    return str(path) if path.is_file() else ""


def read_if_given(path: str) -> lock_file.Lock | None:
    """Return the lock in a file, or None for an empty path. Raises Problem if there is no lock in the file."""
    return read_lock(Path(path).expanduser()) if path else None


def read_lock(path: Path) -> lock_file.Lock:
    """Return the lock in a file. Raises Problem if the file does not exist, cannot be read, or has no lock."""
    if not _files.is_there(path, Path.is_file):
        fix = f"Run `{lock_file.LOCK_IT}`, or correct otel_lock_file."
        raise Problem("the file does not exist", asked="Read the lock", where=str(path), fix=fix)
    return lock_file.read(_documents.read_yaml(path), str(path))


def pin(path: str, *, lenient: bool = False) -> lock_file.Pin:
    """Return the function that gives an image its digest; a lenient one leaves an image that is not locked."""
    found = read_if_given(path)
    if found is None:
        return lock_file.unpinned
    return found.known if lenient else found.pinned
