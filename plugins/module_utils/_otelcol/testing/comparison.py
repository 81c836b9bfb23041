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
from .expectations import brief_record, changes_between
from .harness import fed_receivers
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
            before, after = list(old.get(exporter, {}).get(signal, ())), list(new.get(renamed, {}).get(signal, ()))
            for record in list(before):
                if record in after:
                    before.remove(record)
                    after.remove(record)
            yield from (f"{renamed}: {signal}: {text}" for text in _pairs(signal, before, after))


def _pairs(signal: str, before: Sequence[Record], after: list[Record]) -> Iterator[str]:
    for old in before:
        alike = [new for new in after if set(new) == set(old)]
        nearest = min(alike, key=lambda new: len(list(changes_between(old, new))), default=None)
        if nearest is None:
            yield f"- {brief_record(signal, old)}"
            continue
        after.remove(nearest)
        yield f"~ {brief_record(signal, old)}: {'; '.join(changes_between(old, nearest))}"
    yield from (f"+ {brief_record(signal, new)}" for new in after)


def new_ids(old: Sequence[str], new: Sequence[str]) -> dict[str, str]:
    """Return the new id of each component: the same, or that at its place if as many have another one."""
    gone, come = ([item for item in one if item not in other] for one, other in ((old, new), (new, old)))
    if len(gone) != len(come):
        return {item: item for item in dict.fromkeys((*old, *new))}
    return {**{item: item for item in old if item in new}, **dict(zip(gone, come, strict=True))}


def readdressed_case(case: Case, old: Mapping[str, Any], new: Mapping[str, Any]) -> Case:
    """Return a case of an old form for a new one, in which receivers may have other names."""
    names = new_ids(list(fed_receivers(old)), list(fed_receivers(new)))
    given = tuple(
        {**part, "to": names.get(str(part["to"]), part["to"])} if "to" in part else part for part in case.given
    )
    return replace(case, given=given)


def generated_case(config: Mapping[str, Any]) -> Case:
    """Return a case that gives each receiver a span, a data point and a log record, as far as it takes them."""
    given: list[dict[str, Any]] = []
    for item, signals in fed_receivers(config).items():
        if kind_of(item) == "filelog":
            given.append({"files": planted_file(section(config, "receivers", item), "text")})
        else:
            known = [OF_PIPELINES[signal] for signal in signals if signal in OF_PIPELINES]
            given.append({"to": item, **{signal: [_RECORDS[signal]] for signal in known}})
    return Case(GENERATED, "generated", tuple(given), {})
