# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A variable of a config has a value that its setting takes."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.build_facts import TargetBuild
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _builds, _placeholders

from tests.support.cases import cases

from ..helpers import OTLP


@cases(
    "section, settings, value",
    ("exporters", {"otlp_http": {"endpoint": "${env:A}"}}, "http://localhost:4317"),
    ("receivers", {"zipkin": {"endpoint": "${A}"}}, "localhost:4317"),
    ("receivers", {"zipkin": {"endpoint": "${A}:9411"}}, "localhost"),
    ("receivers", {"zipkin": {"endpoint": "0.0.0.0:${env:A}"}}, "4317"),
    ("exporters", {"otlp_http": {"endpoint": "https://${env:A}/v1"}}, "localhost"),
    ("processors", {"batch": {"timeout": "${env:A}"}}, "10s"),
    ("processors", {"batch": {"send_batch_size": "${env:A}"}}, "1"),
    ("exporters", {"otlp_grpc": {"tls": {"insecure": "${env:A}"}}}, "true"),
    ("exporters", {"otlp_grpc": {"headers": {"x-token": "${env:A}"}}}, "placeholder"),
    ("exporters", {"acme": {"region": "${env:A}", "name": "${env:A}"}}, "us-east-1"),
    ("receivers", {"acme": {"operators": [{"timezone": "${env:A}"}]}}, "UTC"),
    ("receivers", {"acme": {"start": "x-${env:A}"}}, "placeholder"),
    ("receivers", {"acme": {"node": "${env:AWS_REGION}"}}, "us-east-1"),
)
def test_a_variable_has_a_value_of_the_right_shape(section: str, settings: Any, value: str) -> None:
    name = "AWS_REGION" if "AWS_REGION" in str(settings) else "A"
    target = TargetBuild(_builds.load_catalogue(), "contrib", "0.158.0")
    assert _placeholders.build_placeholder_environment({**OTLP, section: settings}, target)[name] == value


def test_only_a_variable_without_a_default_needs_a_value() -> None:
    assert _placeholders.needs_outside_value("x-${env:A}")
    for value in ("${env:A:-b}", "$${env:A}", "plain", 5, None):
        assert not _placeholders.needs_outside_value(value)
