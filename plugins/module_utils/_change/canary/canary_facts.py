# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a canary counts, each row with that of the pods that it is compared with. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise
from math import ceil
from typing import Any

from ..._otelcol.config.paths import amount, at, items, section
from ..._otelcol.config.pipelines import PipelineGraph, signal_of
from ..._otelcol.needs.peers import peers
from ..._otelcol.needs.quantities import BATCH_BYTES
from ..._otelcol.traits import PROCESSORS, RECEIVERS, Trait, kind_of, prints_records, traits_of
from ..._telemetry.logs import VARIABLE
from ..._telemetry.metrics import interval
from .hold_times import MARGIN, held, usual_hold_seconds
from .readings import LAST, Facts, Revision, Row
from .shares import EXPORTED, RECEIVED, Compared, Counts, Passed, Share

# Over so many readings a queue must grow.
_QUEUE_READINGS = 6
# A queue is too full if it stays at more units than so many times those of the rest, which differ from pod to pod.
_QUEUE_FACTOR = 5
# A processor that passes less of the rest than this, in percent, may well pass none for a while.
_LEAST_PASSING_PERCENT = 5.0
# From this share on, between 0 and 1, nearly all items go well.
_NEARLY_ALL_SHARE = 0.9
# How many units a queue in bytes holds at least.
_LEAST_UNITS = 20
# Fewer items say nothing.
LEAST = 20
# A sampler may drop the spans of a whole trace, so more items must be due.
SOME_TRACE = 1000
# How many items a sampler must pass on average until its silence says something.
_LEAST_SAMPLED = 100
# A policy such as `status_code` may wait for ever for a trace that it passes: more items than ever come.
_ENDLESS = 10**18
# Policies of tail_sampling that pass some traces whatever is in them. Source: the README of the processor.
_DRAWING = ("always_sample", "probabilistic", "rate_limiting", "bytes_limiting")


