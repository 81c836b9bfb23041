# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A capture is there whole or not at all, and what is no capture stays."""

from __future__ import annotations

import errno
import fcntl
import gzip
import json
import os
from pathlib import Path

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._capture.live import capture_folder as module
from ansible_collections.o11y.opentelemetry.plugins.module_utils._capture.live.capture_folder import open_capture_folder
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem


def write(place: Path, line: bytes = b"{}") -> None:
    with open_capture_folder(place) as folder:
        folder.write_line("logs", line)
        folder.finish({"capture": 1})


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_capture_is_its_owners_alone(tmp_path: Path) -> None:
    place = tmp_path / "host" / "ns.gateway"
    write(place)
    assert names(place) == ["logs.jsonl.gz", "manifest.json"]
    assert place.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in place.iterdir()} == {0o600}
    assert gzip.decompress((place / "logs.jsonl.gz").read_bytes()) == b"{}\n"
    assert names(place.parent) == ["ns.gateway"]


def test_a_new_capture_replaces_an_earlier_one(tmp_path: Path) -> None:
    write(tmp_path / "c", b"{1}")
    write(tmp_path / "c", b"{2}")
    assert gzip.decompress((tmp_path / "c/logs.jsonl.gz").read_bytes()) == b"{2}\n"
    assert names(tmp_path) == ["c"]


def test_a_run_that_fails_leaves_the_earlier_capture(tmp_path: Path) -> None:
    write(tmp_path / "c", b"{1}")
    with pytest.raises(ZeroDivisionError), open_capture_folder(tmp_path / "c") as folder:
        folder.write_line("logs", b"{2}")
        1 / 0  # noqa: B018
    assert gzip.decompress((tmp_path / "c/logs.jsonl.gz").read_bytes()) == b"{1}\n"
    assert names(tmp_path) == ["c"]


def test_a_new_capture_that_cannot_have_its_place_leaves_the_earlier_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "c", b"{1}")
    rename = Path.rename

    def refuse_part(path: Path, target: Path) -> Path:
        if target == tmp_path / "c" and not path.name.endswith("capture-earlier"):
            raise OSError(28, "No space left on device")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse_part)
    with pytest.raises((OSError, Problem)):
        write(tmp_path / "c", b"{2}")
    assert gzip.decompress((tmp_path / "c/logs.jsonl.gz").read_bytes()) == b"{1}\n"


def test_a_run_killed_before_the_new_capture_had_its_place_leaves_the_earlier_one(tmp_path: Path) -> None:
    write(tmp_path / "c", b"{1}")
    (tmp_path / "c").rename(tmp_path / ".c.capture-earlier")
    with pytest.raises(ZeroDivisionError), open_capture_folder(tmp_path / "c"):
        1 / 0  # noqa: B018
    assert gzip.decompress((tmp_path / "c/logs.jsonl.gz").read_bytes()) == b"{1}\n"
    assert names(tmp_path) == ["c"]


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_given: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(module.CaptureFolder, "_create_private_file", full)
    with pytest.raises(Problem, match=r"c cannot be written: No space left on device.*Make room"):
        write(tmp_path / "c")
    assert names(tmp_path) == []


@pytest.mark.parametrize("has_file", [True, False])
def test_what_is_no_capture_stays(tmp_path: Path, has_file: bool) -> None:
    place = tmp_path / "mine"
    place.mkdir()
    if has_file:
        (place / "manifest.json").write_text("[]")
    with pytest.raises(Problem, match="mine is there, and is no capture"):
        write(place)
    assert names(tmp_path) == ["mine"]


def test_what_a_killed_run_left_goes_and_what_another_run_writes_stays(tmp_path: Path) -> None:
    part = tmp_path / ".c.capture-part"
    part.mkdir()
    (part / "logs.jsonl.gz").write_bytes(b"half")
    lock = os.open(part, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    with pytest.raises(Problem, match="another run writes to"):
        write(tmp_path / "c")
    assert names(part) == ["logs.jsonl.gz"]
    os.close(lock)
    write(tmp_path / "c")
    assert json.loads((tmp_path / "c/manifest.json").read_text()) == {"capture": 1}
    assert names(tmp_path) == ["c"]
