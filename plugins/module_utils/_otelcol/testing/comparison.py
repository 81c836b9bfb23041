# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares what exporters get from the same telemetry in two configs, or in two Collectors.

`comparing.py` in plugin_utils runs both. `old` and `new` are what is before and after a change. Each difference is a
line: with an attribute that the new config deletes, ::

    otlp_grpc: spans: ~ {name: GET /, attributes: {'a': 1}}: attributes.a: 1 → nothing

A case is one test, see case.py. Private.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..config.paths import mapping_at
from ..traits import kind_of
from .case import ConfigCase
from .checked_pipelines import map_signals_of_receivers
from .planted_records import plant_file
from .record_lines import describe_changes, format_record
from .records import RECORD_KINDS_BY_SIGNAL, SIGNALS, Record, RecordsByName

# The name of what is given where no test gives anything.
GENERATED = "generated telemetry"
_SAMPLE_RESOURCE = {"service.name": "cart", "k8s.namespace.name": "shop", "k8s.pod.name": "cart-1"}
_SAMPLE_RECORDS: dict[str, Record] = {
    "spans": {"name": "GET /", "kind": "server", "attributes": {"url.path": "/"}, "resource": _SAMPLE_RESOURCE},
    "metrics": {"name": "requests", "type": "sum", "attributes": {"http.route": "/"}, "resource": _SAMPLE_RESOURCE},
    "logs": {"body": "text", "severity": "info", "attributes": {"user": "a"}, "resource": _SAMPLE_RESOURCE},
}


def list_exporter_differences(
    old_records: RecordsByName, new_records: RecordsByName, new_exporter_ids: Mapping[str, str]
) -> Iterator[str]:
    """Yield a line for each record that an exporter loses (-), gets in addition (+), or gets with other fields (~).

    `new_exporter_ids` has the new id of each exporter of the old config.
    """
    for exporter, new_exporter in new_exporter_ids.items():
        for signal in SIGNALS:
            lost_records = list(old_records.get(exporter, {}).get(signal, ()))
            gained_records = list(new_records.get(new_exporter, {}).get(signal, ()))
            _remove_common_records(lost_records, gained_records)
            for change in _describe_changes(signal, lost_records, gained_records):
                yield f"{new_exporter}: {signal}: {change}"


def _remove_common_records(old_records: list[Record], new_records: list[Record]) -> None:
    """Remove the records that both lists have from both, each as often as both have it."""
    for record in list(old_records):
        if record in new_records:
            old_records.remove(record)
            new_records.remove(record)


def _describe_changes(signal: str, old_records: Sequence[Record], new_records: list[Record]) -> Iterator[str]:
    """Yield a line for each record that changed or is gone, then one for each that is new.

    The nearest new record with the same fields is taken as the changed one.
    """
    for old_record in old_records:
        similar_records = [new_record for new_record in new_records if set(new_record) == set(old_record)]
        if not similar_records:
            yield f"- {format_record(signal, old_record)}"
            continue
        changes_by_number = [list(describe_changes(old_record, new_record)) for new_record in similar_records]
        nearest = min(range(len(similar_records)), key=lambda number: len(changes_by_number[number]))
        new_records.remove(similar_records[nearest])
        yield f"~ {format_record(signal, old_record)}: {'; '.join(changes_by_number[nearest])}"
    for new_record in new_records:
        yield f"+ {format_record(signal, new_record)}"


def map_new_ids(old_ids: Sequence[str], current_ids: Sequence[str]) -> dict[str, str]:
    """Return the new id of each component.

    If as many ids are gone as were added, they are taken as renamed, in their order. Otherwise each id stays itself.
    """
    gone_ids = [component_id for component_id in old_ids if component_id not in current_ids]
    added_ids = [component_id for component_id in current_ids if component_id not in old_ids]
    if len(gone_ids) != len(added_ids):
        return {component_id: component_id for component_id in (*old_ids, *current_ids)}
    kept_ids = {component_id: component_id for component_id in old_ids if component_id in current_ids}
    return {**kept_ids, **dict(zip(gone_ids, added_ids, strict=True))}


def readdress_case(case: ConfigCase, old_config: Mapping[str, Any], new_config: Mapping[str, Any]) -> ConfigCase:
    """Return a case for the old config as one for the new config, in which receivers may have other names."""
    new_receiver_ids = map_new_ids(
        list(map_signals_of_receivers(old_config)), list(map_signals_of_receivers(new_config))
    )
    readdressed_parts: list[Mapping[str, Any]] = []
    for given_part in case.given:
        if "to" in given_part:
            receiver = str(given_part["to"])
            readdressed_parts.append({**given_part, "to": new_receiver_ids.get(receiver, given_part["to"])})
        else:
            readdressed_parts.append(given_part)
    return replace(case, given=tuple(readdressed_parts))


def generate_case(config: Mapping[str, Any]) -> ConfigCase:
    """Return a case that gives each receiver a span, a data point and a log record, as far as it takes them."""
    given_parts: list[dict[str, Any]] = []
    for receiver, signals in map_signals_of_receivers(config).items():
        if kind_of(receiver) == "filelog":
            given_parts.append({"files": plant_file(mapping_at(config, "receivers", receiver), "text")})
            continue
        given_part: dict[str, Any] = {"to": receiver}
        for signal in signals:
            if signal in RECORD_KINDS_BY_SIGNAL:
                record_kind = RECORD_KINDS_BY_SIGNAL[signal]
                given_part[record_kind] = [_SAMPLE_RECORDS[record_kind]]
        given_parts.append(given_part)
    return ConfigCase(GENERATED, "generated", tuple(given_parts), {})
