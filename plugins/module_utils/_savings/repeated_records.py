# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records that came twice: the same span, data point or log record, time and all. Private."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from . import proposals
from .captured_records import NO_AMOUNT, Amount, Record, encode_point_value
from .proposals import SavingProposal, UntoldKind

MOST_RECORDS = 1_000_000
"""So many records are compared."""
_ADVICE = "no option: two receivers, pipelines or agents take the same data, so remove one of them"


class RepeatedRecords:
    """The records of a capture that it has more than once. What has no id and no time cannot be called the same."""

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._repeated: dict[str, Amount] = defaultdict(lambda: NO_AMOUNT)
        self._left_out: Counter[str] = Counter()

    def add_record(self, record: Record) -> None:
        """Compare a record with all before it."""
        identity_keys = list(_list_identity_keys(record))
        for identity_key in identity_keys:
            if identity_key is None:
                self._left_out["without an id or a time"] += 1
            elif identity_key in self._seen:
                self._repeated[record.signal] = self._repeated[record.signal].plus(1, record.size // len(identity_keys))
            elif len(self._seen) < MOST_RECORDS:
                self._seen.add(identity_key)
            else:
                self._left_out[f"after the first {MOST_RECORDS:,}"] += 1

    def find_outcomes(self) -> Iterator[SavingProposal | UntoldKind]:
        """Yield what came twice, of each signal."""
        for signal, amount in self._repeated.items():
            yield SavingProposal(proposals.DUPLICATE_RECORDS, signal, {signal: amount}, None, _ADVICE)
        for description, number in self._left_out.items():
            yield UntoldKind(proposals.DUPLICATE_RECORDS, f"{number:,} records {description} were not compared")


def _list_identity_keys(record: Record) -> Iterator[int | None]:
    """Yield a number for the record, or for each of its data points, that is equal for the same record.

    None stands for a record that has no id or time to tell it by.
    """
    body = record.body
    if record.signal == "traces":
        yield hash((body.get("traceId"), body["spanId"])) if body.get("spanId") else None
    elif record.signal == "logs":
        yield hash((record.resource.identity, record.scope, record.digest)) if body.get("timeUnixNano") else None
    else:
        metric_identity = (record.resource.identity, record.scope, body.get("name"))
        for point, attributes in record.holders:
            point_time = point.get("timeUnixNano")
            yield (
                hash((metric_identity, frozenset(attributes.items()), encode_point_value(point), point_time))
                if point_time
                else None
            )
