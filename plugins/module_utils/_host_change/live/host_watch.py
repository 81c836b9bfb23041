# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits until a release works, and judges it. Private."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from ..._otelcol.errors import Failure, cleaned
from ..bundle_form import CONFIG
from ..host_judgement import Before, busy_components, counts, seconds_up, verdicts
from ..host_plan import RELOAD
from ..host_release import Bundle
from ..journal_lines import telling_lines
from ..taken_ports import closed
from .host_store import Store
from .machine import Machine, Service

POLL_SECONDS, READ_SECONDS = 0.2, 3.0
# What the Collector logs when it has started or reloaded. Its level may hide it, so the wait for it is bounded.
_READY, _SETTLED_SECONDS = "Everything is ready", 3.0
_JOURNAL_SECONDS = 2.0  # that lines of the journal may be late
_UNREAD = 3


@dataclass(frozen=True)
class Started:
    """When and how a release was taken, and the process before it."""

    at: float
    way: str
    earlier: Service


@dataclass(frozen=True)
class Judged:
    """By how many readings a release was judged, and the components that had data."""

    readings: int
    busy: tuple[str, ...]

    def note(self, seconds: float) -> str:
        """Return in words what was judged; without data, nothing but the process was."""
        if self.busy:
            return f"judged by {self.readings} readings in {seconds:g} s: {', '.join(self.busy)}"
        why = "no data came in" if self.readings else "it serves no metrics"
        return f"{why}: judged by its process, ports and health alone"


def reading_before(machine: Machine, bundle: Bundle) -> Before:
    """Return what the running collector counts; nothing if it serves no metrics."""
    try:
        text = machine.get(bundle.metrics) if bundle.metrics else ""
    except (OSError, ValueError):
        text = ""
    return Before(counts(text), seconds_up(text))


class Watch:
    """One release after its switch. Raises Failure with the reason and the lines of the journal that matter."""

    def __init__(
        self, machine: Machine, store: Store, bundle: Bundle, started: Started, mask: Callable[[str], str]
    ) -> None:
        self.machine, self.store, self.bundle, self.started, self.mask = machine, store, bundle, started, mask
        self.pid = 0

    def ready(self) -> None:
        """Wait until the unit runs, listens and says that it is healthy."""
        end = self.machine.now() + self.bundle.ready_seconds
        while True:
            service = self.machine.service(self.store.service)
            self._check_alive(service)
            why = self._missing(service)
            if not why:
                self.pid = service.pid
                return
            if self.machine.now() > end:
                raise self._failure(f"{why} within {self.bundle.ready_seconds:g} s")
            self.machine.sleep(POLL_SECONDS)

    def _check_alive(self, service: Service) -> None:
        """Raise Failure as soon as the process has ended: its unit starts it again, and would hide it."""
        earlier = self.started.earlier
        was_reloaded = self.started.way == RELOAD
        has_restarted = service.restarts > (earlier.restarts if was_reloaded else 0)
        is_another_process = was_reloaded and service.pid != earlier.pid
        has_failed = service.active == "failed" or service.sub == "auto-restart"
        if has_restarted or is_another_process or has_failed:
            raise self._failure("the process ended")

    def _missing(self, service: Service) -> str:
        if not service.is_active:
            return f"the unit is {service.active} ({service.sub}), not active"
        ports = closed(self.bundle.ports, self.machine.listeners())
        if ports:
            return f"nothing listens on port {ports[0].number}/{ports[0].protocol}"
        if self.bundle.health and not self._is_healthy():
            return f"{self.bundle.health} does not say that it is healthy"
        young = self.machine.now() - self.started.at < _SETTLED_SECONDS
        if young and _READY not in self.machine.journal(self.store.service, self.started.at):
            return "it does not say that it is ready"
        return ""

    def _is_healthy(self) -> bool:
        try:
            self.machine.get(self.bundle.health)
        except (OSError, ValueError):
            return False
        return True

    def judge(self, before: Before) -> Judged:
        """Watch the release as long as asked, and return what was judged. What fails twice in a row is worse.

        What the last reading found is read once more.
        """
        start, readings, unread = self.machine.now(), 0, 0
        busy: list[str] = []
        seen: set[str] = set()
        config = self.store.files(self.store.in_use())[CONFIG].data.decode("utf-8", "replace")
        while self.machine.now() - start < self.bundle.watch_seconds + (READ_SECONDS if seen else 0.0):
            self.machine.sleep(min(READ_SECONDS, self.bundle.watch_seconds))
            self._check_process()
            if not self.bundle.metrics:
                continue
            counted = self._counted()
            unread = unread + 1 if counted is None else 0
            if unread >= _UNREAD:
                raise self._failure(f"its metrics at {self.bundle.metrics} cannot be read")
            found = verdicts(before, counted, self.machine.now() - start, config) if counted is not None else []
            lasting = [line for line in found if _about(line) in seen]
            if lasting:
                raise self._failure("; ".join(lasting))
            seen = {_about(line) for line in found}
            if counted is not None:
                readings, busy = readings + 1, busy_components(counted)
        return Judged(readings, tuple(busy))

    def _counted(self) -> Counter | None:  # type: ignore[type-arg]
        try:
            return counts(self.machine.get(self.bundle.metrics))
        except (OSError, ValueError):
            return None

    def _check_process(self) -> None:
        service = self.machine.service(self.store.service)
        if not service.is_active or service.pid != self.pid:
            raise self._failure("the process ended while it was watched")

    def _failure(self, why: str) -> Failure:
        return Failure(why, facts={"journal": self.telling()})

    def telling(self) -> list[str]:
        """Return the lines of the journal that tell why it does not run; masked.

        Waits for them a little: on a busy host, systemd knows the end of a process before the journal has its words.
        """
        end = self.machine.now() + _JOURNAL_SECONDS
        lines = self._telling_lines()
        while not lines and self.machine.now() < end:
            self.machine.sleep(POLL_SECONDS)
            lines = self._telling_lines()
        return [cleaned(self.mask(line)) for line in lines]

    def _telling_lines(self) -> list[str]:
        return list(telling_lines(self.machine.journal(self.store.service, self.started.at)))


def _about(line: str) -> str:
    return line.partition(":")[0]
