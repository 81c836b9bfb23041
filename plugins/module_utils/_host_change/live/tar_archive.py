# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a file of a tar archive, which gzip, xz or bzip2 may have packed. Private.

Runs on the host: Python 3.8, standard library.
"""

from __future__ import annotations

import tarfile
from typing import Any

from .archive_parts import Readable, relative_path


def read_tar_member(file: Readable, member_path: str) -> Readable | None:
    """Return a file of a tar archive, as an open file; None if the archive does not have it."""
    return _find_member(file, member_path, mode="r:*")


def read_tar_member_in_order(file: Readable, member_path: str) -> Readable | None:
    """Return the same of an archive that can only be read on, such as a part of a file, which has no method `seek`."""
    return _find_member(file, member_path, mode="r|*")


def _find_member(file: Any, member_path: str, mode: str) -> Readable | None:
    archive: Any = tarfile.open(fileobj=file, mode=mode)  # type: ignore[call-overload]  # noqa: SIM115
    for member in archive:
        if member.isfile() and relative_path(member.name) == member_path:
            content: Readable | None = archive.extractfile(member)
            return content
    return None
