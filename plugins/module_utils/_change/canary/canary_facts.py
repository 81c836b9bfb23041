# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a canary counts, each row with that of the pods that it is compared with. Private.

Shares are compared by the bounds of Wilson's score interval: a small number of failures in a small number of items
proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise
from math import ceil
from typing import Any

from ..._otelcol.config.paths import amount, at, items, section
from ..._otelcol.needs.listeners import kind_of
from ..._otelcol.needs.peers import peers
from ..._otelcol.needs.quantities import BATCH_BYTES, duration
from ..._telemetry.logs import VARIABLE
from ..._telemetry.metrics import interval
from .readings import LAST, Facts, Revision, Row, bounds, fewer

# What is accepted should be sent after what components hold it for, and so many seconds more.
MARGIN = 10.0
# Over so many readings a queue must grow.
_GROWTH = 6
# A processor that the rest passes less than this share of, in percent, may well pass none for a while.
_PASSES = 5.0
# A share of the rest that goes wrong up to this one, in percent, and one that goes well from this one on.
_RARE, _NEARLY_ALL = 2, 0.9
# How many units a queue in bytes holds at least.
_PARTS = 20
_FLUSH = ("sending_queue", "batch", "flush_timeout")
# Receivers that always find data when they collect.
_COLLECTING = frozenset(("hostmetrics", "kubeletstats"))
# How long components hold data, by type without underscores: the setting, and its default in seconds.
# Source: README.md of each component.
_HOLDS = {
    "batch": (("timeout",), 0.2),
    "tailsampling": (("decision_wait",), 30.0),
    "groupbytrace": (("wait_duration",), 1.0),
    "interval": (("interval",), 60.0),
    "logdedup": (("interval",), 10.0),
    "spanmetrics": (("metrics_flush_interval",), 60.0),
    "servicegraph": (("metrics_flush_interval",), 60.0),
    # They pass no first point of a series, and points come once a minute.
    "cumulativetodelta": ((), 120.0),
    "deltatorate": ((), 120.0),
    "metricstarttime": ((), 120.0),
}
# Exporters that print data to the log, where a line of an application may look like one of the Collector.
_PRINTERS = ("debug", "logging")
# Fewer items say nothing. A sampler may drop the spans of a whole trace, so more must be due.
LEAST, SOME_TRACE = 20, 1000
_SAMPLED = 100
# A policy such as `status_code` may wait for ever for a trace that it passes.
_NEVER = 10**18
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
    one = _Comparison(canary, rest.config, new, old, alone)
    prints = any(kind_of(row["id"]) in _PRINTERS for row in new["exports"])
    for pod in new["pods"]:
        pod["rest_memory"] = old["memory_percent"]
    return {
        "seconds": new["seconds"],
        "canary": new,
        "rest": old,
        "receives": [one.receives(index, row) for index, row in enumerate(new["receives"])],
        "processes": [one.processes(row) for row in new["processes"]],
        "exports": [one.exports(index, row) for index, row in enumerate(new["exports"])],
        "ports": list(_ports(canary, old)),
        "logs": [one.log(row) for row in new["logs"] if _is_error(row) and (row["about"] or not prints)],
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
    return [
        {
            **row,
            "known": ends is None or _end(row["host"], row["port"]) in ends,
            "nowhere": _NOWHERE.get(row["state"], "").format(**row),
        }
        for row in peer_rows
    ]


def held(config: Mapping[str, Any]) -> float:
    """Return for how many seconds the components of a config may hold data until they pass it on."""
    seconds = 0.0
    for name in ("processors", "connectors"):
        for key, settings in section(config, name).items():
            path, usual = _HOLDS.get(kind_of(str(key)), ((), 0.0))
            seconds += (duration(at(settings, path)) if path else 0.0) or usual
    waits = [at(settings, _FLUSH) for settings in section(config, "exporters").values()]
    return seconds + max(map(duration, waits), default=0.0)


def needed(kind: str, settings: Mapping[str, Any]) -> int:
    """Return after how many items of a new processor silence says something."""
    if kind == "probabilisticsampler":
        return _drawn(settings)
    if kind != "tailsampling":
        return LEAST
    found = [one for one in items(settings, "policies") if at(one, ("type",)) in _DRAWING]
    return min((max(SOME_TRACE, _drawn(section(one, "probabilistic"))) for one in found), default=_NEVER)


def _drawn(settings: Mapping[str, Any]) -> int:
    percentage = amount(str(settings.get("sampling_percentage") or 0))
    return ceil(_SAMPLED * 100 / percentage) if percentage else LEAST


class _Comparison:
    """The rows of a canary, each with what it is compared with."""

    def __init__(
        self, canary: Revision, config: Mapping[str, Any], new: Row, old: Mapping[str, Any], alone: float | None
    ) -> None:
        self._canary, self._new, self._old, self._alone = canary, new, old, alone
        self._bases: list[Facts] = old["bases"]
        self._settings = canary.config, config
        self._settled = canary.before(held(canary.config) + MARGIN)
        self._moving = {row["signal"] for row in new["exports"] if row["sent"] or row["failed"]}
        self._sending = {row["signal"] for facts in self._bases for row in facts["exports"] if row["sent"]}

    def _same(self, kind: str, row: Row) -> list[tuple[Row, Facts]]:
        """Return the rows of the same component and signal in the rest, each with the rows that it is one of."""
        key = (row["id"], row["signal"])
        return [(one, facts) for facts in self._bases for one in facts[kind] if (one["id"], one["signal"]) == key]

    def _alike(self, kind: str, row: Row) -> list[tuple[Row, Facts]]:
        """Return the rows of the same component and signal in the rest, else all of the same signal."""
        signal = [(one, facts) for facts in self._bases for one in facts[kind] if one["signal"] == row["signal"]]
        return self._same(kind, row) or signal

    def receives(self, index: int, row: Row) -> Row:
        parts = ("refused", "failed")
        due = self._due_to_come(row)
        share = self._share("receives", index, row, "rejected", (*parts, "accepted"))
        return {**row, **share, "about": f"receivers/{row['id']}", "due": due}

    def _due_to_come(self, row: Row) -> int:
        """Return how many items were due by now at the rate of the rest; 0 where that says nothing.

        Clients keep their connections to older pods, so only what remains alone is due to get their data.
        """
        here = [one for one in self._old["receives"] if (one["id"], one["signal"]) == (row["id"], row["signal"])]
        came, seconds = sum(one["accepted"] for one in here), self._old["seconds"]
        if row["passive"]:
            watched = self._alone or 0.0
            due = row["signal"] in self._old["steady"] and watched >= 3 * MARGIN
        else:
            watched = self._new["seconds"]
            rest = interval(section(self._settings[0], "receivers", row["id"]))
            due = kind_of(row["id"]) in _COLLECTING and watched > 2 * rest
        return int(came * watched / seconds) if due and seconds else 0

    def _share(self, kind: str, index: int, row: Row, name: str, fields: tuple[str, ...]) -> Row:
        """Return which share of the items went wrong here and in the rest, and by how much more for certain.

        The last field counts what went well. Items of one request fail together, so of many items in few readings no
        more than the readings count; the same for the rest, if some fail there too.
        """

        def counted(one: Row) -> tuple[int, int]:
            return sum(one[part] for part in fields[:-1]), sum(one[part] for part in fields)

        (bad, of), counts = counted(row), [0, *self._canary.history(kind, index, *fields)]
        readings = sum(after > before for before, after in pairwise(counts))
        others = {counted(one) for one, _facts in self._alike(kind, row)} or {(0, 0)}
        few = len(self._canary.polls)
        upper = {one: bounds(*(fewer(*one, few) if 100 * one[0] > _RARE * one[1] else one))[1] for one in others}
        rest = max(others, key=lambda one: (upper[one], one[1]))
        more = bounds(*fewer(bad, of, readings))[0] - upper[rest]
        return {
            name: bad,
            "offered": of,
            f"{name}_percent": _percent(bad, of),
            f"rest_{name}": rest[0],
            "rest_offered": rest[1],
            f"rest_{name}_percent": _percent(*rest),
            f"{name}_excess": max(round(more), 0),
        }

    def exports(self, index: int, row: Row) -> Row:
        """Return the row of an exporter, with how much was due by the share that the rest has sent."""
        share = self._share("exports", index, row, "failed", ("send_failed", "enqueue_failed", "sent"))
        here = self._same("exports", row)
        # A new exporter may be meant for few items: it is compared only where nothing else sends the signal.
        peers = here or ([] if row["signal"] in self._moving else self._alike("exports", row))
        came = _accepted(self._settled, row["signal"]) if self._settled else 0
        sent = [min(one["sent"] / max(_accepted(facts, one["signal"]), 1), 1.0) for one, facts in peers]
        known = [one for one in self._old["exports"] if (one["id"], one["signal"]) == (row["id"], row["signal"])]
        queue = sum(one["queue_size"] for one in known) / max(len(self._old["pods"]), 1)
        sizes = self._canary.history("exports", index, "queue_size")[-_GROWTH:]
        here_unit, rest_unit = (unit_of(config, row["id"]) for config in self._settings)
        low = min(sizes[-LAST:]) // here_unit if len(sizes) >= LAST else 0
        least = self._least(row["signal"])
        return {
            **row,
            **share,
            "due": int(came * max(sent, default=0.0)),
            "rest_sent": max((one["sent"] for one, _facts in peers), default=0),
            "least": least if max(sent, default=1.0) >= _NEARLY_ALL else max(least, SOME_TRACE),
            "queue_low": low,
            "queue_grown": sizes[-1] - sizes[0],
            "rest_queue": round(queue),
            "queue_excess": round(low / max(len(self._new["pods"]), 1) - 5 * queue / rest_unit),
        }

    def processes(self, row: Row) -> Row:
        """Return the row of a processor, with whether items pass it in the rest, or elsewhere if it is new there."""
        same = [(one["incoming"], one["outgoing"]) for one, _facts in self._same("processes", row)]
        came, went = max(same, key=lambda one: bounds(one[1], one[0])[0], default=(0, 0))
        share = bounds(went, came)[0] / 100
        ends = row["signal"] in self._sending - self._moving
        holds = _HOLDS.get(kind_of(row["id"]), ((), 0.0))[1]
        passes = 100 * share >= _PASSES if same else ends
        least = self._least(row["signal"], row["id"])
        if same and went < _NEARLY_ALL * came:
            least = max(least, ceil(SOME_TRACE / max(share, 0.01)))
        said = f"{went} of {came} pass" if same else "all are sent without it"
        more = {"rest_incoming": came, "rest_outgoing": went, "rest_passes": said, "passes": passes and not holds}
        return {**row, **more, "least": least}

    def _least(self, signal: str, name: str = "") -> int:
        """Return how many items must be due to say that none passes: more with samplers that the rest does not have."""
        least = LEAST
        new, old = (section(config, "processors") for config in self._settings)
        for row in self._new["processes"]:
            key = row["id"]
            if row["signal"] == signal and name in ("", key) and new.get(key) != old.get(key):
                least = max(least, needed(kind_of(key), section(new, key)))
        return least

    def log(self, row: Row) -> Row:
        """Return an entry, with whether the rest has it too, and whether its component works all the same."""
        said = row["cause"] or VARIABLE.sub("#", row["said"])
        role = row["about"].partition("/")[0]
        others = {
            (one["about"].partition("/")[0], one["cause"] or VARIABLE.sub("#", one["said"]))
            for one in self._old["logs"]
        }
        works = {
            f"exporters/{one['id']}" for one in self._new["exports"] if one["sent"] and one["sent"] > one["failed"]
        } | {f"receivers/{one['id']}" for one in self._new["receives"] if one["accepted"]}
        calm = row["about"] in works and not _is_partial(row)
        return {**row, "known": (role, said) in others, "calm": calm}


def unit_of(config: Mapping[str, Any], exporter: str) -> int:
    """Return how many units of its queue an exporter sends at once: a queue also holds the next batch.

    A queue in bytes without batches in bytes holds some requests. Half of any queue is more than it holds in passing.
    """
    queue = section(config, "exporters", exporter, "sending_queue")
    sizer, batch = queue.get("sizer"), section(queue, "batch")
    size = batch.get("min_size") if batch.get("sizer", sizer) == sizer else None
    found = size if sizer in ("items", "bytes") and isinstance(size, int) else 0
    if sizer != "bytes":
        return found or 1
    room = queue.get("queue_size")
    return min(found or BATCH_BYTES, max(room // _PARTS, 1) if isinstance(room, int) else BATCH_BYTES)


def _accepted(facts: Facts, signal: str) -> int:
    """Return what came in of a signal; for one that connectors make, of all signals."""
    own = [row["accepted"] for row in facts["receives"] if row["signal"] == signal]
    return sum(own) if own else sum(row["accepted"] for row in facts["receives"])


def _percent(part: float, whole: float) -> int:
    return round(100 * part / whole) if whole else 0


def _is_error(row: Row) -> bool:
    return row["level"] not in ("info", "debug", "warn") or bool(row["error"]) or _is_partial(row)


def _is_partial(row: Row) -> bool:
    """Return whether a backend took a request, but not all of its items. Source: the OTLP exporters."""
    return bool(str(row["message"]).startswith("Partial success"))


def _ports(canary: Revision, old: Mapping[str, Any]) -> Iterator[Row]:
    """Yield the ports on which a pod of the canary refuses connections, and whether an older pod accepts them."""
    for sample in canary.polls[-1].samples.values():
        for name, port in (one for one, accepts in sample.open.items() if not accepts):
            closed = f"{name}:{port}" in old["open"]
            yield {"about": f"receivers/{name}", "id": name, "pod": sample.pod, "port": port, "closed": closed}
