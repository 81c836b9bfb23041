# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An overlay touches what the policy allows, and nothing else, however it is written."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.layers import Layer
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.overlay_policy import (
    OverlayPolicy,
    check_overlays,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.paths import Position
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

OPTION = {
    "sections": ["extensions"],
    "components": {"processors": ["filter", "attributes"]},
    "paths": ["service.pipelines.logs*.processors+", "receivers.file_log/*.include", ["processors", "batch", "a.b"]],
}


def breach(config: dict[str, Any]) -> str:
    """Return the message about an overlay; empty if it is allowed."""
    layer = Layer(
        "team.yaml", config, positions={(): Position("team.yaml", 1), ("exporters",): Position("team.yaml", 7)}
    )
    try:
        check_overlays(OverlayPolicy.from_option(OPTION), [layer])
    except Problem as problem:
        return str(problem)
    return ""


ALLOWED = [
    {},
    {"extensions": {"zpages": {}}},
    {"processors": {"filter/noise": {"logs": {"log_record": ["x"]}}, "attributes": None}},
    {"service": {"pipelines": {"logs/shop": {"processors+": ["filter/noise"]}}}},
    {"receivers": {"file_log/shop": {"include": ["/a"]}}},
    {"receivers": {"file_log/shop": {"include+": ["/a"]}}},
    {"processors": {"batch": {"a.b": 1}}},
]


@pytest.mark.parametrize("config", ALLOWED)
def test_what_the_policy_allows_passes(config: dict[str, Any]) -> None:
    assert breach(config) == ""


BREACHES = [
    ({"exporters": {"otlp_grpc/mine": {"endpoint": "evil:4317"}}}, "exporters.otlp_grpc/mine.endpoint"),
    ({"exporters": None}, "exporters"),
    ({"exporters": {}}, "exporters"),
    ({"exporters+": ["x"]}, "exporters+"),
    ({"processors": None}, "processors"),
    ({"processors": []}, "processors"),
    ({"processors": {"redaction": None}}, "processors.redaction"),
    ({"processors": {"filterx": {}}}, "processors.filterx"),
    ({"processors": {"batch": {"a": {"b": 1}}}}, "processors.batch.a.b"),
    ({"service": {"pipelines": {"logs": {"processors": []}}}}, "service.pipelines.logs.processors"),
    ({"service": {"pipelines": {"logs": None}}}, "service.pipelines.logs"),
    ({"service": {"pipelines": {"traces": {"processors+": ["filter/a"]}}}}, "service.pipelines.traces.processors+"),
    ({"service": {"pipelines": {"logs": {"exporters+": ["debug"]}}}}, "service.pipelines.logs.exporters+"),
    ({"service": {"extensions": []}}, "service.extensions"),
    ({"connectors": {"forward": None}}, "connectors.forward"),
    ({"exporters::otlp": {"endpoint": "x"}}, "exporters::otlp.endpoint"),
    ({"extensions": {"a::b": 1}}, "extensions.a::b"),
    ({"service.pipelines": {"logs": {"processors+": ["a"]}}}, "service.pipelines.logs.processors+"),
    ({"${env:SECTION}": {"a": 1}}, "${env:SECTION}.a"),
    ({1: 2}, "[1]"),
]


@pytest.mark.parametrize(("config", "path"), BREACHES)
def test_all_else_is_a_breach_however_it_is_written(config: dict[str, Any], path: str) -> None:
    assert f"team.yaml touches {path} (at team.yaml" in breach(config)


def test_a_breach_has_the_line_and_what_is_allowed() -> None:
    said = breach({"exporters": {"debug": {}}})
    assert "(at team.yaml:7)" in said
    allowed = "extensions; processors of type filter, attributes; service.pipelines.logs*.processors+; "
    assert f"Allowed: {allowed}receivers.file_log/*.include; processors.batch.a.b." in said


@pytest.mark.parametrize(
    ("option", "words"),
    [({"components": {"pipelines": ["logs"]}}, "no section of components"), ({"paths": ["a..b"]}, "an empty name")],
)
def test_a_policy_that_says_nothing_is_an_error(option: dict[str, Any], words: str) -> None:
    with pytest.raises(Problem, match=words):
        OverlayPolicy.from_option(option)
