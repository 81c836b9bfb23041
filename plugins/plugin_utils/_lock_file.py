# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of a lock, found and read. `_written_lock.py` writes it. Controller only. Private.

A lock has the digests of images and the sums of archives, so that a run uses no others (docs/lock.md). A pin is the
function that gives an image its digest.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..module_utils._install.releases import lock_file
from ..module_utils._otelcol.errors import Problem
from ._otelcol import _documents, _files

# The value of lock_file that uses no lock.
NO_LOCK = "none"


def find_lock_path(given_path: str, inventory_folder: Any) -> str:
    """Return the lock to use: the given file, or the one in the folder of the inventory if it exists.

    The path is empty if no lock is used. `inventory_folder` is the variable inventory_dir, which a list of hosts lacks.
    """
    if given_path:
        return "" if given_path == NO_LOCK else given_path
    if not inventory_folder:
        return ""
    path = Path(str(inventory_folder)) / lock_file.LOCK_FILE
    return str(path) if path.is_file() else ""


def read_lock_if_given(path: str) -> lock_file.Lock | None:
    """Return the lock in a file, or None for an empty path. Raises Problem if there is no lock in the file."""
    return read_lock(Path(path).expanduser()) if path else None


def read_lock(path: Path) -> lock_file.Lock:
    """Return the lock in a file. Raises Problem if the file does not exist, cannot be read, or has no lock."""
    if not _files.is_path_of_kind(path, Path.is_file):
        fix = f"Run `{lock_file.LOCK_COMMAND}`, or correct otel_lock_file."
        raise Problem("the file does not exist", asked="Read the lock", where=str(path), fix=fix)
    return lock_file.read_lock(_documents.read_yaml(path), str(path))


def choose_pin(path: str, *, lenient: bool = False) -> lock_file.Pin:
    """Return the function that gives an image its digest; a lenient one leaves an image that is not locked."""
    lock = read_lock_if_given(path)
    if lock is None:
        return lock_file.keep_unpinned
    return lock.add_known_digest if lenient else lock.pin_image
