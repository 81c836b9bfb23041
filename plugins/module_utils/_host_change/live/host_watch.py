# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits until a release works, and judges it. Private."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from ..._otelcol.errors import Failure, clean_text
from ..bundle_form import CONFIG
from ..host_judgement import EarlierCounts, list_busy_components, list_regressions, parse_counts, read_uptime_seconds
from ..host_plan import RELOAD
from ..host_release import Bundle
from ..journal_lines import choose_telling_lines
from ..taken_ports import find_closed_ports
from .host_store import Store
from .machine import Machine, Service

POLL_SECONDS, READ_SECONDS = 0.2, 3.0
# What the Collector logs when it has started or reloaded. Its level may hide it, so the wait for it is bounded.
_READY_LINE, _SETTLED_SECONDS = "Everything is ready", 3.0
_JOURNAL_SECONDS = 2.0  # that lines of the journal may be late
_MOST_UNREAD = 3


@dataclass(frozen=True)
class ReleaseStart:
    """When and how a release was taken, and the process before it."""

    started_at: float
    activation: str
    earlier_service: Service


@dataclass(frozen=True)
class ReleaseJudgement:
    """By how many readings a release was judged, and the components that had data."""

    reading_count: int
    busy_components: tuple[str, ...]

    def describe_judgement(self, seconds: float) -> str:
        """Return in words what was judged; without data, nothing but the process was."""
        if self.busy_components:
            return f"judged by {self.reading_count} readings in {seconds:g} s: {', '.join(self.busy_components)}"
        reason = "no data came in" if self.reading_count else "it serves no metrics"
        return f"{reason}: judged by its process, ports and health alone"


def read_earlier_counts(machine: Machine, bundle: Bundle) -> EarlierCounts:
    """Return what the running collector counts; nothing if it serves no metrics that can be read."""
    try:
        text = machine.get(bundle.metrics_url) if bundle.metrics_url else ""
        return EarlierCounts(parse_counts(text), read_uptime_seconds(text))
    except (OSError, ValueError):
        return EarlierCounts({}, 0.0)


class Watch:
    """One release after its switch. Raises Failure with the reason and the lines of the journal that matter."""

    def __init__(
        self, machine: Machine, store: Store, bundle: Bundle, started: ReleaseStart, mask: Callable[[str], str]
    ) -> None:
        self.machine, self.store, self.bundle, self.started, self.mask = machine, store, bundle, started, mask
        self.pid = 0

    def wait_until_ready(self) -> None:
        """Wait until the unit runs, listens and says that it is healthy."""
        deadline = self.machine.now() + self.bundle.ready_seconds
        while True:
            service = self.machine.service(self.store.service)
            self._check_alive(service)
            missing_text = self._find_missing(service)
            if not missing_text:
                self.pid = service.pid
                return
            if self.machine.now() > deadline:
                raise self._build_failure(f"{missing_text} within {self.bundle.ready_seconds:g} s")
            self.machine.sleep(POLL_SECONDS)

    def _check_alive(self, service: Service) -> None:
        """Raise Failure as soon as the process has ended: its unit starts it again, and would hide it."""
        earlier = self.started.earlier_service
        was_reloaded = self.started.activation == RELOAD
        has_restarted = service.restart_count > (earlier.restart_count if was_reloaded else 0)
        is_another_process = was_reloaded and service.pid != earlier.pid
        has_failed = service.active_state == "failed" or service.sub_state == "auto-restart"
        if has_restarted or is_another_process or has_failed:
            raise self._build_failure("the process ended")

    def _find_missing(self, service: Service) -> str:
        if not service.is_active:
            return f"the unit is {service.active_state} ({service.sub_state}), not active"
        ports = find_closed_ports(self.bundle.ports, self.machine.list_listeners())
        if ports:
            return f"nothing listens on port {ports[0].number}/{ports[0].protocol}"
        if self.bundle.health_url and not self._is_healthy():
            return f"{self.bundle.health_url} does not say that it is healthy"
        is_young = self.machine.now() - self.started.started_at < _SETTLED_SECONDS
        if is_young and _READY_LINE not in self.machine.journal(self.store.service, self.started.started_at):
            return "it does not say that it is ready"
        return ""

    def _is_healthy(self) -> bool:
        try:
            self.machine.get(self.bundle.health_url)
        except (OSError, ValueError):
            return False
        return True

    def judge_release(self, earlier_counts: EarlierCounts) -> ReleaseJudgement:
        """Watch the release as long as asked, and return what was judged. What fails twice in a row is worse.

        What the last reading found is read once more.
        """
        started_at, readings, unread_count = self.machine.now(), 0, 0
        busy_names: list[str] = []
        seen_components: set[str] = set()
        releases = self.store.releases
        config = releases.read_files(releases.find_current())[CONFIG].data.decode("utf-8", "replace")
        while self.machine.now() - started_at < self.bundle.watch_seconds + (READ_SECONDS if seen_components else 0.0):
            self.machine.sleep(min(READ_SECONDS, self.bundle.watch_seconds))
            self._check_process()
            if not self.bundle.metrics_url:
                continue
            new_counts = self._read_counts()
            unread_count = unread_count + 1 if new_counts is None else 0
            if unread_count >= _MOST_UNREAD:
                raise self._build_failure(f"its metrics at {self.bundle.metrics_url} cannot be read")
            regressions = (
                list_regressions(earlier_counts, new_counts, self.machine.now() - started_at, config)
                if new_counts is not None
                else []
            )
            lasting_regressions = [line for line in regressions if _component_of(line) in seen_components]
            if lasting_regressions:
                raise self._build_failure("; ".join(lasting_regressions))
            seen_components = {_component_of(line) for line in regressions}
            if new_counts is not None:
                readings, busy_names = readings + 1, list_busy_components(new_counts)
        return ReleaseJudgement(readings, tuple(busy_names))

    def _read_counts(self) -> Counter | None:  # type: ignore[type-arg]
        try:
            return parse_counts(self.machine.get(self.bundle.metrics_url))
        except (OSError, ValueError):
            return None

    def _check_process(self) -> None:
        service = self.machine.service(self.store.service)
        if not service.is_active or service.pid != self.pid:
            raise self._build_failure("the process ended while it was watched")

    def _build_failure(self, reason: str) -> Failure:
        return Failure(reason, facts={"journal": self.wait_for_telling_lines()})

    def wait_for_telling_lines(self) -> list[str]:
        """Return the lines of the journal that tell why it does not run; masked.

        Waits for them a little: on a busy host, systemd knows the end of a process before the journal has its words.
        """
        deadline = self.machine.now() + _JOURNAL_SECONDS
        lines = self._read_telling_lines()
        while not lines and self.machine.now() < deadline:
            self.machine.sleep(POLL_SECONDS)
            lines = self._read_telling_lines()
        return [clean_text(self.mask(line)) for line in lines]

    def _read_telling_lines(self) -> list[str]:
        return list(choose_telling_lines(self.machine.journal(self.store.service, self.started.started_at)))


def _component_of(line: str) -> str:
    return line.partition(":")[0]
