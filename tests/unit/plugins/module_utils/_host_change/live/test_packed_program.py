# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program comes out of archives and packages, alone: no unit, no script and no user of a package."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
from pathlib import Path
from typing import Any

import pytest

from . import packages
from .fake_host import PROGRAM, FakeHost

FILES = packages.files(PROGRAM)
PACKED = {
    "deb": packages.deb(FILES),
    "deb of xz": packages.deb(FILES, "w:xz"),
    "rpm": packages.rpm(FILES),
    "rpm of xz": packages.rpm(FILES, lzma.compress),
    "rpm of bzip2": packages.rpm(FILES, bz2.compress),
    "archive": packages.tar({"otelcol-contrib": PROGRAM, "README.md": b"# Read"}),
    "program": PROGRAM,
}


@pytest.fixture(autouse=True)
def _no_wait_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fsync", lambda _handle: None)


def installed(host: FakeHost, data: bytes, member: str = "otelcol-contrib") -> dict[str, Any]:
    host.source.write_bytes(data)
    row = {"path": str(host.source), "sha256": hashlib.sha256(data).hexdigest(), "member": member}
    program = {"distribution": "contrib", "version": "0.158.0", "architectures": {"amd64": row}}
    return host.run(host.bundle(program=program))


@pytest.mark.parametrize("form", PACKED)
def test_the_program_is_installed_and_nothing_else_of_its_package(tmp_path: Path, form: str) -> None:
    host = FakeHost(tmp_path)
    result = installed(host, PACKED[form])
    assert result["changed"], result
    (folder,) = (path for path in (tmp_path / "opt/otelcol").iterdir() if path.is_dir())
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "otelcol-contrib"]
    assert (folder / "otelcol-contrib").read_bytes() == PROGRAM
    assert not list(tmp_path.rglob("otelcol-contrib.service"))


def damage_middle(data: bytes) -> bytes:
    """Return an archive whose packed data no longer fits together."""
    middle = len(data) // 2
    return data[:middle] + b"\xff" * 40 + data[middle + 40 :]


def with_negative_size(data: bytes) -> bytes:
    """Return an rpm whose program has a size below zero."""
    return gzip.compress(data.replace(b"%08x" % len(PROGRAM), b"-0000001"))


# The header of a part has 60 bytes, so after this size the same header would be read again.
_BACK_TO_ITSELF = b"!<arch>\n" + b"debian-binary".ljust(48) + b"-60".ljust(10) + b"`\n"
FAULTY: dict[str, tuple[bytes, str]] = {
    "deb without it": (packages.deb(packages.OF_PACKAGE), "the package has no file 'usr/bin/otelcol-contrib'"),
    "rpm without it": (packages.rpm(packages.OF_PACKAGE), "the package has no file 'usr/bin/otelcol-contrib'"),
    "deb without data": (packages.ar({"debian-binary": b"2.0\n"}), "the package has no part data.tar"),
    "deb with a part that steps back": (_BACK_TO_ITSELF, "is broken: the part debian-binary has the size -60"),
    "deb as zst": (packages.ar({"debian-binary": b"2.0\n", "data.tar.zst": b"\x28\xb5\x2f\xfd"}), "is packed as zst"),
    "rpm as zst": (packages.rpm(FILES, lambda _data: b"\x28\xb5\x2f\xfd" * 4), "is packed as zst"),
    "rpm cut at its end": (packages.rpm(FILES)[:-40], "is broken"),
    "deb cut at its end": (packages.deb(FILES)[:-70], "is broken"),
    "rpm cut at its start": (packages.rpm(FILES)[:100], "is broken"),
    "rpm of no cpio": (packages.rpm(FILES, lambda _data: gzip.compress(b"no cpio" * 100)), "is broken"),
    "rpm with a size below zero": (packages.rpm(FILES, with_negative_size), "is broken: a file has a size below zero"),
    "archive damaged in its middle": (damage_middle(packages.tar({"otelcol-contrib": PROGRAM * 999})), "is broken"),
    "archive without it": (packages.tar({"other": b""}), "the archive has no file 'otelcol-contrib'"),
}


@pytest.mark.parametrize(("data", "words"), FAULTY.values(), ids=FAULTY)
def test_a_package_that_gives_no_program_says_why(tmp_path: Path, data: bytes, words: str) -> None:
    host = FakeHost(tmp_path)
    result = installed(host, data)
    assert words in result["msg"]
    assert not (tmp_path / "etc/otelcol").exists()
    assert not list((tmp_path / "opt/otelcol").glob("contrib*"))
