# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of log records and data points, and which of them one side of a change alone has. Private.

A forecast has to say which records a change drops or adds, and log records and data points have no ids. So they are
compared by kinds. The kind of a log record is its event or the template of its body, its severity and its service: the
body `user ann failed` of a debug record of service cart has `RecordKind("user <*> failed", "debug", "cart")`. The kind
of a data point is its metric. If before has 40 records of a kind and after has 10, before alone has 30 of them.

A template has no content of the body, see text_templates.py. A side is the telemetry before or after the change;
tallies.py counts the kinds of each side, and sent_changes.py compares them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..testing.records import SEVERITY_WORDS
from .forecast_rows import KindRow
from .text_templates import make_template

# How many kinds of a side are counted each by itself. The items of all later kinds are counted together.
MOST_KINDS = 10_000
# If a metric has more names of attributes than this on one side, a forecast does not say which of them are missing.
MOST_NAMES = 100
# How many kinds that one side alone has are named.
MOST_SHOWN = 5
# The longest part of a body of which a template is made, and the longest name of an event or a metric, in characters.
_LONGEST_TEXT = 1_000
# How many numbers each severity has, such as 9 to 12 for INFO. Source: SeverityNumber of opentelemetry-proto's
# logs.proto.
_NUMBERS_OF_SEVERITY = 4


class RecordKind(NamedTuple):
    """What log records or data points have in common: their event, template or metric.

    Points have no severity and no service; these are empty then, and where a log record has none.
    """

    name: str
    severity: str = ""
    service: str = ""


@dataclass
class RecordKinds:
    """The log records or data points of one exporter, by kind."""

    count_by_kind: Counter[RecordKind] = field(default_factory=Counter)
    attributes_by_metric: dict[str, set[str]] = field(default_factory=dict)
    """The names of the attributes of the points of each metric. A set with more than MOST_NAMES lacks some names."""
    uncounted_items: int = 0
    """How many items have a kind that came after the first MOST_KINDS. Nobody knows how many each such kind has."""

    def add_log(self, record: Mapping[str, Any], service: str) -> None:
        """Count a log record of a service."""
        name = str(record.get("eventName") or "") or make_template(_read_body_text(record)[:_LONGEST_TEXT])
        self._add(RecordKind(name[:_LONGEST_TEXT], _find_severity_word(record), service), 1)

    def add_points(self, metric: str, point_count: int, attributes: set[str]) -> None:
        """Count data points of a metric, which have attributes of these names."""
        kind = RecordKind(metric[:_LONGEST_TEXT])
        self._add(kind, point_count)
        if kind not in self.count_by_kind:
            return
        known_attributes = self.attributes_by_metric.setdefault(kind.name, set())
        # The set may grow past the limit once, which tells `_find_missing_attributes` that there are too many names.
        if len(known_attributes) <= MOST_NAMES:
            known_attributes |= attributes

    def _add(self, kind: RecordKind, item_count: int) -> None:
        """Count items of a kind by themselves, or together with those of all other kinds if there are too many."""
        if kind in self.count_by_kind or len(self.count_by_kind) < MOST_KINDS:
            self.count_by_kind[kind] += item_count
        else:
            self.uncounted_items += item_count


@dataclass(frozen=True)
class KindOfOneSide:
    """How many items of a kind one side alone has."""

    kind: RecordKind
    item_count: int
    attributes: tuple[str, ...] = ()
    """The attributes of data points that those of the other side lack."""

    def as_dict(self) -> KindRow:
        """Return it as a task result shows it."""
        return {
            "name": self.kind.name,
            "severity": self.kind.severity,
            "service": self.kind.service,
            "items": self.item_count,
            "attributes": list(self.attributes),
        }


@dataclass(frozen=True)
class KindsOfOneSide:
    """The items that one side alone has, and the kinds with most of them."""

    item_count: int = 0
    largest_kinds: tuple[KindOfOneSide, ...] = ()


