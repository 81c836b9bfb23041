# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock of a host: a file that a run locks while it changes collectors, so that no other run does. Private.

`Machine.hold_lock` and `Machine.is_locked` use it. Only root may open the file: a user may lock any file or folder that
he may read, and could so keep all runs waiting. If a run is killed, the kernel releases its lock.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


def is_locked(file: Path) -> bool:
    """Whether a run has the lock now. Makes no file."""
    try:
        handle = os.open(str(file), os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        # A shared lock is refused if a run has its exclusive one, and does not keep others from asking the same.
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


def try_lock(file: Path) -> int | None:
    """Return the handle of a lock; None if another run has it, or has removed it meanwhile.

    The inodes are compared, because the file that was opened may have been removed and made anew since.
    """
    handle = os.open(str(file), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(handle).st_ino == file.stat().st_ino:
            return handle
    except OSError:  # another run has the lock, or the file is gone
        pass
    os.close(handle)
    return None


def release_lock(file: Path, handle: int) -> None:
    """Release a lock, and remove its file.

    The file is removed while it is still locked. A run that has opened it, and gets the lock of a file that is gone,
    notices that by the inodes in `try_lock`, and makes a new file. If the file were unlocked first, another run could
    lock it before its removal, and a third one would lock a new file meanwhile.
    """
    file.unlink()
    os.close(handle)
