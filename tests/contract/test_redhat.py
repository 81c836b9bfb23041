# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recipes under Red Hat's build: written with the names of its version, and refused where it lacks a component."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _render

from .role import PLATFORMS, RECIPES
from .test_recipes import request

# A build may lack a component, and a recipe is refused then; a name that it does not know would be our mistake.
LACKING = "unknown-component"
PLATFORM = next(name for name, facts in PLATFORMS.items() if facts.get("security_context_constraints"))


def planned(name: str) -> _render.Planned:
    mode = next(mode for mode in ("deployment", "daemonset") if mode in RECIPES[name]["modes"])
    asked = request(name, PLATFORM, mode, "kubernetes")
    items = [{**item, "distribution": "redhat"} for item in asked.collectors]
    (made,) = _render.plan(_render.Request(items, asked.defaults))
    return made


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_has_the_names_that_the_build_knows(name: str) -> None:
    made = planned(name)
    assert made.collector.version == "0.135.0"
    wrong = [finding for finding in made.findings if finding.severity == "error"]
    assert [str(finding) for finding in wrong if finding.rule != LACKING] == []


def test_names_are_those_of_its_time() -> None:
    used: set[str] = set()
    for name in ("pod_logs", "host_metrics", "kubernetes_attributes", "kubelet_metrics", "resource_detection"):
        config: Any = planned(name).composed.config
        used |= {key.split("/")[0] for section in ("receivers", "processors") for key in config[section]}
    assert {"filelog", "hostmetrics", "k8sattributes", "kubeletstats", "resourcedetection"} <= used
    assert not used & {"file_log", "host_metrics", "k8s_attributes", "kubelet_stats", "resource_detection"}
