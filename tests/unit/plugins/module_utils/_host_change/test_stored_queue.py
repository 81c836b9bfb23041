# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a queue on the disk has not sent is counted out of the file that a Collector has written."""

from __future__ import annotations

import base64
import struct
import zlib

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.stored_queue import (
    UnsentRequests,
    read_unsent_requests,
)

# The file `exporter_otlphttp__logs` of a Collector 0.158.0 that took seven requests, whose backend was away.
SEVEN = zlib.decompress(
    base64.b85decode(
        "c-rmQF-rn*7{~Gd>Dk$l<sC-k)|iu-"
        "3T;8O1U2*mf+(ZGsGy>)qD^QNS|gf+#$G|xJBXkc5Yp6aclo~yA4%hCQ22g8?*H?AL_~+*qg0EjuZ`!CM$A8?TRE=UHMNA!`eo|l"
        "`tE7tc=SO500000fWBk&=>M@E{eMhf-wF#CXD_8ozEJ=G0002`Pb|C|;Xc5x{+9PhdN(&KTkD6_gP+H(@VuwTi#pduz8CpbWYcKR"
        "(;}}Jtu;m2d*oC8o$Q1??mBL2RV}HUWhb^P)#|RTY~^OMuATn=n9b&i_g*tmh6+)JW}^%hqYRaz4DIh6<%fs#Q%+4ECWGI?RB$U7"
        "P8$4E00000V6erz^#A4G^#5ddJ{5ibM&w74-$l-"
        "dzCS1On#kwu1O90rP>#Gr2(~}YRmT#+Vu=6%0001e#O%`l{Q};z|C`}?UiA5j$Tg8~)xh-kudW-"
        "cN}R=xt{bQ80ssI2000000000000000000000002~<P$+!sXP"
    )
)
META = 16
PAGE, BUCKET, TRANSACTION, CHECKSUM = 4096, 16, 48, 56  # the size of a page, and places in a description
VERSION = 4
LEAF, IN_A_BUCKET = 2, 1  # flags of a page, and of an entry


def test_each_request_that_waits_is_counted_with_its_bytes() -> None:
    assert read_unsent_requests(SEVEN) == UnsentRequests(7, 364)
    assert str(read_unsent_requests(SEVEN)) == "7 requests (364 bytes)"


def test_a_file_of_another_form_has_no_queue() -> None:
    assert read_unsent_requests(b"") == read_unsent_requests(b"offsets" * 9000) == UnsentRequests(0, 0)


def newest(data: bytes) -> int:
    """Return where the description of the database is that counts."""
    return max((META, PAGE + META), key=lambda place: struct.unpack_from("<Q", data, place + TRANSACTION))


def with_root(data: bytes, page: int) -> bytearray:
    """Return a database whose newest description is whole, and leads to another page."""
    changed = bytearray(data)
    place = newest(data)
    struct.pack_into("<Q", changed, place + BUCKET, page)
    total = 0xCBF29CE484222325
    for byte in changed[place : place + CHECKSUM]:
        total = (total ^ byte) * 0x100000001B3 % 2**64
    struct.pack_into("<Q", changed, place + CHECKSUM, total)
    return changed


def with_leaf(entries: int, content: bytes) -> bytes:
    """Return a database of one leaf, which has so many entries; `content` is what follows the head of the page."""
    leaf = struct.pack("<QHHI", 4, LEAF, entries, 0) + content
    return bytes(with_root(SEVEN[: 4 * PAGE], 4)) + leaf


def entry(flags: int, position: int, key: bytes, value: int) -> bytes:
    return struct.pack("<IIII", flags, position, len(key), value)


@pytest.mark.parametrize("page", [1, 10**6, 2**63])
def test_a_file_that_is_not_whole_is_an_error_and_no_count(page: int) -> None:
    with pytest.raises(ValueError, match="the database"):
        read_unsent_requests(bytes(with_root(SEVEN, page)))


