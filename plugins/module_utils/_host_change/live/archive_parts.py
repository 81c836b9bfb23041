# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the readers of all forms of archives share: parts of files, padding, and the error of a program that is missing.
Private.

Runs on the host: Python 3.8, standard library.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol


class Readable(Protocol):
    """What reads as a file: an open file, a member of an archive, or a part of either."""

    def read(self, size: int = -1) -> bytes:
        """Return at most `size` bytes, or all that is left if it is negative. Empty at the end."""


class MissingProgramError(Exception):
    """Python cannot take the program out of a package. The text is the end of a sentence about the package."""


@dataclass
class FilePart:
    """A part of a file that reads as a file of its own. It begins where the file is read next."""

    file: Readable
    remaining_bytes: int

    def read(self, size: int = -1) -> bytes:
        """Return bytes of the part. Raises EOFError if the file ends before the part does."""
        byte_count = self.remaining_bytes if size < 0 else min(size, self.remaining_bytes)
        data = self.file.read(byte_count)
        if byte_count and not data:
            raise EOFError("it ends too early")
        self.remaining_bytes -= len(data)
        return data


class NamedPart(NamedTuple):
    """A part of an archive, with its name."""

    name: str
    content: FilePart


def count_padding(size: int, alignment: int) -> int:
    """Return how many bytes follow `size` bytes up to the next multiple of `alignment`: 3 for 13 and 8."""
    return -size % alignment


def relative_path(member_name: str) -> str:
    """Return the path of a member as `a/b`, which archives write as `a/b`, `./a/b` or `/a/b`."""
    return member_name[2:] if member_name.startswith("./") else member_name.lstrip("/")
