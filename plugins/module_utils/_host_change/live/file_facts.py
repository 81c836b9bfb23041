# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service of a collector may read on this host: its files, certificates and keys. Changes nothing. Private."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..certificate_dates import validity
from ..file_rights import Owned, Reader, barrier
from .accounts import group_name, user_name
from .file_patterns import matching_files

# Of how many files of one pattern the rights are looked at, and how many that the service may not read are shown.
_MOST_FILES, _MOST_SHOWN = 500, 3
# How much of a certificate is read, in bytes: a chain of certificates is some KiB.
_MOST_BYTES = 256 * 1024
# Where Linux keeps the access control list of a file. Source: acl(5).
_ACL_ATTRIBUTE = "system.posix_acl_access"


def pattern_facts(patterns: Iterable[Mapping[str, Any]], reader: Reader) -> Iterator[dict[str, Any]]:
    """Yield each pattern of files: how many there are, and those that the service may not read."""
    for row in patterns:
        files = matching_files(row["pattern"])
        unreadable = []
        for path in files[:_MOST_FILES]:
            obstacle = barrier(reader, _folders_and_file(path))
            if obstacle is not None:
                unreadable.append({**_owner_in_words(obstacle), "file": path})
        more = max(len(unreadable) - _MOST_SHOWN, 0)
        yield {**row, "count": len(files), "unreadable": unreadable[:_MOST_SHOWN], "more": more}


def certificate_facts(rows: Iterable[Mapping[str, Any]], reader: Reader) -> Iterator[dict[str, Any]]:
    """Yield each file of a certificate or key with its state, and when it is valid.

    The state is `missing`, `unreadable` for the service, `not_read` if this run cannot read it, or `there`.
    """
    for row in rows:
        path = Path(row["path"])
        if path.is_file():
            yield {**row, "file": str(path), **_certificate(path, reader)}
        else:
            yield {**row, "state": "missing"}


def _certificate(path: Path, reader: Reader) -> dict[str, Any]:
    text = _first_bytes(path)
    dates = validity(text or "")
    known_dates = {"not_before": dates.not_before, "not_after": dates.not_after} if dates else {}
    obstacle = barrier(reader, _folders_and_file(str(path)))
    if obstacle is not None:
        return {**known_dates, **_owner_in_words(obstacle), "state": "unreadable"}
    if text is None:
        return {"state": "not_read"}
    return {**known_dates, "state": "there"}


def _first_bytes(path: Path) -> str | None:
    """Return the start of a file as text; None if this run cannot read it, as root cannot on some file systems."""
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES).decode("ascii", "replace")
    except OSError:
        return None


def _folders_and_file(path: str) -> list[Owned]:
    """Return the folders on the way to a file, then the file; links are followed."""
    real = Path(os.path.realpath(path))
    places = []
    for place in (*reversed(real.parents), real):
        try:
            numbers = place.stat()
        except OSError:
            continue
        places.append(Owned(str(place), numbers.st_mode, numbers.st_uid, numbers.st_gid, _has_acl(place)))
    return places


def _has_acl(place: Path) -> bool:
    try:
        os.getxattr(str(place), _ACL_ATTRIBUTE)
    except OSError:
        return False
    return True


def _owner_in_words(owned: Owned) -> dict[str, str]:
    """Return whose a file or folder is, by names, and its mode."""
    return {
        "what": "folder" if stat.S_ISDIR(owned.mode) else "file",
        "path": owned.path,
        "owner": user_name(owned.user),
        "group": group_name(owned.group),
        "mode": owned.octal,
    }
