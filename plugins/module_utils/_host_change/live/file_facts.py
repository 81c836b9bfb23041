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

from ..certificate_dates import read_validity
from ..file_rights import OwnedEntry, Reader, find_barrier
from .accounts import group_name, user_name
from .file_patterns import find_matching_files

# Of how many files of one pattern the rights are looked at, and how many that the service may not read are shown.
_MOST_FILES, _SHOWN_FILES = 500, 3
# How much of a certificate is read, in bytes: a chain of certificates is some KiB.
_MOST_BYTES = 256 * 1024
# Where Linux keeps the access control list of a file. Source: acl(5).
_ACL_ATTRIBUTE = "system.posix_acl_access"


def describe_patterns(patterns: Iterable[Mapping[str, Any]], reader: Reader) -> Iterator[dict[str, Any]]:
    """Yield each pattern of files: how many there are, and those that the service may not read."""
    for pattern_row in patterns:
        files = find_matching_files(pattern_row["pattern"])
        unreadable_files = []
        for path in files[:_MOST_FILES]:
            obstacle = find_barrier(reader, _list_way_to_file(path))
            if obstacle is not None:
                unreadable_files.append({**_describe_owner(obstacle), "file": path})
        more_count = max(len(unreadable_files) - _SHOWN_FILES, 0)
        yield {**pattern_row, "count": len(files), "unreadable": unreadable_files[:_SHOWN_FILES], "more": more_count}


def describe_certificates(rows: Iterable[Mapping[str, Any]], reader: Reader) -> Iterator[dict[str, Any]]:
    """Yield each file of a certificate or key with its state, and when it is valid.

    The state is `missing`, `unreadable` for the service, `not_read` if this run cannot read it, or `there`.
    """
    for certificate_row in rows:
        path = Path(certificate_row["path"])
        if path.is_file():
            yield {**certificate_row, "file": str(path), **_describe_certificate(path, reader)}
        else:
            yield {**certificate_row, "state": "missing"}


def _describe_certificate(path: Path, reader: Reader) -> dict[str, Any]:
    text = _read_first_text(path)
    validity_period = read_validity(text or "")
    date_fields = (
        {"not_before": validity_period.not_before, "not_after": validity_period.not_after} if validity_period else {}
    )
    obstacle = find_barrier(reader, _list_way_to_file(str(path)))
    if obstacle is not None:
        return {**date_fields, **_describe_owner(obstacle), "state": "unreadable"}
    if text is None:
        return {"state": "not_read"}
    return {**date_fields, "state": "there"}


def _read_first_text(path: Path) -> str | None:
    """Return the start of a file as text; None if this run cannot read it, as root cannot on some file systems."""
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES).decode("ascii", "replace")
    except OSError:
        return None


def _list_way_to_file(path: str) -> list[OwnedEntry]:
    """Return the folders on the way to a file, then the file; links are followed."""
    real_path = Path(os.path.realpath(path))
    entries = []
    for entry_path in (*reversed(real_path.parents), real_path):
        try:
            status = entry_path.stat()
        except OSError:
            continue
        entries.append(OwnedEntry(str(entry_path), status.st_mode, status.st_uid, status.st_gid, _has_acl(entry_path)))
    return entries


def _has_acl(path: Path) -> bool:
    try:
        os.getxattr(str(path), _ACL_ATTRIBUTE)
    except OSError:
        return False
    return True


def _describe_owner(owned: OwnedEntry) -> dict[str, str]:
    """Return whose a file or folder is, by names, and its mode."""
    return {
        "what": "folder" if stat.S_ISDIR(owned.mode) else "file",
        "path": owned.path,
        "owner": user_name(owned.user_id),
        "group": group_name(owned.group_id),
        "mode": owned.octal,
    }
