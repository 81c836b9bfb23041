# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unit tests of module_utils/_instrumentation/target_services.py: ports of Services, and the pods behind them."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._instrumentation.target_services import (
    explain_missing_port,
    has_ready_endpoint,
)

from ..helpers import cases

SERVICE = {"spec": {"ports": [{"name": "otlp", "port": 4317}, {"name": "otlp-http", "port": 4318}]}}


def test_a_port_that_is_not_there_is_told_with_those_that_are() -> None:
    assert explain_missing_port(SERVICE, {"port": 4318}) == ""
    assert explain_missing_port(SERVICE, {"port": 1}) == "has no port 1 (it has 4317 otlp, 4318 otlp-http)"
    assert explain_missing_port({"spec": {"ports": [{"port": 5}]}}, {"port": 1}).endswith("(it has 5)")
    assert explain_missing_port({"spec": {}}, {"port": 1}).endswith("(it has none)")


def slice_of(port: str, *ready: bool | None) -> dict[str, Any]:
    return {"ports": [{"name": port}], "endpoints": [{"conditions": {"ready": item}} for item in ready]}


@cases(
    "slices, ready",
    ([slice_of("otlp-http", False, True)], True),
    ([slice_of("otlp-http", None)], True),
    ([{"ports": [{"name": "otlp-http"}], "endpoints": [{}]}], True),
    ([slice_of("otlp-http", False)], False),
    ([slice_of("otlp", True)], False),
    ([{"ports": None, "endpoints": None}], False),
    ([], False),
)
def test_a_ready_endpoint_stands_behind_the_very_port(slices: list[dict[str, Any]], ready: bool) -> None:
    assert has_ready_endpoint(slices, SERVICE, {"port": 4318}) is ready
