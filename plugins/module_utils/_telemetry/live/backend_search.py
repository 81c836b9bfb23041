# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""See a probe arrive at the backends themselves, and say what is missing there. Private."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from ..._config.masking import quoted
from ..._errors import Problem, shown
from ..._kube.live.api_errors import library
from ..backend_queries import BACKENDS, Asked, missing, of_probe

ASKED = "See the probe arrive"
HTTP_SECONDS = 5.0
_LINE = 200
UNAUTHORIZED, REFUSED = (401, 403), 300
# Where each signal was seen, and the evidence.
Seen = dict[str, tuple[str, list[str]]]


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
        self._options, self._id, self._service, self._now = options, probe_id, service, now
        self._pools = [pool or _pool(one.get("ca_file")) for one in options]
        self._last: dict[str, str] = {}

    def keeps(self, signal: str) -> bool:
        """Return whether a backend is named that keeps a signal."""
        return any(signal in BACKENDS[one["kind"]].signals for one in self._options)

    def look(self, signals: list[str]) -> Seen:
        """Return where each signal that arrived was seen, and the evidence."""
        return {signal: seen for signal in signals if (seen := self._seen(signal))}

    def _seen(self, signal: str) -> tuple[str, list[str]] | None:
        places, lines = [], []
        for options, pool in zip(self._options, self._pools, strict=True):
            if signal not in BACKENDS[options["kind"]].signals:
                continue
            place = f"{options['kind']} at {shown(options['url'])}"
            wrong, names = self._ask(signal, options, pool, place)
            if wrong:
                self._last[signal] = f"{place}: {wrong}."
                return None
            places.append(place)
            lines.append(f"{place}: {names}")
        return (" and ".join(places), lines) if places else None

    def _ask(self, signal: str, options: Mapping[str, Any], pool: Any, place: str) -> tuple[str, str]:
        """Return what is missing, or the names of the record's attributes."""
        backend, wanted = BACKENDS[options["kind"]], options.get("attributes") or {}
        asked = Asked(signal, self._id, self._service, self._now(), tuple(wanted), options.get("index") or "")
        question = backend.question(asked)
        url = options["url"].rstrip("/") + question.path
        url += f"?{urlencode(question.query)}" if question.query else ""
        body = None if question.body is None else json.dumps(question.body).encode()
        headers = {**(options.get("headers") or {}), "Accept": "application/json"}
        headers |= {"Content-Type": "application/json"} if body else {}
        try:
            answer = pool.request(
                question.method, url, body=body, headers=headers, timeout=HTTP_SECONDS, redirect=False
            )
        except library("urllib3").exceptions.HTTPError as error:
            return f"it does not answer: {quoted(str(error.__cause__ or error))}", ""
        if answer.status in UNAUTHORIZED:
            raise Problem(f"{place} answers {answer.status}", asked=ASKED, fix="Correct its `headers`.")
        if answer.status >= REFUSED:
            text = quoted(answer.data.decode(errors="replace").strip(), _LINE)
            return f"it answers {answer.status}: {text}", ""
        try:
            records = of_probe(backend, json.loads(answer.data), self._id)
        except ValueError:
            return "its answer is not JSON", ""
        if not records:
            return "it has no record of the probe, or not for this tenant", ""
        return "; ".join(missing(records, wanted)), ", ".join(sorted(records[0]))

    def hint(self, signal: str) -> str:
        """Return what a backend lacks."""
        last = self._last.get(signal, "No backend was asked.")
        return f"{last} Read the log of the collector that exports to it."


class Both:
    """A signal has arrived where all kinds of evidence see it."""

    def __init__(self, parts: Sequence[Any]) -> None:
        self._parts = parts
        self._blind: dict[str, Any] = {}

    def look(self, signals: list[str]) -> Seen:
        """Return where each signal that arrived was seen, and the evidence. Each part looks once for all signals."""
        found: dict[str, list[tuple[str, list[str]]]] = {signal: [] for signal in signals}
        for part in self._parts:
            kept = [signal for signal in found if getattr(part, "keeps", bool)(signal)]
            seen = part.look(kept) if kept else {}
            for signal in kept:
                if signal in seen:
                    found[signal].append(seen[signal])
                else:
                    self._blind[signal] = part
                    del found[signal]
        return {
            signal: (" and ".join(where for where, _lines in each), [line for _where, lines in each for line in lines])
            for signal, each in found.items()
        }

    def hint(self, signal: str) -> str:
        """Return what the evidence that saw nothing says."""
        return str(self._blind.get(signal, self._parts[0]).hint(signal))


def _pool(ca_file: str | None) -> Any:
    return library("urllib3").PoolManager(ca_certs=ca_file, retries=False)


def check(options: Sequence[Mapping[str, Any]], signals: Sequence[str], arrival: Any) -> None:
    """Raise Problem for signals that nobody looks for."""
    kept = {signal for one in options for signal in BACKENDS[one["kind"]].signals}
    unseen = [signal for signal in signals if signal not in kept]
    if options and unseen and not arrival:
        fix = f"Add a backend for them, set `arrival`, or set `signals: {sorted(kept.intersection(signals))}`."
        raise Problem(f"no backend keeps {', '.join(unseen)}", asked=ASKED, where="backends", fix=fix)
