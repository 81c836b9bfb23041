# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An archive is read whole from a file or an address, and copied only where that is asked."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._release import archive_reader
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._release.archive_reader import Archive, ArchiveReader
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._release.mirror_copy import open_mirror_copy

DATA = b"an archive"
SUM, OTHER = f"sha256:{hashlib.sha256(DATA).hexdigest()}", "sha256:" + "f" * 64


def archive(expected_sum: str = "") -> Archive:
    return Archive(name="a", path="releases/a", origin="", published="", expected_sum=expected_sum)


def test_a_file_is_read_and_copied_where_that_is_asked(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(DATA)
    assert ArchiveReader(archive(SUM), str(tmp_path / "source"), copy=None).read_sum() == SUM
    with open_mirror_copy(tmp_path / "copy", "Copy a") as copy:
        assert ArchiveReader(archive(SUM), str(tmp_path / "source"), copy).read_sum() == SUM
    assert (tmp_path / "copy").read_bytes() == DATA


def test_a_download_that_broke_off_leaves_nothing_in_the_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([b"the beginning of another answer", DATA])

    @contextmanager
    def open_answer(_url: str) -> Iterator[BytesIO]:
        yield BytesIO(next(answers))

    def try_twice(url: str, _activity: str, download: Callable[[str], str]) -> str:
        download(url)
        return download(url)

    monkeypatch.setattr(archive_reader, "open_answer", open_answer)
    monkeypatch.setattr(archive_reader, "fetch_with_retries", try_twice)
    with open_mirror_copy(tmp_path / "copy", "Copy a") as copy:
        assert ArchiveReader(archive(), "https://x/a", copy).read_sum() == SUM
    assert (tmp_path / "copy").read_bytes() == DATA


@pytest.mark.parametrize(
    ("expected_sum", "answer", "said"),
    [
        (OTHER, SUM, f"Use a: the program has {SUM}, and {OTHER} was asked"),
        (OTHER, None, "Read a: it is not there"),
        ("", SUM, "the connection does not protect the archive"),
    ],
)
def test_what_is_wrong_at_an_address_is_told(
    expected_sum: str, answer: str | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(*_arguments: Any) -> str | None:
        return answer

    monkeypatch.setattr(archive_reader, "fetch_with_retries", fetch)
    with pytest.raises(Problem, match=said):
        ArchiveReader(archive(expected_sum), "http://x/a", copy=None).read_sum()


@pytest.mark.parametrize(
    ("origin", "said"), [("/a\0b", "holds a NUL"), ("~no-such-user-here/a", "no user"), ("/", "Is a directory")]
)
def test_an_origin_that_no_file_can_be_is_refused(origin: str, said: str) -> None:
    with pytest.raises(Problem, match=said):
        ArchiveReader(archive(), origin, copy=None).read_sum()
