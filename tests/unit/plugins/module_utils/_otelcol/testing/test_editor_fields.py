# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The literals of an editor of OTTL say which fields a record needs so that the editor changes something."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing.statement_fields import (
    find_changed_fields,
)

from tests.support.cases import cases


@cases(
    "action, fields",
    ('delete_key(attributes, "a")', {("attributes", "a"): "text"}),
    ('delete_matching_keys(attributes, "^ab+")', {("attributes", "ab"): "text"}),
    ('keep_keys(attributes, ["a"])', {("attributes", "other"): "text"}),
    ('keep_matching_keys(attributes, "^a")', {("attributes", "_"): "text"}),
    ('replace_pattern(name, "x+y", "z")', {("name",): "xy"}),
    ('replace_match(name, "a*", "z")', {("name",): "ax"}),
    ('replace_all_patterns(attributes, "value", "x+", "z")', {("attributes", "key"): "x"}),
    ('replace_all_patterns(attributes, "key", "x+", "z")', {("attributes", "x"): "x"}),
    ('replace_all_matches(attributes, "a*", "z")', {("attributes", "key"): "ax"}),
    ("truncate_all(attributes, 2)", {("attributes", "key"): "xxx"}),
    ('limit(attributes, 1, ["a"])', {("attributes", "key0"): "text", ("attributes", "key1"): "text"}),
    ("replace_pattern(name, 1, 2)", {}),
    ("delete_key(attributes, Concat(a))", {}),
    ('replace_pattern(name, "x+", Concat(["a"], ""))', {("name",): "x"}),
    ('limit(attributes, 1, Split("a,b", ","))', {("attributes", "key0"): "text", ("attributes", "key1"): "text"}),
    (
        'limit(attributes, priority_keys=["a"], limit=1)',
        {("attributes", "key0"): "text", ("attributes", "key1"): "text"},
    ),
    ('keep_keys(attributes, Split("a,b", ","))', {("attributes", "other"): "text"}),
    ('replace_pattern(name, resource.attributes["b"], "z")', {}),
    ("delete_key(attributes, )", {}),
    ("delete_key(attributes, key=)", {}),
)
def test_an_editor_says_which_fields_it_needs(action: str, fields: dict[Any, str]) -> None:
    assert find_changed_fields(action, "span") == fields
