# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The blueprint of AI inference: its inventory under both backends, and the tables and examples of its page."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.backends import BACKENDS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.gen_ai_attributes import (
    CONTENT,
    CONTENT_FAMILIES,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.gpu_exporters import EXPORTERS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.monitoring.gpu_rules import RECORDING_RULES
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _render
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _documents

from .role import ROOT, request
from .source import text

PAGE = text("docs/ai_inference.md")
INVENTORY = ROOT / "inventories" / "ai_inference" / "group_vars" / "all.yml"
# Source: ScaledObjectSpec and ScaleTriggers in apis/keda/v1alpha1/scaledobject_types.go of KEDA 2.19.
SCALED_OBJECT = {
    "scaleTargetRef",
    "pollingInterval",
    "initialCooldownPeriod",
    "cooldownPeriod",
    "idleReplicaCount",
    "minReplicaCount",
    "maxReplicaCount",
    "advanced",
    "triggers",
    "fallback",
}
TRIGGER = {"type", "name", "useCachedMetrics", "metadata", "authenticationRef", "metricType"}


def planned(backend: str) -> list[_render.JudgedCollector]:
    variables: dict[str, Any] = _documents.read_yaml(INVENTORY)
    return _render.judge_request(request({**variables, "otel_collector_backend": backend}))


@pytest.mark.parametrize("backend", BACKENDS)
def test_no_rule_finds_anything(backend: str) -> None:
    found = planned(backend)
    assert [str(finding) for one in found for finding in one.findings if finding.severity != "info"] == []
    assert _render.build_bundle(found)["manifests"]


def test_content_is_removed_and_calls_are_counted_before_anything_is_sampled() -> None:
    agent, gateway = planned("kubernetes")
    traces = agent.composed_config.config["service"]["pipelines"]["traces"]
    assert {"transform/gen_ai_content", "transform/gen_ai_cost", "k8s_attributes"} <= set(traces["processors"])
    assert "signal_to_metrics/gen_ai" in traces["exporters"]
    assert "tail_sampling" not in str(agent.composed_config.config)
    assert "tail_sampling" in gateway.composed_config.config["service"]["pipelines"]["traces"]["processors"]


def test_each_pipeline_of_metrics_names_the_cluster() -> None:
    pipelines = planned("kubernetes")[0].composed_config.config["service"]["pipelines"]
    named = {name for name, pipeline in pipelines.items() if "resource/organization" in pipeline.get("processors", [])}
    assert named == set(pipelines) == {"traces", "logs", "metrics", "metrics/gpu", "metrics/gen_ai"}


def test_the_page_has_each_counter_that_is_kept() -> None:
    rows = re.findall(r"^\| (\w+) \| `(\w+)` \| (.+) \|$", PAGE, re.MULTILINE)
    kept = [
        (vendor, name, meaning)
        for vendor, exporter in EXPORTERS.items()
        for name, meaning in exporter.meaning_by_counter.items()
    ]
    assert rows == kept


def test_the_page_has_each_attribute_with_content() -> None:
    part = PAGE.partition("## Content of calls of models")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(.+)` \| (.+) \|$", part, re.MULTILINE)
    assert [(name.replace(r"\|", "|"), what) for name, what in rows] == [*CONTENT.items(), *CONTENT_FAMILIES.items()]


def test_the_page_of_monitoring_has_each_recorded_series() -> None:
    rows = re.findall(r"^\| `(team_namespace:\S+)` \|", text("docs/monitoring.md"), re.MULTILINE)
    assert rows == [row.name for row in RECORDING_RULES]


def test_the_examples_of_scaled_objects_have_fields_of_keda_and_counters_that_are_kept() -> None:
    (block,) = re.findall(r"```yaml\n(apiVersion: keda\.sh/v1alpha1.*?)```", PAGE, re.DOTALL)
    objects = list(yaml.safe_load_all(block))
    assert [made["metadata"]["name"] for made in objects] == ["prefill", "decode"]
    for made in objects:
        assert (made["apiVersion"], made["kind"]) == ("keda.sh/v1alpha1", "ScaledObject")
        assert set(made["spec"]) <= SCALED_OBJECT
        assert made["spec"]["minReplicaCount"] >= 2
        for trigger in made["spec"]["triggers"]:
            assert set(trigger) <= TRIGGER
            assert set(trigger["metadata"]) == {"serverAddress", "query", "threshold"}
            asked = set(re.findall(r"DCGM_\w+", trigger["metadata"]["query"]))
            assert asked
            assert asked <= set(EXPORTERS["nvidia"].meaning_by_counter)
