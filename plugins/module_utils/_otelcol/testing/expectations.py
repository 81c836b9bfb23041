# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the records that reached an exporter are those that a test expects. Private."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from ..errors import at_most
from .pipeline_stages import stage_name
from .records import FIELDS, OF_PIPELINES, SIGNALS, Record, identifier, in_order, nanoseconds

NOTHING = "nothing"
_DIGITS = {"trace": 32, "id": 16, "parent": 16}
# Fields whose keys are compared one by one: others may be there, unless the test is exact.
_MAPS = ("attributes", "resource", "scope")
_MISSING = object()
# What an expected value can be instead of a value: patterns as in a shell.
PATTERNS: dict[str, tuple[str, Callable[[str, str], bool]]] = {
    "like": ("like", fnmatchcase),
    "unlike": ("not like", lambda text, pattern: not fnmatchcase(text, pattern)),
}
# Fields that a line with a record leaves out.
_NOT_SHOWN = ("trace", "id", "parent", "scope", "duration")
# How many records a line shows.
_SHOWN = 3


def record_differences(
    exporter: str, expected: Any, got: Mapping[str, Sequence[Record]], unasked: Collection[str] = ()
) -> list[str]:
    """Return a line for each difference between what an exporter should have got and what it got.

    `expected` is `nothing`, or has for each signal a number of records or a list of them. The list is complete unless
    `others` is true. In a record, what is not named is not compared, unless `exact` is true. Metrics
    of the `unasked` names are compared only if they are named.
    """
    by_signal = dict.fromkeys(SIGNALS, 0) if expected == NOTHING else expected
    lines: list[str] = []
    for signal in SIGNALS:
        if signal not in by_signal:
            continue
        expected_records = by_signal[signal]
        records = got.get(signal, ())
        if signal == "metrics":
            records = _without_unasked(records, expected_records, unasked)
        if isinstance(expected_records, int):
            lines += _unlike_number(exporter, signal, expected_records, records)
            continue
        where = f"{exporter}: {signal}"
        is_exact, may_have_others = bool(by_signal.get("exact")), bool(by_signal.get("others"))
        comparison = _Comparison(where, signal, list(expected_records), list(records), is_exact)
        lines += comparison.differences(may_have_others)
    return lines


def _without_unasked(
    metrics: Sequence[Record], expected: int | Sequence[Record], unasked: Collection[str]
) -> list[Record]:
    """Return metrics without those of the unasked names, unless a test names them."""
    named = [] if isinstance(expected, int) else [record.get("name") for record in expected]
    left_out = {name for name in unasked if name not in named}
    return [record for record in metrics if record.get("name") not in left_out]


def _unlike_number(exporter: str, signal: str, number: int, records: Sequence[Record]) -> Iterator[str]:
    """Yield a line if another number of records arrived."""
    if len(records) != number:
        texts = at_most(_SHOWN, (brief_record(signal, record) for record in records))
        yield f"{exporter}: expected {number} {signal}, got {len(records)}: {texts}"


def traced_steps(config: Mapping[str, Any], got: Mapping[str, Mapping[str, Sequence[Record]]]) -> Iterator[str]:
    """Yield what each processor took away (-), added (+) or changed (~), for every pipeline that got something."""
    for name, pipeline in config["service"]["pipelines"].items():
        signal = OF_PIPELINES.get(str(name).partition("/")[0], "")
        processors = pipeline.get("processors") or ()
        stages: list[list[Record]] = []
        for number in range(len(processors) + 1):
            arrived = got.get(stage_name(name, number), {})
            stages.append(list(arrived.get(signal, ())))
        if not stages[0]:
            continue
        yield f"{name}: {len(stages[0])} {signal} come in"
        for processor, before, after in zip(processors, stages, stages[1:], strict=False):
            for line in _step(signal, before, after):
                yield f"{name}: {processor}: {line}"


def _step(signal: str, before: Sequence[Record], after: Sequence[Record]) -> Iterator[str]:
    """Yield what one processor did. As many new records as are gone are the old ones, changed."""
    lost = [record for record in before if record not in after]
    gained = [record for record in after if record not in before]
    if len(lost) == len(gained):
        for old, new in zip(lost, gained, strict=True):
            yield f"~ {'; '.join(changes_between(old, new))}"
        return
    for record in lost:
        yield f"- {brief_record(signal, record)}"
    for record in gained:
        yield f"+ {brief_record(signal, record)}"


