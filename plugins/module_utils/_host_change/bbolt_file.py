# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The entries of a database of bbolt, read out of its file. Private.

The extension file_storage of the Collector keeps its queues in such databases, and stored_queue.py counts the requests
in them so. The file is a row of pages of one size:

| page | what it has |
|---|---|
| 0 and 1 | a meta page each, which names the root page; the newer one that is whole counts |
| branch page | the numbers of pages below it |
| leaf page | entries: keys with values, or with buckets |

A bucket is an entry with entries of its own, on a page of its own or, if small, in its value.

The user of a service writes the file, and root reads it. So no file, however it is made, costs more time than its size
asks for, and a file that is not as bbolt writes it is an error.

Sources: bbolt, internal/common/page.go, meta.go and bucket.go. Read on the host: Python 3.8.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from mmap import mmap
from typing import NamedTuple

# The parts of the file, little-endian (`<`): H is a number of 2 bytes, I of 4, Q of 8.
# The head of a page: id, flags, count, overflow.
_PAGE = struct.Struct("<QHHI")
# A meta: magic, version, size of a page, flags, root, sequence, freelist, pages, transaction.
_META = struct.Struct("<IIIIQQQQQ")
# The checksum of a meta, which follows it.
_CHECKSUM = struct.Struct("<Q")
# An entry of a leaf page: flags, position, size of the key, size of the value.
_LEAF = struct.Struct("<IIII")
# An entry of a branch page: position, size of the key, page.
_BRANCH = struct.Struct("<IIQ")
# A bucket: root, sequence.
_BUCKET = struct.Struct("<QQ")
# What a meta begins with, and the version that is read.
_MAGIC = 0xED0CDAED
_VERSION = 2
# Bits of the flags of a page.
_IS_BRANCH = 0x01
_IS_LEAF = 0x02
# The bit of the flags of an entry of a leaf.
_IS_BUCKET = 0x01
# A page of bbolt has the size of one of the system.
_PAGE_SIZES = (4096, 8192, 16384, 32768, 65536)
# Source: MaxKeySize in bucket.go of bbolt.
_LONGEST_KEY = 32768
# The numbers of the hash FNV-1a of 64 bits. Source: New64a in hash/fnv of Go.
_FNV_START = 0xCBF29CE484222325
_FNV_PRIME = 0x100000001B3
_FNV_BITS = 0xFFFFFFFFFFFFFFFF


class BboltEntry(NamedTuple):
    """A key with a value or a bucket: where both begin in the file, and their sizes in bytes."""

    is_bucket: bool
    key_offset: int
    key_size: int
    value_offset: int
    value_size: int


class _Meta(NamedTuple):
    """What a meta page says."""

    transaction: int
    """The higher one is the newer. It stands first, so that `max` finds the newest."""
    page_size: int
    root_page: int


class _Page(NamedTuple):
    """The head of a page."""

    is_branch: bool
    is_leaf: bool
    entry_count: int


def is_database(data: bytes | mmap) -> bool:
    """Whether a file has the form of a database, be it whole or not."""
    return any(_has_magic(data, offset) for offset in (0, *_PAGE_SIZES))


def _has_magic(data: bytes | mmap, offset: int) -> bool:
    meta_start = offset + _PAGE.size
    is_long_enough = meta_start + _META.size + _CHECKSUM.size <= len(data)
    return is_long_enough and _META.unpack_from(data, meta_start)[0] == _MAGIC


def _choose_newest_meta(data: bytes | mmap) -> _Meta:
    """Return the newer one of the metas that are whole, as bbolt chooses it (db.go: meta).

    Raises ValueError if none is: bbolt does not open the database then.
    """
    metas = []
    # The first meta page begins the file, and the second one follows it. How large a page is stands in the metas alone.
    for offset in (0, *_PAGE_SIZES):
        meta = _read_meta(data, offset)
        if meta is not None:
            metas.append(meta)
    if not metas:
        raise ValueError("the database has no whole description")
    return max(metas)


def _read_meta(data: bytes | mmap, offset: int) -> _Meta | None:
    """Return the meta of the page at an offset; None if it is not whole, or if no meta page can be there."""
    if not _has_magic(data, offset):
        return None
    meta_start = offset + _PAGE.size
    _magic, version, page_size, _flags, root, _seq, _free, _pages, transaction = _META.unpack_from(data, meta_start)
    checksum = _CHECKSUM.unpack_from(data, meta_start + _META.size)[0]
    is_whole = version == _VERSION and checksum == _hash_fnv(data[meta_start : meta_start + _META.size])
    is_meta_page = page_size in _PAGE_SIZES and offset in (0, page_size)
    return _Meta(transaction, page_size, root) if is_whole and is_meta_page else None


