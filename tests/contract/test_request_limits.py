# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits of requests are data with a source, and the batches of recipes are below those of their backends."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _render

from tests.support.recipe_options import RECIPE_OPTIONS

ROOT = Path(__file__).parents[2]
ROWS = json.loads(
    (ROOT / "plugins/plugin_utils/_otelcol/_data/catalogue/request_limits.json").read_text(encoding="utf-8")
)
PAGE = (ROOT / "docs" / "request_sizes.md").read_text(encoding="utf-8")
# The exporter of each recipe whose backend takes less than an OTLP receiver.
SMALL = {
    "cloudwatch_otlp_export": ("otlp_http/cloudwatch_logs", "CloudWatch Logs over OTLP"),
    "datadog_otlp_export": ("otlp_http/datadog", "Datadog over OTLP"),
    "kafka_export": ("kafka/main", "Kafka"),
    "xray_otlp_export": ("otlp_http/xray", "X-Ray over OTLP"),
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_a_limit_has_a_number_a_source_and_a_day_and_is_on_the_page(row: dict[str, Any]) -> None:
    assert row.get("bytes") or row.get("record")
    assert re.match("https://", row["source"]) and date.fromisoformat(row["day"])
    assert f"| {row['name']} |" in PAGE and row["source"] in PAGE


@pytest.mark.parametrize("recipe", SMALL)
def test_batches_of_a_recipe_are_below_the_limit_of_its_backend(recipe: str) -> None:
    exporter, name = SMALL[recipe]
    limit = next(row["bytes"] for row in ROWS if row["name"] == name)
    rest = {"debug_output": {}}
    recipes = ["otlp_ingest", {recipe: RECIPE_OPTIONS.get(recipe, {})}, rest]
    (planned,) = _render.judge_request(
        _render.RenderRequest([{"name": "c", "recipes": recipes, "platform": "eks"}], {})
    )
    batch = planned.composed_config.config["exporters"][exporter]["sending_queue"]["batch"]
    assert batch["sizer"] == "bytes" and 0 < batch["min_size"] < batch["max_size"] < limit
    assert [one for one in planned.findings if one.rule == "request-too-large"] == []


def test_an_agent_and_a_gateway_of_recipes_fit_and_others_are_told() -> None:
    gateway = {"name": "gw", "namespace": "n", "recipes": ["otlp_ingest", "debug_output"]}
    forward = {"otlp_forward": {"endpoint": "gw.n.svc:4317", "insecure": True}}
    agent = {"name": "agent", "namespace": "n", "mode": "daemonset", "recipes": ["otlp_ingest", forward]}
    batch = {"sizer": "items", "min_size": 8192}
    own = {"exporters": {"otlp_grpc/gateway": {"sending_queue": {"batch": batch}}}}

    def told(given: dict[str, Any]) -> list[str]:
        found = _render.judge_request(_render.RenderRequest([gateway, given], {}))
        return [one.message for item in found for one in item.findings if one.rule == "request-too-large"]

    assert told(agent) == []
    plain = {**agent, "recipes": ["otlp_ingest", forward, {"baseline": {"batching": "processor"}}]}
    (message,) = told({**plain, "config": own}) or told({**agent, "config": own})
    assert "of any size" in message and "collector 'gw' takes at most" in message
