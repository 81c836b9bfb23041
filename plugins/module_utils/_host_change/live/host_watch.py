# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until a release that was started is ready, then watch it and compare its metrics with those before. Private.

`live/host_change.py` makes a `Watch` after each switch to a release, calls `wait_until_ready` and then `judge_release`,
and rolls back if one of them raises Failure. For example, the messages of these failures are:

    nothing listens on port 4317/tcp within 30 s
    exporters/otlp: 30 of 40 traces failed (75 %), before 0 %

A component that is worse than before (host_judgement.py) fails the release if it is worse in two readings of the
metrics in a row: one reading may be an accident.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..._otelcol.errors import Failure, clean_text
from ..bundle_form import CONFIG
from ..host_judgement import EarlierCounts, list_busy_components, list_regressions
from ..host_metrics import HostCountKey, parse_host_counts, read_uptime_seconds
from ..host_plan import RELOAD
from ..host_release import CollectorBundle
from ..journal_lines import choose_telling_lines
from ..taken_ports import find_closed_ports
from .host_store import Store
from .machine import Machine, Service

# The seconds between two looks at a service that starts.
POLL_SECONDS = 0.2
# The seconds between two readings of the metrics.
READ_SECONDS = 3.0
# The Collector logs this line when it has started or reloaded. Source: service/service.go of the Collector.
_READY_LINE = "Everything is ready"
# A log level may hide the line, so the watch does not wait longer for it.
_READY_LINE_SECONDS = 3.0
# By how many seconds lines of the journal may be late.
_JOURNAL_SECONDS = 2.0
# After so many readings in a row that fail, the release counts as broken.
_MOST_UNREAD = 3


@dataclass(frozen=True)
class ReleaseStart:
    """When and by which activation of `host_plan` a release was started, and the service before that."""

    started_at: float
    """In seconds since 1970, by the clock of the host."""
    activation: str
    """RELOAD, RESTART, START or NOTHING."""
    earlier_service: Service


@dataclass(frozen=True)
class ReleaseJudgement:
    """How many readings of the metrics a release has passed, and the components that had data."""

    reading_count: int
    """0 if the release serves no metrics, or was not watched."""
    busy_components: tuple[str, ...]

    def describe_judgement(self, seconds: float) -> str:
        """Return in words by what the release was judged in so many seconds."""
        if self.busy_components:
            return f"judged by {self.reading_count} readings in {seconds:g} s: {', '.join(self.busy_components)}"
        reason = "no data came in" if self.reading_count else "it serves no metrics"
        return f"{reason}: judged by its process, ports and health alone"


def read_earlier_counts(machine: Machine, bundle: CollectorBundle) -> EarlierCounts:
    """Return the counts of the running collector; no counts if its metrics cannot be read."""
    try:
        text = machine.get(bundle.metrics_url) if bundle.metrics_url else ""
        return EarlierCounts(parse_host_counts(text), read_uptime_seconds(text))
    except (OSError, ValueError):
        return EarlierCounts({}, 0.0)


