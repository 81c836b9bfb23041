# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first bytes of files, by which the forms of archives and packages are known. Private.

Runs on the host: Python 3.8, standard library.
"""

from __future__ import annotations

import io
from typing import BinaryIO

GZIP = b"\x1f\x8b"
XZ = b"\xfd7zXZ"
BZIP2 = b"BZh"
ZSTD = b"\x28\xb5\x2f\xfd"
AR = b"!<arch>\n"
RPM = b"\xed\xab\xee\xdb"
_LONGEST_START = max(map(len, (GZIP, XZ, BZIP2, ZSTD, AR, RPM)))


def peek_start(file: BinaryIO) -> bytes:
    """Return the next bytes of a file, as many as the longest of the starts has. The file stays where it is."""
    file_start = file.read(_LONGEST_START)
    file.seek(-len(file_start), io.SEEK_CUR)
    return file_start
