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

TARGET = Path(__file__).parents[1] / "docs" / "config_tests.schema.json"
_TEXTS: dict[str, Any] = {"type": "array", "items": {"type": "string"}}
_ANY: dict[str, Any] = {}
_DURATION = {"type": "string", "pattern": r"^\d+(\.\d+)?(ns|us|ms|s|m)$"}


def _keys(names: Iterable[str], known: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a mapping with these keys and no others."""
    properties = {name: known.get(name, _ANY) for name in names}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _given(signal: str) -> dict[str, Any]:
    words: dict[str, Any] = {
        "kind": {"enum": list(records.SPAN_KINDS)},
        "status": {"enum": list(records.STATUS)},
        "temporality": {"enum": list(records.TEMPORALITY)},
        "type": {"enum": list(records.POINTS)},
        "severity": {"anyOf": [{"enum": list(records.SEVERITY)}, {"type": "integer"}]},
        "duration": _DURATION,
        "monotonic": {"type": "boolean"},
        "value": {"type": "number"},
        **{key: {"type": "object"} for key in ("attributes", "resource", "scope")},
    }
    return _keys(records.FIELDS[signal], words)


def _wanted(signal: str) -> dict[str, Any]:
    maps = {key: {"type": "object"} for key in ("attributes", "resource", "scope")}
    return _keys(records.FIELDS[signal], maps)


def _lists(record: Any) -> dict[str, Any]:
    return {signal: {"type": "array", "items": record(signal)} for signal in records.SIGNALS}


def _policy() -> dict[str, Any]:
    like = {signal: _wanted(signal) for signal in records.SIGNALS}
    return _keys(
        case.POLICY,
        {
            "name": {"type": "string"},
            "exporters": _TEXTS,
            "without": {"type": "array", "items": {"enum": list(policies.KINDS)}},
            **dict.fromkeys(("every", "never"), _keys(like, like)),
        },
    ) | {"required": ["name"]}


def schema() -> dict[str, Any]:
    """Return the schema."""
    objects = {key: {"type": "object"} for key in case.GIVEN_MAPPINGS}
    part = _keys(case.GIVEN, {**_lists(_given), **objects})
    numbers = {
        signal: {"anyOf": [{"type": "integer", "minimum": 0}, wanted]} for signal, wanted in _lists(_wanted).items()
    }
    query = _keys(("query", "is"), {"query": {"type": "string"}}) | {"required": ["query", "is"]}
    switches = {key: {"type": "boolean"} for key in ("others", "exact")}
    queries = {"type": "array", "items": query}
    exporter = _keys(case.EXPECT, {**numbers, **switches, "jmespath": queries, "golden": {"type": "string"}})
    test = _keys(
        case.TEST,
        {
            "name": {"type": "string"},
            "given": {"anyOf": [part, {"type": "array", "items": part}]},
            "expect": {
                "type": "object",
                "additionalProperties": {"anyOf": [{"const": expectations.NOTHING}, exporter]},
            },
            **{key: {"type": "number", "minimum": 0} for key in ("timeout", "settle")},
        },
    ) | {"required": ["name", "given", "expect"]}
    facts = {name: {"type": "array", "items": _keys(fields, {})} for name, fields in cluster_facts.FIELDS.items()}
    file = _keys(
        case.FILE,
        {
            **{key: {"type": "string"} for key in ("collector", "config")},
            **{key: {"type": "object"} for key in ("environment", "resource")},
            "config_map": _keys(case.CONFIG_MAP, {key: {"type": "string"} for key in case.CONFIG_MAP}),
            "cluster": _keys(facts, facts),
            "tests": {"type": "array", "items": test},
            "policies": {"type": "array", "items": _policy()},
        },
    )
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Tests of Collector configs", **file}


def text() -> str:
    """Return the schema as it is written."""
    return json.dumps(schema(), indent=1) + "\n"


def main(arguments: list[str]) -> int:
    """Write the schema, or say that it is stale."""
    if "--write" in arguments:
        TARGET.write_text(text(), encoding="utf-8")
    elif TARGET.read_text(encoding="utf-8") != text():
        print(f"{TARGET.name} is stale. Run `python -m tools.config_tests --write`.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
