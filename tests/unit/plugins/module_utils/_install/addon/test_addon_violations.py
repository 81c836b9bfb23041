# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a violation of the schema of an add-on says."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.addon.addon_violations import (
    Violation,
    describe_violation,
    find_schema_mismatch,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.live.addon_configuration_check import (
    find_violations,
)

from ...helpers import rows

SCHEMA = rows("""
$schema: http://json-schema.org/draft-07/schema#
type: object
additionalProperties: false
required: [must]
definitions: {cpu: {type: object, properties: {cpu: {type: [string, "null"]}}}}
properties:
  must: {}
  count: {type: integer, minimum: 1, maximum: 3}
  mode: {enum: [a, b]}
  name: {type: string, pattern: ^x, minLength: 2, maxLength: 4}
  list: {type: array, items: {type: string}, minItems: 1, maxItems: 2}
  limits: {$ref: "#/definitions/cpu"}
  either: {anyOf: [{type: object, properties: {deep: {type: boolean}}}, {type: "null"}]}
  fixed: {const: 1}
  other: {not: {}}
  labels: {type: object, additionalProperties: false, properties: {app: {}}, patternProperties: {^x-: {}}}
  remote: {$ref: "https://example.com/never-fetched.json"}
""")
# Values besides `must: 1`, then what is said of them.
VIOLATIONS = rows("""
- [{}]
- [{cuont: 1}, "'cuont' is not known here; did you mean 'count'?"]
- [{count: s3cret}, "count: must be integer, is string"]
- [{count: 0}, "count: must be at least 1"]
- [{count: 9}, "count: must be at most 3"]
- [{mode: s3cret}, "mode: must be one of a, b"]
- [{name: y}, "name: must have at least 2 characters", "name: must match ^x"]
- [{name: xs3cret}, "name: must have at most 4 characters"]
- [{list: []}, "list: must have at least 1 items"]
- [{list: [a, 2, c]}, "list: must have at most 2 items", "list[1]: must be string, is integer"]
- [{limits: {cpu: 1.5}}, "limits.cpu: must be string or null, is number"]
- [{either: {deep: s3cret}}, "either.deep: must be boolean, is string"]
- [{labels: {x-team: s3cret, app: a}}]
- [{labels: {x-team: s3cret, apq: a}}, "labels: 'apq' is not known here; did you mean 'app'?"]
- [{fixed: 2}, "fixed: must be 1"]
- [{other: s3cret}, "other: does not fulfil 'not' of the schema"]
""")


@pytest.mark.parametrize("row", VIOLATIONS, ids=str)
def test_a_violation_names_its_place_and_no_value(row: list[Any]) -> None:
    values, *lines = row
    found = sorted(describe_violation(violation) for violation in find_violations(SCHEMA, {"must": 1} | values))
    assert found == sorted(lines)
    assert "s3cret" not in str(found)


def test_what_is_missing_is_named() -> None:
    assert [describe_violation(violation) for violation in find_violations(SCHEMA, {})] == ["missing: must"]


def test_references_are_not_fetched() -> None:
    with pytest.raises(Exception, match=r"Unresolvable.*never-fetched"):
        list(find_violations(SCHEMA, {"must": 1, "remote": 1}))


def test_many_violations_are_not_all_told_and_none_is_no_problem() -> None:
    assert find_schema_mismatch([], "adot", "v1", is_from_task=True) is None
    many = [Violation((f"key{number:02}",), "type", "string", 1) for number in range(30)]
    text = str(find_schema_mismatch(many, "adot", "v1", is_from_task=True))
    assert "key19" in text
    assert "key20" not in text
    assert "and 10 more" in text
