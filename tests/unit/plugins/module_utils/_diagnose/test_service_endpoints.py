# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoints behind a Service, and the ports of pods that it leads to."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose.service_endpoints import (
    filter_endpoints,
    filter_slices,
    find_target_number,
)

from ..helpers import cases
from .test_reach import slices


def test_endpoints_by_readiness_and_service() -> None:
    made = slices("s", True, False, None)
    assert (filter_slices("s", [made]), filter_slices("t", [made])) == ([made], [])
    assert (len(filter_endpoints([made], ready=True)), len(filter_endpoints([made], ready=False))) == (
        2,
        1,
    )


@cases(
    "port, number",
    ({"port": 1}, 1),
    ({"port": 1, "targetPort": 2}, 2),
    ({"targetPort": "otlp"}, 4317),
    ({"targetPort": "x"}, None),
)
def test_the_port_of_the_pod(port: Any, number: int | None) -> None:
    assert find_target_number(port, [{"name": "otlp", "containerPort": 4317}]) == number
