# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configs that are right, each with its build and its surroundings: rendered collectors and corrected fixtures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.options import list_option_names
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.subject import Deployment, Subject
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _judged_collectors, _render
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _builds, _inputs, _tables
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._build_request import BuildRequest

ROOT = Path(__file__).resolve().parents[3]
PREFIX = "otel_collector_"
VERSION = "0.158.0"
LISTENERS = _builds.load_catalogue().listeners
KINDS = _tables.read_operator_kinds()
ON_NODES = ["host_metrics", "kubelet_metrics", "pod_logs", "kubernetes_attributes", "resource_detection"]
# What the inventories of the project do not have together.
OWN: list[dict[str, Any]] = [
    {
        "name": "node",
        "mode": "daemonset",
        "platform": "eks",
        "allow": ["root"],
        "recipes": [*ON_NODES, {"otlp_forward": {"endpoint": "otlp.example.com:4317"}}],
    },
    {"name": "smallest", "recipes": ["otlp_ingest", "debug_output"]},
    {
        "name": "xray",
        "mode": "statefulset",
        "recipes": [{"otlp_ingest": {"signals": ["traces"]}}, {"xray_export": {"region": "eu-west-1"}}],
    },
]


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8").replace("{{ inventory_dir }}", str(path.parent)))


def _inventories() -> Iterator[tuple[str, dict[str, Any]]]:
    yield "own", {"otel_collectors": OWN, "otel_collector_namespace": "telemetry"}
    for path in sorted(ROOT.glob("inventories/*/group_vars/all.yml")):
        yield path.parts[-3], _read(path)
    for path in sorted(ROOT.glob("molecule/*/inventory.yml")):
        yield path.parent.name, _read(path)["all"].get("vars", {})


def _rendered(variables: dict[str, Any]) -> list[Subject]:
    own = {key.removeprefix(PREFIX): value for key, value in variables.items() if key.startswith(PREFIX)}
    defaults = {key: own[key] for key in list_option_names() if key in own and "{{" not in str(own[key])}
    seen: list[Subject] = []
    with patch.object(_judged_collectors, "lint_config", lambda subject, _own: seen.append(subject) or []):
        _render.judge_request(
            _render.RenderRequest(variables["otel_collectors"], defaults, critical_components=["apiserver", "coredns"])
        )
    return seen


def _fixtures() -> Iterator[tuple[str, Subject]]:
    seeds, examples = (
        (ROOT / "tests" / "fixtures" / "seeds").glob("*.corrected.yaml"),
        ROOT.glob("examples/*/rendered/manifests.yml"),
    )
    named = [(path.name.split(".")[0], path) for path in sorted(seeds)]
    named += [(path.parts[-3], path) for path in sorted(examples)]
    target = _builds.resolve_build(BuildRequest(version=VERSION), "")
    for name, path in named:
        for item in _inputs.collect_inputs([str(path)], None).inputs:
            deployment = item.platform_context.deployment or Deployment("deployment", replicas=1)
            around = {"target": target, "deployment": deployment, "listeners": LISTENERS, "operator_kinds": KINDS}
            yield name, Subject(item.config, item.locate, **around)


@cache
def bases() -> tuple[tuple[str, Subject], ...]:
    """Return every base with its name; none shares data with another."""
    found: list[tuple[str, Subject]] = []
    for name, variables in _inventories():
        if "otel_collectors" in variables:
            found.extend((f"{name} {index}", subject) for index, subject in enumerate(_rendered(variables)))
    found.extend(_fixtures())
    return tuple((name, replace(subject)) for name, subject in found)
