# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives of hosts' programs: read once, compared, and copied whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._release import archive_reader
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._release.archives import collect_archives

DATA = b"an archive"
# More than what is read at a time, so that the disk is full while the archive is still read.
LARGE_DATA = DATA * 500_000
SUM, OTHER = f"sha256:{hashlib.sha256(DATA).hexdigest()}", "sha256:" + "f" * 64


def row(origin: str, total: str = "") -> dict[str, str]:
    return {"name": "a.tar.gz", "path": "releases/a.tar.gz", "origin": origin, "published": "https://x/a", "sum": total}


@pytest.fixture
def source(tmp_path: Path) -> str:
    (tmp_path / "source").write_bytes(DATA)
    return str(tmp_path / "source")


def test_an_archive_of_many_hosts_is_read_once(source: str) -> None:
    found, changed = collect_archives([row(source), row(source, SUM), row(source)], "", check=False)
    assert found == [{"name": "a.tar.gz", "path": "releases/a.tar.gz", "sum": SUM, "from": source}]
    assert not changed


def test_two_sums_of_one_archive_are_an_error(source: str) -> None:
    with pytest.raises(Problem, match="two hosts want other sums of it"):
        collect_archives([row(source, SUM), row(source, OTHER)], "", check=False)


def test_an_archive_with_another_sum_leaves_nothing_in_the_mirror(source: str, tmp_path: Path) -> None:
    with pytest.raises(Problem, match="was asked"):
        collect_archives([row(source, OTHER)], str(tmp_path / "mirror"), check=False)
    assert list((tmp_path / "mirror" / "releases").iterdir()) == []


def test_a_mirror_that_is_to_be_filled_is_no_origin(tmp_path: Path) -> None:
    target = tmp_path / "mirror" / "releases" / "a.tar.gz"
    found, changed = collect_archives([row(str(target))], str(tmp_path / "mirror"), check=True)
    assert (found[0]["from"], changed) == ("https://x/a", True)


def test_a_copy_may_be_read_by_all(source: str, tmp_path: Path) -> None:
    collect_archives([row(source, SUM)], str(tmp_path), check=False)
    assert (tmp_path / "releases" / "a.tar.gz").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("check", [True, False])
def test_a_folder_in_the_place_of_an_archive_is_told_and_stays(source: str, tmp_path: Path, check: bool) -> None:
    place = tmp_path / "mirror" / "releases" / "a.tar.gz"
    place.mkdir(parents=True)
    with pytest.raises(Problem, match=r"Copy a\.tar\.gz: this is no file \(at .*/mirror/releases/a\.tar\.gz\)"):
        collect_archives([row(source, SUM)], str(tmp_path / "mirror"), check=check)
    assert list(place.parent.iterdir()) == [place]


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("root", "said"),
    [
        (f"/tmp/{'x' * 300}", "cannot create the folder /tmp/x"),
        ("/tmp/a\0b", "holds a NUL"),
        ("~no-such-user-here/mirror", "no user 'no-such-user-here'"),
    ],
)
def test_a_mirror_that_no_folder_can_be_is_refused(source: str, root: str, said: str, check: bool) -> None:
    if check and "create" in said:
        assert collect_archives([row(source)], root, check=check).changed
        return
    with pytest.raises(Problem, match=said):
        collect_archives([row(source)], root, check=check)


@pytest.fixture
def _full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each new temporary file be on a full disk, which Linux has as /dev/full."""

    def make_full_file(dir: Path, prefix: str) -> tuple[int, str]:  # noqa: A002 - as the library names it
        path = Path(dir) / f"{prefix}full"
        path.symlink_to("/dev/full")
        return os.open(path, os.O_WRONLY), str(path)

    monkeypatch.setattr(tempfile, "mkstemp", make_full_file)


FULL_DISK_MESSAGE = (
    "Copy a.tar.gz: the copy in the mirror cannot be written: No space left on device "
    "(at {mirror}/releases/a.tar.gz). Make room there, then run again."
)


@pytest.mark.usefixtures("_full_disk")
@pytest.mark.parametrize("data", [DATA, LARGE_DATA], ids=["small", "large"])
def test_a_full_disk_of_the_mirror_is_told_and_not_the_origin(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(data)
    mirror = tmp_path / "mirror"
    with pytest.raises(Problem) as error:
        collect_archives([row(str(tmp_path / "source"))], str(mirror), check=False)
    assert str(error.value) == FULL_DISK_MESSAGE.format(mirror=mirror)
    assert list((mirror / "releases").iterdir()) == []


@pytest.mark.usefixtures("_full_disk")
@pytest.mark.parametrize("data", [DATA, LARGE_DATA], ids=["small", "large"])
def test_a_full_disk_of_the_mirror_is_no_reason_to_download_again(
    data: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    @contextmanager
    def open_answer(url: str) -> Iterator[BytesIO]:
        asked.append(url)
        yield BytesIO(data)

    monkeypatch.setattr(archive_reader, "open_answer", open_answer)
    mirror = tmp_path / "mirror"
    with pytest.raises(Problem) as error:
        collect_archives([row("https://x/a")], str(mirror), check=False)
    assert str(error.value) == FULL_DISK_MESSAGE.format(mirror=mirror)
    assert asked == ["https://x/a"]


def test_a_mirror_that_nobody_may_write_is_told(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_options: object) -> tuple[int, str]:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    words = r"Copy a\.tar\.gz: the copy in the mirror cannot be written: Permission denied .*Give a writable path"
    with pytest.raises(Problem, match=words):
        collect_archives([row(source)], str(tmp_path / "mirror"), check=False)