def test_a_database_that_leads_in_a_circle_ends() -> None:
    broken = bytearray(SEVEN)
    root = struct.unpack_from("<Q", SEVEN, newest(SEVEN) + BUCKET)[0]
    branch = struct.pack("<QHHI", root, 1, 1, 0) + struct.pack("<IIQ", 16, 0, root)
    broken[root * PAGE : root * PAGE + len(branch)] = branch
    with pytest.raises(ValueError, match="circle"):
        read_unsent_requests(bytes(broken))


def test_a_description_that_is_not_whole_counts_for_nothing_and_the_older_one_counts() -> None:
    torn = bytearray(SEVEN)
    struct.pack_into("<Q", torn, newest(SEVEN) + BUCKET, 1)
    assert read_unsent_requests(bytes(torn)) == UnsentRequests(6, 312)


@pytest.mark.parametrize("changed", [VERSION, BUCKET, TRANSACTION, CHECKSUM])
def test_a_database_without_a_whole_description_is_an_error_and_no_count(changed: int) -> None:
    broken = bytearray(SEVEN)
    for place in (META, PAGE + META):
        broken[place + changed] ^= 0x80
    with pytest.raises(ValueError, match="the database has no whole description"):
        read_unsent_requests(bytes(broken))


def test_a_small_bucket_has_no_buckets() -> None:
    """A chain of them led through as many calls, and two ways at each of them through twice as many."""
    key = b"b"
    head = entry(IN_A_BUCKET, 16, key, 16) + key + bytes(16)
    chain = head + (struct.pack("<QHHI", 0, LEAF, 1, 0) + head) * 2000
    with pytest.raises(ValueError, match="the database has a bucket in a small bucket"):
        read_unsent_requests(with_leaf(1, chain))


def test_entries_that_are_met_again_and_again_end() -> None:
    """All of them are the same small bucket, which has as many entries."""
    count = 60_000
    size = count * 16
    buckets = b"".join(struct.pack("<IIII", IN_A_BUCKET, size - index * 16, 0, 0) for index in range(count))
    bucket = bytes(16) + struct.pack("<QHHI", 0, LEAF, count, 0) + bytes(size)
    with pytest.raises(ValueError, match="the database has more entries than it has room for"):
        read_unsent_requests(with_leaf(count, buckets + bucket))


@pytest.mark.parametrize(("key", "size"), [(b"1", 4000), (b"1" * 20_000, 0), (b"a" * 20_000, 0)])
def test_entries_that_share_their_bytes_are_an_error_and_no_count(key: bytes, size: int) -> None:
    """A hundred entries with one key and one value: they say more bytes than the file has, and took that much time."""
    count = 100
    shared = b"".join(struct.pack("<IIII", 0, (count - index) * 16, len(key), size) for index in range(count))
    with pytest.raises(ValueError, match="the database has more bytes than it has room for"):
        read_unsent_requests(with_leaf(count, shared + key + bytes(size)))


def test_a_key_that_is_longer_than_any_number_of_a_request_is_none() -> None:
    content = (
        struct.pack("<IIII", 0, 32, 20, 1) + struct.pack("<IIII", 0, 37, 21, 1) + b"9" * 20 + b"v" + b"9" * 21 + b"v"
    )
    assert read_unsent_requests(with_leaf(2, content)) == UnsentRequests(1, 1)


@pytest.mark.parametrize(("key_size", "size"), [(2**31, 0), (40_000, 0), (1, 10**6)])
def test_an_entry_that_the_file_has_no_room_for_is_an_error_and_no_count(key_size: int, size: int) -> None:
    content = struct.pack("<IIII", 0, 16, key_size, size) + b"1" * 50_000
    with pytest.raises(ValueError, match="the database is not whole"):
        read_unsent_requests(with_leaf(1, content))


@pytest.mark.parametrize(("count", "words"), [(1 << 10, "1.0 KiB"), (3 << 29, "1.5 GiB"), (5 << 20, "5.0 MiB")])
def test_sizes_are_in_words(count: int, words: str) -> None:
    assert str(UnsentRequests(1, count)) == f"1 request ({words})"
