# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the records that reached an exporter are those that a test expects. Private."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from ..errors import join_at_most
from .pipeline_stages import name_stage
from .records import (
    FIELDS_BY_SIGNAL,
    RECORD_KINDS_BY_SIGNAL,
    SIGNALS,
    Record,
    RecordsByName,
    make_identifier,
    parse_nanoseconds,
    sort_keys,
)

EXPECTS_NOTHING = "nothing"
_DIGITS_OF_IDS = {"trace": 32, "id": 16, "parent": 16}
# Fields whose keys are compared one by one: others may be there, unless the test is exact.
_MAPPING_FIELDS = ("attributes", "resource", "scope")
_ABSENT = object()
# What an expected value can be instead of a value: patterns as in a shell.
PATTERNS: dict[str, tuple[str, Callable[[str, str], bool]]] = {
    "like": ("like", fnmatchcase),
    "unlike": ("not like", lambda text, pattern: not fnmatchcase(text, pattern)),
}
# Fields that a line with a record leaves out.
_FIELDS_NOT_SHOWN = ("trace", "id", "parent", "scope", "duration")
# How many records a line shows.
_MOST_SHOWN_RECORDS = 3


def list_record_differences(
    exporter: str,
    expectation: Any,
    arrived_by_signal: Mapping[str, Sequence[Record]],
    unasked_names: Collection[str] = (),
) -> list[str]:
    """Return a line for each difference between what an exporter should have got and what it got.

    `expectation` is `nothing`, or has for each signal a number of records or a list of them. The list is complete
    unless `others` is true. In a record, what is not named is not compared, unless `exact` is true. Metrics of the
    `unasked_names` names are compared only if they are named.
    """
    expected_by_signal = dict.fromkeys(SIGNALS, 0) if expectation == EXPECTS_NOTHING else expectation
    lines: list[str] = []
    for signal in SIGNALS:
        if signal not in expected_by_signal:
            continue
        expected_records = expected_by_signal[signal]
        arrived_records = arrived_by_signal.get(signal, ())
        if signal == "metrics":
            arrived_records = _leave_out_unasked_metrics(arrived_records, expected_records, unasked_names)
        if isinstance(expected_records, int):
            lines += _compare_count(exporter, signal, expected_records, arrived_records)
            continue
        place = f"{exporter}: {signal}"
        is_exact, may_have_others = bool(expected_by_signal.get("exact")), bool(expected_by_signal.get("others"))
        comparison = _RecordComparison(place, signal, list(expected_records), list(arrived_records), is_exact)
        lines += comparison.differences(may_have_others)
    return lines


def _leave_out_unasked_metrics(
    metrics: Sequence[Record], expected_records: int | Sequence[Record], unasked_names: Collection[str]
) -> list[Record]:
    """Return metrics without those of the unasked names, unless a test names them."""
    named_metrics = [] if isinstance(expected_records, int) else [record.get("name") for record in expected_records]
    names_left_out = {name for name in unasked_names if name not in named_metrics}
    return [record for record in metrics if record.get("name") not in names_left_out]


def _compare_count(exporter: str, signal: str, expected_count: int, records: Sequence[Record]) -> Iterator[str]:
    """Yield a line if another number of records arrived."""
    if len(records) != expected_count:
        shown_records = join_at_most(_MOST_SHOWN_RECORDS, (format_record(signal, record) for record in records))
        yield f"{exporter}: expected {expected_count} {signal}, got {len(records)}: {shown_records}"


def trace_steps(config: Mapping[str, Any], records_by_stage: RecordsByName) -> Iterator[str]:
    """Yield what each processor took away (-), added (+) or changed (~), for every pipeline that got something."""
    for name, pipeline in config["service"]["pipelines"].items():
        signal = RECORD_KINDS_BY_SIGNAL.get(str(name).partition("/")[0], "")
        processors = pipeline.get("processors") or ()
        stages: list[list[Record]] = []
        for stage_index in range(len(processors) + 1):
            stage_records = records_by_stage.get(name_stage(name, stage_index), {})
            stages.append(list(stage_records.get(signal, ())))
        if not stages[0]:
            continue
        yield f"{name}: {len(stages[0])} {signal} come in"
        for processor, records_before, records_after in zip(processors, stages, stages[1:], strict=False):
            for line in _describe_step(signal, records_before, records_after):
                yield f"{name}: {processor}: {line}"


