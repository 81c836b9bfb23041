# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find out whether the service of a collector may read its files, certificates and keys on this host. Private.

`live/host_facts.py` calls this for module host_diagnose. Nothing is changed, and no file but certificates is read. For
example, the pattern `{"about": "receivers/file_log", "pattern": "/var/log/*.log"}` gets

    "count": 2, "more": 0, "unreadable": [{"what": "folder", "path": "/var/log/app", "owner": "root", "group": "root",
                                           "mode": "0700", "file": "/var/log/app/a.log"}]
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..certificate_dates import read_validity
from ..file_rights import OwnedEntry, Reader, find_unreadable_entry
from ..host_answer import CertificateFacts, CertificateFindings, PatternFacts, UnreadableEntry, UnreadableFile
from ..host_question import CertificateFile, FilePattern
from .accounts import group_name, user_name
from .file_patterns import find_matching_files

# How many files of one pattern are looked at.
_MOST_FILES = 500
# How many files that the service may not read are shown.
_SHOWN_FILES = 3
# How many bytes of a certificate are read: a chain of certificates has some KiB.
_MOST_BYTES = 256 * 1024
# Where Linux keeps the access control list of a file. Source: acl(5).
_ACL_ATTRIBUTE = "system.posix_acl_access"


def describe_patterns(patterns: Iterable[FilePattern], reader: Reader) -> Iterator[PatternFacts]:
    """Yield the row of each pattern with the keys `count`, `unreadable` and `more`.

    `unreadable` has the first files that the service may not read, each with the folder or file that keeps it from
    them.
    """
    for pattern_row in patterns:
        files = find_matching_files(pattern_row["pattern"])
        unreadable_files: list[UnreadableFile] = []
        for path in files[:_MOST_FILES]:
            unreadable_entry = find_unreadable_entry(reader, _list_entries_on_path(path))
            if unreadable_entry is not None:
                unreadable_files.append({**_describe_entry(unreadable_entry), "file": path})
        more_count = max(len(unreadable_files) - _SHOWN_FILES, 0)
        yield {**pattern_row, "count": len(files), "unreadable": unreadable_files[:_SHOWN_FILES], "more": more_count}


def describe_certificates(rows: Iterable[CertificateFile], reader: Reader) -> Iterator[CertificateFacts]:
    """Yield the row of each certificate or key with its `state`, and for a certificate `not_before` and `not_after`.

    The state is `missing`, `unreadable` for the service, `not_read` if this run cannot read it, or `there`.
    """
    for certificate_row in rows:
        path = Path(certificate_row["path"])
        if path.is_file():
            yield {**certificate_row, "file": str(path), **_describe_certificate(path, reader)}
        else:
            yield {"about": certificate_row["about"], "path": certificate_row["path"], "state": "missing"}


def _describe_certificate(path: Path, reader: Reader) -> CertificateFindings:
    """Return the validity of a certificate in a file, and what keeps the service from reading that file."""
    text = _read_first_text(path)
    validity_period = read_validity(text or "")
    date_fields: CertificateFindings = {}
    if validity_period:
        date_fields = {"not_before": validity_period.not_before, "not_after": validity_period.not_after}
    unreadable_entry = find_unreadable_entry(reader, _list_entries_on_path(str(path)))
    if unreadable_entry is not None:
        return {**date_fields, **_describe_entry(unreadable_entry), "state": "unreadable"}
    if text is None:
        return {"state": "not_read"}
    return {**date_fields, "state": "there"}


def _read_first_text(path: Path) -> str | None:
    """Return the start of a file as text; None if this run cannot read it. On some file systems, root cannot."""
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES).decode("ascii", "replace")
    except OSError:
        return None


def _list_entries_on_path(path: str) -> list[OwnedEntry]:
    """Return the folders from the root to a file, then the file. Links are followed."""
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
    """Return whether a file has an access control list, which mode bits do not show."""
    try:
        os.getxattr(str(path), _ACL_ATTRIBUTE)
    except OSError:
        return False
    return True


def _describe_entry(entry: OwnedEntry) -> UnreadableEntry:
    return {
        "what": "folder" if stat.S_ISDIR(entry.mode) else "file",
        "path": entry.path,
        "owner": user_name(entry.user_id),
        "group": group_name(entry.group_id),
        "mode": entry.octal,
    }
