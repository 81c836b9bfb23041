# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The data that the queues of a collector hold on the disk: all files below its state folders, added up. Private.

For example, two files of queues with 3 and 4 unsent requests, and one that the disk does not give, are:

    StoredData(UnsentRequests(7, 1228), ["/var/lib/otelcol/agent/exporter_otlp (Input/output error)"])

`host_drain.py` asks this before a collector is removed. `stored_queue.py` reads the content of one file.
Source: file_storage of the Collector. Read on the host: Python 3.8.
"""

from __future__ import annotations

import mmap
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from ..bbolt_file import is_database
from ..stored_queue import UnsentRequests, read_unsent_requests

# The prefix of the names of files with queues of exporters (file_storage, extension.go: GetClient).
_QUEUE_PREFIX = "exporter_"


class StoredData(NamedTuple):
    """The data in the queues on the disk."""

    unsent_requests: UnsentRequests
    unreadable_paths: list[str]
    """The files and folders that could not be read, each with the reason: `/var/lib/otelcol/agent/q (No such
    device)`."""


def read_stored_data(state_folders: Iterable[Path]) -> StoredData:
    """Return the data in the queues below some folders. A folder or a file that is not there has none."""
    reader = _QueueReader()
    for state_folder in state_folders:
        reader.add_folder(state_folder)
    return StoredData(reader.unsent_requests, reader.unreadable_paths)


class _QueueReader:
    """Reads files of queues one after the other, and adds up the data in them."""

    def __init__(self) -> None:
        self.unsent_requests = UnsentRequests()
        self.unreadable_paths: list[str] = []

    def add_folder(self, folder: Path) -> None:
        """Add the data of all files below a folder."""
        for parent, _folders, file_names in os.walk(str(folder), onerror=self._note_unlisted_folder):
            for file_name in sorted(file_names):
                self._add_file(Path(parent) / file_name)

    def _note_unlisted_folder(self, error: OSError) -> None:
        """Note a folder that cannot be listed. `os.walk` calls this and goes on with the next folder."""
        if not isinstance(error, FileNotFoundError):
            self._note_unreadable(Path(error.filename), error)

    def _add_file(self, file: Path) -> None:
        """Add the data of a file. A link, a pipe or a socket has none of its own, and opening a pipe may not end."""
        try:
            if _is_regular(file):
                self.unsent_requests = self.unsent_requests.plus(_read_unsent(file))
        except FileNotFoundError:  # the collector removed the file in the meantime
            return
        except (OSError, ValueError) as error:
            self._note_unreadable(file, error)

    def _note_unreadable(self, path: Path, error: Exception) -> None:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        self.unreadable_paths.append(f"{path} ({reason})")


def _is_regular(file: Path) -> bool:
    return stat.S_ISREG(file.lstat().st_mode)


def _read_unsent(file: Path) -> UnsentRequests:
    """Return the unsent requests in a file. Raises OSError or ValueError if it cannot be read."""
    with file.open("rb") as opened_file:
        if not os.fstat(opened_file.fileno()).st_size:  # an empty file cannot be mapped
            return UnsentRequests()
        with mmap.mmap(opened_file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            # Other files in the state folder may have any form. The file of a queue without the form of a database is
            # damaged, and does not tell what it has not sent.
            if file.name.startswith(_QUEUE_PREFIX) and not is_database(data):
                raise ValueError("it is no database")
            return read_unsent_requests(data)
