# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a queue on the disk has not sent, out of a file of the extension file_storage. Private.

`live/stored_queue_files.py` asks this for each file of a collector. Such a file is a database of bbolt, which never
shrinks: its size says nothing. A request of the queue has a decimal number as its key until it is sent or given up; all
other keys have letters. For example, a file with the keys `12`, `13` and `wi` has two requests that are not sent, in
words `2 requests (1.2 KiB)`. Source: exporterhelper of the Collector, persistent_queue.go. Read on the host: Python
3.8.
"""

from __future__ import annotations

from mmap import mmap
from typing import NamedTuple

from .bbolt_file import Database, is_database

# The most digits of the number of a request, which has 64 bits.
_LONGEST_NUMBER = 20
# The units of sizes, the largest first.
_UNITS = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


class UnsentRequests(NamedTuple):
    """Requests that wait in queues, and how many bytes they are."""

    request_count: int = 0
    byte_count: int = 0

    def __str__(self) -> str:
        """Return it in words."""
        noun = "request" if self.request_count == 1 else "requests"
        return f"{self.request_count} {noun} ({_format_size(self.byte_count)})"

    def plus(self, other: UnsentRequests) -> UnsentRequests:
        """Return both together."""
        return UnsentRequests(self.request_count + other.request_count, self.byte_count + other.byte_count)


def _format_size(byte_count: int) -> str:
    for unit, unit_name in _UNITS:
        if byte_count >= unit:
            return f"{byte_count / unit:.1f} {unit_name}"
    return f"{byte_count} bytes"


def read_unsent_requests(data: bytes | mmap) -> UnsentRequests:
    """Return what a file of file_storage has not sent; nothing for a file of another form.

    Raises ValueError for a database that cannot be read, such as one that is written at this moment.
    """
    if not is_database(data):
        return UnsentRequests()
    database = Database(data)
    unsent = UnsentRequests()
    for entry in database.iterate_entries():
        if entry.key_size <= _LONGEST_NUMBER and database.read_key(entry).isdigit():
            unsent = unsent.plus(UnsentRequests(1, entry.value_size))
    return unsent
