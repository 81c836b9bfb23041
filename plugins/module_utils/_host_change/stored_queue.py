# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a queue on the disk has not sent, out of a file of the extension file_storage. Private.

Such a file is a database of bbolt, which never shrinks: its size says nothing. Sources: bbolt, internal/common/page.go,
meta.go and bucket.go for pages; exporterhelper of the Collector, persistent_queue.go, for keys. A request of the queue
has a decimal number as its key until it is sent or given up; all other keys have letters. Read on the host: Python 3.8.

The user of the service writes the file, and root reads it. So no file, however it is made, costs more time than its
size asks for, and a file that is not as bbolt writes it is an error and no count.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from mmap import mmap
from typing import NamedTuple

_PAGE = struct.Struct("<QHHI")  # id, flags, count, overflow
# Magic, version, size of a page, flags, root, sequence, freelist, pages, transaction.
_META = struct.Struct("<IIIIQQQQQ")
_CHECKSUM = struct.Struct("<Q")  # behind the others
_LEAF = struct.Struct("<IIII")  # flags, position, size of the key, size of the value
_BRANCH = struct.Struct("<IIQ")  # position, size of the key, page
_BUCKET = struct.Struct("<QQ")  # root, sequence
_MAGIC = 0xED0CDAED
_VERSION = 2
_IS_BRANCH, _IS_LEAF = 0x01, 0x02
_OF_BUCKET = 0x01
_SIZES = (4096, 8192, 16384, 32768, 65536)  # a page of bbolt is one of the system
_LONGEST_KEY = 32768  # bbolt, bucket.go: MaxKeySize
_FNV_START, _FNV_PRIME, _FNV_BITS = 0xCBF29CE484222325, 0x100000001B3, 0xFFFFFFFFFFFFFFFF  # Go, hash/fnv: New64a
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


class _Element(NamedTuple):
    """An entry of a page: whether it is a bucket, where its key and value begin, and the size of the value."""

    is_bucket: bool
    key: int
    value: int
    size: int


def is_database(data: bytes | mmap) -> bool:
    """Whether a file has the form of a database of bbolt, be it whole or not."""
    return any(_has_magic(data, place) for place in (0, *_SIZES))


def unsent_of(data: bytes | mmap) -> Unsent:
    """Return what a file of file_storage has not sent; nothing for a file of another form.

    Raises ValueError for a database that cannot be read, such as one that is written at this moment.
    """
    if not is_database(data):
        return Unsent()
    found = Unsent()
    for key, size in _Walk(data, _newest_meta(data)).entries():
        if key.isdigit():
            found = found.plus(Unsent(1, size))
    return found


def _has_magic(data: bytes | mmap, place: int) -> bool:
    start = place + _PAGE.size
    is_long_enough = start + _META.size + _CHECKSUM.size <= len(data)
    return is_long_enough and _META.unpack_from(data, start)[0] == _MAGIC


def _newest_meta(data: bytes | mmap) -> _Meta:
    """Return the newer one of the descriptions that are whole, as bbolt chooses it (db.go: meta).

    Raises ValueError if none is: bbolt does not open the database then.
    """
    metas = []
    for place in (0, *_SIZES):
        meta = _meta_at(data, place)
        if meta is not None:
            metas.append(meta)
    if not metas:
        raise ValueError("the database has no whole description")
    return max(metas)


def _meta_at(data: bytes | mmap, place: int) -> _Meta | None:
    """Return the description at a place, the first page or the second; None if it is not whole or not there."""
    if not _has_magic(data, place):
        return None
    start = place + _PAGE.size
    _magic, version, size, _flags, root, _seq, _free, _pages, transaction = _META.unpack_from(data, start)
    checksum = _CHECKSUM.unpack_from(data, start + _META.size)[0]
    is_whole = version == _VERSION and checksum == _fnv(data[start : start + _META.size])
    is_at_its_place = size in _SIZES and place in (0, size)
    return _Meta(transaction, size, root) if is_whole and is_at_its_place else None


def _fnv(content: bytes) -> int:
    """Return the hash FNV-1a of 64 bits, the checksum of a description."""
    total = _FNV_START
    for byte in content:
        total = ((total ^ byte) * _FNV_PRIME) & _FNV_BITS
    return total


class _Walk:
    """A walk over all pages and buckets of a database, whatever a file of its form holds.

    A file has room for so many entries. A walk that meets more of them meets some again, and ends.
    """

    def __init__(self, data: bytes | mmap, meta: _Meta) -> None:
        self.data, self.page_size = data, meta.page_size
        self.waiting = [meta.root]
        self.room = len(data) // _LEAF.size

    def entries(self) -> Iterator[tuple[bytes, int]]:
        """Yield each key with the size of its value, of all buckets. Raises ValueError."""
        seen = set()
        while self.waiting:
            number = self.waiting.pop()
            if number in seen:
                raise ValueError("the database leads in a circle")
            seen.add(number)
            yield from self._entries_of_page(number)

    def _entries_of_page(self, number: int) -> Iterator[tuple[bytes, int]]:
        start = number * self.page_size
        flags = self._unpacked(_PAGE, start)[1]
        if flags & _IS_BRANCH:
            self.waiting += self._pages_of_branch(start)
        elif flags & _IS_LEAF:
            yield from self._entries_of_leaf(start)
        else:
            raise ValueError("the database has another page there")

    def _pages_of_branch(self, start: int) -> list[int]:
        first = start + _PAGE.size
        return [self._unpacked(_BRANCH, first + index * _BRANCH.size)[2] for index in range(self._count(start))]

    def _entries_of_leaf(self, start: int) -> Iterator[tuple[bytes, int]]:
        """Yield the entries of a page, and of small buckets in it; the pages of other buckets wait."""
        for entry in self._elements(start):
            if not entry.is_bucket:
                yield self._key(entry), entry.size
                continue
            root = self._unpacked(_BUCKET, entry.value)[0]
            if root:
                self.waiting.append(root)
            else:  # a small bucket is in the page of its parent
                yield from self._entries_of_small_bucket(entry.value + _BUCKET.size)

    def _entries_of_small_bucket(self, start: int) -> Iterator[tuple[bytes, int]]:
        """Yield the entries of a bucket without a page. It has no buckets (bbolt, bucket.go: inlineable)."""
        for entry in self._elements(start):
            if entry.is_bucket:
                raise ValueError("the database has a bucket in a small bucket")
            yield self._key(entry), entry.size

    def _elements(self, start: int) -> Iterator[_Element]:
        """Yield the elements of a leaf. Raises ValueError for one that does not fit into the file."""
        for index in range(self._count(start)):
            place = start + _PAGE.size + index * _LEAF.size
            flags, position, key_size, size = self._unpacked(_LEAF, place)
            key = place + position
            value = key + key_size
            if key_size > _LONGEST_KEY or value + size > len(self.data):
                raise ValueError("the database is not whole")
            yield _Element(bool(flags & _OF_BUCKET), key, value, size)

    def _key(self, entry: _Element) -> bytes:
        return bytes(self.data[entry.key : entry.value])

    def _count(self, start: int) -> int:
        """Return how many elements a page has. Raises ValueError if the file has no room for so many."""
        count = int(self._unpacked(_PAGE, start)[2])
        self.room -= count
        if self.room < 0:
            raise ValueError("the database has more entries than it has room for")
        return count

    def _unpacked(self, form: struct.Struct, start: int) -> tuple[int, ...]:
        """Return the numbers at a place. Raises ValueError if the file ends before."""
        if start + form.size > len(self.data):
            raise ValueError("the database is not whole")
        return form.unpack_from(self.data, start)
