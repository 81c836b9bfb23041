# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Empty the queues on the disk of a collector before its removal. Private.

A removal also removes the folder with the queues, and with them the data that the collector has not sent yet. So
`live/collector_removal.py` makes a `Drain`, which lets a running collector send this data, and then stops it. If data
is left nevertheless, the removal is refused, unless the user consents to the loss by `otel_host_discard_unsent: true`:

    its queue on the disk has 7 requests (1.2 KiB) that it has not sent, and it runs on; nothing was removed

`stored_queue_files.py` reads the queues. Source: exporterhelper of the Collector.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ..._otelcol.errors import Failure, Problem
from ..bundle_form import state_folder
from ..stored_queue import UnsentRequests
from .host_store import Store
from .machine import Machine
from .state_folders import list_state_folders
from .stored_queue_files import StoredData, read_stored_data

# How many seconds a removal waits for the queues of a running collector to be empty. A backend that answers takes all
# requests in flight within one; the first pauses between tries are 5 s and 7.5 s (exporterhelper, retry_on_failure).
_WAIT_SECONDS = 10.0
# Seconds between two looks. A busy queue is empty for moments only.
_PAUSE_SECONDS = 0.25
# When a collector stops, data in its receivers and processors goes into the queue and is not sent any more
# (exporterhelper, persistent_queue.go: Shutdown). So the collector starts and stops up to so many more times, until a
# stop leaves the queue empty.
_FURTHER_STOPS = 3
# The option by which a user consents to the loss.
DISCARD_CONSENT = "otel_host_discard_unsent: true"


class _LossWords(NamedTuple):
    """How the sentences about data that is not sent end."""

    unsent: str
    """Follows `7 requests (1.2 KiB) of its queue on the disk `."""
    unreadable: str
    """Follows `/var/lib/otelcol/agent/q (No such device) of its queue on the disk cannot be read`."""


_IS_LOST = _LossWords(unsent="were not sent, and are lost", unreadable=", and is lost")
_WOULD_BE_LOST = _LossWords(unsent="are not sent, and would be lost", unreadable=", and would be lost")
_WOULD_BE_REFUSED = _LossWords(
    unsent=f"are not sent; if they stay, the removal is refused, unless you set `{DISCARD_CONSENT}`",
    unreadable=f"; the removal is refused, unless you set `{DISCARD_CONSENT}`",
)


class Drain:
    """Drains one collector before its removal. `discards` is the consent to the loss of unsent data."""

    def __init__(self, machine: Machine, store: Store, discards: bool) -> None:
        self.machine, self.store, self.discards = machine, store, discards
        self.was_active = machine.service(store.service).is_active

    def forecast_losses(self) -> list[str]:
        """Return lines for check mode about unsent data, and about queues that cannot be read.

        A running collector may write to a queue at this moment, so that it cannot be read; this is not worth a line.
        """
        stored_data = _read_queues(self.store)
        if self.was_active:
            stored_data = stored_data._replace(unreadable_paths=[])
        return _write_sentences(stored_data, _WOULD_BE_LOST if self.discards else _WOULD_BE_REFUSED)

    def stop_collector(self, stop_service: Callable[[], None]) -> list[str]:
        """Stop the collector by `stop_service`, and return lines about the data that is lost with consent.

        Without consent, the collector stops once its queues are empty. If they do not get empty, or cannot be read,
        this raises Problem. A collector that ran before is running then.
        """
        if self.discards:
            stop_service()
            return describe_losses(self.store)
        self._wait_until_empty()
        stop_service()
        if self.was_active:
            self._stop_until_empty(stop_service)
        self._refuse_losses()
        return []

    def _wait_until_empty(self) -> None:
        """Wait until a running collector has emptied its queues. Raises Problem if they do not get empty.

        A file that cannot be read may be written at this moment. It is read again after the stop.
        """
        deadline = self.machine.read_uptime() + (_WAIT_SECONDS if self.was_active else 0.0)
        unsent_requests = _read_queues(self.store).unsent_requests
        while unsent_requests.request_count and self.machine.read_uptime() < deadline:
            self.machine.sleep(_PAUSE_SECONDS)
            unsent_requests = _read_queues(self.store).unsent_requests
        if unsent_requests.request_count:
            raise self._build_unsent_refusal(unsent_requests)

    def _stop_until_empty(self, stop_service: Callable[[], None]) -> None:
        """Start and stop the collector again while a stop has left data in the queues."""
        for _further in range(_FURTHER_STOPS):
            if not _read_queues(self.store).unsent_requests.request_count:
                return
            self._start_if_it_ran()
            self._wait_until_empty()
            stop_service()

    def _refuse_losses(self) -> None:
        """Raise Problem if a stopped collector has data in its queues, or may have. Before that, start what ran."""
        stored_data = _read_queues(self.store)
        if stored_data.unsent_requests.request_count:
            self._start_if_it_ran()
            raise self._build_unsent_refusal(stored_data.unsent_requests)
        if stored_data.unreadable_paths:
            self._start_if_it_ran()
            raise self._build_unreadable_refusal(stored_data.unreadable_paths)

    def _start_if_it_ran(self) -> None:
        """Start the collector again if it ran before the removal. Raises Failure if systemd does not start it."""
        if self.was_active and self.machine.run_systemctl("restart", self.store.service).exit_code:
            raise Failure("systemd does not start it again", asked=self._describe_task())

    # ── Refusals ──

    def _build_unsent_refusal(self, unsent: UnsentRequests) -> Problem:
        """Return the refusal to remove a collector that has unsent data in its queues."""
        wrong = f"its queue on the disk has {unsent} that it has not sent, and {self._describe_activity()}"
        fix = f"Let it send them, and stop what sends to it; or set `{DISCARD_CONSENT}`, and they are lost."
        return Problem(f"{wrong}; nothing was removed", asked=self._describe_task(), fix=fix)

    def _build_unreadable_refusal(self, unreadable_paths: list[str]) -> Problem:
        """Return the refusal to remove a collector whose queue cannot be read."""
        paths = ", ".join(unreadable_paths)
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


def describe_losses(store: Store) -> list[str]:
    """Return lines about the data that is lost with a collector that has stopped and is now removed."""
    return _write_sentences(_read_queues(store), _IS_LOST)


def _read_queues(store: Store) -> StoredData:
    """Return the data that a removal would take away with the state folder of a collector.

    There is none if the folder was there before the first install, as the removal leaves such a folder.
    """
    if store.had_state():
        return read_stored_data([])
    return read_stored_data(list_state_folders(store.root, state_folder(store.name)))


def _write_sentences(stored_data: StoredData, words: _LossWords) -> list[str]:
    """Return a sentence for what is not sent, and one for each file or folder that cannot be read."""
    sentences = []
    if stored_data.unsent_requests.request_count:
        sentences.append(f"{stored_data.unsent_requests} of its queue on the disk {words.unsent}")
    for unreadable_path in stored_data.unreadable_paths:
        sentences.append(f"{unreadable_path} of its queue on the disk cannot be read{words.unreadable}")
    return sentences