def facts_of(
    canary: Revision,
    rest: Revision,
    now: str,
    mask: Callable[[str], str],
    baseline: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return all facts of this moment. Where no other pods are left, those from before the change compare."""
    new = canary.facts(now, mask)
    alone = canary.alone(rest)
    old = dict(baseline) if baseline and alone is not None else rest_facts(rest, now, mask)
    comparison = _Comparison(canary, rest.config, new, old, alone)
    # What is printed to the log may look like a line of the Collector.
    has_printed = any(prints_records(row["id"]) for row in new["exports"])
    errors = [row for row in new["logs"] if _is_error(row)]
    if has_printed:
        errors = [row for row in errors if row["about"]]
    for pod in new["pods"]:
        pod["rest_memory"] = old["memory_percent"]
    return {
        "seconds": new["seconds"],
        "canary": new,
        "rest": old,
        "receives": [comparison.receives(index, row) for index, row in enumerate(new["receives"])],
        "processes": [comparison.processes(row) for row in new["processes"]],
        "exports": [comparison.exports(index, row) for index, row in enumerate(new["exports"])],
        "ports": list(_ports(canary, old)),
        "logs": [comparison.log(row) for row in errors],
    }


def rest_facts(rest: Revision, now: str, mask: Callable[[str], str]) -> dict[str, Any]:
    """Return the facts of older pods, with the rows that a canary is compared with as `bases`."""
    ends = [_end(peer.host, peer.port) for peer in peers(rest.config, "")]
    return {**rest.facts(now, mask), "bases": rest.bases(), "ends": ends}


def _end(host: str, port: int) -> str:
    return f"{host}:{port}"


# What a Service that leads nowhere lacks, by the state of a peer of diagnose.
_NOWHERE = {
    "no_service": "Service {service} does not exist",
    "no_port": "Service {service} has no port {port}, only {has}",
    "no_endpoints": "Service {service} has no endpoints",
}


def ways_of(peer_rows: Iterable[Row], rest: Mapping[str, Any]) -> list[Row]:
    """Return where exporters send to, with whether the rest sends there too, and why nothing arrives there.

    This needs no data: a Service that is not there takes none. Readings of earlier versions of the collection, in the
    record of an interrupted run, do not have `ends`.
    """
    ends = rest.get("ends")
    ways = []
    for row in peer_rows:
        is_known = ends is None or _end(row["host"], row["port"]) in ends
        ways.append({**row, "known": is_known, "nowhere": _NOWHERE.get(row["state"], "").format(**row)})
    return ways


def needed(kind: str, settings: Mapping[str, Any]) -> int:
    """Return after how many items of a new processor silence says something."""
    if kind == "probabilisticsampler":
        return _drawn(settings)
    if kind != "tailsampling":
        return LEAST
    needs = [_ENDLESS]
    for policy in items(settings, "policies"):
        if at(policy, ("type",)) in _DRAWING:
            needs.append(max(SOME_TRACE, _drawn(section(policy, "probabilistic"))))
    return min(needs)


def _drawn(settings: Mapping[str, Any]) -> int:
    """Return how many items must come until a sampler has passed `_LEAST_SAMPLED` of them on average."""
    percentage = amount(str(settings.get("sampling_percentage") or 0))
    if percentage <= 0:
        return LEAST
    return ceil(min(_LEAST_SAMPLED * 100 / percentage, _ENDLESS))


class _Comparison:
    """The rows of a canary, each with what it is compared with."""

    def __init__(
        self, canary: Revision, config: Mapping[str, Any], new: Row, old: Mapping[str, Any], alone: float | None
    ) -> None:
        self._canary = canary
        self._facts_of_canary, self._facts_of_rest = new, old
        self._canary_config, self._rest_config = canary.config, config
        self._seconds_alone = alone
        self._bases: list[Facts] = old["bases"]
        self._hold_seconds = held(canary.config) + MARGIN
        self._settled = canary.before(self._hold_seconds)
        self._signals_exported_here = {row["signal"] for row in new["exports"] if row["sent"] or row["failed"]}
        self._signals_sent_by_rest = set()
        for facts in self._bases:
            self._signals_sent_by_rest |= {row["signal"] for row in facts["exports"] if row["sent"]}

    def _rows_of_component(self, kind: str, row: Row) -> list[tuple[Row, Facts]]:
        """Return the rows of the same component and signal in the rest, each with the rows that it is one of."""
        rows = []
        for facts in self._bases:
            rows += [(other, facts) for other in facts[kind] if _key(other) == _key(row)]
        return rows

    def _rows_of_component_or_signal(self, kind: str, row: Row) -> list[tuple[Row, Facts]]:
        """Return the rows of the same component and signal in the rest, else all of the same signal."""
        of_component = self._rows_of_component(kind, row)
        if of_component:
            return of_component
        of_signal = []
        for facts in self._bases:
            of_signal += [(other, facts) for other in facts[kind] if other["signal"] == row["signal"]]
        return of_signal

    def _rows_in_this_time(self, kind: str, row: Row) -> list[Row]:
        """Return the rows of the same component and signal among what the rest counts in this time."""
        return [other for other in self._facts_of_rest[kind] if _key(other) == _key(row)]

    def receives(self, index: int, row: Row) -> Row:
        """Return the row of a receiver, with how much was due to come by the rate of the rest."""
        compared = self._compared(RECEIVED, index, row)
        about = f"receivers/{row['id']}"
        return {**row, **compared.as_row("rejected"), "about": about, "due": self._due_to_come(row)}

    def _due_to_come(self, row: Row) -> int:
        """Return how many items were due by now at the rate of the rest; 0 where that says nothing."""
        came = sum(other["accepted"] for other in self._rows_in_this_time("receives", row))
        seconds = self._facts_of_rest["seconds"]
        watched = self._watched_passive(row) if row["passive"] else self._watched_active(row)
        return int(came * watched / seconds) if seconds else 0

    def _watched_passive(self, row: Row) -> float:
        """Return for how many seconds clients had to send to a receiver; 0 where silence says nothing.

        Clients keep their connections to older pods, so only what remains alone is due to get their data.
        """
        alone = self._seconds_alone or 0.0
        return alone if row["signal"] in self._facts_of_rest["steady"] and alone >= 3 * MARGIN else 0.0

    def _watched_active(self, row: Row) -> float:
        """Return for how many seconds a receiver had to collect; 0 where silence says nothing."""
        watched: float = self._facts_of_canary["seconds"]
        pause = interval(section(self._canary_config, "receivers", row["id"]))
        return watched if Trait.ALWAYS_COLLECTS in traits_of(RECEIVERS, row["id"]) and watched > 2 * pause else 0.0

    def _compared(self, counts: Counts, index: int, row: Row) -> Compared:
        """Return which share of the items went wrong here and in the rest.

        Items of one request fail together, so of many items in few readings no more than the readings count; the same
        for the rest, if some fail there too.
        """
        totals = [0, *self._canary.history(counts.rows, index, *counts.fields)]
        here_readings = sum(after > before for before, after in pairwise(totals))
        rest_readings = len(self._canary.polls)
        rest = [counts.share(other) for other, _facts in self._rows_of_component_or_signal(counts.rows, row)]
        worst = max(rest, key=lambda share: (share.at_most(rest_readings), share.offered), default=Share(0, 0))
        return Compared(counts.share(row), worst, here_readings, rest_readings)

    def exports(self, index: int, row: Row) -> Row:
        """Return the row of an exporter, with how much was due by the share that the rest has sent, and its queue."""
        compared = self._compared(EXPORTED, index, row)
        return {**row, **compared.as_row("failed"), **self._due_to_be_sent(index, row), **self._queue(index, row)}

    def _due_to_be_sent(self, index: int, row: Row) -> Row:
        others = self._exporters_beside(row)
        shares = [_sent_share(other, facts) for other, facts in others]
        came = _accepted(self._settled, row["signal"]) if self._settled else 0
        least = self._least(row["signal"])
        sends_nearly_all = max(shares, default=1.0) >= _NEARLY_ALL_SHARE
        says_what_is_late = sends_nearly_all and self._comes_as_in_rest(row)
        return {
            "due": int(came * max(shares, default=0.0)),
            "rest_sent": max((other["sent"] for other, _facts in others), default=0),
            "least": least if sends_nearly_all else max(least, SOME_TRACE),
            **self._late(index, row["signal"], max(shares, default=0.0) if says_what_is_late else 0.0),
        }

    def _late(self, index: int, signal: str, share: float) -> Row:
        """Return how many items an exporter should have sent long ago, and by how many seconds they are late.

        Of pods that have begun with the change, all counts say so: what waited at the first reading waits no less.
        """
        end = "_total" if self._canary.is_young else ""
        passed = share * self._passing(signal)
        gone = self._canary.history("exports", index, f"sent{end}", f"failed{end}")
        late = [0] * LAST
        for facts, count in zip(self._canary.before_each(self._hold_seconds), gone, strict=True):
            due = int(_accepted(facts, signal, f"accepted{end}") * passed) if facts else 0
            late.append(max(due - count, 0))
        in_a_second = _accepted(self._facts_of_canary, signal) * passed / max(self._facts_of_canary["seconds"], 1)
        seconds = round(late[-1] / in_a_second) if in_a_second else 0
        return {"late": late[-1], "late_low": min(late[-LAST:]), "late_seconds": seconds}

    def _comes_as_in_rest(self, row: Row) -> bool:
        """Return whether an exporter gets its signal from the same receivers as in the rest, through nothing new.

        A connector may send a part elsewhere, or make as many items for any load. A processor such as tail_sampling
        does not count what it drops.
        """
        signal = row["signal"]
        if all(other["signal"] != signal for other in self._facts_of_canary["receives"]):
            return False
        new, old = section(self._canary_config, "processors"), section(self._rest_config, "processors")
        for other in self._facts_of_canary["processes"]:
            key = other["id"]
            counts_nothing = not other["incoming"] and Trait.PASSES_ALL not in traits_of(PROCESSORS, key)
            if other["signal"] == signal and counts_nothing and new.get(key) != old.get(key):
                return False
        return _way_to(row, self._canary_config) == _way_to(row, self._rest_config)

    def _passing(self, signal: str) -> float:
        """Return the share of a signal that its processors pass, at least."""
        share = 1.0
        for row in self._facts_of_canary["processes"]:
            if row["signal"] == signal and row["incoming"]:
                share *= 1 - min(row["dropped"] / row["incoming"], 1.0)
        return share

    def _exporters_beside(self, row: Row) -> list[tuple[Row, Facts]]:
        """Return the exporters of the rest to compare with.

        A new exporter may be meant for few items: it is compared only where nothing else sends the signal.
        """
        same = self._rows_of_component("exports", row)
        if same or row["signal"] in self._signals_exported_here:
            return same
        return self._rows_of_component_or_signal("exports", row)

    def _queue(self, index: int, row: Row) -> Row:
        """Return how full the queue of an exporter stays, by how much it grows, and how full those of the rest are."""
        sizes = self._canary.history("exports", index, "queue_size")[-_QUEUE_READINGS:]
        here_unit, rest_unit = unit_of(self._canary_config, row["id"]), unit_of(self._rest_config, row["id"])
        lowest = min(sizes[-LAST:]) if len(sizes) >= LAST else 0
        size_of_all = sum(other["queue_size"] for other in self._rows_in_this_time("exports", row))
        rest_size = size_of_all / _pods(self._facts_of_rest)
        pods_here = _pods(self._facts_of_canary)
        return {
            "queue_low": lowest // here_unit,
            "queue_grown": sizes[-1] - sizes[0],
            "rest_queue": round(rest_size),
            "queue_excess": round(lowest // here_unit / pods_here - _QUEUE_FACTOR * rest_size / rest_unit),
            "queue_stays": round(lowest / pods_here - _QUEUE_FACTOR * rest_size),
        }

    def processes(self, row: Row) -> Row:
        """Return the row of a processor, with whether items pass it in the rest, or elsewhere if it is new there."""
        rows = self._rows_of_component("processes", row)
        in_rest = [Passed(other["outgoing"], other["incoming"]) for other, _facts in rows]
        best = max(in_rest, key=lambda passed: passed.surely, default=Passed(0, 0))
        if in_rest:
            passes = best.surely >= _LEAST_PASSING_PERCENT
        else:
            passes = row["signal"] in self._signals_sent_by_rest - self._signals_exported_here
        holds_seconds = usual_hold_seconds(row["id"])
        least = self._least(row["signal"], row["id"])
        if in_rest and best.went < _NEARLY_ALL_SHARE * best.came:
            least = max(least, ceil(SOME_TRACE / max(best.surely / 100, 0.01)))
        return {
            **row,
            "rest_incoming": best.came,
            "rest_outgoing": best.went,
            "rest_passes": f"{best.went} of {best.came} pass" if in_rest else "all are sent without it",
            "passes": passes and not holds_seconds,
            "least": least,
        }

    def _least(self, signal: str, name: str = "") -> int:
        """Return how many items must be due to say that none passes: more with samplers that the rest does not have."""
        least = LEAST
        new, old = section(self._canary_config, "processors"), section(self._rest_config, "processors")
        for row in self._facts_of_canary["processes"]:
            key = row["id"]
            if row["signal"] == signal and name in ("", key) and new.get(key) != old.get(key):
                least = max(least, needed(kind_of(key), section(new, key)))
        return least

    def log(self, row: Row) -> Row:
        """Return an entry, with whether the rest has it too, and whether its component works all the same."""
        known = {_entry(other) for other in self._facts_of_rest["logs"]}
        calm = row["about"] in self._working() and not _is_partial(row)
        return {**row, "known": _entry(row) in known, "calm": calm}

    def _working(self) -> set[str]:
        """Return the components that move items, as entries of the log call them."""
        working = {f"receivers/{row['id']}" for row in self._facts_of_canary["receives"] if row["accepted"]}
        for row in self._facts_of_canary["exports"]:
            if row["sent"] and row["sent"] > row["failed"]:
                working.add(f"exporters/{row['id']}")
        return working


def _key(row: Row) -> tuple[str, str]:
    """Return what a row is about: a component and a signal."""
    return row["id"], row["signal"]


def _entry(row: Row) -> tuple[str, str]:
    """Return what an entry of a log says, without what differs from pod to pod, and the role of its component."""
    return row["about"].partition("/")[0], row["cause"] or VARIABLE.sub("#", row["said"])


def _way_to(exporter: Row, config: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what receives a signal in each of its pipelines, whether they list an exporter, and the connectors."""
    graph = PipelineGraph.of(config)
    ends = []
    for pipeline in graph.pipelines:
        if signal_of(pipeline) == exporter["signal"]:
            is_listed = exporter["id"] in graph.listed(pipeline, "exporters")
            ends.append((sorted(graph.listed(pipeline, "receivers")), is_listed))
    return sorted(ends), section(config, "connectors")


def _sent_share(row: Row, facts: Facts) -> float:
    """Return the share of what came in that an exporter has sent."""
    return float(min(row["sent"] / max(_accepted(facts, row["signal"]), 1), 1.0))


def _pods(facts: Mapping[str, Any]) -> int:
    return max(len(facts["pods"]), 1)


def unit_of(config: Mapping[str, Any], exporter: str) -> int:
    """Return how many units of its queue an exporter sends at once: a queue also holds the next batch.

    A queue in bytes without batches in bytes holds some requests. Half of any queue is more than it holds in passing.
    """
    queue = section(config, "exporters", exporter, "sending_queue")
    sizer, batch = queue.get("sizer"), section(queue, "batch")
    batch_size = 0
    if sizer in ("items", "bytes") and batch.get("sizer", sizer) == sizer and isinstance(batch.get("min_size"), int):
        batch_size = max(batch["min_size"], 0)
    if sizer != "bytes":
        return batch_size or 1
    queue_size = queue.get("queue_size")
    part_of_queue = max(queue_size // _LEAST_UNITS, 1) if isinstance(queue_size, int) else BATCH_BYTES
    return min(batch_size or BATCH_BYTES, part_of_queue)


def _accepted(facts: Facts, signal: str, field: str = "accepted") -> int:
    """Return what came in of a signal; for one that connectors make, of all signals."""
    own = [row[field] for row in facts["receives"] if row["signal"] == signal]
    return sum(own) if own else sum(row[field] for row in facts["receives"])


def _is_error(row: Row) -> bool:
    return row["level"] not in ("info", "debug", "warn") or bool(row["error"]) or _is_partial(row)


def _is_partial(row: Row) -> bool:
    """Return whether a backend took a request, but not all of its items. Source: the OTLP exporters."""
    return bool(str(row["message"]).startswith("Partial success"))


def _ports(canary: Revision, old: Mapping[str, Any]) -> Iterator[Row]:
    """Yield the ports on which a pod of the canary refuses connections; `closed` if an older pod accepts them."""
    for sample in canary.polls[-1].samples.values():
        for (name, port), accepts in sample.open.items():
            if not accepts:
                about = f"receivers/{name}"
                is_open_in_rest = f"{name}:{port}" in old["open"]
                yield {"about": about, "id": name, "pod": sample.pod, "port": port, "closed": is_open_in_rest}