def _describe_step(signal: str, records_before: Sequence[Record], records_after: Sequence[Record]) -> Iterator[str]:
    """Yield what one processor did. As many new records as are gone are the old ones, changed."""
    lost_records = [record for record in records_before if record not in records_after]
    gained_records = [record for record in records_after if record not in records_before]
    if len(lost_records) == len(gained_records):
        for old_record, new_record in zip(lost_records, gained_records, strict=True):
            yield f"~ {'; '.join(describe_changes(old_record, new_record))}"
        return
    for record in lost_records:
        yield f"- {format_record(signal, record)}"
    for record in gained_records:
        yield f"+ {format_record(signal, record)}"


@dataclass(frozen=True)
class _RecordComparison:
    """The records that an exporter should get of a signal, those that it got, and where a line says that this is."""

    where: str
    signal: str
    expected: Sequence[Record]
    got: Sequence[Record]
    is_exact: bool

    def differences(self, may_have_others: bool) -> Iterator[str]:
        """Yield what differs: each expected record is compared with the one that is nearest to it."""
        partners = _pair_records([self._list_fitting_numbers(expected_record) for expected_record in self.expected])
        unpaired_numbers = [number for number in range(len(self.got)) if number not in partners.values()]
        for index, expected_record in enumerate(self.expected):
            if index in partners:
                continue
            if not unpaired_numbers:
                yield f"{self.where}[{index}]: nothing arrived for {format_record(self.signal, expected_record)}"
                continue
            differing = {
                number: list(list_differing_fields(expected_record, self.got[number], self.is_exact))
                for number in unpaired_numbers
            }
            nearest = min(differing, key=lambda number: len(differing[number]))
            unpaired_numbers.remove(nearest)
            for difference in differing[nearest]:
                yield f"{self.where}[{index}]: {difference}"
        if not may_have_others:
            for number in unpaired_numbers:
                yield f"{self.where}: not expected: {format_record(self.signal, self.got[number])}"

    def _list_fitting_numbers(self, expected_record: Record) -> list[int]:
        """Return the numbers of the records that arrived and are as expected."""
        return [
            number
            for number, arrived_record in enumerate(self.got)
            if not any(list_differing_fields(expected_record, arrived_record, self.is_exact))
        ]


def _pair_records(fitting_numbers: Sequence[Sequence[int]]) -> dict[int, int]:
    """Return for as many expected records as possible one that arrived, each of them once.

    `fitting_numbers` has for each expected record the numbers of those that arrived and are as expected.
    """
    pairing = _Pairing(fitting_numbers)
    for index in range(len(fitting_numbers)):
        pairing.add(index)
    return pairing.number_by_index


class _Pairing:
    """Expected records by index, each with the number of one that arrived."""

    def __init__(self, fitting_numbers: Sequence[Sequence[int]]) -> None:
        self.fitting_numbers = fitting_numbers
        self.number_by_index: dict[int, int] = {}
        self._index_by_number: dict[int, int] = {}

    def add(self, index: int) -> None:
        """Pair one more expected record, if those that are paired can give way to it by taking others."""
        asking_index_by_number: dict[int, int] = {}
        asking_indexes = deque([index])
        while asking_indexes:
            asking_index = asking_indexes.popleft()
            for number in self.fitting_numbers[asking_index]:
                if number in asking_index_by_number:
                    continue
                asking_index_by_number[number] = asking_index
                if number not in self._index_by_number:
                    self._give(number, asking_index_by_number)
                    return
                asking_indexes.append(self._index_by_number[number])

    def _give(self, free_number: int, asking_index_by_number: Mapping[int, int]) -> None:
        """Give a free number to the index that asks for it, the number which that one had to the next, and so on."""
        number: int | None = free_number
        while number is not None:
            index = asking_index_by_number[number]
            earlier_number = self.number_by_index.get(index)
            self.number_by_index[index] = number
            self._index_by_number[number] = index
            number = earlier_number


def describe_changes(old_record: Record, new_record: Record) -> Iterator[str]:
    """Yield how a record became another one, which may have other fields: a gauge that became a sum has more."""
    for field in {**new_record, **old_record}:
        if field in _MAPPING_FIELDS:
            yield from _describe_changes_of_mapping(field, old_record.get(field) or {}, new_record.get(field) or {})
            continue
        old_value, new_value = old_record.get(field, _ABSENT), new_record.get(field, _ABSENT)
        if old_value != new_value:
            yield f"{field}: {_show_value(old_value)} → {_show_value(new_value)}"


