# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing.record_fields import find_record_field

from tests.support.cases import cases


@cases(
    "path, context, field",
    ("span.trace_state", "span", ()),
    ("attributes", "resource", ("resource",)),
    ('attributes["a"]["b"]', "spanevent", ("events", 0, "attributes", "a", "b")),
    ('resource.attributes["a"]', "span", ("resource", "a")),
    ("instrumentation_scope.name", "span", ("scope", "name")),
    ("name", "instrumentation_scope", ("scope", "name")),
    ("ToLowerCase(span.status.message)", "log", ("message",)),
    ("Len(name)", "span", ()),
    ("name", "", ()),
    ("not OTTL '", "span", ()),
)
def test_a_path_of_ottl_names_a_field_or_none(path: str, context: str, field: tuple[object, ...]) -> None:
    assert find_record_field(path, context) == field
