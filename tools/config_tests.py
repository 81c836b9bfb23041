# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""python -m tools.config_tests [--write]: writes the JSON schema of files with tests of configs, for editors.

The keys come from the tables that the module reads. Without --write, it says whether the schema is stale.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from plugins.module_utils._otelcol.testing import case, cluster_facts, expectations, policies, records

SCHEMA_FILE = Path(__file__).parents[1] / "docs" / "config_tests.schema.json"
_TEXT_LIST: dict[str, Any] = {"type": "array", "items": {"type": "string"}}
_ANYTHING: dict[str, Any] = {}
_DURATION = {"type": "string", "pattern": r"^\d+(\.\d+)?(ns|us|ms|s|m)$"}


def _closed_mapping(names: Iterable[str], schemas_by_key: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a mapping with these keys and no others."""
    properties = {name: schemas_by_key.get(name, _ANYTHING) for name in names}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _given_record(signal: str) -> dict[str, Any]:
    field_schemas: dict[str, Any] = {
        "kind": {"enum": list(records.SPAN_KINDS)},
        "status": {"enum": list(records.STATUS_WORDS)},
        "temporality": {"enum": list(records.TEMPORALITY_WORDS)},
        "type": {"enum": list(records.METRIC_POINT_KINDS)},
        "severity": {"anyOf": [{"enum": list(records.SEVERITY_NUMBERS)}, {"type": "integer"}]},
        "duration": _DURATION,
        "monotonic": {"type": "boolean"},
        "value": {"type": "number"},
        **{key: {"type": "object"} for key in ("attributes", "resource", "scope")},
    }
    return _closed_mapping(records.FIELDS_BY_SIGNAL[signal], field_schemas)


def _expected_record(signal: str) -> dict[str, Any]:
    mapping_schemas = {key: {"type": "object"} for key in ("attributes", "resource", "scope")}
    return _closed_mapping(records.FIELDS_BY_SIGNAL[signal], mapping_schemas)


def _record_lists(record_schema: Any) -> dict[str, Any]:
    return {signal: {"type": "array", "items": record_schema(signal)} for signal in records.SIGNALS}


def _policy_schema() -> dict[str, Any]:
    records_schema = {signal: _expected_record(signal) for signal in records.SIGNALS}
    return _closed_mapping(
        case.POLICY_KEYS,
        {
            "name": {"type": "string"},
            "exporters": _TEXT_LIST,
            "without": {"type": "array", "items": {"enum": list(policies.SECRET_KINDS)}},
            **dict.fromkeys(("every", "never"), _closed_mapping(records_schema, records_schema)),
        },
    ) | {"required": ["name"]}


def build_schema() -> dict[str, Any]:
    """Return the schema."""
    objects = {key: {"type": "object"} for key in case.GIVEN_MAPPINGS}
    given_schema = _closed_mapping(case.GIVEN_KEYS, {**_record_lists(_given_record), **objects})
    expected_records = {
        signal: {"anyOf": [{"type": "integer", "minimum": 0}, record_schema]}
        for signal, record_schema in _record_lists(_expected_record).items()
    }
    query_schema = _closed_mapping(("query", "is"), {"query": {"type": "string"}}) | {"required": ["query", "is"]}
    switch_schemas = {key: {"type": "boolean"} for key in ("others", "exact")}
    queries_schema = {"type": "array", "items": query_schema}
    exporter_schema = _closed_mapping(
        case.EXPECT_KEYS,
        {**expected_records, **switch_schemas, "jmespath": queries_schema, "golden": {"type": "string"}},
    )
    test_schema = _closed_mapping(
        case.TEST_KEYS,
        {
            "name": {"type": "string"},
            "given": {"anyOf": [given_schema, {"type": "array", "items": given_schema}]},
            "expect": {
                "type": "object",
                "additionalProperties": {"anyOf": [{"const": expectations.EXPECTS_NOTHING}, exporter_schema]},
            },
            **{key: {"type": "number", "minimum": 0} for key in ("timeout", "settle")},
        },
    ) | {"required": ["name", "given", "expect"]}
    facts_schemas = {
        name: {"type": "array", "items": _closed_mapping(fields, {})}
        for name, fields in cluster_facts.FACT_FIELDS.items()
    }
    file_schema = _closed_mapping(
        case.FILE_KEYS,
        {
            **{key: {"type": "string"} for key in ("collector", "config")},
            **{key: {"type": "object"} for key in ("environment", "resource")},
            "config_map": _closed_mapping(
                case.CONFIG_MAP_KEYS, {key: {"type": "string"} for key in case.CONFIG_MAP_KEYS}
            ),
            "cluster": _closed_mapping(facts_schemas, facts_schemas),
            "tests": {"type": "array", "items": test_schema},
            "policies": {"type": "array", "items": _policy_schema()},
        },
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Tests of Collector configs",
        **file_schema,
    }


def format_schema() -> str:
    """Return the schema as it is written."""
    return json.dumps(build_schema(), indent=1) + "\n"


def main(arguments: list[str]) -> int:
    """Write the schema, or say that it is stale."""
    if "--write" in arguments:
        SCHEMA_FILE.write_text(format_schema(), encoding="utf-8")
    elif SCHEMA_FILE.read_text(encoding="utf-8") != format_schema():
        print(f"{SCHEMA_FILE.name} is stale. Run `python -m tools.config_tests --write`.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
