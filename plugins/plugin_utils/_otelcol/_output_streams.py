# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Outputs that are no files: a device such as /dev/null, a pipe, and what this process has open, such as /dev/stdout.

They get the bytes and stay what they are, whereas a file is replaced as a whole. Whoever can write to a folder can put
a pipe there and read what comes. So a pipe of another user gets nothing. Controller only. Private.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

_ROOT_ID = 0


def is_stream(path: Path) -> bool:
    """Return whether a path is a device, a pipe or an open file of this process: it keeps nothing, or grows."""
    try:
        return find_descriptor(path) is not None or path.is_char_device() or path.is_fifo()
    except OSError:  # a path that no file can have, or a folder that this user may not enter
        return False


def is_replaceable(path: Path) -> bool:
    """Return whether a new file may take the place of what is at a path: not that of a disk or a socket."""
    return not path.is_block_device() and not path.is_socket()


def find_descriptor(path: Path) -> int | None:
    """Return the number of the open file of this process that a path stands for, as /dev/stdout does; else None."""
    own_descriptors = Path("/proc/self/fd").resolve()
    followed_links: set[Path] = set()
    while path.is_symlink() and path not in followed_links:
        if path.parent.resolve() == own_descriptors:
            return int(path.name)
        followed_links.add(path)
        path = path.parent / path.readlink()
    return None


def write_to_stream(path: Path, data: bytes) -> None:
    """Write to a stream. Raises OSError for a pipe that nobody has opened to read it, or that is another user's."""
    descriptor = find_descriptor(path)
    opened = _open_stream(path) if descriptor is None else os.dup(descriptor)
    with os.fdopen(opened, "wb") as stream:
        stream.write(data)


def _open_stream(path: Path) -> int:
    """Return a descriptor of a device or a pipe, open to write to it."""
    try:
        # Without O_NONBLOCK this waits until somebody reads the pipe.
        descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError as error:
        if error.errno == errno.ENXIO and path.is_fifo():
            raise OSError(error.errno, "it is a pipe that nobody reads") from error
        raise
    status = os.fstat(descriptor)
    if stat.S_ISFIFO(status.st_mode) and status.st_uid not in (_ROOT_ID, os.geteuid()):
        os.close(descriptor)
        raise OSError(errno.EACCES, "it is a pipe of another user")
    os.set_blocking(descriptor, True)
    return descriptor
