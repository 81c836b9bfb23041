# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same telemetry through two configs or two Collectors: what each exporter gets otherwise. Private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..config.paths import section
from ..traits import kind_of
from .case import Case
from .checked_pipelines import fed_receivers
from .expectations import brief_record, changes_between
from .invariants import planted_file
from .records import OF_PIPELINES, SIGNALS, Record

Got = Mapping[str, Mapping[str, Sequence[Record]]]
# The name of what is given where no test gives anything.
GENERATED = "generated telemetry"
_RESOURCE = {"service.name": "cart", "k8s.namespace.name": "shop", "k8s.pod.name": "cart-1"}
_RECORDS: dict[str, Record] = {
    "spans": {"name": "GET /", "kind": "server", "attributes": {"url.path": "/"}, "resource": _RESOURCE},
    "metrics": {"name": "requests", "type": "sum", "attributes": {"http.route": "/"}, "resource": _RESOURCE},
    "logs": {"body": "text", "severity": "info", "attributes": {"user": "a"}, "resource": _RESOURCE},
}


def exporter_differences(old: Got, new: Got, names: Mapping[str, str]) -> Iterator[str]:
    """Yield what exporters lose (-), get in addition (+) and get with other fields (~); `names` has their new ids."""
    for exporter, renamed in names.items():
        for signal in SIGNALS:
            lost = list(old.get(exporter, {}).get(signal, ()))
            gained = list(new.get(renamed, {}).get(signal, ()))
            _remove_common(lost, gained)
            for text in _changes(signal, lost, gained):
                yield f"{renamed}: {signal}: {text}"


def _remove_common(before: list[Record], after: list[Record]) -> None:
    """Remove from both lists what both have, each record as often as both have it."""
    for record in list(before):
        if record in after:
            before.remove(record)
            after.remove(record)


def _changes(signal: str, before: Sequence[Record], after: list[Record]) -> Iterator[str]:
    """Yield what became of each record, by the one nearest to it; and the records that nothing became."""
    for old in before:
        alike = [new for new in after if set(new) == set(old)]
        if not alike:
            yield f"- {brief_record(signal, old)}"
            continue
        changes_by_number = [list(changes_between(old, new)) for new in alike]
        nearest = min(range(len(alike)), key=lambda number: len(changes_by_number[number]))
        after.remove(alike[nearest])
        yield f"~ {brief_record(signal, old)}: {'; '.join(changes_by_number[nearest])}"
    for new in after:
        yield f"+ {brief_record(signal, new)}"


def new_ids(old: Sequence[str], new: Sequence[str]) -> dict[str, str]:
    """Return the new id of each component: the same, or that at its place if as many have another one."""
    gone_ids = [component_id for component_id in old if component_id not in new]
    added_ids = [component_id for component_id in new if component_id not in old]
    if len(gone_ids) != len(added_ids):
        return {component_id: component_id for component_id in (*old, *new)}
    kept_ids = {component_id: component_id for component_id in old if component_id in new}
    return {**kept_ids, **dict(zip(gone_ids, added_ids, strict=True))}


def readdressed_case(case: Case, old: Mapping[str, Any], new: Mapping[str, Any]) -> Case:
    """Return a case of an old form for a new one, in which receivers may have other names."""
    names = new_ids(list(fed_receivers(old)), list(fed_receivers(new)))
    given: list[Mapping[str, Any]] = []
    for part in case.given:
        if "to" in part:
            receiver = str(part["to"])
            given.append({**part, "to": names.get(receiver, part["to"])})
        else:
            given.append(part)
    return replace(case, given=tuple(given))


def generated_case(config: Mapping[str, Any]) -> Case:
    """Return a case that gives each receiver a span, a data point and a log record, as far as it takes them."""
    given: list[dict[str, Any]] = []
    for receiver, signals in fed_receivers(config).items():
        if kind_of(receiver) == "filelog":
            given.append({"files": planted_file(section(config, "receivers", receiver), "text")})
            continue
        part: dict[str, Any] = {"to": receiver}
        for signal in signals:
            if signal in OF_PIPELINES:
                records = OF_PIPELINES[signal]
                part[records] = [_RECORDS[records]]
        given.append(part)
    return Case(GENERATED, "generated", tuple(given), {})
