# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records that came twice: the same span, data point or log record, time and all. Private."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from . import proposals
from .captured_records import NOTHING, Amount, Record, value_of
from .proposals import Proposal, Untold

MOST_RECORDS = 1_000_000
"""So many records are compared."""
_ADVICE = "no option: two receivers, pipelines or agents take the same data, so remove one of them"


class RepeatedRecords:
    """The records of a capture that it has more than once. What has no id and no time cannot be called the same."""

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._repeated: dict[str, Amount] = defaultdict(lambda: NOTHING)
        self._left_out: Counter[str] = Counter()

    def add(self, record: Record) -> None:
        """Compare a record with all before it."""
        keys = list(_keys(record))
        for key in keys:
            if key is None:
                self._left_out["without an id or a time"] += 1
            elif key in self._seen:
                self._repeated[record.signal] = self._repeated[record.signal].plus(1, record.size // len(keys))
            elif len(self._seen) < MOST_RECORDS:
                self._seen.add(key)
            else:
                self._left_out[f"after the first {MOST_RECORDS:,}"] += 1

    def outcomes(self) -> Iterator[Proposal | Untold]:
        """Yield what came twice, of each signal."""
        for signal, amount in self._repeated.items():
            yield Proposal(proposals.TWICE, signal, {signal: amount}, None, _ADVICE)
        for which, number in self._left_out.items():
            yield Untold(proposals.TWICE, f"{number:,} records {which} were not compared")


def _keys(record: Record) -> Iterator[int | None]:
    """Yield a number for the record, or for each of its data points, that the same one has again."""
    body = record.body
    if record.signal == "traces":
        yield hash((body.get("traceId"), body["spanId"])) if body.get("spanId") else None
    elif record.signal == "logs":
        yield hash((record.resource.identity, record.scope, record.digest)) if body.get("timeUnixNano") else None
    else:
        owner = (record.resource.identity, record.scope, body.get("name"))
        for point, attributes in record.holders:
            time = point.get("timeUnixNano")
            yield hash((owner, frozenset(attributes.items()), value_of(point), time)) if time else None
