# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recipes under Red Hat's build: written with the names of its version, and refused where it lacks a component."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.manifests.open_telemetry_collector import (
    KIND,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _render

from .role import PLATFORMS, RECIPES
from .test_recipes import request

# A build may lack a component, and a recipe is refused then; a name that it does not know would be our mistake.
LACKING = "unknown-component"
PLATFORM = next(name for name, facts in PLATFORMS.items() if facts.get("security_context_constraints"))


def planned(name: str) -> _render.JudgedCollector:
    mode = next(mode for mode in ("deployment", "daemonset") if mode in RECIPES[name]["modes"])
    asked = request(name, PLATFORM, mode, "kubernetes")
    items = [{**item, "distribution": "redhat"} for item in asked.collectors]
    (made,) = _render.judge_request(_render.RenderRequest(items, asked.defaults))
    return made


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_has_the_names_that_the_build_knows(name: str) -> None:
    made = planned(name)
    assert made.collector.version == "0.144.0"
    wrong = [finding for finding in made.findings if finding.severity == "error"]
    assert [str(finding) for finding in wrong if finding.rule != LACKING] == []


@pytest.mark.parametrize(
    ("version", "image"), [("", "rhel9:0.144.0"), ("0.144.0-2", "rhel9:0.144.0-2"), ("0.140.0", "rhel8:0.140.0")]
)
def test_the_image_is_that_of_the_version(version: str, image: str) -> None:
    item = {"name": "one", "distribution": "redhat", "version": version, "recipes": ["otlp_ingest", "debug_output"]}
    (made,) = _render.build_bundle(_render.judge_request(_render.RenderRequest([item], {"namespace": "a"})))[
        "collectors"
    ]
    assert made["image"] == f"registry.redhat.io/rhosdt/opentelemetry-collector-{image}"


def test_names_are_those_of_its_time() -> None:
    used: set[str] = set()
    for name in ("pod_logs", "host_metrics", "kubernetes_attributes", "kubelet_metrics", "resource_detection"):
        config: Any = planned(name).composed_config.config
        used |= {key.split("/")[0] for section in ("receivers", "processors") for key in config[section]}
    assert {"filelog", "hostmetrics", "k8sattributes", "kubeletstats", "resourcedetection"} <= used
    assert not used & {"file_log", "host_metrics", "k8s_attributes", "kubelet_stats", "resource_detection"}


def chosen_by_the_operator(**more: Any) -> dict[str, Any]:
    item = {"name": "one", "mode": "deployment", "image": "operator", "recipes": ["otlp_ingest", "debug_output"]}
    asked = _render.RenderRequest([{**item, **more}], {"namespace": "a", "backend": "operator"}, pin=refused)
    (resource,) = [
        one for one in _render.build_bundle(_render.judge_request(asked))["manifests"] if one["kind"] == KIND
    ]
    found: dict[str, Any] = resource
    return found


def refused(image: str) -> str:
    raise AssertionError(f"nothing pins {image}")


@pytest.mark.parametrize("distribution", ["contrib", "redhat"])
@pytest.mark.parametrize("registry", ["", "registry.example.com"])
def test_the_operator_chooses_the_image_where_it_is_asked_to(distribution: str, registry: str) -> None:
    resource = chosen_by_the_operator(distribution=distribution, image_registry=registry)
    assert "image" not in resource["spec"]


def test_rules_still_judge_for_the_distribution() -> None:
    (made,) = _render.judge_request(
        _render.RenderRequest(
            [{"name": "one", "image": "operator", "distribution": "redhat", "recipes": ["pod_logs", "debug_output"]}],
            {"namespace": "a", "backend": "operator", "mode": "daemonset"},
        )
    )
    assert made.target is not None
    assert (made.target.distribution, made.target.version) == ("redhat", "0.144.0")


def test_plain_objects_have_no_operator_that_could_choose() -> None:
    with pytest.raises(Problem, match=r"no operator .*image.*backend: operator"):
        chosen_by_the_operator(backend="kubernetes")
