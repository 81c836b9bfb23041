# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The schema of a build: what it says of types and settings, and what the rules say by it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.catalogue.build_schema import read_types
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.build_facts import TargetBuild
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.rules import lint_config
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.subject import Subject

from ...helpers import CATALOGUE

DURATION = {"type": "string", "pattern": "^([0-9]+(\\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$"}
ACME = {
    "$defs": {"retry": {"type": "object", "properties": {"enabled": {"type": "boolean"}}}},
    "allOf": [{"$ref": "#/$defs/retry"}],
    "properties": {
        "endpoint": {"type": "string"},
        "timeout": DURATION,
        "mode": {"type": "string", "enum": ["fast", "safe"]},
        "tags": {"type": "object", "additionalProperties": {"type": "string"}},
        "hosts": {"type": "array", "items": {"type": "string"}},
    },
}


def schema(**exporters: Any) -> dict[str, Any]:
    """Return a schema as the Collector's schemagen combines it."""

    def part(types: dict[str, Any]) -> dict[str, Any]:
        patterns = {f"^{name}(?:/.+)?$": node for name, node in types.items()}
        return {"type": "object", "patternProperties": patterns, "additionalProperties": {"not": {}}}

    receivers = {"otlp": {}, "nop": {"type": "object"}}
    return {"type": "object", "properties": {"receivers": part(receivers), "exporters": part(exporters), "service": {}}}


@pytest.mark.parametrize(
    ("node", "settings"),
    [
        (ACME, {"enabled": "b", "endpoint": "s", "timeout": "dsif", "mode": "s=|fast|safe", "tags": {"*": "s"},
                "hosts": ["sl", "s"]}),
        ({"type": "object"}, {"...": "?"}),
        ({"type": "object", "properties": {"a": {}}, "additionalProperties": True}, {"a": "?", "...": "?"}),
        ({"type": "array", "items": {"type": "integer"}}, ["l", "if"]),
        ({"$ref": "#/properties/service"}, "?"),
        ({"$ref": "https://example.org/x"}, "?"),
        ({"$ref": "#/$defs/me", "$defs": {"me": {"$ref": "#/$defs/me"}}}, "?"),
        ({"allOf": [{"type": "string"}], "properties": {"a": {}}}, "?"),
        ({"type": ["string", "null"]}, "?"),
        *(({key: []}, "?") for key in ("anyOf", "oneOf", "not")),
        (True, "?"),
    ],
)  # fmt: skip
def test_settings(node: Any, settings: Any) -> None:
    assert read_types(schema(acme_cloud=node))["exporters", "acme_cloud"] == settings


@pytest.mark.parametrize("nothing", [None, [], "x", {}, {"properties": {"receivers": 1}}])
def test_what_is_no_schema_has_no_types(nothing: Any) -> None:
    assert read_types(nothing) == {}


def said(exporter: dict[str, Any], receiver: str = "otlp") -> list[str]:
    catalogue = CATALOGUE.add_schema("vendor", read_types(schema(acme_cloud=ACME, debug={})), "0.158.0")
    pipeline = {"receivers": [receiver], "exporters": list(exporter)}
    receivers = {receiver: {"protocols": {"grpc": {}}} if receiver == "otlp" else {}}
    config = {"receivers": receivers, "exporters": exporter, "service": {"pipelines": {"traces": pipeline}}}
    found = lint_config(Subject(config, target=TargetBuild(catalogue, "vendor", "0.158.0")))
    return [f"{one.severity} {one.path}: {one.message}" for one in found if one.severity != "info"]


def test_a_component_of_the_vendor_is_known() -> None:
    assert not any("acme" in text for text in said({"acme_cloud/a": {"timeout": "5s", "hosts": ["a"], "mode": "safe"}}))
    assert not any("acme" in text for text in said({"acme_cloud": None}))


def test_any_other_component_is_an_error() -> None:
    assert "error receivers.zipkin: vendor 0.158.0 has no receiver 'zipkin'" in said({"debug": {}}, "zipkin")
    found = said({"acme_clod": {}})
    assert "error exporters.acme_clod: vendor 0.158.0 has no exporter 'acme_clod'; did you mean 'acme_cloud'?" in found
    # One that the catalogue has is judged by its decoder.
    assert any(text.startswith("error exporters.debug.verbosty") for text in said({"debug": {"verbosty": "basic"}}))


def test_settings_are_warnings_because_a_schema_is_no_decoder() -> None:
    found = said({"acme_cloud": {"timeot": "5s", "timeout": "5", "mode": "slow", "endpoint": 1, "tags": {"a": "b"}}})
    faults = [text for text in found if "by the schema of the build" in text]
    assert [text.partition(":")[0] for text in faults] == [
        f"warning exporters.acme_cloud.{key}" for key in ("endpoint", "mode", "timeot", "timeout")
    ]
