# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import os
import socket
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.bounded import read_limits
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.bounded.live import bounded_reads
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

PLENTY = 1 << 20


def pipe(path: Path) -> None:
    os.mkfifo(path)


def listener(path: Path) -> None:
    socket.socket(socket.AF_UNIX).bind(str(path))


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize(("make", "kind"), [(pipe, "pipe"), (listener, "socket"), (device, "device")])
@pytest.mark.parametrize(
    "read", [bounded_reads.read_file_bytes, bounded_reads.read_file_text, bounded_reads.compute_file_sum]
)
def test_only_files_are_read(tmp_path: Path, make: Callable[[Path], None], kind: str, read: Callable[..., Any]) -> None:
    path = tmp_path / "it"
    make(path)
    with pytest.raises(Problem, match=f"it is no regular file but a {kind}. Give the path of a file"):
        read(path, PLENTY)


def test_a_folder_and_a_missing_file_are_what_the_system_says(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        bounded_reads.read_file_bytes(tmp_path)
    with pytest.raises(FileNotFoundError):
        bounded_reads.read_file_bytes(tmp_path / "absent")


def test_a_larger_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(Problem, match=r"sparse is larger than 16 MiB\. At most 16 MiB are read"):
        bounded_reads.read_file_bytes(path)


def test_a_file_that_the_system_calls_empty_is_read() -> None:
    assert bounded_reads.read_file_bytes("/proc/self/status")


def test_the_ends_of_a_large_file_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("first" + "." * 100 + "last")
    assert (bounded_reads.read_file_head(path, 5), bounded_reads.read_file_tail(path, 4)) == (b"first", "last")


def test_a_sum_has_the_label_and_the_size(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    plain, labelled = hashlib.sha256(b"content").hexdigest(), hashlib.sha256()
    bounded_reads.add_to_sum(labelled, path, PLENTY, "a/file")
    assert bounded_reads.compute_file_sum(path, PLENTY) == f"sha256:{plain}"
    assert labelled.hexdigest() == hashlib.sha256(b"a/file\x007\x00content").hexdigest()


def packed_chart(path: Path, size: int, pack: Callable[[bytes], bytes] = gzip.compress) -> None:
    """Write an archive whose second file is large."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as made:
        for name, length in (("chart/templates/a", 10), ("chart/Chart.yaml", size)):
            entry = tarfile.TarInfo(name)
            entry.size = length
            made.addfile(entry, io.BytesIO(bytes(length)))
    path.write_bytes(pack(archive.getvalue()))


def wanted(name: str) -> bool:
    return name == "chart/Chart.yaml"


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_a_file_of_an_archive_is_found_however_it_is_packed(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    packed_chart(tmp_path / "chart", 3, pack)
    assert bounded_reads.read_archive_member(tmp_path / "chart", wanted, (PLENTY, PLENTY)) == bytes(3)
    assert bounded_reads.read_archive_member(tmp_path / "chart", lambda name: name == "other", (PLENTY, PLENTY)) == b""


@pytest.mark.parametrize("limits", [(PLENTY, 1 << 30), (1 << 30, PLENTY)])
def test_a_small_archive_does_not_unpack_to_more_than_the_limits(tmp_path: Path, limits: tuple[int, int]) -> None:
    packed_chart(tmp_path / "chart", 20 * PLENTY)
    with pytest.raises(Problem, match=r"chart.* is larger than 1 MiB"):
        bounded_reads.read_archive_member(tmp_path / "chart", wanted, limits)


def test_an_archive_that_is_cut_short_is_broken(tmp_path: Path) -> None:
    packed_chart(tmp_path / "chart", 5000, lambda data: gzip.compress(os.urandom(10) + data)[:300])
    with pytest.raises(bounded_reads.BROKEN_ERRORS):
        bounded_reads.read_archive_member(tmp_path / "chart", wanted, (PLENTY, PLENTY))


def test_what_gzip_packed_has_a_limit() -> None:
    packed = gzip.compress(bytes(3 * PLENTY))
    assert sum(map(len, bounded_reads.iter_unpacked_gzip(packed, 3 * PLENTY, "it"))) == 3 * PLENTY
    with pytest.raises(read_limits.TooLargeError, match="it is larger than 2 MiB"):
        list(bounded_reads.iter_unpacked_gzip(packed, 2 * PLENTY, "it"))


def test_a_stream_without_an_end_is_left() -> None:
    with pytest.raises(Problem, match="the answer is larger than 1 MiB"):
        bounded_reads.read_stream(bytes, PLENTY, "the answer")


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_lines_are_whole_and_unpacked(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    (tmp_path / "x").write_bytes(pack(b"one\n\ntwo"))
    with bounded_reads.open_regular_file(tmp_path / "x", PLENTY) as file:
        assert list(bounded_reads.iter_lines(file, 4, "x")) == [b"one\n", b"\n", b"two"]


def test_a_line_without_an_end_is_not_read_whole(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(gzip.compress(b"one\n" + bytes(PLENTY)))
    with (
        bounded_reads.open_regular_file(tmp_path / "x", PLENTY) as file,
        pytest.raises(Problem, match="a line of x is larger"),
    ):
        list(bounded_reads.iter_lines(file, 1024, "x"))


class Answer:
    """An answer of urllib3 without an end."""

    def __init__(self, chunks: Any) -> None:
        self.chunks, self.calls = chunks, list[str]()

    def stream(self, _size: int, *, decode_content: bool) -> Any:
        assert decode_content
        return iter(self.chunks)

    def close(self) -> None:
        self.calls.append("close")

    def release_conn(self) -> None:
        self.calls.append("release")


def test_the_connection_of_an_answer_is_used_again_and_that_of_an_endless_one_is_closed() -> None:
    whole, endless = Answer([b"a", b"b"]), Answer(iter(lambda: bytes(PLENTY), b""))
    assert (bounded_reads.read_body(whole), whole.calls) == (b"ab", ["release"])
    with pytest.raises(Problem, match="the answer is larger than 16 MiB"):
        bounded_reads.read_body(endless)
    assert endless.calls == ["close"]


def run(code: str, seconds: float = 20.0) -> Any:
    return bounded_reads.run_program([sys.executable, "-c", code], env={}, seconds=seconds, max_bytes=PLENTY)


def test_a_program_returns_what_it_prints() -> None:
    done = run("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
    assert (done.returncode, done.stdout, done.stderr) == (3, b"out\n", b"err\n")


@pytest.mark.parametrize("where", ["stdout", "stderr"])
def test_a_program_that_prints_without_an_end_is_ended(where: str) -> None:
    with pytest.raises(Problem, match="what the program prints is larger than 1 MiB"):
        run(f"import sys\nwhile True: sys.{where}.write('x' * 65536)")


def test_a_program_that_hangs_is_ended() -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        run("import time; time.sleep(60)", 0.5)


@pytest.mark.parametrize(("most", "text"), [(5, "5 bytes"), (2048, "2 KiB"), (3 << 20, "3 MiB"), (1 << 30, "1 GiB")])
def test_limits_are_in_words(most: int, text: str) -> None:
    assert read_limits.format_byte_count(most) == text
