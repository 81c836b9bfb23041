# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the project's own recipes render to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _render

from .real_collector_cases import Broken

FOLDER = Path(__file__).parents[2] / "roles" / "otel_collector" / "recipes"

# What recipes ask for.
RECIPE_OPTIONS: dict[str, dict[str, Any]] = {
    "amp_export": {"workspace": "ws-1", "region": "eu-west-1"},
    "cloudwatch_otlp_export": {"region": "eu-west-1", "log_group": "/telemetry"},
    "cloudwatch_otlp_metrics": {"region": "eu-west-1"},
    "elasticsearch_export": {"endpoints": ["http://elasticsearch.telemetry.svc:9200"]},
    "emf_export": {"region": "eu-west-1", "cluster": "prod"},
    "loki_export": {"endpoint": "http://loki.telemetry.svc:3100"},
    "otlp_forward": {"endpoint": "gateway.telemetry.svc:4317"},
    "prometheus_otlp_export": {"endpoint": "http://prometheus.telemetry.svc:9090"},
    "xray_export": {"region": "eu-west-1"},
    "xray_ingest": {"region": "eu-west-1"},
    "xray_otlp_export": {"region": "eu-west-1"},
}

# Recipes with components that the build of the testbed does not have, or not of its version.
NOT_IN_THE_BUILD = {"cluster_events", "cluster_objects", "datadog_export"}


def own(version: str) -> Iterator[Broken]:
    """Yield what each recipe renders to in each of its modes, beside one that receives and one that sends."""
    for path in sorted(FOLDER.glob("*/recipe.yml")):
        name = path.parent.name
        used = {"otlp_ingest": {}, "debug_output": {}, name: RECIPE_OPTIONS.get(name, {})}
        for mode in yaml.safe_load(path.read_text(encoding="utf-8"))["modes"]:
            item = {
                "name": "one",
                "namespace": "telemetry",
                "mode": mode,
                "recipes": [{key: used[key]} for key in used],
            }
            about = {"distribution": "contrib", "version": version, "backend": "operator"}
            for planned in _render.plan(_render.Request([item], about)):
                yield Broken(f"{name} of a {mode}", "", planned.composed.config)
