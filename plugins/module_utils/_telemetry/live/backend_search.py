# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""See a probe arrive at backends, and say what is missing there. Private.

Module otlp_probe makes a `BackendEvidence` of its option `backends`. With option `arrival` too, a `CombinedEvidence`
joins it with the evidence in pods.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from ..._otelcol.errors import Problem
from ..backend_kinds import BACKENDS, BackendKind, select_probe_records
from ..backend_queries import ProbeSearch
from ..backend_records import describe_missing_attributes
from .backend_aws import AwsBackend
from .backend_http import ACTION, HttpBackend
from .probe_options import ArrivalOptions, BackendOptions

# The options that only kinds of AWS read, and those that only other kinds read.
AWS_OPTIONS, HTTP_OPTIONS = ("region", "profile", "role_arn", "log_group"), ("headers", "index")


class Arrival(NamedTuple):
    """Where a signal was seen, such as `the log of pod a/b`, and the lines that show it."""

    place: str
    evidence_lines: list[str]


# The signals that arrived. Others are missing.
ArrivalsBySignal = dict[str, Arrival]


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


def list_kept_signals(options: BackendOptions) -> tuple[str, ...]:
    """Return the signals that a backend is asked for: those of its options, otherwise all that its kind keeps."""
    return tuple(options.get("signals") or BACKENDS[options["kind"]].signals)


class CombinedEvidence:
    """Sees a signal arrive when all kinds of evidence see it, such as a pod and a backend."""

    def __init__(self, evidence_kinds: Sequence[Any]) -> None:
        self._evidence_kinds = evidence_kinds
        self._blind_evidence_by_signal: dict[str, Any] = {}
        """The evidence that did not see a signal when it last looked."""

    def look(self, signals: list[str]) -> ArrivalsBySignal:
        """Return the signals that all kinds of evidence see. Each kind looks once, for the signals that it keeps.

        A kind without the method `keeps` keeps all signals.
        """
        arrivals_by_signal: dict[str, list[Arrival]] = {signal: [] for signal in signals}
        for evidence in self._evidence_kinds:
            keeps = getattr(evidence, "keeps", bool)  # any signal is true
            kept_signals = [signal for signal in arrivals_by_signal if keeps(signal)]
            seen_arrivals = evidence.look(kept_signals) if kept_signals else {}
            for signal in kept_signals:
                if signal in seen_arrivals:
                    arrivals_by_signal[signal].append(seen_arrivals[signal])
                else:
                    self._blind_evidence_by_signal[signal] = evidence
                    del arrivals_by_signal[signal]
        return {signal: _join_arrivals(arrivals) for signal, arrivals in arrivals_by_signal.items()}

    def hint(self, signal: str) -> str:
        """Return the hint of the evidence that did not see a signal."""
        blind_evidence = self._blind_evidence_by_signal.get(signal, self._evidence_kinds[0])
        return str(blind_evidence.hint(signal))


def _join_arrivals(arrivals: Sequence[Arrival]) -> Arrival:
    """Return the arrivals that several kinds of evidence saw as one arrival."""
    evidence_lines: list[str] = []
    for arrival in arrivals:
        evidence_lines += arrival.evidence_lines
    return Arrival(" and ".join(arrival.place for arrival in arrivals), evidence_lines)


def check_backend_options(
    options: Sequence[BackendOptions], signals: Sequence[str], arrival: ArrivalOptions | None
) -> None:
    """Raise Problem for a backend that cannot be asked with its options, and for signals that no backend keeps.

    With `arrival`, pods show the signals that no backend keeps.
    """
    kept_signals: set[str] = set()
    for index, backend_options in enumerate(options):
        for fault in _find_faults(backend_options):
            raise Problem(fault.wrong, asked=ACTION, where=f"backends[{index}]", fix=fault.fix)
        kept_signals.update(list_kept_signals(backend_options))
    signals_without_backend = [signal for signal in signals if signal not in kept_signals]
    if options and signals_without_backend and not arrival:
        kept_and_asked_signals = sorted(kept_signals.intersection(signals))
        fix = f"Add a backend for them, set `arrival`, or set `signals: {kept_and_asked_signals}`."
        raise Problem(f"no backend keeps {', '.join(signals_without_backend)}", asked=ACTION, where="backends", fix=fix)


class OptionFault(NamedTuple):
    """What is wrong with the options of a backend, and the fix."""

    wrong: str
    fix: str


def _find_faults(options: BackendOptions) -> Iterator[OptionFault]:
    """Yield what is wrong with the options of a backend."""
    kind, backend = options["kind"], BACKENDS[options["kind"]]
    foreign_options = HTTP_OPTIONS if backend.is_aws else AWS_OPTIONS
    unread_options = ", ".join(name for name in foreign_options if options.get(name))
    if unread_options:
        yield OptionFault(f"{kind} has no use for {unread_options}", f"Remove {unread_options}, or correct `kind`.")
    if not backend.is_aws and not options.get("url"):
        yield OptionFault("url is missing", f"Set `url`, the address of {kind}.")
    signals = options.get("signals") or []
    yield from _find_faults_of_signals(kind, backend, signals, has_group=bool(options.get("log_group")))


def _find_faults_of_signals(
    kind: str, backend: BackendKind, signals: Sequence[str], *, has_group: bool
) -> Iterator[OptionFault]:
    """Yield what is wrong with the signals that a backend is asked for, and with its log group."""
    foreign_signals = ", ".join(signal for signal in signals if signal not in backend.signals)
    if foreign_signals:
        yield OptionFault(
            f"{kind} keeps no {foreign_signals}", f"Set `signals` to some of {', '.join(backend.signals)}."
        )
    if has_group:
        yield from _find_faults_of_log_group(kind, backend, signals)
    if backend.grouped_signals and not signals:
        yield OptionFault("signals is missing", f"Set `signals`: those of {kind} are in places of their own.")
    if not has_group:
        grouped_signals = ", ".join(signal for signal in signals if signal in backend.grouped_signals)
        if grouped_signals:
            yield OptionFault(f"{kind} keeps {grouped_signals} in a log group", "Set `log_group`.")


def _find_faults_of_log_group(kind: str, backend: BackendKind, signals: Sequence[str]) -> Iterator[OptionFault]:
    """Yield what is wrong with a log group that is set: one of AWS holds one signal, other backends have none."""
    has_several = len(signals) > 1
    if backend.grouped_signals:
        if has_several:
            yield OptionFault(f"{kind} has one signal in a log group", "Name a backend for each signal.")
    elif backend.is_aws or has_several:
        yield OptionFault(f"{kind} has no log groups", "Remove `log_group`.")
