# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory of the blueprint of Kubernetes observability, under both backends, by election and with one copy."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.backends import BACKENDS
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _render
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _documents

from .role import DETECTED, ROOT, request

INVENTORY = ROOT / "inventories" / "kubernetes_observability" / "group_vars" / "all.yml"
OF_CLUSTER = ("cluster_metrics", "cluster_events", "cluster_objects")


def name_of(recipe: Any) -> str:
    return recipe if isinstance(recipe, str) else next(iter(recipe))


def variables(backend: str) -> dict[str, Any]:
    found: dict[str, Any] = _documents.read_yaml(INVENTORY)
    return {**found, "otel_collector_backend": backend}


def leases(planned: list[_render.JudgedCollector]) -> list[str]:
    """Return the names of the roles that give a right to leases."""
    manifests = _render.build_bundle(planned)["manifests"]
    roles = [item for item in manifests if item["kind"] in ("Role", "ClusterRole")]
    return [role["metadata"]["name"] for role in roles if "leases" in json.dumps(role)]


@pytest.mark.parametrize("backend", BACKENDS)
def test_no_rule_finds_anything_and_one_agent_is_elected(backend: str) -> None:
    planned = _render.judge_request(request(variables(backend)))
    assert [str(finding) for one in planned for finding in one.findings if finding.severity == "error"] == []
    assert {finding.rule for finding in planned[0].findings if finding.severity == "warning"} == set()
    receivers = planned[0].composed_config.config["receivers"]
    elected = [name for name, settings in receivers.items() if "k8s_leader_elector" in settings]
    assert sorted(elected) == ["k8s_cluster", "k8s_events", "k8s_objects"]
    assert len(leases(planned)) == 1
    agents = next(item for item in _render.build_bundle(planned)["manifests"] if item["kind"] in KINDS)
    assert {"operator": "Exists"} in (agents["spec"].get("template", agents)["spec"])["tolerations"]


KINDS = ("DaemonSet", "OpenTelemetryCollector")


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_is_of_the_cluster_can_move_to_one_collector_without_election(backend: str) -> None:
    given = variables(backend)
    agent, components = given["otel_collectors"]
    moved = [recipe for recipe in agent["recipes"] if name_of(recipe) in OF_CLUSTER]
    assert len(moved) == len(OF_CLUSTER)
    stays = [recipe for recipe in agent["recipes"] if recipe not in moved]
    # An agent without them has no pipeline of the cluster.
    cluster = {"name": "cluster", "mode": "deployment", "recipes": [*moved, agent["recipes"][-1]]}
    given["otel_collectors"] = [{**agent, "recipes": stays}, cluster, components]
    planned = _render.judge_request(request(given))
    assert [str(finding) for one in planned for finding in one.findings if finding.severity != "info"] == []
    assert "leader" not in json.dumps([one.composed_config.config for one in planned])
    assert leases(planned) == []


def test_attributes_of_pods_are_added_to_what_is_of_the_own_node_alone() -> None:
    agent = _render.judge_request(request(variables("kubernetes")))[0]
    pipelines = agent.composed_config.config["service"]["pipelines"]
    of_pods = {name for name, pipeline in pipelines.items() if "k8s_attributes" in pipeline["processors"]}
    of_node = {name for name, pipeline in pipelines.items() if "resource/node" in pipeline["processors"]}
    named = {name for name, pipeline in pipelines.items() if "resource/organization" in pipeline["processors"]}
    assert (of_pods, of_node) == ({"traces", "metrics", "logs"}, {"metrics"})
    assert named == set(pipelines) == {*of_pods, "metrics/cluster", "logs/cluster"}


@pytest.mark.parametrize("backend", BACKENDS)
def test_critical_components_are_scraped_by_one_collector_and_left_out_by_the_agents(backend: str) -> None:
    agent, components = _render.judge_request(request(variables(backend)))
    jobs = components.composed_config.config["receivers"]["prometheus/critical_components"]["config"]["scrape_configs"]
    assert [job["job_name"] for job in jobs] == list(DETECTED)
    annotated = agent.composed_config.config["receivers"]["prometheus"]["config"]["scrape_configs"]
    assert len(annotated) == 2
    for job in annotated:
        dropped = [
            step["regex"] for step in job["relabel_configs"] if step.get("regex", "").endswith((":9153", ":9402"))
        ]
        assert len(dropped) == len(DETECTED) - 1
    objects = [item["kind"] for item in _render.build_bundle([agent, components])["manifests"]]
    assert objects.count("OpenTelemetryCollector") == (2 if backend == "operator" else 0)
