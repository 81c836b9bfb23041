# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sampler behind a tier that divides by trace id is right, also where files or a cluster show both."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _diagnose, _render
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _judged_configs, _validate

from tests.support.cases import cases

from .helpers import VALIDATE, request

SAMPLER = {"name": "sampler", "replicas": 2, "recipes": ["otlp_ingest", "tail_sampling", "debug_output"]}
BALANCED = {"trace_balancing": {"service": "sampler.telemetry", "insecure": True}}
DIRECT = {"otlp_forward": {"endpoint": "sampler:4317", "insecure": True}}


def tiers(*ways: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
    """Return the objects of a sampler, and of a collector that sends to it each way; errors are for others to show."""
    senders = [
        {"name": f"first-{number}", "recipes": [{"otlp_ingest": {"signals": ["traces"]}}, way]}
        for number, way in enumerate(ways)
    ]
    planned = _render.judge_request(request(*[{**one, **options} for one in (*senders, SAMPLER)]))
    made: list[dict[str, Any]] = _render.build_bundle(planned)["manifests"]
    return made


def accused(objects: list[dict[str, Any]]) -> list[str]:
    found = _validate.validate_configs({**VALIDATE, "config": objects}, lambda _warning: None)["findings"]
    return [one["severity"] for one in found if one["rule"] == "split-state"]


@pytest.mark.parametrize("backend", ["kubernetes", "operator"])
@cases(
    "ways, severities",
    ([], ["warning"]),
    ([DIRECT], ["warning"]),
    ([BALANCED, DIRECT], ["warning"]),
    ([BALANCED], []),
    ([BALANCED, BALANCED], []),
)
def test_a_sampler_is_accused_unless_all_known_senders_divide(
    backend: str, ways: list[dict[str, Any]], severities: list[str]
) -> None:
    assert accused(tiers(*ways, backend=backend)) == severities


def test_a_signal_whose_senders_are_not_known_is_no_error() -> None:
    """Only logs are divided by senders that are known; traces come from elsewhere."""
    objects = tiers(BALANCED)
    for item in objects:
        for key, text in item.get("data", {}).items() if item["metadata"]["name"].startswith("first") else ():
            item["data"][key] = text.replace("traces:", "logs:")
    assert accused(objects) == ["warning"]


def test_a_service_of_another_namespace_is_another() -> None:
    objects = tiers(BALANCED)
    for item in objects:
        if item["metadata"]["name"].startswith("sampler"):
            item["metadata"]["namespace"] = "elsewhere"
    assert accused(objects) == ["warning"]


def test_a_diagnosis_of_both_tiers_knows_that_the_first_divides() -> None:
    def found(*names: str) -> str:
        collected = [
            {"name": name, "namespace": "telemetry", "kind": "Deployment", "config": {}, "unseen": [], "objects": own}
            for name in names
            if (own := [item for item in objects if name in str(item["metadata"])])
        ]
        facts = {"hidden": False, "running": True, "workload": {}, "complete": True, "wanted": 2, "image": ""}
        empty: dict[str, Any] = {"receives": [], "exports": [], "processes": [], "pods": []}
        return str(
            _diagnose.diagnose_collectors(
                [{**facts, **empty, **one} for one in collected], _diagnose.list_checks({}), {}
            )
        )

    objects = tiers(BALANCED)
    assert "split-state" in found("sampler")
    assert "split-state" not in found("first-0", "sampler")


def test_objects_without_a_config_are_no_collectors() -> None:
    assert (
        _judged_configs.find_flow_collectors([])
        == _judged_configs.find_flow_collectors([{"apiVersion": "v1", "kind": "Service", "metadata": {}}])
        == []
    )