def find_kinds_only_in(side: RecordKinds, other_side: RecordKinds) -> KindsOfOneSide:
    """Return what a side has and the other side has not: of each kind, how many items more.

    Only kinds of which both sides know the number of items are compared each by itself. The rest of both sides is
    compared as a whole. For example, MOST_KINDS is 2, and items have the kinds `a`, `b` and `c`:

    | | a | b | c | uncounted |
    |---|---|---|---|---|
    | side | 9 | 4 | | |
    | other side | 5 | | 1 | 2 |

    The side has 4 more of `a`. The 2 uncounted items of the other side may be of `b`, so `b` is not compared. The rest
    of the side is 4 items, and that of the other side 2: the side has 2 more of them. So it alone has 6 items.
    """
    compared_kinds = _list_compared_kinds(side, other_side)
    surplus_by_kind = _map_surpluses(side, other_side, compared_kinds)
    surplus_of_rest = _count_rest(side, compared_kinds) - _count_rest(other_side, compared_kinds)
    item_count = sum(surplus_by_kind.values()) + max(0, surplus_of_rest)
    largest_kinds = []
    for kind in sorted(surplus_by_kind, key=lambda kind: (-surplus_by_kind[kind], kind))[:MOST_SHOWN]:
        attributes = _find_missing_attributes(kind.name, side, other_side)
        largest_kinds.append(KindOfOneSide(kind, surplus_by_kind[kind], attributes))
    return KindsOfOneSide(item_count, tuple(largest_kinds))


def _list_compared_kinds(side: RecordKinds, other_side: RecordKinds) -> set[RecordKind]:
    """Return the kinds of which both sides know how many items they have."""
    compared_kinds = set()
    for kind in (*side.count_by_kind, *other_side.count_by_kind):
        if _knows_count_of(side, kind) and _knows_count_of(other_side, kind):
            compared_kinds.add(kind)
    return compared_kinds


def _knows_count_of(side: RecordKinds, kind: RecordKind) -> bool:
    """Whether a side knows how many items of a kind it has. If all items are counted, it has none of other kinds."""
    return kind in side.count_by_kind or not side.uncounted_items


def _map_surpluses(side: RecordKinds, other_side: RecordKinds, kinds: Iterable[RecordKind]) -> dict[RecordKind, int]:
    """Return how many items more a side has of each kind; a kind of which it has no more is left out."""
    surplus_by_kind: dict[RecordKind, int] = {}
    for kind in kinds:
        surplus = side.count_by_kind[kind] - other_side.count_by_kind[kind]
        if surplus > 0:
            surplus_by_kind[kind] = surplus
    return surplus_by_kind


def _count_rest(side: RecordKinds, compared_kinds: Iterable[RecordKind]) -> int:
    """Return how many items of a side are of none of the kinds that are compared each by itself."""
    all_items = side.count_by_kind.total() + side.uncounted_items
    return all_items - sum(side.count_by_kind[kind] for kind in compared_kinds)


def _find_missing_attributes(metric: str, side: RecordKinds, other_side: RecordKinds) -> tuple[str, ...]:
    """Return the attributes of a metric that its points on the other side have not.

    None if the other side has no such points, or if one side has too many names.
    """
    attributes = side.attributes_by_metric.get(metric, set())
    other_attributes = other_side.attributes_by_metric.get(metric)
    if other_attributes is None or max(len(attributes), len(other_attributes)) > MOST_NAMES:
        return ()
    return tuple(sorted(attributes - other_attributes))


def _read_body_text(record: Mapping[str, Any]) -> str:
    """Return the body of a log record that is a text; empty for any other body."""
    text = (record.get("body") or {}).get("stringValue")
    return text if isinstance(text, str) else ""


def _find_severity_word(record: Mapping[str, Any]) -> str:
    """Return the severity of a log record, such as `debug`; empty if it has none."""
    number = record.get("severityNumber")
    if not isinstance(number, int):
        return ""
    return SEVERITY_WORDS.get(number - (number - 1) % _NUMBERS_OF_SEVERITY, "")
