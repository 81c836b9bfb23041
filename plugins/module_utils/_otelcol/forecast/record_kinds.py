# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of log records and data points, and which of them one side of a change alone has. Private.

Log records and data points have no ids. So a log record is told by its event or the template of its body, its severity
and its service, and a data point by its metric. What these have in common is a kind. A template has no content of the
body, see text_templates.py. A side is the telemetry before or after a change; tallies.py counts the kinds of one side.
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
    """The log records or data points of one exporter, by kind.

    `attributes_by_metric` has the names of the attributes of the points of each metric. `uncounted_items` are the items
    of kinds that came after the first MOST_KINDS.
    """

    count_by_kind: Counter[RecordKind] = field(default_factory=Counter)
    attributes_by_metric: dict[str, set[str]] = field(default_factory=dict)
    uncounted_items: int = 0

    def add_log(self, record: Mapping[str, Any], service: str) -> None:
        """Count a log record of a service."""
        name = str(record.get("eventName") or "") or make_template(_read_body_text(record)[:_LONGEST_TEXT])
        self._add(RecordKind(name[:_LONGEST_TEXT], _severity_word(record), service), 1)

    def add_points(self, metric: str, point_count: int, attributes: set[str]) -> None:
        """Count data points of a metric, which have attributes of these names."""
        name = metric[:_LONGEST_TEXT]
        if self._add(RecordKind(name), point_count):
            known_attributes = self.attributes_by_metric.setdefault(name, set())
            if len(known_attributes) <= MOST_NAMES:
                known_attributes |= attributes

    def _add(self, kind: RecordKind, item_count: int) -> bool:
        """Count items of a kind; return whether they are counted by themselves."""
        is_counted = kind in self.count_by_kind or len(self.count_by_kind) < MOST_KINDS
        if is_counted:
            self.count_by_kind[kind] += item_count
        else:
            self.uncounted_items += item_count
        return is_counted


@dataclass(frozen=True)
class KindOfOneSide:
    """How many items of a kind one side alone has, and which attributes those of the other side lack."""

    kind: RecordKind
    item_count: int
    attributes: tuple[str, ...] = ()

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
    compared_kinds = {
        kind
        for kind in (*side.count_by_kind, *other.count_by_kind)
        if _has_count_of(side, kind) and _has_count_of(other, kind)
    }
    surplus: dict[RecordKind, int] = {}
    for kind in compared_kinds:
        if side.count_by_kind[kind] > other.count_by_kind[kind]:
            surplus[kind] = side.count_by_kind[kind] - other.count_by_kind[kind]
    surplus_of_others = _count_items_beside(compared_kinds, side) - _count_items_beside(compared_kinds, other)
    largest_kinds = sorted(surplus, key=lambda kind: (-surplus[kind], kind))[:MOST_SHOWN]
    return KindsOfOneSide(
        sum(surplus.values()) + max(0, surplus_of_others),
        tuple(
            KindOfOneSide(kind, surplus[kind], _find_missing_attributes(kind.name, side, other))
            for kind in largest_kinds
        ),
    )


def _has_count_of(side: RecordKinds, kind: RecordKind) -> bool:
    """Whether it is known how many items of a kind a side has."""
    return kind in side.count_by_kind or not side.uncounted_items


def _count_items_beside(compared_kinds: Collection[RecordKind], side: RecordKinds) -> int:
    """Return how many items of a side are of none of the kinds that are compared."""
    return side.count_by_kind.total() + side.uncounted_items - sum(side.count_by_kind[kind] for kind in compared_kinds)


def _find_missing_attributes(metric: str, side: RecordKinds, other: RecordKinds) -> tuple[str, ...]:
    """Return the attributes of a metric that its points on the other side have not; none if there are no such points.

    Nor if one side has too many names to tell.
    """
    own_attributes, other_attributes = (
        side.attributes_by_metric.get(metric, set()),
        other.attributes_by_metric.get(metric),
    )
    if other_attributes is None or max(len(own_attributes), len(other_attributes)) > MOST_NAMES:
        return ()
    return tuple(sorted(own_attributes - other_attributes))


def _read_body_text(record: Mapping[str, Any]) -> str:
    text = (record.get("body") or {}).get("stringValue")
    return text if isinstance(text, str) else ""


def _severity_word(record: Mapping[str, Any]) -> str:
    """Return the severity of a log record, such as `debug`; empty if it has none."""
    number = record.get("severityNumber")
    if not isinstance(number, int):
        return ""
    return SEVERITY_WORDS.get(number - (number - 1) % _STEPS_OF_SEVERITY, "")
