# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records that a capture has twice: the same span, data point or log record with the same time. Private.

`observation.py` adds each record of a capture to `RepeatedRecords`, and asks it in the end what came twice. Example:
two agents read the file of the same pod, so each log record is there twice. No option removes one of the two: the
proposal advises to remove one of the agents.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from . import proposals
from .captured_records import NO_AMOUNT, Amount, Record
from .proposals import CaptureGap, SavingProposal
from .record_json import encode_point_value

MOST_RECORDS = 1_000_000
"""So many records are compared."""
_ADVICE = "no option: two receivers, pipelines or agents take the same data, so remove one of them"


class RepeatedRecords:
    """The records of a capture that it has more than once. What has no id and no time cannot be called the same."""

    def __init__(self) -> None:
        self._seen_identities: set[int] = set()
        self._amount_by_signal: dict[str, Amount] = defaultdict(lambda: NO_AMOUNT)
        # How many records were not compared, by a description of them, such as `without an id or a time`.
        self._left_out: Counter[str] = Counter()

    def add_record(self, record: Record) -> None:
        """Compare a record with all before it."""
        identities = _list_identities(record)
        for identity in identities:
            if identity is None:
                self._left_out["without an id or a time"] += 1
            elif identity in self._seen_identities:
                amount = self._amount_by_signal[record.signal]
                self._amount_by_signal[record.signal] = amount.plus(1, record.size_bytes // len(identities))
            elif len(self._seen_identities) < MOST_RECORDS:
                self._seen_identities.add(identity)
            else:
                self._left_out[f"after the first {MOST_RECORDS:,}"] += 1

    def find_outcomes(self) -> Iterator[SavingProposal | CaptureGap]:
        """Yield what the capture has twice of each signal, and what of it was not compared."""
        for signal, amount in self._amount_by_signal.items():
            yield SavingProposal(proposals.DUPLICATE_RECORDS, signal, {signal: amount}, None, _ADVICE)
        for description, number in self._left_out.items():
            yield CaptureGap(proposals.DUPLICATE_RECORDS, f"{number:,} records {description} were not compared")


def _list_identities(record: Record) -> list[int | None]:
    """Return a number for the record, or for each data point of a metric. It is equal for the same record.

    None stands for a record without an id or a time, which cannot be compared.
    """
    if record.signal == "traces":
        return [_identify_span(record)]
    if record.signal == "logs":
        return [_identify_log(record)]
    return _identify_points(record)


def _identify_span(record: Record) -> int | None:
    """Return the number of a span by its ids alone, which SDKs make at random."""
    if not record.body.get("spanId"):
        return None
    return hash((record.body.get("traceId"), record.body["spanId"]))


def _identify_log(record: Record) -> int | None:
    """Return the number of a log record by all that it has, as it has no id of its own.

    Without a time, two equal lines of a log would seem to be one record.
    """
    if not record.body.get("timeUnixNano"):
        return None
    return hash((record.resource.identity, record.scope, record.digest))


def _identify_points(record: Record) -> list[int | None]:
    """Return the number of each data point: by the metric, its attributes, its value and its time."""
    metric_identity = (record.resource.identity, record.scope, record.body.get("name"))
    identities: list[int | None] = []
    for point, attributes in record.items:
        point_time = point.get("timeUnixNano")
        if not point_time:
            identities.append(None)
            continue
        attribute_pairs = frozenset(attributes.items())
        identities.append(hash((metric_identity, attribute_pairs, encode_point_value(point), point_time)))
    return identities
