# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing import traced_steps
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing.pipeline_stages import name_stage

from tests.support.cases import cases

A = {"name": "a", "status": "unset", "attributes": {"x": 1, "y": True}, "resource": {"r": 1}}
B = {"name": "b", "status": "unset", "attributes": {"x": "s-1"}, "resource": {"r": 1}}


def test_a_trace_says_what_each_processor_did() -> None:
    config = {
        "service": {"pipelines": {"traces/p": {"processors": ["filter", "transform"]}, "logs": {}, "profiles": {}}}
    }
    changed = {**A, "attributes": {"x": 2, "n": 1}}
    steps = ([A, B], [A], [changed])
    got = {name_stage("traces/p", number): {"spans": found} for number, found in enumerate(steps)}
    assert list(traced_steps.trace_steps(config, got)) == [
        "traces/p: 2 spans come in",
        "traces/p: filter: - {name: b, status: unset, attributes: {'x': 's-1'}, resource: {'r': 1}}",
        "traces/p: transform: ~ attributes.n: nothing → 1; attributes.x: 1 → 2; attributes.y: True → nothing",
    ]


@cases(
    "before, after, lines",
    ([A, A], [A], ["- {name: a, status: unset, attributes: {'x': 1, 'y': True}, resource: {'r': 1}}"]),
    ([B], [B, B], ["+ {name: b, status: unset, attributes: {'x': 's-1'}, resource: {'r': 1}}"]),
    ([B, B], [B, {**B, "status": "ok"}], ["~ status: 'unset' → 'ok'"]),
    ([A, A], [A, A], []),
)
def test_equal_records_are_counted(before: list[Any], after: list[Any], lines: list[str]) -> None:
    config = {"service": {"pipelines": {"traces": {"processors": ["filter"]}}}}
    got = {name_stage("traces", 0): {"spans": before}, name_stage("traces", 1): {"spans": after}}
    assert list(traced_steps.trace_steps(config, got))[1:] == [f"traces: filter: {line}" for line in lines]
