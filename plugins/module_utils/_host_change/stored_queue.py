# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a queue on the disk has not sent, out of a file of the extension file_storage. Private.

Such a file is a database of bbolt, which never shrinks: its size says nothing. Sources: bbolt, internal/common/page.go,
meta.go and bucket.go for pages; exporterhelper of the Collector, persistent_queue.go, for keys. A request of the queue
has a decimal number as its key until it is sent or given up; all other keys have letters. Read on the host: Python 3.8.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from mmap import mmap
from typing import NamedTuple

_PAGE = struct.Struct("<QHHI")  # id, flags, count, overflow
_META = struct.Struct(
    "<IIIIQQQQQ"
)  # magic, version, size of a page, flags, root, sequence, freelist, pages, transaction
_LEAF = struct.Struct("<IIII")  # flags, position, size of the key, size of the value
_BRANCH = struct.Struct("<IIQ")  # position, size of the key, page
_BUCKET = struct.Struct("<QQ")  # root, sequence
_MAGIC = 0xED0CDAED
_IS_BRANCH, _IS_LEAF = 0x01, 0x02
_OF_BUCKET = 0x01
_SIZES = (4096, 8192, 16384, 32768, 65536)  # a page of bbolt is one of the system
_UNITS = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


class Unsent(NamedTuple):
    """Requests that wait in queues, and how many bytes they are."""

    requests: int = 0
    bytes: int = 0

    def __str__(self) -> str:
        """Return it in words."""
        noun = "request" if self.requests == 1 else "requests"
        return f"{self.requests} {noun} ({_size(self.bytes)})"

    def plus(self, other: Unsent) -> Unsent:
        """Return both together."""
        return Unsent(self.requests + other.requests, self.bytes + other.bytes)


def _size(count: int) -> str:
    for unit, name in _UNITS:
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count} bytes"


class _Meta(NamedTuple):
    """A description of the database; the newer one of two counts."""

    transaction: int
    page_size: int
    root: int


def is_database(data: bytes | mmap) -> bool:
    """Whether a file has the form of a database of bbolt."""
    return _meta(data) is not None


def unsent_of(data: bytes | mmap) -> Unsent:
    """Return what a file of file_storage has not sent; nothing for a file of another form.

    Raises ValueError for a database that cannot be read, such as one that is written at this moment.
    """
    meta = _meta(data)
    found = Unsent()
    if meta is not None:
        try:
            for key, size in _entries(data, meta):
                if key.isdigit():
                    found = found.plus(Unsent(1, size))
        except struct.error as error:
            raise ValueError("the database is not whole") from error
    return found


def _meta(data: bytes | mmap) -> _Meta | None:
    found = []
    for place in (0, *_SIZES):
        start = place + _PAGE.size
        if start + _META.size <= len(data):
            magic, _version, size, _flags, root, _seq, _free, _pages, transaction = _META.unpack_from(data, start)
            if magic == _MAGIC and size in _SIZES and place in (0, size):
                found.append(_Meta(transaction, size, root))
    return max(found) if found else None


def _entries(data: bytes | mmap, meta: _Meta) -> Iterator[tuple[bytes, int]]:
    """Yield each key with the size of its value, of all buckets."""
    waiting, seen = [meta.root], set()
    while waiting:
        number = waiting.pop()
        if number in seen:
            raise ValueError("the database leads in a circle")
        seen.add(number)
        start = number * meta.page_size
        _id, flags, count, _overflow = _PAGE.unpack_from(data, start)
        if flags & _IS_BRANCH:
            places = (start + _PAGE.size + index * _BRANCH.size for index in range(count))
            waiting += [_BRANCH.unpack_from(data, place)[2] for place in places]
        elif flags & _IS_LEAF:
            yield from _of_leaf(data, start, waiting)
        else:
            raise ValueError("the database has another page there")


def _of_leaf(data: bytes | mmap, start: int, waiting: list[int]) -> Iterator[tuple[bytes, int]]:
    """Yield the entries of a page, and add the pages of its buckets to those that wait."""
    count = _PAGE.unpack_from(data, start)[2]
    for index in range(count):
        place = start + _PAGE.size + index * _LEAF.size
        flags, position, key_size, size = _LEAF.unpack_from(data, place)
        key_start = place + position
        if not flags & _OF_BUCKET:
            yield bytes(data[key_start : key_start + key_size]), size
            continue
        value = key_start + key_size
        root = _BUCKET.unpack_from(data, value)[0]
        if root:
            waiting.append(root)
        else:  # a small bucket is in the page of its parent
            yield from _of_leaf(data, value + _BUCKET.size, waiting)
