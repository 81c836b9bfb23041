# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The entries of a database of bbolt, read out of its file. Private.

Sources: bbolt, internal/common/page.go, meta.go and bucket.go. Read on the host: Python 3.8.

The user of a service writes the file, and root reads it. So no file, however it is made, costs more time than its size
asks for, and a file that is not as bbolt writes it is an error.
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
_PAGE_SIZES = (4096, 8192, 16384, 32768, 65536)  # a page of bbolt is one of the system
_LONGEST_KEY = 32768  # bbolt, bucket.go: MaxKeySize
_FNV_START, _FNV_PRIME, _FNV_BITS = 0xCBF29CE484222325, 0x100000001B3, 0xFFFFFFFFFFFFFFFF  # Go, hash/fnv: New64a


class Entry(NamedTuple):
    """A key with a value or a bucket: where both begin in the file, and their sizes in bytes."""

    is_bucket: bool
    key: int
    key_size: int
    value: int
    size: int


class _Meta(NamedTuple):
    """A description of the database; the newer one of two counts."""

    transaction: int
    page_size: int
    root: int


class _Page(NamedTuple):
    """The head of a page."""

    is_branch: bool
    is_leaf: bool
    entries: int


def is_database(data: bytes | mmap) -> bool:
    """Whether a file has the form of a database, be it whole or not."""
    return any(_has_magic(data, place) for place in (0, *_PAGE_SIZES))


def _has_magic(data: bytes | mmap, place: int) -> bool:
    start = place + _PAGE.size
    is_long_enough = start + _META.size + _CHECKSUM.size <= len(data)
    return is_long_enough and _META.unpack_from(data, start)[0] == _MAGIC


def _newest_meta(data: bytes | mmap) -> _Meta:
    """Return the newer one of the descriptions that are whole, as bbolt chooses it (db.go: meta).

    Raises ValueError if none is: bbolt does not open the database then.
    """
    metas = []
    for place in (0, *_PAGE_SIZES):
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
    is_at_its_place = size in _PAGE_SIZES and place in (0, size)
    return _Meta(transaction, size, root) if is_whole and is_at_its_place else None


def _fnv(content: bytes) -> int:
    """Return the hash FNV-1a of 64 bits, the checksum of a description."""
    total = _FNV_START
    for byte in content:
        total = ((total ^ byte) * _FNV_PRIME) & _FNV_BITS
    return total


class _Room:
    """What a file still has room for. A walk that meets more of it meets some of it again, and ends."""

    def __init__(self, file_size: int) -> None:
        self._entries, self._bytes = file_size // _LEAF.size, file_size

    def take_entries(self, count: int) -> None:
        """Count entries of a page. Raises ValueError for more than the file has room for."""
        self._entries -= count
        if self._entries < 0:
            raise ValueError("the database has more entries than it has room for")

    def take_bytes(self, count: int) -> None:
        """Count the bytes of an entry. Raises ValueError for more than the file has."""
        self._bytes -= count
        if self._bytes < 0:
            raise ValueError("the database has more bytes than it has room for")


class Database:
    """A database of bbolt. Raises ValueError for one without a whole description."""

    def __init__(self, data: bytes | mmap) -> None:
        meta = _newest_meta(data)
        self._data, self._root, self._page_size = data, meta.root, meta.page_size
        self._room = _Room(len(data))

    def key(self, entry: Entry) -> bytes:
        """Return the key of an entry."""
        return bytes(self._data[entry.key : entry.value])

    def entries(self) -> Iterator[Entry]:
        """Yield the entries of all buckets, but not buckets. Raises ValueError. To be called once."""
        met = set()
        waiting = [self._root]
        while waiting:
            number = waiting.pop()
            if number in met:
                raise ValueError("the database leads in a circle")
            met.add(number)
            start = number * self._page_size
            page = self._page(start)
            if page.is_branch:
                waiting += self._pages_of_branch(start, page)
                continue
            if not page.is_leaf:
                raise ValueError("the database has another page there")
            for entry in self._entries_of_leaf(start, page):
                root = self._root_of(entry)
                if not entry.is_bucket:
                    yield entry
                elif root:
                    waiting.append(root)
                else:
                    yield from self._entries_of_small_bucket(entry)

    def _pages_of_branch(self, start: int, page: _Page) -> list[int]:
        """Return the numbers of the pages below a branch."""
        self._room.take_entries(page.entries)
        first = start + _PAGE.size
        return [self._unpacked(_BRANCH, first + index * _BRANCH.size)[2] for index in range(page.entries)]

    def _root_of(self, entry: Entry) -> int:
        """Return the page of a bucket; 0 for a small bucket, which is in the page of its parent, and for no bucket."""
        return self._unpacked(_BUCKET, entry.value)[0] if entry.is_bucket else 0

    def _entries_of_small_bucket(self, bucket: Entry) -> Iterator[Entry]:
        """Yield the entries of a bucket without a page. It has no buckets (bbolt, bucket.go: inlineable)."""
        start = bucket.value + _BUCKET.size
        for entry in self._entries_of_leaf(start, self._page(start)):
            if entry.is_bucket:
                raise ValueError("the database has a bucket in a small bucket")
            yield entry

    def _entries_of_leaf(self, start: int, page: _Page) -> Iterator[Entry]:
        """Yield the entries of a leaf. Raises ValueError for one that does not fit into the file."""
        self._room.take_entries(page.entries)
        for index in range(page.entries):
            place = start + _PAGE.size + index * _LEAF.size
            flags, position, key_size, size = self._unpacked(_LEAF, place)
            key = place + position
            entry = Entry(bool(flags & _OF_BUCKET), key, key_size, key + key_size, size)
            if key_size > _LONGEST_KEY or entry.value + size > len(self._data):
                raise ValueError("the database is not whole")
            # The value of a small bucket is its entries, which count themselves.
            self._room.take_bytes(key_size if entry.is_bucket else key_size + size)
            yield entry

    def _page(self, start: int) -> _Page:
        _id, flags, count, _overflow = self._unpacked(_PAGE, start)
        return _Page(bool(flags & _IS_BRANCH), bool(flags & _IS_LEAF), count)

    def _unpacked(self, form: struct.Struct, start: int) -> tuple[int, ...]:
        """Return the numbers at a place. Raises ValueError if the file ends before."""
        if start + form.size > len(self._data):
            raise ValueError("the database is not whole")
        return form.unpack_from(self._data, start)
