# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Empty the queues on the disk of a collector before its removal. Private.

A removal also removes the folder with the queues, and with them the data that the collector has not sent yet. So
`live/collector_removal.py` makes a `Drain`, which lets a running collector send this data, and then stops it. If data
is left nevertheless, the removal is refused, unless the user consents to the loss by `otel_host_discard_unsent: true`:

    its queue on the disk has 7 requests (1.2 KiB) that it has not sent, and it runs on; nothing was removed

Sources: exporterhelper and file_storage of the Collector.
"""

from __future__ import annotations

import mmap
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from ..._otelcol.errors import Failure, Problem
from ..bbolt_file import is_database
from ..bundle_form import state_folder
from ..stored_queue import UnsentRequests, read_unsent_requests
from .host_store import Store
from .machine import Machine
from .state_folders import list_state_folders

# How many seconds a removal waits for the queues of a running collector to be empty. A backend that answers takes all
# requests in flight within one; the first pauses between tries are 5 s and 7.5 s (exporterhelper, retry_on_failure).
_WAIT_SECONDS = 10.0
# Seconds between two looks. A busy queue is empty for moments only.
_PAUSE_SECONDS = 0.25
# When a collector stops, data in its receivers and processors goes into the queue and is not sent any more
# (exporterhelper, persistent_queue.go: Shutdown). So the collector starts and stops up to so many more times, until a
# stop leaves the queue empty.
_FURTHER_STOPS = 3
# The prefix of the names of files with queues of exporters (file_storage, extension.go: GetClient).
_QUEUE_PREFIX = "exporter_"
# The option by which a user consents to the loss.
DISCARD_CONSENT = "otel_host_discard_unsent: true"


class StoredData(NamedTuple):
    """The data in the queues on the disk."""

    unsent_requests: UnsentRequests
    unreadable_paths: list[str]
    """The files and folders that could not be read, each with the reason: `/var/lib/otelcol/agent/q (No such
    device)`."""


class Drain:
    """Drains one collector before its removal. `discards` is the consent to the loss of unsent data."""

    def __init__(self, machine: Machine, store: Store, discards: bool) -> None:
        self.machine, self.store, self.discards = machine, store, discards
        self.was_active = machine.service(store.service).is_active

    def stop_collector(self, stop_service: Callable[[], None]) -> list[str]:
        """Stop the collector by `stop_service` once its queues are empty, and return lines about lost data.

        Without consent, raises Problem for unsent data and for a queue that cannot be read. If the collector ran
        before, it runs then.
        """
        self._wait_until_empty()
        stop_service()
        if self.was_active and not self.discards:
            self._stop_until_empty(stop_service)
        return self.list_losses()

    def _stop_until_empty(self, stop_service: Callable[[], None]) -> None:
        """Start and stop the collector again while a stop has left data in the queues."""
        for _further in range(_FURTHER_STOPS):
            if not self._read_stored_data().unsent_requests.request_count:
                return
            self._start_again()
            self._wait_until_empty()
            stop_service()

    def list_losses(self) -> list[str]:
        """Return lines about the data that is lost with a collector that has stopped.

        Without consent, raises Problem for unsent data and for a queue that cannot be read. If the collector ran
        before, this starts it again first.
        """
        stored_data = self._read_stored_data()
        if self.discards:
            return _write_sentences(stored_data, "were not sent, and are lost", ", and is lost")
        if stored_data.unsent_requests.request_count:
            self._start_again()
            raise self._build_unsent_refusal(stored_data.unsent_requests)
        if stored_data.unreadable_paths:
            self._start_again()
            raise self._build_unreadable_refusal(stored_data.unreadable_paths)
        return []

    def forecast_losses(self) -> list[str]:
        """Return lines for check mode about unsent data, and about queues that cannot be read.

        A running collector may write to a queue at this moment, so that it cannot be read; this is not worth a line.
        """
        stored_data = self._read_stored_data()
        if self.was_active:
            stored_data = stored_data._replace(unreadable_paths=[])
        if self.discards:
            return _write_sentences(stored_data, "are not sent, and would be lost", ", and would be lost")
        refusal_text = f"the removal is refused, unless you set `{DISCARD_CONSENT}`"
        return _write_sentences(stored_data, f"are not sent; if they stay, {refusal_text}", f"; {refusal_text}")

    def _read_stored_data(self) -> StoredData:
        """Return the data in the queues on the disk; nothing if the removal leaves the state folder.

        It leaves a folder that was there before the first install.
        """
        unsent = UnsentRequests()
        unreadable: list[str] = []
        if self.store.had_state():
            return StoredData(unsent, unreadable)
        for folder in list_state_folders(self.store.root, state_folder(self.store.name)):
            for file in _list_files(folder, unreadable):
                try:
                    unsent = unsent.plus(_read_unsent(file))
                except (OSError, ValueError) as error:
                    unreadable.append(_describe_error(file, error))
        return StoredData(unsent, unreadable)

    def _wait_until_empty(self) -> None:
        """Wait until the queues are empty. Raises Problem if they do not get empty, and there is no consent.

        A file that cannot be read may be written at this moment. It is read again after the stop.
        """
        if self.discards:
            return
        deadline = self.machine.read_uptime() + (_WAIT_SECONDS if self.was_active else 0.0)
        stored_data = self._read_stored_data()
        while stored_data.unsent_requests.request_count and self.machine.read_uptime() < deadline:
            self.machine.sleep(_PAUSE_SECONDS)
            stored_data = self._read_stored_data()
        if stored_data.unsent_requests.request_count:
            raise self._build_unsent_refusal(stored_data.unsent_requests)

    def _start_again(self) -> None:
        if self.was_active and self.machine.run_systemctl("restart", self.store.service).exit_code:
            raise Failure("systemd does not start it again", asked=self._describe_task())

    def _build_unsent_refusal(self, unsent: UnsentRequests) -> Problem:
        wrong = f"its queue on the disk has {unsent} that it has not sent, and {self._describe_activity()}"
        fix = f"Let it send them, and stop what sends to it; or set `{DISCARD_CONSENT}`, and they are lost."
        return Problem(f"{wrong}; nothing was removed", asked=self._describe_task(), fix=fix)

    def _build_unreadable_refusal(self, unreadable: list[str]) -> Problem:
        """Return the refusal to remove a collector whose queue cannot be read."""
        paths = ", ".join(unreadable)
        wrong = f"its queue on the disk cannot be read at {paths}, so what it has not sent is not known"
        fix = (
            f"Repair the disk or the file, and run the same command again; or set `{DISCARD_CONSENT}`, and the data is"
            " lost."
        )
        return Problem(
            f"{wrong}; {self._describe_activity()}; nothing was removed", asked=self._describe_task(), fix=fix
        )

    def _describe_activity(self) -> str:
        is_active = self.machine.service(self.store.service).is_active
        return "it runs on" if is_active else "it does not run"

    def _describe_task(self) -> str:
        return f"Remove collector {self.store.name} of this host"


def _list_files(folder: Path, unreadable: list[str]) -> Iterator[Path]:
    """Yield the files below a folder, and add to `unreadable` the folders that cannot be listed.

    A link, a pipe or a socket is no file: it leads to data that is not removed, or would be waited for.
    """

    def note_error(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            unreadable.append(_describe_error(Path(error.filename), error))

    for parent, _folders, file_names in os.walk(str(folder), onerror=note_error):
        for file_name in sorted(file_names):
            file = Path(parent) / file_name
            if _is_regular(file):
                yield file


def _is_regular(file: Path) -> bool:
    """Return whether a path is a regular file. One that nobody can look at counts."""
    try:
        return stat.S_ISREG(file.lstat().st_mode)
    except FileNotFoundError:
        return False
    except OSError:  # the caller opens the file, and gets the reason
        return True


def _read_unsent(file: Path) -> UnsentRequests:
    """Return the unsent requests in a file; none if it is gone. Raises OSError or ValueError if it cannot be read."""
    try:
        with file.open("rb") as opened_file:
            if not os.fstat(opened_file.fileno()).st_size:  # an empty file cannot be mapped
                return UnsentRequests()
            with mmap.mmap(opened_file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                # Other files in the state folder may have any form. The file of a queue without the form of a database
                # is damaged, and does not tell what it has not sent.
                if file.name.startswith(_QUEUE_PREFIX) and not is_database(data):
                    raise ValueError("it is no database")
                return read_unsent_requests(data)
    except FileNotFoundError:
        return UnsentRequests()


def _describe_error(path: Path, error: Exception) -> str:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return f"{path} ({reason})"


def _write_sentences(stored_data: StoredData, end_of_unsent: str, end_of_unreadable: str) -> list[str]:
    """Return a sentence for what is not sent, and one for each file or folder that cannot be read."""
    sentences = []
    if stored_data.unsent_requests.request_count:
        sentences.append(f"{stored_data.unsent_requests} of its queue on the disk {end_of_unsent}")
    for unreadable_path in stored_data.unreadable_paths:
        sentences.append(f"{unreadable_path} of its queue on the disk cannot be read{end_of_unreadable}")
    return sentences