def _describe_changes_of_mapping(
    field: str, old_mapping: Mapping[str, Any], new_mapping: Mapping[str, Any]
) -> Iterator[str]:
    """Yield how each value of a mapping changed."""
    for key in sorted({*old_mapping, *new_mapping}):
        old_value, new_value = old_mapping.get(key, _ABSENT), new_mapping.get(key, _ABSENT)
        if old_value != new_value:
            yield f"{field}.{key}: {_show_value(old_value)} → {_show_value(new_value)}"


def list_differing_fields(expected_record: Record, arrived_record: Record, is_exact: bool = False) -> Iterator[str]:
    """Yield what differs between an expected record and one that arrived."""
    for field, expected_value in expected_record.items():
        if field in _MAPPING_FIELDS and isinstance(expected_value, Mapping):
            yield from _compare_mappings(field, expected_value, arrived_record.get(field) or {}, is_exact)
            continue
        arrived_value = arrived_record.get(field, _ABSENT)
        if not _is_as_expected(_convert_to_recorded(field, expected_value), arrived_value):
            yield f"{field}: expected {_show_value(expected_value)}, got {_show_value(arrived_value)}"


def _compare_mappings(
    field: str, expected_mapping: Mapping[str, Any], arrived_mapping: Mapping[str, Any], is_exact: bool
) -> Iterator[str]:
    """Yield what differs between an expected mapping and one that arrived; a key with `null` must not be there."""
    for key, expected_value in expected_mapping.items():
        arrived_value = arrived_mapping.get(key, _ABSENT)
        if expected_value is None:
            if arrived_value is not _ABSENT:
                yield f"{field}.{key}: expected to be absent, got {_show_value(arrived_value)}"
        elif not _is_as_expected(expected_value, arrived_value):
            yield f"{field}.{key}: expected {_show_value(expected_value)}, got {_show_value(arrived_value)}"
    if is_exact:
        for key in arrived_mapping:
            if key not in expected_mapping:
                yield f"{field}.{key}: not expected, got {_show_value(arrived_mapping[key])}"


def _is_as_expected(expected_value: Any, arrived_value: Any) -> bool:
    """Whether a value is the expected one, or matches its pattern."""
    pattern = _read_pattern(expected_value)
    if pattern:
        pattern_kind, pattern_text = pattern
        _words, matches = PATTERNS[pattern_kind]
        return arrived_value is not _ABSENT and matches(str(arrived_value), pattern_text)
    if isinstance(expected_value, bool) or isinstance(arrived_value, bool):
        return expected_value is arrived_value
    return bool(expected_value == arrived_value)


def _read_pattern(expected_value: Any) -> tuple[str, str] | None:
    """Return the kind and the text of an expectation such as `{like: "a*"}`; None for a plain value."""
    if not isinstance(expected_value, Mapping) or len(expected_value) != 1:
        return None
    ((pattern_kind, pattern_text),) = expected_value.items()
    return (pattern_kind, str(pattern_text)) if pattern_kind in PATTERNS else None


def _convert_to_recorded(field: str, value: Any) -> Any:
    """Return an expected value as records have it: an id in digits, a duration in nanoseconds."""
    if isinstance(value, Mapping):
        return value
    if field in _DIGITS_OF_IDS and value:
        return make_identifier(value, _DIGITS_OF_IDS[field])
    return parse_nanoseconds(value, field) if field == "duration" else value


def _show_value(value: Any) -> str:
    """Return a value as a line shows it: a pattern with its word, and `nothing` for none."""
    if value is _ABSENT:
        return "nothing"
    if isinstance(value, Mapping) and len(value) == 1:
        ((pattern_kind, pattern),) = value.items()
        if pattern_kind in PATTERNS:
            pattern_word, _matches = PATTERNS[pattern_kind]
            return f"{pattern_word} {pattern!r}"
    return repr(value)


def format_record(signal: str, record: Record) -> str:
    """Return a record in one line, without what is empty."""
    field_texts = []
    for field in FIELDS_BY_SIGNAL[signal]:
        value = record.get(field)
        if field not in _FIELDS_NOT_SHOWN and value not in (None, "", {}, []):
            field_texts.append(f"{field}: {sort_keys(value)}")
    return f"{{{', '.join(field_texts)}}}"
