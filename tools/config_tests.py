# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes docs/config_tests.schema.json, the JSON schema of files with tests of configs, for editors.

    python -m tools.config_tests             # says whether the schema is stale, and exits with 1 if it is
    python -m tools.config_tests --write     # writes it

The keys come from the tables by which module pipeline_test reads such files. The values are checked less strictly than
the module does: where this file has no schema for a key, anything may stand.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from plugins.module_utils._otelcol.testing import case, cluster_facts, expectations, policies, records

SCHEMA_FILE = Path(__file__).parents[1] / "docs" / "config_tests.schema.json"

JsonSchema = dict[str, Any]
"""A JSON schema, or a part of one, as https://json-schema.org/draft/2020-12 defines it."""

_TEXT: JsonSchema = {"type": "string"}
_SWITCH: JsonSchema = {"type": "boolean"}
_MAPPING: JsonSchema = {"type": "object"}
_ANYTHING: JsonSchema = {}
_SECONDS: JsonSchema = {"type": "number", "minimum": 0}
_DURATION: JsonSchema = {"type": "string", "pattern": r"^\d+(\.\d+)?(ns|us|ms|s|m)$"}
# The fields of a record that are attributes by name.
_ATTRIBUTE_FIELDS = ("attributes", "resource", "scope")


def main(arguments: Sequence[str]) -> int:
    """Write the schema, or say that it is stale."""
    if "--write" in arguments:
        SCHEMA_FILE.write_text(format_schema(), encoding="utf-8")
    elif SCHEMA_FILE.read_text(encoding="utf-8") != format_schema():
        print(f"{SCHEMA_FILE.name} is stale. Run `python -m tools.config_tests --write`.")
        return 1
    return 0


def format_schema() -> str:
    """Return the schema as it is written."""
    return json.dumps(build_schema(), indent=1) + "\n"


def build_schema() -> JsonSchema:
    """Return the schema of a file."""
    file_schema = _closed_mapping(
        case.FILE_KEYS,
        {
            **dict.fromkeys(("collector", "config"), _TEXT),
            **dict.fromkeys(("environment", "resource"), _MAPPING),
            "config_map": _closed_mapping(case.CONFIG_MAP_KEYS, dict.fromkeys(case.CONFIG_MAP_KEYS, _TEXT)),
            "cluster": _build_cluster_schema(),
            "tests": _list_of(_build_test_schema()),
            "policies": _list_of(_build_policy_schema()),
        },
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Tests of Collector configs",
        **file_schema,
    }


# ── The parts of a file, from the outer to the inner ones ──


def _build_cluster_schema() -> JsonSchema:
    """Return the schema of `cluster`: lists of objects of a cluster, such as its pods, with some of their fields."""
    lists_by_fact: dict[str, JsonSchema] = {}
    for fact, fields in cluster_facts.FACT_FIELDS.items():
        lists_by_fact[fact] = _list_of(_closed_mapping(fields, {}))
    return _closed_mapping(lists_by_fact, lists_by_fact)


def _build_test_schema() -> JsonSchema:
    """Return the schema of a test: what is sent to a config, and what each exporter has to send."""
    given = _build_given_schema()
    expected_of_exporter = {"anyOf": [{"const": expectations.EXPECTS_NOTHING}, _build_exporter_schema()]}
    return _closed_mapping(
        case.TEST_KEYS,
        {
            "name": _TEXT,
            "given": {"anyOf": [given, _list_of(given)]},
            "expect": {"type": "object", "additionalProperties": expected_of_exporter},
            **dict.fromkeys(("timeout", "settle"), _SECONDS),
        },
        required=("name", "given", "expect"),
    )


def _build_given_schema() -> JsonSchema:
    """Return the schema of what is sent to a config: records of each signal."""
    return _closed_mapping(
        case.GIVEN_KEYS,
        {**_record_lists_by_signal(_build_given_record), **dict.fromkeys(case.GIVEN_MAPPINGS, _MAPPING)},
    )


def _build_exporter_schema() -> JsonSchema:
    """Return the schema of what an exporter has to send: of each signal the records, or how many there are."""
    expected_by_signal: dict[str, JsonSchema] = {}
    for signal, record_list in _record_lists_by_signal(_build_expected_record).items():
        expected_by_signal[signal] = {"anyOf": [{"type": "integer", "minimum": 0}, record_list]}
    query = _closed_mapping(("query", "is"), {"query": _TEXT}, required=("query", "is"))
    return _closed_mapping(
        case.EXPECT_KEYS,
        {
            **expected_by_signal,
            **dict.fromkeys(("others", "exact"), _SWITCH),
            "jmespath": _list_of(query),
            "golden": _TEXT,
        },
    )


def _build_policy_schema() -> JsonSchema:
    """Return the schema of a policy: what each record of some exporters has, or none of them has."""
    record_by_signal = {signal: _build_expected_record(signal) for signal in records.RECORD_KINDS}
    records_schema = _closed_mapping(record_by_signal, record_by_signal)
    return _closed_mapping(
        case.POLICY_KEYS,
        {
            "name": _TEXT,
            "exporters": _list_of(_TEXT),
            "without": _list_of({"enum": list(policies.SECRET_KINDS)}),
            **dict.fromkeys(("every", "never"), records_schema),
        },
        required=("name",),
    )


# ── Records ──


def _record_lists_by_signal(build_record: Callable[[str], JsonSchema]) -> dict[str, JsonSchema]:
    """Return for each signal the schema of a list of its records. `build_record` returns that of a signal's record."""
    return {signal: _list_of(build_record(signal)) for signal in records.RECORD_KINDS}


def _build_given_record(signal: str) -> JsonSchema:
    """Return the schema of a record that is sent."""
    field_schemas: dict[str, JsonSchema] = {
        "kind": {"enum": list(records.SPAN_KINDS)},
        "status": {"enum": list(records.STATUS_WORDS)},
        "temporality": {"enum": list(records.TEMPORALITY_WORDS)},
        "type": {"enum": list(records.METRIC_POINT_KINDS)},
        "severity": {"anyOf": [{"enum": list(records.SEVERITY_NUMBERS)}, {"type": "integer"}]},
        "duration": _DURATION,
        "monotonic": _SWITCH,
        "value": {"type": "number"},
        **dict.fromkeys(_ATTRIBUTE_FIELDS, _MAPPING),
    }
    return _closed_mapping(records.FIELDS_BY_RECORD_KIND[signal], field_schemas)


def _build_expected_record(signal: str) -> JsonSchema:
    """Return the schema of a record that has to arrive. Of most of its fields, any value is accepted here."""
    return _closed_mapping(records.FIELDS_BY_RECORD_KIND[signal], dict.fromkeys(_ATTRIBUTE_FIELDS, _MAPPING))


# ── Lists and mappings ──


def _list_of(item_schema: JsonSchema) -> JsonSchema:
    return {"type": "array", "items": item_schema}


def _closed_mapping(
    keys: Iterable[str], schemas_by_key: Mapping[str, JsonSchema], *, required: Sequence[str] = ()
) -> JsonSchema:
    """Return the schema of a mapping that has these keys and no others; a key without a schema takes anything."""
    properties = {key: schemas_by_key.get(key, _ANYTHING) for key in keys}
    schema: JsonSchema = {"type": "object", "additionalProperties": False, "properties": properties}
    if required:
        schema["required"] = list(required)
    return schema


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
