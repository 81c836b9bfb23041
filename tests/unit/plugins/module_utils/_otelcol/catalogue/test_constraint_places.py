# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of constraints are found at their places in settings, in the order of the settings."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.catalogue.constraint_places import (
    ConstraintTable,
    KeyedConstraint,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.catalogue.rows import Row

ROWS = (
    {"at": "exporters.otlp.tls", "name": "files", "needs": "ca_file"},
    {"at": "exporters.otlp|otlp_http.headers.*", "name": "header"},
    {"at": "exporters.*", "name": "any exporter"},
    {"at": "receivers.otlp", "name": "a receiver"},
    {"at": "exporters.otlp.headers.host", "name": "host"},
)
SETTINGS = {"headers": {"id": {}, "host": {}}, "endpoint": "x", "tls": {"ca_file": None}}


def name_constraint(row: Row) -> KeyedConstraint[str]:
    """Return the name of a row, and the key without which it finds nothing."""
    return KeyedConstraint(row["name"], row.get("needs", ""))


def found(settings: object, name: str = "otlp") -> list[tuple[str, str]]:
    places = ConstraintTable(ROWS).build_places("exporters", name, name_constraint)
    return [(place.constraint, ".".join(map(str, place.path))) for place in places.find_places(settings, ("otlp",))]


def test_places_are_in_the_order_of_the_settings_and_those_of_any_key_last() -> None:
    assert found(SETTINGS) == [
        ("any exporter", "otlp"),
        ("host", "otlp.headers.host"),
        ("header", "otlp.headers.id"),
        ("header", "otlp.headers.host"),
        ("files", "otlp.tls"),
    ]


def test_a_place_that_settings_lack_has_no_constraint() -> None:
    assert found({"tls": {"insecure": True}, "headers": [{}]}) == [
        ("any exporter", "otlp"),
        ("header", "otlp.headers.0"),
    ]
    assert found("${env:SETTINGS}") == []


def test_one_row_may_be_about_several_types() -> None:
    assert found(SETTINGS, "otlp_http")[1:] == [("header", "otlp.headers.id"), ("header", "otlp.headers.host")]


def test_deep_settings_are_no_problem() -> None:
    deep: dict[str, object] = {}
    for _level in range(5000):
        deep = {"headers": deep}
    assert found(deep) == [("any exporter", "otlp"), ("header", "otlp.headers.headers")]
