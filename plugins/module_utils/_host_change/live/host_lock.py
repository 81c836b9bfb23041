# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock of a host: a file that one run holds while it changes collectors. Private.

`Machine.hold_lock` and `Machine.is_locked` use it. The file is root's alone: every user may lock a folder that he may
read, and would keep all runs waiting. The kernel takes the lock of a run that is killed.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


def is_locked(file: Path) -> bool:
    """Whether a run holds the lock now. Makes no file."""
    try:
        handle = os.open(str(file), os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
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
    except OSError:
        pass
    os.close(handle)
    return None


def release_lock(file: Path, handle: int) -> None:
    """Give a lock back, and remove its file. It goes before it is unlocked: who waits for it takes the next one."""
    file.unlink()
    os.close(handle)
