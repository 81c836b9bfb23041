# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One archive of a program for hosts, and its sum, read from a file or an address. Controller only. Private.

A sum is the SHA-256 of an archive, such as `sha256:2f1c…`. While it is computed, the archive may be copied to a mirror:

    ArchiveReader(archive, "https://…/otelcol-contrib_0.158.0_linux_amd64.tar.gz", copy=None).read_sum()

`archives.py` reads archives by this, and `retried_download.py` has the connection.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ...module_utils._otelcol.bounded.live.bounded_reads import copy_and_sum_stream, open_regular_file
from ...module_utils._otelcol.bounded.read_limits import ARCHIVE_LIMIT
from ...module_utils._otelcol.errors import Problem, strip_credentials
from .._otelcol import _files
from .mirror_copy import MirrorCopy
from .release_origins import find_unprotected, is_address
from .retried_download import fetch_with_retries, open_answer


@dataclass(frozen=True)
class Archive:
    """An archive to read."""

    name: str
    path: str
    """Its place in a mirror, below the root."""
    origin: str
    """The path or the address to read it from."""
    published: str
    """The address at its publisher; empty if there is none."""
    expected_sum: str
    """Empty if no sum is known."""

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Archive:
        """Return the archive in a row of the option `programs`, which host_render makes."""
        return cls(
            name=row["name"],
            path=row["path"],
            origin=str(row["origin"]),
            published=str(row.get("published", "")),
            expected_sum=row["sum"],
        )

    def check_sum(self, archive_sum: str, place: str) -> None:
        """Raise Problem if the archive at a place has another sum than the expected one."""
        if self.expected_sum and archive_sum != self.expected_sum:
            wrong = f"the program has {archive_sum}, and {self.expected_sum} was asked"
            fix = "Find out who changed it. If the change is right, correct the sum in the lock or in `program`."
            raise Problem(wrong, asked=f"Use {self.name}", where=strip_credentials(place), fix=fix)


@dataclass(frozen=True)
class ArchiveReader:
    """Reads an archive from an origin, which is a path or an address."""

    archive: Archive
    origin: str
    copy: MirrorCopy | None
    """The copy that gets the archive; None if the archive is only read."""

    def read_sum(self) -> str:
        """Read the archive, and return its sum. Raises Problem if it cannot be read, or is not the expected one."""
        archive_sum = self._read_address() if is_address(self.origin) else self._read_file()
        self.archive.check_sum(archive_sum, self.origin)
        return archive_sum

    def _read_address(self) -> str:
        """Return the sum of an archive at an address. Raises Problem if it is not there, or nothing protects it."""
        place = strip_credentials(self.origin)
        if find_unprotected([self.origin]) and not self.archive.expected_sum:
            wrong = "the connection does not protect the archive, and no SHA-256 is expected of it"
            fix = "Use https, or give its `sha256` in `program`."
            raise Problem(wrong, asked=self._describe_activity(), where=place, fix=fix)
        archive_sum = fetch_with_retries(self.origin, self._describe_activity(), self._download)
        if archive_sum is None:
            fix = "Correct `distribution` or `version`, leave the architecture out (otel_mirror_architectures),"
            fix += " or correct the mirror."
            raise Problem("it is not there", asked=self._describe_activity(), where=place, fix=fix)
        return archive_sum

    def _download(self, url: str) -> str:
        """Try once to read the archive at an address, and return its sum."""
        with open_answer(url) as answer:
            return self._sum_stream(answer.read)

    def _read_file(self) -> str:
        """Return the sum of an archive in a file. Raises Problem if it cannot be read."""
        try:
            with open_regular_file(_files.expand_path(self.origin), ARCHIVE_LIMIT) as file:
                return self._sum_stream(file.read)
        except OSError as error:
            fix = (
                "Put the archive there, leave the architecture out (otel_mirror_architectures), or correct the mirror."
            )
            wrong = f"cannot read it: {error.strerror}"
            raise Problem(wrong, asked=self._describe_activity(), where=self.origin, fix=fix) from error

    def _sum_stream(self, read: Callable[[int], bytes]) -> str:
        """Return the sum of a stream. A copy is written from its start, since an attempt before may have failed."""
        if self.copy is None:
            return copy_and_sum_stream(read, lambda _chunk: None, ARCHIVE_LIMIT, "the archive")
        self.copy.start_anew()
        return copy_and_sum_stream(read, self.copy.write, ARCHIVE_LIMIT, "the archive")

    def _describe_activity(self) -> str:
        return f"Read {self.archive.name}"
