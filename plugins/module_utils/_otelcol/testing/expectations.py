# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the records that reached an exporter are those that a test expects. Private.

`expected_records.py` compares two records, and `record_pairing.py` says which two. Each difference is a line of text; a
test without such lines has passed. judged_case.py in plugin_utils asks for the lines, such as ::

    otlp/a: spans[0]: name: expected 'GET /', got 'GET /health'
    otlp/a: logs: not expected: {body: text, severity: info}
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, NamedTuple

from ..errors import join_at_most
from .expected_records import list_differing_fields
from .record_lines import format_record
from .record_pairing import pair_records
from .records import RECORD_KINDS, Record

EXPECTS_NOTHING = "nothing"
# How many records a line shows.
_MOST_SHOWN_RECORDS = 3


def list_record_differences(
    exporter: str,
    expectation: Any,
    arrived_by_kind: Mapping[str, Sequence[Record]],
    ignored_names: Collection[str] = (),
) -> list[str]:
    """Return a line for each difference between what an exporter should have got and what it got.

    `expectation` is `nothing`, or has for each kind a number of records or a list of them. The list is complete
    unless `others` is true. In a record, what is not named is not compared, unless `exact` is true. Metrics of the
    names `ignored_names`, such as those that a scrape adds, are compared only if `expectation` names them.
    """
    expected_by_kind = dict.fromkeys(RECORD_KINDS, 0) if expectation == EXPECTS_NOTHING else expectation
    lines: list[str] = []
    for record_kind in RECORD_KINDS:
        if record_kind not in expected_by_kind:
            continue
        expected_records = expected_by_kind[record_kind]
        arrived_records = arrived_by_kind.get(record_kind, ())
        if record_kind == "metrics":
            arrived_records = _leave_out_ignored_metrics(arrived_records, expected_records, ignored_names)
        if isinstance(expected_records, int):
            lines += _compare_count(exporter, record_kind, expected_records, arrived_records)
            continue
        where = f"{exporter}: {record_kind}"
        comparison = _RecordComparison(
            where=where,
            record_kind=record_kind,
            expected_records=list(expected_records),
            arrived_records=list(arrived_records),
            is_exact=bool(expected_by_kind.get("exact")),
        )
        lines += comparison.find_differences(may_have_others=bool(expected_by_kind.get("others")))
    return lines


def _leave_out_ignored_metrics(
    metrics: Sequence[Record], expected_records: int | Sequence[Record], ignored_names: Collection[str]
) -> list[Record]:
    """Return metrics without those of the ignored names, unless a test names them."""
    named_metrics = [] if isinstance(expected_records, int) else [record.get("name") for record in expected_records]
    names_left_out = {name for name in ignored_names if name not in named_metrics}
    return [record for record in metrics if record.get("name") not in names_left_out]


def _compare_count(exporter: str, record_kind: str, expected_count: int, records: Sequence[Record]) -> Iterator[str]:
    """Yield a line if another number of records arrived."""
    if len(records) != expected_count:
        shown_records = join_at_most(_MOST_SHOWN_RECORDS, (format_record(record_kind, record) for record in records))
        yield f"{exporter}: expected {expected_count} {record_kind}, got {len(records)}: {shown_records}"


class _ComparedRecord(NamedTuple):
    """A record that arrived, and how it differs from an expected one."""

    arrived_index: int
    differences: tuple[str, ...]
    """A text for each field that differs, such as `name: expected 'GET /', got 'GET /health'`."""

    @property
    def difference_count(self) -> int:
        """How many fields differ."""
        return len(self.differences)


@dataclass(frozen=True)
class _RecordComparison:
    """The records of a kind that an exporter should get, and those that arrived."""

    where: str
    """What each line begins with, such as `otlp/a: spans`."""
    record_kind: str
    expected_records: Sequence[Record]
    arrived_records: Sequence[Record]
    is_exact: bool
    """Whether records may have nothing that is not expected."""

    def find_differences(self, *, may_have_others: bool) -> Iterator[str]:
        """Yield what differs: each expected record is compared with the one that is nearest to it."""
        partners = pair_records(
            [self._list_fitting_indexes(expected_record) for expected_record in self.expected_records]
        )
        paired_indexes = frozenset(partners.values())
        unpaired_indexes = [index for index in range(len(self.arrived_records)) if index not in paired_indexes]
        for index, expected_record in enumerate(self.expected_records):
            if index in partners:
                continue
            if not unpaired_indexes:
                yield f"{self.where}[{index}]: nothing arrived for {format_record(self.record_kind, expected_record)}"
                continue
            nearest = self._find_nearest_record(expected_record, unpaired_indexes)
            unpaired_indexes.remove(nearest.arrived_index)
            for difference in nearest.differences:
                yield f"{self.where}[{index}]: {difference}"
        if not may_have_others:
            yield from self._list_unexpected_records(unpaired_indexes)

    def _find_nearest_record(self, expected_record: Record, arrived_indexes: Sequence[int]) -> _ComparedRecord:
        """Return the first of the records at the indexes that differ least from an expected one."""
        compared_records = []
        for arrived_index in arrived_indexes:
            arrived_record = self.arrived_records[arrived_index]
            differences = tuple(list_differing_fields(expected_record, arrived_record, self.is_exact))
            compared_records.append(_ComparedRecord(arrived_index, differences))
        return min(compared_records, key=attrgetter("difference_count"))

    def _list_unexpected_records(self, arrived_indexes: Sequence[int]) -> Iterator[str]:
        """Yield a line for each record that no expected one stands for."""
        for arrived_index in arrived_indexes:
            unexpected_record = self.arrived_records[arrived_index]
            yield f"{self.where}: not expected: {format_record(self.record_kind, unexpected_record)}"

    def _list_fitting_indexes(self, expected_record: Record) -> list[int]:
        """Return the indexes of the records that arrived and are as expected."""
        return [
            arrived_index
            for arrived_index, arrived_record in enumerate(self.arrived_records)
            if not any(list_differing_fields(expected_record, arrived_record, self.is_exact))
        ]
