# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""See a probe arrive at backends, and say what is missing there. Private.

Module otlp_probe makes a `BackendEvidence` of its option `backends`. It asks each backend that keeps a signal (traces,
metrics or logs) for the record of the probe. If a backend lacks it, the hint for the user is for example:

    tempo at https://tempo.example: it has no record of the probe, or not for this tenant. Read the log of the collector
    that exports to it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..backend_kinds import BACKENDS, select_probe_records
from ..backend_queries import ProbeSearch
from ..backend_records import describe_missing_attributes
from .arrivals import Arrival, ArrivalsBySignal
from .backend_aws import AwsBackend
from .backend_http import HttpBackend
from .backend_options import list_kept_signals
from .probe_options import BackendOptions


class _AskedBackend(NamedTuple):
    """A backend: its options, and the client that asks it."""

    options: BackendOptions
    client: AwsBackend | HttpBackend

    @property
    def name_of_data(self) -> str:
        """The index or the log group to look into; empty if the options name none."""
        return self.options.get("index") or self.options.get("log_group") or ""


class _SearchResult(NamedTuple):
    """What a backend has of a probe."""

    missing: str
    """What it lacks, for a message; empty if it has the record with all wanted attributes."""
    attribute_names: Sequence[str] = ()
    """The attributes of the record."""


class BackendEvidence:
    """Sees a signal arrive when each backend that keeps the signal has its record, with all wanted attributes."""

    def __init__(
        self,
        options: Sequence[BackendOptions],
        probe_id: str,
        service: str,
        clock: Callable[[], float] = time.time,
        pool: Any = None,
    ) -> None:
        self._id, self._service, self._now = probe_id, service, clock
        self._backends = [_AskedBackend(row, choose_backend_client(row, pool)) for row in options]
        self._last_problem_by_signal: dict[str, str] = {}

    def keeps(self, signal: str) -> bool:
        """Return whether one of the backends keeps a signal."""
        return bool(self._list_backends_of(signal))

    def _list_backends_of(self, signal: str) -> list[_AskedBackend]:
        return [backend for backend in self._backends if signal in list_kept_signals(backend.options)]

    def look(self, signals: list[str]) -> ArrivalsBySignal:
        """Return the signals that arrived, each with where it was seen and the evidence."""
        arrivals = {}
        for signal in signals:
            arrival = self._find_arrival(signal)
            if arrival:
                arrivals[signal] = arrival
        return arrivals

    def _find_arrival(self, signal: str) -> Arrival | None:
        """Return the arrival of a signal if all backends that keep it have its record; None if one lacks it.

        In that case it notes for `hint` what the backend lacks.
        """
        places, evidence_lines = [], []
        for backend in self._list_backends_of(signal):
            result = self._search_backend(signal, backend)
            if result.missing:
                self._last_problem_by_signal[signal] = f"{backend.client.place}: {result.missing}."
                return None
            places.append(backend.client.place)
            evidence_lines.append(f"{backend.client.place}: {', '.join(result.attribute_names)}")
        return Arrival(" and ".join(places), evidence_lines) if places else None

    def _search_backend(self, signal: str, backend: _AskedBackend) -> _SearchResult:
        """Ask a backend for the record of a signal."""
        kind = BACKENDS[backend.options["kind"]]
        wanted_attributes = backend.options.get("attributes") or {}
        probe_search = ProbeSearch(
            signal=signal,
            probe_id=self._id,
            service=self._service,
            current_time=self._now(),
            attributes=tuple(wanted_attributes),
            data_name=backend.name_of_data,
        )
        question = kind.build_question(probe_search)  # of the form that the client of this kind takes
        answer = backend.client.ask_backend(question)  # type: ignore[arg-type]
        if answer.problem:
            return _SearchResult(answer.problem)
        records = select_probe_records(kind, answer.content, self._id)
        if not records:
            return _SearchResult(f"it has no record of the probe{kind.absence_note}")
        missing_attributes = describe_missing_attributes(records, wanted_attributes)
        return _SearchResult("; ".join(missing_attributes), sorted(records[0]))

    def hint(self, signal: str) -> str:
        """Return what the last backend that was asked lacks of a signal."""
        last_problem = self._last_problem_by_signal.get(signal, "No backend was asked.")
        return f"{last_problem} Read the log of the collector that exports to it."


def choose_backend_client(options: BackendOptions, pool: Any = None) -> AwsBackend | HttpBackend:
    """Return the client for a backend with these options. `pool` is a pool of urllib3, which tests replace."""
    return AwsBackend(options) if BACKENDS[options["kind"]].is_aws else HttpBackend(options, pool)