@dataclass(frozen=True)
class _Comparison:
    """The records that an exporter should get of a signal, those that it got, and where a line says that this is."""

    where: str
    signal: str
    expected: Sequence[Record]
    got: Sequence[Record]
    is_exact: bool

    def differences(self, may_have_others: bool) -> Iterator[str]:
        """Yield what differs: each expected record is compared with the one that is nearest to it."""
        partners = _paired([self._numbers_fitting(expected) for expected in self.expected])
        free = [number for number in range(len(self.got)) if number not in partners.values()]
        for index, expected in enumerate(self.expected):
            if index in partners:
                continue
            if not free:
                yield f"{self.where}[{index}]: nothing arrived for {brief_record(self.signal, expected)}"
                continue
            differing = {number: list(differing_fields(expected, self.got[number], self.is_exact)) for number in free}
            nearest = min(differing, key=lambda number: len(differing[number]))
            free.remove(nearest)
            for text in differing[nearest]:
                yield f"{self.where}[{index}]: {text}"
        if not may_have_others:
            for number in free:
                yield f"{self.where}: not expected: {brief_record(self.signal, self.got[number])}"

    def _numbers_fitting(self, expected: Record) -> list[int]:
        """Return the numbers of the records that arrived and are as expected."""
        return [
            number
            for number, arrived in enumerate(self.got)
            if not any(differing_fields(expected, arrived, self.is_exact))
        ]


def _paired(fits: Sequence[Sequence[int]]) -> dict[int, int]:
    """Return for as many expected records as possible one that arrived, each of them once."""
    owner: dict[int, int] = {}

    def place(index: int, tried: set[int]) -> bool:
        for number in fits[index]:
            if number in tried:
                continue
            tried.add(number)
            if number not in owner or place(owner[number], tried):
                owner[number] = index
                return True
        return False

    for index in range(len(fits)):
        place(index, set())
    return {index: number for number, index in owner.items()}


def changes_between(old: Record, new: Record) -> Iterator[str]:
    """Yield how a record became another one."""
    for field in new:
        before, after = old[field], new[field]
        if field in _MAPS:
            yield from _changes_of_map(field, before, after)
        elif before != after:
            yield f"{field}: {before!r} → {after!r}"


def _changes_of_map(field: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Yield how each value of a mapping changed."""
    for key in sorted({*before, *after}):
        old, new = before.get(key, _MISSING), after.get(key, _MISSING)
        if old != new:
            yield f"{field}.{key}: {_in_words(old)} → {_in_words(new)}"


def differing_fields(expected: Record, got: Record, exact: bool = False) -> Iterator[str]:
    """Yield what differs between an expected record and one that arrived."""
    for field, value in expected.items():
        if field in _MAPS and isinstance(value, Mapping):
            yield from _unlike_map(field, value, got.get(field) or {}, exact)
            continue
        arrived = got.get(field, _MISSING)
        if not _is_as_expected(_as_recorded(field, value), arrived):
            yield f"{field}: expected {_in_words(value)}, got {_in_words(arrived)}"


def _unlike_map(field: str, expected: Mapping[str, Any], got: Mapping[str, Any], exact: bool) -> Iterator[str]:
    """Yield what differs between an expected mapping and one that arrived; a key with `null` must not be there."""
    for key, value in expected.items():
        arrived = got.get(key, _MISSING)
        if value is None:
            if arrived is not _MISSING:
                yield f"{field}.{key}: expected to be absent, got {_in_words(arrived)}"
        elif not _is_as_expected(value, arrived):
            yield f"{field}.{key}: expected {_in_words(value)}, got {_in_words(arrived)}"
    if exact:
        for key in got:
            if key not in expected:
                yield f"{field}.{key}: not expected, got {_in_words(got[key])}"


def _is_as_expected(expected: Any, arrived: Any) -> bool:
    """Whether a value is the expected one, or matches its pattern."""
    pattern = _pattern_of(expected)
    if pattern:
        name, text = pattern
        _words, matches = PATTERNS[name]
        return arrived is not _MISSING and matches(str(arrived), text)
    if isinstance(expected, bool) or isinstance(arrived, bool):
        return expected is arrived
    return bool(expected == arrived)


def _pattern_of(expected: Any) -> tuple[str, str] | None:
    """Return the kind and the text of an expectation such as `{like: "a*"}`; None for a plain value."""
    if not isinstance(expected, Mapping) or len(expected) != 1:
        return None
    ((name, text),) = expected.items()
    return (name, str(text)) if name in PATTERNS else None


def _as_recorded(field: str, value: Any) -> Any:
    """Return an expected value as records have it: an id in digits, a duration in nanoseconds."""
    if isinstance(value, Mapping):
        return value
    if field in _DIGITS and value:
        return identifier(value, _DIGITS[field])
    return nanoseconds(value, field) if field == "duration" else value


def _in_words(value: Any) -> str:
    """Return a value as a line shows it: a pattern with its word, and `nothing` for none."""
    if value is _MISSING:
        return "nothing"
    if isinstance(value, Mapping) and len(value) == 1:
        ((name, pattern),) = value.items()
        if name in PATTERNS:
            word, _matches = PATTERNS[name]
            return f"{word} {pattern!r}"
    return repr(value)


def brief_record(signal: str, record: Record) -> str:
    """Return a record in one line, without what is empty."""
    texts = []
    for field in FIELDS[signal]:
        value = record.get(field)
        if field not in _NOT_SHOWN and value not in (None, "", {}, []):
            texts.append(f"{field}: {in_order(value)}")
    return f"{{{', '.join(texts)}}}"
