# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a violation of a schema says."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.aws.schema import Violation, mismatch, said
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.aws.addon_schema import violations

SCHEMA = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "additionalProperties": False,
    "required": ["must"],
    "definitions": {"cpu": {"type": "object", "properties": {"cpu": {"type": ["string", "null"]}}}},
    "properties": {
        "must": {},
        "count": {"type": "integer", "minimum": 1, "maximum": 3},
        "mode": {"enum": ["a", "b"]},
        "name": {"type": "string", "pattern": "^x", "minLength": 2, "maxLength": 4},
        "list": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 2},
        "limits": {"$ref": "#/definitions/cpu"},
        "either": {"anyOf": [{"type": "object", "properties": {"deep": {"type": "boolean"}}}, {"type": "null"}]},
        "fixed": {"const": 1},
        "other": {"not": {}},
        "remote": {"$ref": "https://example.com/never-fetched.json"},
    },
}


@pytest.mark.parametrize(
    ("values", "lines"),
    [
        ({"must": 1}, []),
        ({}, ["missing: must"]),
        ({"must": 1, "cuont": 1}, ["'cuont' is not known here; did you mean 'count'?"]),
        ({"must": 1, "count": "s3cret"}, ["count: must be integer, is string"]),
        ({"must": 1, "count": 0}, ["count: must be at least 1"]),
        ({"must": 1, "count": 9}, ["count: must be at most 3"]),
        ({"must": 1, "mode": "s3cret"}, ["mode: must be one of a, b"]),
        ({"must": 1, "name": "y"}, ["name: must have at least 2 characters", "name: must match ^x"]),
        ({"must": 1, "name": "xs3cret"}, ["name: must have at most 4 characters"]),
        ({"must": 1, "list": []}, ["list: must have at least 1 items"]),
        (
            {"must": 1, "list": ["a", 2, "c"]},
            ["list: must have at most 2 items", "list[1]: must be string, is integer"],
        ),
        ({"must": 1, "limits": {"cpu": 1.5}}, ["limits.cpu: must be string or null, is number"]),
        ({"must": 1, "either": {"deep": "s3cret"}}, ["either.deep: must be boolean, is string"]),
        ({"must": 1, "fixed": 2}, ["fixed: must be 1"]),
        ({"must": 1, "other": "s3cret"}, ["other: does not fulfil 'not' of the schema"]),
    ],
)
def test_a_violation_names_its_place_and_no_value(values: dict[str, Any], lines: list[str]) -> None:
    found = sorted(said(violation) for violation in violations(SCHEMA, values))
    assert found == sorted(lines)
    assert "s3cret" not in str(found)


def test_references_are_not_fetched() -> None:
    with pytest.raises(Exception, match="never-fetched") as raised:
        list(violations(SCHEMA, {"must": 1, "remote": 1}))
    assert "Unresolvable" in str(raised.value)


def test_a_configuration_that_fits_is_no_problem() -> None:
    assert mismatch([], "adot", "v1", ours=True) is None


def test_many_violations_are_not_all_told() -> None:
    many = [Violation((f"key{number:02}",), "type", "string", 1) for number in range(30)]
    text = str(mismatch(many, "adot", "v1", ours=True))
    assert "key19" in text
    assert "key20" not in text
    assert "and 10 more" in text
