# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of a lock, found and read. `_written_lock.py` writes it. Controller only. Private.

A lock has the digests of images and the sums of archives, so that a run uses no others (docs/lock.md). A pin is the
function that gives an image its digest, of module_utils/_install/releases/lock_file.py. By a lock, it makes of
`registry/otelcol:0.158.0` the reference `registry/otelcol:0.158.0@sha256:…`.
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
    path = Path(str(inventory_folder)) / lock_file.LOCK_FILE  # of a folder that Ansible has read
    return str(path) if path.is_file() else ""


def read_lock_if_given(path: str) -> lock_file.Lock | None:
    """Return the lock in a file, or None for an empty path. Raises Problem if there is no lock in the file."""
    return read_lock(_files.expand_path(path)) if path else None


def read_lock(path: Path) -> lock_file.Lock:
    """Return the lock in a file. Raises Problem if the file does not exist, cannot be read, or has no lock."""
    # Not `path.is_file()`, which raises OSError for a path that no file can have, such as one that is too long.
    if not _files.is_path_of_kind(path, Path.is_file):
        fix = f"Run `{lock_file.LOCK_COMMAND}`, or correct otel_lock_file."
        raise Problem("the file does not exist", asked="Read the lock", where=str(path), fix=fix)
    return lock_file.read_lock(_documents.read_unique_yaml(path), str(path))


def choose_pin(path: str, *, lenient: bool = False) -> lock_file.Pin:
    """Return the function that gives an image its digest. Without a lock, it returns images as they are.

    For an image that the lock does not have, it raises Problem; a lenient one returns such an image as it is.
    """
    lock = read_lock_if_given(path)
    if lock is None:
        return lock_file.keep_unpinned
    return lock.add_known_digest if lenient else lock.pin_image