class Watch:
    """The watch over one release after its start.

    Raises Failure with the reason, and with the fact `journal`: the lines of the journal that tell why. `mask` hides
    credentials in these lines.
    """

    def __init__(
        self, machine: Machine, store: Store, bundle: CollectorBundle, started: ReleaseStart, mask: Callable[[str], str]
    ) -> None:
        self.machine, self.store, self.bundle, self.started, self.mask = machine, store, bundle, started, mask

    def wait_until_ready(self) -> int:
        """Wait until the service runs, listens on its ports and is healthy. Return the number of its process."""
        started_at = self.machine.read_uptime()
        while True:
            service = self.machine.service(self.store.service)
            self._check_alive(service)
            waited_seconds = self.machine.read_uptime() - started_at
            missing_text = self._find_missing(service, waited_seconds)
            if not missing_text:
                return service.pid
            if waited_seconds > self.bundle.ready_seconds:
                raise self._build_failure(f"{missing_text} within {self.bundle.ready_seconds:g} s")
            self.machine.sleep(POLL_SECONDS)

    def _check_alive(self, service: Service) -> None:
        """Raise Failure as soon as the process has ended: systemd starts it again, which hides that it ended."""
        earlier = self.started.earlier_service
        was_reloaded = self.started.activation == RELOAD
        # systemd counts restarts from 0 on again if a command starts the unit, and counts on if its process reloads.
        has_restarted = service.restart_count > (earlier.restart_count if was_reloaded else 0)
        is_another_process = was_reloaded and service.pid != earlier.pid
        has_failed = service.active_state == "failed" or service.sub_state == "auto-restart"
        if has_restarted or is_another_process or has_failed:
            raise self._build_failure("the process ended")

    def _find_missing(self, service: Service, waited_seconds: float) -> str:
        """Return what a service still lacks to be ready after so many seconds; empty if it is ready."""
        if not service.is_active:
            return f"the unit is {service.active_state} ({service.sub_state}), not active"
        ports = find_closed_ports(self.bundle.ports, self.machine.list_listeners())
        if ports:
            return f"nothing listens on port {ports[0].number}/{ports[0].protocol}"
        if self.bundle.health_url and not self._is_healthy():
            return f"{self.bundle.health_url} does not say that it is healthy"
        is_young = waited_seconds < _READY_LINE_SECONDS
        # After a reload, the process, its ports and its health are as before: only this line tells that it is done.
        if is_young and _READY_LINE not in self.machine.journal(self.store.service, self.started.started_at):
            return "it does not say that it is ready"
        return ""

    def _is_healthy(self) -> bool:
        try:
            self.machine.get(self.bundle.health_url)
        except (OSError, ValueError):
            return False
        return True

    def judge_release(self, pid: int, earlier_counts: EarlierCounts) -> ReleaseJudgement:
        """Watch the release for `watch_seconds` of its bundle, and compare its counts with those before.

        `pid` is the process that was ready. Raises Failure if it ends, and for a component that is worse in two
        readings in a row. If the last reading finds a worse one, the watch is longer by another reading.
        """
        bundle, started_at = self.bundle, self.machine.read_uptime()
        reading_count, unread_count = 0, 0
        busy_components: list[str] = []
        worse_before: set[str] = set()  # the components that were worse in the last reading
        config = self._read_config()
        while self.machine.read_uptime() - started_at < bundle.watch_seconds + (READ_SECONDS if worse_before else 0.0):
            self.machine.sleep(min(READ_SECONDS, bundle.watch_seconds))
            self._check_process(pid)
            if not bundle.metrics_url:
                continue
            new_counts = self._read_counts()
            if new_counts is None:
                unread_count += 1
                if unread_count >= _MOST_UNREAD:
                    raise self._build_failure(f"its metrics at {bundle.metrics_url} cannot be read")
                worse_before = set()  # the next reading does not follow one that was worse
                continue
            unread_count = 0
            regressions = list_regressions(earlier_counts, new_counts, self.machine.read_uptime() - started_at, config)
            lasting_lines = [one.line for one in regressions if one.component_id in worse_before]
            if lasting_lines:
                raise self._build_failure("; ".join(lasting_lines))
            worse_before = {one.component_id for one in regressions}
            reading_count += 1
            busy_components = list_busy_components(new_counts)
        return ReleaseJudgement(reading_count, tuple(busy_components))

    def _read_config(self) -> str:
        """Return the config of the release in use."""
        releases = self.store.releases
        return releases.read_files(releases.find_current())[CONFIG].data.decode("utf-8", "replace")

    def _read_counts(self) -> Mapping[HostCountKey, int] | None:
        """Return the counts of the collector; None if its metrics cannot be read."""
        try:
            return parse_host_counts(self.machine.get(self.bundle.metrics_url))
        except (OSError, ValueError):
            return None

    def _check_process(self, pid: int) -> None:
        """Raise Failure if the process that was ready has ended."""
        service = self.machine.service(self.store.service)
        if not service.is_active or service.pid != pid:
            raise self._build_failure("the process ended while it was watched")

    def _build_failure(self, reason: str) -> Failure:
        return Failure(reason, facts={"journal": self.wait_for_telling_lines()})

    def wait_for_telling_lines(self) -> list[str]:
        """Return the lines of the journal that tell why the service does not run, without secrets.

        On a busy host, systemd knows the end of a process before the journal has its last lines: this waits for them.
        """
        deadline = self.machine.read_uptime() + _JOURNAL_SECONDS
        lines = self._read_telling_lines()
        while not lines and self.machine.read_uptime() < deadline:
            self.machine.sleep(POLL_SECONDS)
            lines = self._read_telling_lines()
        return [clean_text(self.mask(line)) for line in lines]

    def _read_telling_lines(self) -> list[str]:
        return list(choose_telling_lines(self.machine.journal(self.store.service, self.started.started_at)))
