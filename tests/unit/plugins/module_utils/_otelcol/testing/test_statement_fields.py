# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A statement of OTTL says by its literals which fields a record needs so that it changes something."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing.statement_fields import (
    find_changed_fields,
)

from tests.support.cases import cases


@cases(
    "action, fields",
    ('delete_key(attributes, "a")', {("attributes", "a"): "text"}),
    ('set(attributes["a"], resource.attributes["b"])', {("resource", "b"): "text"}),
    ('set(attributes["a"], resource.attributes["a"])', {}),
    ('set(attributes["a"], )', {}),
    ('set(, attributes["a"])', {}),
    ("set()", {}),
    ("name", {}),
)
def test_a_statement_says_which_fields_it_needs(action: str, fields: dict[Any, str]) -> None:
    assert find_changed_fields(action, "span") == fields