def _hash_fnv(content: bytes) -> int:
    """Return the hash FNV-1a of 64 bits, the checksum of a meta."""
    hash_value = _FNV_START
    for byte in content:
        hash_value = ((hash_value ^ byte) * _FNV_PRIME) & _FNV_BITS
    return hash_value


class _Budget:
    """How many entries and bytes a file can still have. A walk that finds more has read something twice, and ends."""

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
    """A database of bbolt. Raises ValueError for one without a whole meta."""

    def __init__(self, data: bytes | mmap) -> None:
        meta = _choose_newest_meta(data)
        self._data, self._root, self._page_size = data, meta.root_page, meta.page_size
        self._budget = _Budget(len(data))

    def read_key(self, entry: BboltEntry) -> bytes:
        """Return the key of an entry."""
        return bytes(self._data[entry.key_offset : entry.value_offset])

    def iterate_entries(self) -> Iterator[BboltEntry]:
        """Yield the entries of all buckets, but not buckets. To be called once: the budget is spent after it.

        Raises ValueError for a file that is not as bbolt writes it.
        """
        seen_pages = set()
        waiting_pages = [self._root]
        while waiting_pages:
            page_number = waiting_pages.pop()
            if page_number in seen_pages:
                raise ValueError("the database leads in a circle")
            seen_pages.add(page_number)
            page_start = page_number * self._page_size
            page = self._read_page(page_start)
            if page.is_branch:
                waiting_pages += self._list_branch_pages(page_start, page)
                continue
            if not page.is_leaf:
                raise ValueError("the database has another page there")
            for entry in self._list_leaf(page_start, page):
                bucket_root = self._read_bucket_root(entry)
                if not entry.is_bucket:
                    yield entry
                elif bucket_root:
                    waiting_pages.append(bucket_root)
                else:
                    yield from self._list_small_bucket(entry)

    def _list_branch_pages(self, page_start: int, page: _Page) -> list[int]:
        """Return the numbers of the pages below a branch."""
        self._budget.take_entries(page.entry_count)
        first_offset = page_start + _PAGE.size
        return [self._unpack_at(_BRANCH, first_offset + index * _BRANCH.size)[2] for index in range(page.entry_count)]

    def _read_bucket_root(self, entry: BboltEntry) -> int:
        """Return the page of a bucket; 0 for a small bucket, which is in the page of its parent, and for no bucket."""
        return self._unpack_at(_BUCKET, entry.value_offset)[0] if entry.is_bucket else 0

    def _list_small_bucket(self, bucket: BboltEntry) -> Iterator[BboltEntry]:
        """Yield the entries of a bucket without a page. It has no buckets (bbolt, bucket.go: inlineable)."""
        page_start = bucket.value_offset + _BUCKET.size
        for entry in self._list_leaf(page_start, self._read_page(page_start)):
            if entry.is_bucket:
                raise ValueError("the database has a bucket in a small bucket")
            yield entry

    def _list_leaf(self, page_start: int, page: _Page) -> Iterator[BboltEntry]:
        """Yield the entries of a leaf. Raises ValueError for one that does not fit into the file."""
        self._budget.take_entries(page.entry_count)
        for index in range(page.entry_count):
            entry_offset = page_start + _PAGE.size + index * _LEAF.size
            flags, position, key_size, value_size = self._unpack_at(_LEAF, entry_offset)
            key_offset = entry_offset + position
            entry = BboltEntry(bool(flags & _IS_BUCKET), key_offset, key_size, key_offset + key_size, value_size)
            if key_size > _LONGEST_KEY or entry.value_offset + value_size > len(self._data):
                raise ValueError("the database is not whole")
            # The value of a small bucket is its entries, which count themselves.
            self._budget.take_bytes(key_size if entry.is_bucket else key_size + value_size)
            yield entry

    def _read_page(self, page_start: int) -> _Page:
        _id, flags, count, _overflow = self._unpack_at(_PAGE, page_start)
        return _Page(bool(flags & _IS_BRANCH), bool(flags & _IS_LEAF), count)

    def _unpack_at(self, layout: struct.Struct, offset: int) -> tuple[int, ...]:
        """Return the numbers at an offset. Raises ValueError if the file ends before."""
        if offset + layout.size > len(self._data):
            raise ValueError("the database is not whole")
        return layout.unpack_from(self._data, offset)
