# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The copy of one archive in a release mirror, which is there whole or not at all. Controller only. Private.

`archives.py` opens a copy, and `archive_reader.py` fills it while it reads the archive:

    with open_mirror_copy(Path("/srv/mirror/releases/a.tar.gz"), "Copy a.tar.gz") as copy:
        copy.write(b"…")

Until the block ends, the copy has a temporary name beside its place. An error of writing, such as that of a full disk,
is a Problem at once. So nobody takes it for an error of reading, for which the archive would be downloaded again.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ...module_utils._otelcol.errors import Problem
from .._otelcol import _files

# The mode of files in a mirror: each user of the machine may read them.
_FILE_MODE = 0o644


class MirrorCopy:
    """A copy that is being written. Each method raises Problem if the copy cannot be written."""

    def __init__(self, file: BinaryIO, target: Path, activity: str) -> None:
        """`target` is the place of the copy, and `activity` is what messages say was tried."""
        self._file, self._target, self._activity = file, target, activity

    def start_anew(self) -> None:
        """Drop what an attempt to read the archive wrote before it failed."""
        with _explain_write_errors(self._target, self._activity):
            if self._file.tell() > 0:
                self._file.seek(0)
                self._file.truncate()

    def write(self, chunk: bytes) -> None:
        """Write the next bytes of the archive."""
        with _explain_write_errors(self._target, self._activity):
            self._file.write(chunk)

    def close_on_disk(self) -> None:
        """Close the file, and wait until the disk has it. Some disks say only now that they are full."""
        with _explain_write_errors(self._target, self._activity):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()


@contextmanager
def open_mirror_copy(target: Path, activity: str) -> Iterator[MirrorCopy]:
    """Yield a new copy to write. It gets its place when the block ends; if the block fails, nothing stays.

    Raises Problem if the copy cannot be written.
    """
    _files.make_folder(target.parent)
    with _explain_write_errors(target, activity):
        descriptor, partial_name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    partial_path = Path(partial_name)
    file = os.fdopen(descriptor, "wb")
    try:
        copy = MirrorCopy(file, target, activity)
        yield copy
        copy.close_on_disk()
        with _explain_write_errors(target, activity):
            partial_path.chmod(_FILE_MODE)
            partial_path.replace(target)
    finally:
        # After a failed write, closing tries to write the rest, and fails again.
        with suppress(OSError):
            file.close()
        partial_path.unlink(missing_ok=True)


@contextmanager
def _explain_write_errors(target: Path, activity: str) -> Iterator[None]:
    """Raise an error of the file system as the Problem that the copy cannot be written."""
    try:
        yield
    except OSError as error:
        wrong = f"the copy in the mirror cannot be written: {error.strerror or error}"
        raise Problem(wrong, asked=activity, where=str(target), fix=_files.choose_write_fix(error)) from error
