# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the records that reached an exporter are those that a test expects. Private."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from ..errors import at_most
from .harness import stage_name
from .records import FIELDS, OF_PIPELINES, SIGNALS, Record, identifier, nanoseconds

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
    wanted = dict.fromkeys(SIGNALS, 0) if expected == NOTHING else expected
    lines: list[str] = []
    for signal in SIGNALS:
        if signal not in wanted:
            continue
        number = wanted[signal]
        named = [] if isinstance(number, int) else [item.get("name") for item in number]
        aside = {name for name in unasked if signal == "metrics" and name not in named}
        records = [record for record in got.get(signal, ()) if record.get("name") not in aside]
        if isinstance(number, int):
            if len(records) != number:
                got_them = at_most(_SHOWN, (brief_record(signal, record) for record in records))
                lines.append(f"{exporter}: expected {number} {signal}, got {len(records)}: {got_them}")
            continue
        options = {"exact": bool(wanted.get("exact")), "others": bool(wanted.get("others"))}
        lines += _compared(f"{exporter}: {signal}", signal, list(number), records, options)
    return lines


def traced_steps(config: Mapping[str, Any], got: Mapping[str, Mapping[str, Sequence[Record]]]) -> Iterator[str]:
    """Yield what each processor took away (-), added (+) or changed (~), for every pipeline that got something."""
    for name, pipeline in config["service"]["pipelines"].items():
        signal = OF_PIPELINES.get(str(name).partition("/")[0], "")
        processors = pipeline.get("processors") or ()
        steps = [list(got.get(stage_name(name, number), {}).get(signal, ())) for number in range(len(processors) + 1)]
        if not steps[0]:
            continue
        yield f"{name}: {len(steps[0])} {signal} come in"
        for processor, before, after in zip(processors, steps, steps[1:], strict=False):
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


def _compared(
    where: str, signal: str, expected: Sequence[Record], got: Sequence[Record], options: Mapping[str, bool]
) -> Iterator[str]:
    fits = [
        [number for number, one in enumerate(got) if not any(differing_fields(want, one, options["exact"]))]
        for want in expected
    ]
    partner = _paired(fits)
    free = [number for number in range(len(got)) if number not in partner.values()]
    for index, want in enumerate(expected):
        if index in partner:
            continue
        different = {number: list(differing_fields(want, got[number], options["exact"])) for number in free}
        if not different:
            yield f"{where}[{index}]: nothing arrived for {brief_record(signal, want)}"
            continue
        nearest = min(different, key=lambda number: len(different[number]))
        free.remove(nearest)
        yield from (f"{where}[{index}]: {text}" for text in different[nearest])
    if not options["others"]:
        yield from (f"{where}: not expected: {brief_record(signal, got[number])}" for number in free)


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
        if field not in _MAPS:
            if before != after:
                yield f"{field}: {before!r} → {after!r}"
            continue
        for key in sorted({*before, *after}):
            if before.get(key, _MISSING) != after.get(key, _MISSING):
                yield f"{field}.{key}: {_said(before.get(key, _MISSING))} → {_said(after.get(key, _MISSING))}"


def differing_fields(want: Record, got: Record, exact: bool = False) -> Iterator[str]:
    """Yield what differs between an expected record and one that arrived."""
    for field, value in want.items():
        if field in _MAPS and isinstance(value, Mapping):
            yield from _unlike_map(field, value, got.get(field) or {}, exact)
        elif not _same(_normal(field, value), got.get(field, _MISSING)):
            yield f"{field}: expected {_said(value)}, got {_said(got.get(field, _MISSING))}"


def _unlike_map(field: str, want: Mapping[str, Any], got: Mapping[str, Any], exact: bool) -> Iterator[str]:
    for key, value in want.items():
        found = got.get(key, _MISSING)
        if value is None and found is not _MISSING:
            yield f"{field}.{key}: expected to be absent, got {_said(found)}"
        elif value is not None and not _same(value, found):
            yield f"{field}.{key}: expected {_said(value)}, got {_said(found)}"
    if exact:
        yield from (f"{field}.{key}: not expected, got {_said(got[key])}" for key in got if key not in want)


def _same(want: Any, got: Any) -> bool:
    pattern = _pattern_of(want)
    if pattern:
        name, text = pattern
        _words, matches = PATTERNS[name]
        return got is not _MISSING and matches(str(got), text)
    if isinstance(want, bool) or isinstance(got, bool):
        return want is got
    return bool(want == got)


def _pattern_of(want: Any) -> tuple[str, str] | None:
    """Return the kind and the text of an expectation such as `{like: "a*"}`; None for a plain value."""
    if not isinstance(want, Mapping) or len(want) != 1:
        return None
    ((name, text),) = want.items()
    return (name, str(text)) if name in PATTERNS else None


def _normal(field: str, value: Any) -> Any:
    """Return an expected value as records have it: an id in digits, a duration in nanoseconds."""
    if isinstance(value, Mapping):
        return value
    if field in _DIGITS and value:
        return identifier(value, _DIGITS[field])
    return nanoseconds(value, field) if field == "duration" else value


def _said(value: Any) -> str:
    if isinstance(value, Mapping) and len(value) == 1 and (known := PATTERNS.get(next(iter(value)))):
        return f"{known[0]} {next(iter(value.values()))!r}"
    return "nothing" if value is _MISSING else repr(value)


def brief_record(signal: str, record: Record) -> str:
    """Return a record in one line, without what is empty."""
    shown = {field: record[field] for field in FIELDS[signal] if record.get(field) not in (None, "", {}, [])}
    for hidden in ("trace", "id", "parent", "scope", "duration"):
        shown.pop(hidden, None)
    texts = (f"{field}: {_sorted(value)}" for field, value in shown.items())
    return f"{{{', '.join(texts)}}}"


def _sorted(value: Any) -> Any:
    return dict(sorted(value.items())) if isinstance(value, Mapping) else value
