# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""See a probe arrive at the backends themselves, and say what is missing there. Private."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..._otelcol.errors import Problem
from ..backend_queries import BACKENDS, Asked, Backend, missing, of_probe
from .backend_aws import AwsBackend
from .backend_http import ASKED, HttpBackend

# Options of backends that only some kinds read.
OF_AWS, OF_HTTP = ("region", "profile", "role_arn", "log_group"), ("headers", "index")


class Arrival(NamedTuple):
    """Where a signal was seen, and the evidence."""

    place: str
    lines: list[str]


Seen = dict[str, Arrival]


class Backends:
    """A signal has arrived when each backend that keeps it has its record, with all attributes."""

    def __init__(
        self,
        options: Sequence[Mapping[str, Any]],
        probe_id: str,
        service: str,
        now: Callable[[], float] = time.time,
        pool: Any = None,
    ) -> None:
        self._id, self._service, self._now = probe_id, service, now
        self._ways = [(backend_options, way_to(backend_options, pool)) for backend_options in options]
        self._last: dict[str, str] = {}

    def keeps(self, signal: str) -> bool:
        """Return whether a backend is named that keeps a signal."""
        return any(signal in kept(options) for options, _way in self._ways)

    def look(self, signals: list[str]) -> Seen:
        """Return where each signal that arrived was seen, and the evidence."""
        arrivals = {}
        for signal in signals:
            arrival = self._seen(signal)
            if arrival:
                arrivals[signal] = arrival
        return arrivals

    def _seen(self, signal: str) -> Arrival | None:
        """Return that all backends of a signal have its record; else nothing, and note what the first one lacks."""
        places, lines = [], []
        for options, way in self._ways:
            if signal not in kept(options):
                continue
            wrong, names = self._ask(signal, options, way)
            if wrong:
                self._last[signal] = f"{way.place}: {wrong}."
                return None
            places.append(way.place)
            lines.append(f"{way.place}: {names}")
        return Arrival(" and ".join(places), lines) if places else None

    def _ask(self, signal: str, options: Mapping[str, Any], way: AwsBackend | HttpBackend) -> tuple[str, str]:
        """Return what is missing, or the names of the record's attributes."""
        backend, wanted = BACKENDS[options["kind"]], options.get("attributes") or {}
        data = options.get("index") or options.get("log_group") or ""
        asked = Asked(signal, self._id, self._service, self._now(), tuple(wanted), data)
        answer, wrong = way.ask(backend.question(asked))
        if wrong:
            return wrong, ""
        records = of_probe(backend, answer, self._id)
        if not records:
            return f"it has no record of the probe{backend.unless}", ""
        return "; ".join(missing(records, wanted)), ", ".join(sorted(records[0]))

    def hint(self, signal: str) -> str:
        """Return what a backend lacks."""
        last = self._last.get(signal, "No backend was asked.")
        return f"{last} Read the log of the collector that exports to it."


def way_to(options: Mapping[str, Any], pool: Any = None) -> AwsBackend | HttpBackend:
    """Return how to ask a backend."""
    return AwsBackend(options) if BACKENDS[options["kind"]].aws else HttpBackend(options, pool)


def kept(options: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the signals that a backend is asked for."""
    return tuple(options.get("signals") or BACKENDS[options["kind"]].signals)


class Both:
    """A signal has arrived where all kinds of evidence see it."""

    def __init__(self, parts: Sequence[Any]) -> None:
        self._parts = parts
        self._blind: dict[str, Any] = {}

    def look(self, signals: list[str]) -> Seen:
        """Return where each signal that arrived was seen, and the evidence. Each part looks once for all signals."""
        found: dict[str, list[Arrival]] = {signal: [] for signal in signals}
        for part in self._parts:
            kept = [signal for signal in found if getattr(part, "keeps", bool)(signal)]
            seen = part.look(kept) if kept else {}
            for signal in kept:
                if signal in seen:
                    found[signal].append(seen[signal])
                else:
                    self._blind[signal] = part
                    del found[signal]
        return {signal: _joined(arrivals) for signal, arrivals in found.items()}

    def hint(self, signal: str) -> str:
        """Return what the evidence that saw nothing says."""
        return str(self._blind.get(signal, self._parts[0]).hint(signal))


def _joined(arrivals: Sequence[Arrival]) -> Arrival:
    """Return what all kinds of evidence saw as one."""
    lines: list[str] = []
    for arrival in arrivals:
        lines += arrival.lines
    return Arrival(" and ".join(arrival.place for arrival in arrivals), lines)


def check(options: Sequence[Mapping[str, Any]], signals: Sequence[str], arrival: Any) -> None:
    """Raise Problem for a backend that cannot be asked as given, and for signals that nobody looks for."""
    kept_signals: set[str] = set()
    for index, backend_options in enumerate(options):
        for fault in _faults(backend_options):
            raise Problem(fault.wrong, asked=ASKED, where=f"backends[{index}]", fix=fault.fix)
        kept_signals.update(kept(backend_options))
    unseen = [signal for signal in signals if signal not in kept_signals]
    if options and unseen and not arrival:
        seen = sorted(kept_signals.intersection(signals))
        fix = f"Add a backend for them, set `arrival`, or set `signals: {seen}`."
        raise Problem(f"no backend keeps {', '.join(unseen)}", asked=ASKED, where="backends", fix=fix)


class Fault(NamedTuple):
    """What is wrong with the options of a backend, and the fix."""

    wrong: str
    fix: str


def _faults(options: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield what is wrong with the options of a backend."""
    kind, backend = options["kind"], BACKENDS[options["kind"]]
    foreign_options = OF_HTTP if backend.aws else OF_AWS
    unread = ", ".join(name for name in foreign_options if options.get(name))
    if unread:
        yield Fault(f"{kind} has no use for {unread}", f"Remove {unread}, or correct `kind`.")
    if not backend.aws and not options.get("url"):
        yield Fault("url is missing", f"Set `url`, the address of {kind}.")
    signals = options.get("signals") or []
    yield from _faults_of_signals(kind, backend, signals, has_group=bool(options.get("log_group")))


def _faults_of_signals(kind: str, backend: Backend, signals: Sequence[str], *, has_group: bool) -> Iterator[Fault]:
    """Yield what is wrong with the signals that a backend is asked for, and with its log group."""
    foreign = ", ".join(signal for signal in signals if signal not in backend.signals)
    if foreign:
        yield Fault(f"{kind} keeps no {foreign}", f"Set `signals` to some of {', '.join(backend.signals)}.")
    if has_group:
        yield from _faults_with_group(kind, backend, signals)
    if backend.grouped and not signals:
        yield Fault("signals is missing", f"Set `signals`: those of {kind} are in places of their own.")
    if not has_group:
        in_groups = ", ".join(signal for signal in signals if signal in backend.grouped)
        if in_groups:
            yield Fault(f"{kind} keeps {in_groups} in a log group", "Set `log_group`.")


def _faults_with_group(kind: str, backend: Backend, signals: Sequence[str]) -> Iterator[Fault]:
    """Yield what is wrong with a log group that is set: one of AWS holds one signal, other backends have none."""
    has_several = len(signals) > 1
    if backend.grouped:
        if has_several:
            yield Fault(f"{kind} has one signal in a log group", "Name a backend for each signal.")
    elif backend.aws or has_several:
        yield Fault(f"{kind} has no log groups", "Remove `log_group`.")
