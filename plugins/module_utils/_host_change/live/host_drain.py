# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the queues of a collector still have when it is removed: it is sent, or its loss needs consent. Private."""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from ..._otelcol.errors import Failure, Problem
from ..bundle_form import state_folder
from ..stored_queue import Unsent, unsent_of
from .host_store import Store
from .machine import Machine

# How long a removal waits for the queues of a running collector to be empty, in seconds. A backend that answers takes
# what is in flight within one; the first pauses between tries are 5 and 7.5 (exporterhelper, retry_on_failure).
_SECONDS = 10.0
# Seconds between two looks. A busy queue is empty for moments only.
_PAUSE = 0.25
# A collector that stops flushes what its receivers and processors hold into the queue, and does not send it any more
# (exporterhelper, persistent_queue.go: Shutdown). So it starts and stops this often until a stop leaves nothing.
_FURTHER_STOPS = 3
CONSENT = "otel_host_discard_unsent: true"


class Drain:
    """The removal of the data of one collector; `discards` consents to the loss of what is not sent."""

    def __init__(self, machine: Machine, store: Store, discards: bool) -> None:
        self.machine, self.store, self.discards = machine, store, discards
        self.was_active = machine.service(store.service).is_active

    def unsent(self) -> Unsent:
        """Return what the queues on the disk have not sent. What cannot be read at this moment is not counted."""
        found = Unsent()
        for folder in () if self.store.had_state else self.store.state_places(state_folder(self.store.name)):
            for file in _files(folder):
                found = found.plus(_unsent_of_file(file))
        return found

    def _wait(self) -> None:
        """Wait until the queues are empty. Raises Problem if they are not, and nobody has consented to the loss."""
        if self.discards:
            return
        unsent, end = self.unsent(), self.machine.now() + (_SECONDS if self.was_active else 0.0)
        while unsent.requests and self.machine.now() < end:
            self.machine.sleep(_PAUSE)
            unsent = self.unsent()
        if unsent.requests:
            raise self._refusal(unsent)

    def stop(self, stop: Callable[[], None]) -> list[str]:
        """Stop the collector by `stop` when its queues are empty, and return what is lost.

        Raises Problem for unsent data to whose loss nobody has consented. The collector runs then, if it ran.
        """
        self._wait()
        stop()
        for _further in range(_FURTHER_STOPS if self.was_active and not self.discards else 0):
            if not self.unsent().requests:
                break
            self._start_again()
            self._wait()
            stop()
        return self.note_of_loss()

    def note_of_loss(self) -> list[str]:
        """Return what is lost with a collector that has stopped. Raises Problem without consent, and it runs again."""
        unsent = self.unsent()
        if unsent.requests and not self.discards:
            self._start_again()
            raise self._refusal(unsent)
        return [f"{unsent} of its queue on the disk were not sent, and are lost"] if unsent.requests else []

    def forecast(self) -> list[str]:
        """Return what check mode says of unsent data."""
        unsent = self.unsent()
        end = "would be lost" if self.discards else f"keep it from that, unless you set `{CONSENT}`"
        return [f"{unsent} of its queue on the disk are not sent, and {end}"] if unsent.requests else []

    def _start_again(self) -> None:
        if self.was_active and self.machine.systemctl("restart", self.store.service).code:
            raise Failure("systemd does not start it again", asked=self._asked())

    def _refusal(self, unsent: Unsent) -> Problem:
        is_active = self.machine.service(self.store.service).is_active
        runs = "it runs on" if is_active else "it does not run"
        wrong = f"its queue on the disk has {unsent} that it has not sent, and {runs}; nothing was removed"
        fix = f"Let it send them, and stop what sends to it; or set `{CONSENT}`, and they are lost."
        return Problem(wrong, asked=self._asked(), fix=fix)

    def _asked(self) -> str:
        return f"Remove collector {self.store.name} of this host"


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder; links lead to no others."""
    for place, _folders, names in os.walk(str(folder)):
        yield from (Path(place) / name for name in sorted(names))


def _unsent_of_file(file: Path) -> Unsent:
    """Return what a file has; nothing for one that is written at this moment, or that is gone."""
    try:
        with file.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return unsent_of(data)
    except (OSError, ValueError):
        return Unsent()
