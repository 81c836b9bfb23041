# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages as they are released: the program, and a unit that a host must never get."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
from collections.abc import Callable, Mapping

PROGRAM_PATH, UNIT_PATH = "usr/bin/otelcol-contrib", "lib/systemd/system/otelcol-contrib.service"
OF_PACKAGE = {UNIT_PATH: b"[Service]\nExecStart=/usr/bin/otelcol-contrib\n"}


def files(program: bytes) -> dict[str, bytes]:
    """Return the files of a package with this program."""
    return {**OF_PACKAGE, PROGRAM_PATH: program}


def tar(content: Mapping[str, bytes], mode: str = "w:gz") -> bytes:
    """Return an archive of files, named as dpkg and goreleaser name them."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in content.items():
            member = tarfile.TarInfo(f"./{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def deb(content: Mapping[str, bytes], mode: str = "w:gz") -> bytes:
    """Return a package of Debian. Source: deb(5) and ar(5)."""
    suffix = mode.rpartition(":")[2]
    parts = {"debian-binary": b"2.0\n", "control.tar.gz": tar({"control": b"Package: x\n"}), f"data.tar.{suffix}": b""}
    parts[f"data.tar.{suffix}"] = tar(content, mode)
    return ar(parts)


def ar(parts: Mapping[str, bytes]) -> bytes:
    """Return an archive of ar: a header of 60 bytes before each part, which ends at an even place."""
    out = b"!<arch>\n"
    for name, data in parts.items():
        out += b"%-16s%-12d%-6d%-6d%-8s%-10d`\n" % (name.encode(), 0, 0, 0, b"100644", len(data))
        out += data + b"\n" * (len(data) % 2)
    return out


def cpio(content: Mapping[str, bytes]) -> bytes:
    """Return an archive of cpio in the form `newc`, which rpm has. Source: cpio(5)."""
    out = b""
    for name, data in {**{f"./{path}": data for path, data in content.items()}, "TRAILER!!!": b""}.items():
        fields = [1, 0o100755, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
        out += b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0"
        out += b"\0" * (-len(out) % 4) + data
        out += b"\0" * (-len(out) % 4)
    return out


def rpm(content: Mapping[str, bytes], pack: Callable[[bytes], bytes] = gzip.compress) -> bytes:
    """Return a package of rpm: lead, signature, header and packed payload. Source: rpm.org, "RPM Package format"."""
    signature = _header(b"a signature of 21 b..")
    return b"\xed\xab\xee\xdb".ljust(96, b"\0") + signature + b"\0" * (-len(signature) % 8) + _rest(content, pack)


def _rest(content: Mapping[str, bytes], pack: Callable[[bytes], bytes]) -> bytes:
    return _header(b"name and version") + pack(cpio(content))


def _header(store: bytes) -> bytes:
    """Return a header with one tag."""
    return b"\x8e\xad\xe8\x01\0\0\0\0" + struct.pack(">II", 1, len(store)) + struct.pack(">4I", 1000, 6, 0, 1) + store
