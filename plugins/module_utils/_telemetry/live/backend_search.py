# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""See a probe arrive at the backends themselves, and say what is missing there. Private."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..._otelcol.errors import Problem
from ..backend_queries import BACKENDS, BackendKind, ProbeSearch, describe_missing_attributes, select_probe_records
from .backend_aws import AwsBackend
from .backend_http import ACTION, HttpBackend

# Options of backends that only some kinds read.
AWS_OPTIONS, HTTP_OPTIONS = ("region", "profile", "role_arn", "log_group"), ("headers", "index")


class Arrival(NamedTuple):
    """Where a signal was seen, and the evidence."""

    place: str
    evidence_lines: list[str]


ArrivalsBySignal = dict[str, Arrival]


class BackendEvidence:
    """A signal has arrived when each backend that keeps it has its record, with all attributes."""

    def __init__(
        self,
        options: Sequence[Mapping[str, Any]],
        probe_id: str,
        service: str,
        clock: Callable[[], float] = time.time,
        pool: Any = None,
    ) -> None:
        self._id, self._service, self._now = probe_id, service, clock
        self._ways = [(backend_options, choose_backend_client(backend_options, pool)) for backend_options in options]
        self._last: dict[str, str] = {}

    def keeps(self, signal: str) -> bool:
        """Return whether a backend is named that keeps a signal."""
        return any(signal in list_kept_signals(backend_options) for backend_options, _client in self._ways)

    def look(self, signals: list[str]) -> ArrivalsBySignal:
        """Return where each signal that arrived was seen, and the evidence."""
        arrivals = {}
        for signal in signals:
            arrival = self._find_arrival(signal)
            if arrival:
                arrivals[signal] = arrival
        return arrivals

    def _find_arrival(self, signal: str) -> Arrival | None:
        """Return that all backends of a signal have its record; else nothing, and note what the first one lacks."""
        backend_names, evidence_lines = [], []
        for backend_options, client in self._ways:
            if signal not in list_kept_signals(backend_options):
                continue
            problem, attribute_names = self._ask(signal, backend_options, client)
            if problem:
                self._last[signal] = f"{client.place}: {problem}."
                return None
            backend_names.append(client.place)
            evidence_lines.append(f"{client.place}: {attribute_names}")
        return Arrival(" and ".join(backend_names), evidence_lines) if backend_names else None

    def _ask(
        self, signal: str, backend_options: Mapping[str, Any], client: AwsBackend | HttpBackend
    ) -> tuple[str, str]:
        """Return what is missing, or the names of the record's attributes."""
        backend, required_attributes = BACKENDS[backend_options["kind"]], backend_options.get("attributes") or {}
        index_or_group = backend_options.get("index") or backend_options.get("log_group") or ""
        probe_search = ProbeSearch(
            signal, self._id, self._service, self._now(), tuple(required_attributes), index_or_group
        )
        answer, problem = client.ask_backend(backend.build_question(probe_search))
        if problem:
            return problem, ""
        records = select_probe_records(backend, answer, self._id)
        if not records:
            return f"it has no record of the probe{backend.absence_note}", ""
        return "; ".join(describe_missing_attributes(records, required_attributes)), ", ".join(sorted(records[0]))

    def hint(self, signal: str) -> str:
        """Return what a backend lacks."""
        last_problem = self._last.get(signal, "No backend was asked.")
        return f"{last_problem} Read the log of the collector that exports to it."


def choose_backend_client(options: Mapping[str, Any], pool: Any = None) -> AwsBackend | HttpBackend:
    """Return how to ask a backend."""
    return AwsBackend(options) if BACKENDS[options["kind"]].is_aws else HttpBackend(options, pool)


def list_kept_signals(options: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the signals that a backend is asked for."""
    return tuple(options.get("signals") or BACKENDS[options["kind"]].signals)


class CombinedEvidence:
    """A signal has arrived where all kinds of evidence see it."""

    def __init__(self, evidence_kinds: Sequence[Any]) -> None:
        self._parts = evidence_kinds
        self._blind: dict[str, Any] = {}

    def look(self, signals: list[str]) -> ArrivalsBySignal:
        """Return where each signal that arrived was seen, and the evidence. Each part looks once for all signals."""
        arrivals_by_signal: dict[str, list[Arrival]] = {signal: [] for signal in signals}
        for evidence in self._parts:
            kept_signals = [signal for signal in arrivals_by_signal if getattr(evidence, "keeps", bool)(signal)]
            seen_arrivals = evidence.look(kept_signals) if kept_signals else {}
            for signal in kept_signals:
                if signal in seen_arrivals:
                    arrivals_by_signal[signal].append(seen_arrivals[signal])
                else:
                    self._blind[signal] = evidence
                    del arrivals_by_signal[signal]
        return {signal: _join_arrivals(arrivals) for signal, arrivals in arrivals_by_signal.items()}

    def hint(self, signal: str) -> str:
        """Return what the evidence that saw nothing says."""
        return str(self._blind.get(signal, self._parts[0]).hint(signal))


def _join_arrivals(arrivals: Sequence[Arrival]) -> Arrival:
    """Return what all kinds of evidence saw as one."""
    evidence_lines: list[str] = []
    for arrival in arrivals:
        evidence_lines += arrival.evidence_lines
    return Arrival(" and ".join(arrival.place for arrival in arrivals), evidence_lines)


def check_backend_options(options: Sequence[Mapping[str, Any]], signals: Sequence[str], arrival: Any) -> None:
    """Raise Problem for a backend that cannot be asked as given, and for signals that nobody looks for."""
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


def _find_faults(options: Mapping[str, Any]) -> Iterator[OptionFault]:
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
