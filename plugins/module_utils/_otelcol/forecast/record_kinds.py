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
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..testing.records import SEVERITY_WORDS
from .forecast_rows import KindRow
from .text_templates import make_template

MOST_KINDS = 10_000
"""So many kinds are counted each by itself, and the items of all others together."""
MOST_NAMES = 100
"""Of a metric with more names of attributes, it is not told which of them are lost."""
MOST_SHOWN = 5
"""How many kinds of one side alone are named."""
_LONGEST_TEXT = 1_000
"""Characters of a body of which a template is made, and of the name of an event or a metric."""
_STEPS_OF_SEVERITY = 4
"""Numbers of each severity. Source: SeverityNumber of opentelemetry-proto's logs.proto, such as 9 to 12 for INFO."""


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
    """The names of the attributes of the points of each metric."""
    uncounted_items: int = 0
    """The items of all kinds that came after the first MOST_KINDS."""

    def add_log(self, record: Mapping[str, Any], service: str) -> None:
        """Count a log record of a service."""
        name = str(record.get("eventName") or "") or make_template(_read_body_text(record)[:_LONGEST_TEXT])
        self._add(RecordKind(name[:_LONGEST_TEXT], _severity_word(record), service), 1)

    def add_points(self, metric: str, point_count: int, attributes: set[str]) -> None:
        """Count data points of a metric, which have attributes of these names."""
        name = metric[:_LONGEST_TEXT]
        self._add(RecordKind(name), point_count)
        if RecordKind(name) in self.count_by_kind:
            known_attributes = self.attributes_by_metric.setdefault(name, set())
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


def find_kinds_only_in(side: RecordKinds, other: RecordKinds) -> KindsOfOneSide:
    """Return what a side has and the other has not: of each kind, how many items more.

    A kind that one side counts by itself may be among the uncounted ones of the other: they are compared together.
    """
    compared_kinds = set()
    for kind in (*side.count_by_kind, *other.count_by_kind):
        if _has_count_of(side, kind) and _has_count_of(other, kind):
            compared_kinds.add(kind)
    surplus_by_kind: dict[RecordKind, int] = {}
    for kind in compared_kinds:
        surplus = side.count_by_kind[kind] - other.count_by_kind[kind]
        if surplus > 0:
            surplus_by_kind[kind] = surplus
    surplus_of_others = _count_other_items(side, compared_kinds) - _count_other_items(other, compared_kinds)
    largest_kinds = []
    for kind in sorted(surplus_by_kind, key=lambda kind: (-surplus_by_kind[kind], kind))[:MOST_SHOWN]:
        attributes = _find_missing_attributes(kind.name, side, other)
        largest_kinds.append(KindOfOneSide(kind, surplus_by_kind[kind], attributes))
    item_count = sum(surplus_by_kind.values()) + max(0, surplus_of_others)
    return KindsOfOneSide(item_count, tuple(largest_kinds))


def _has_count_of(side: RecordKinds, kind: RecordKind) -> bool:
    """Whether it is known how many items of a kind a side has."""
    return kind in side.count_by_kind or not side.uncounted_items


def _count_other_items(side: RecordKinds, compared_kinds: Collection[RecordKind]) -> int:
    """Return how many items of a side are of none of the kinds that are compared."""
    all_items = side.count_by_kind.total() + side.uncounted_items
    return all_items - sum(side.count_by_kind[kind] for kind in compared_kinds)


def _find_missing_attributes(metric: str, side: RecordKinds, other: RecordKinds) -> tuple[str, ...]:
    """Return the attributes of a metric that its points on the other side have not; none if there are no such points.

    Nor if one side has too many names to tell.
    """
    attributes = side.attributes_by_metric.get(metric, set())
    other_attributes = other.attributes_by_metric.get(metric)
    if other_attributes is None or max(len(attributes), len(other_attributes)) > MOST_NAMES:
        return ()
    return tuple(sorted(attributes - other_attributes))


def _read_body_text(record: Mapping[str, Any]) -> str:
    """Return the body of a log record that is a text; empty for any other body."""
    text = (record.get("body") or {}).get("stringValue")
    return text if isinstance(text, str) else ""


def _severity_word(record: Mapping[str, Any]) -> str:
    """Return the severity of a log record, such as `debug`; empty if it has none."""
    number = record.get("severityNumber")
    if not isinstance(number, int):
        return ""
    return SEVERITY_WORDS.get(number - (number - 1) % _STEPS_OF_SEVERITY, "")
