# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Collector counts what the recipes drop_noise and gpu_metrics drop, under the names that the recipes say."""

from __future__ import annotations

import json
import re
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _render

from tests.support.plays import ROOT

from .test_batches import PATIENCE, running
from .test_monitoring import PORT, PORTS, free
from .test_real_collector import program, target  # noqa: F401 - fixtures

RECIPE = ROOT / "roles" / "otel_collector" / "recipes" / "drop_noise" / "recipe.yml"
GPU_RECIPE = RECIPE.parents[1] / "gpu_metrics" / "recipe.yml"
HOST = "127.0.0.1"
NOISE = {"attributes": [{"key": "url.path", "value": {"stringValue": "/healthz"}}]}
POINTS = {"dataPoints": [{"asInt": "1", "timeUnixNano": "1"}, {"asInt": "2", "timeUnixNano": "2"}]}
SENT: dict[str, Any] = {
    "traces": {"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "page"}, {"name": "probe", **NOISE}]}]}]},
    "metrics": {
        "resourceMetrics": [
            {"scopeMetrics": [{"metrics": [{"name": name, "gauge": POINTS} for name in ("cargo", "go_threads")]}]}
        ]
    },
    "logs": {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"severityNumber": one} for one in (1, 5, 8, 9)]}]}]},
}
DROPPED = {"spans": 1, "logs": 3, "datapoints": 2}


def rendered(item: dict[str, Any]) -> dict[str, Any]:
    """Return the config of one collector."""
    (planned,) = _render.judge_request(_render.RenderRequest([{"name": "one", **item}], {"namespace": "telemetry"}))
    return planned.composed_config.config


def written(folder: Path, config: dict[str, Any]) -> tuple[Path, dict[str, int]]:
    """Write a config with free ports, and return its file and its ports."""
    ports = free(HOST, PORTS)
    text = PORT.sub(lambda match: f"{match[1]}{ports[match[2]]}", yaml.safe_dump(config))
    (folder / "config.yaml").write_text(text.replace("${env:MY_POD_IP}", HOST), encoding="utf-8")
    return folder / "config.yaml", ports


def send(port: int, records: dict[str, Any]) -> None:
    """Send records of each signal."""
    for signal, body in records.items():
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"http://{HOST}:{port}/v1/{signal}", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=PATIENCE):
            pass


@pytest.mark.parametrize("level", ["basic", "normal", "detailed"])
def test_each_dropped_record_is_counted(program: Path, tmp_path: Path, level: str) -> None:  # noqa: F811
    counters = {f"otelcol_processor_filter_{what}_filtered": count for what, count in DROPPED.items()}
    assert re.findall(r"C\((otelcol_\w+)\)", RECIPE.read_text(encoding="utf-8")) == list(counters)
    recipes = ["otlp_ingest", {"drop_noise": {"metrics": ["^go_"]}}, "debug_output"]
    config = rendered({"recipes": recipes, "config": {"service": {"telemetry": {"metrics": {"level": level}}}}})
    assert counted(program, tmp_path, config, SENT, "filter/noise") == counters


def test_each_counter_of_a_gpu_that_is_not_kept_is_counted(program: Path, tmp_path: Path) -> None:  # noqa: F811
    """The pages of an exporter come by OTLP here: a discovery needs a cluster."""
    of_gpus = rendered({"mode": "daemonset", "recipes": ["gpu_metrics", "debug_output"]})
    own = {
        "processors": {"filter/gpu": of_gpus["processors"]["filter/gpu"]},
        "service": {"pipelines": {"metrics": {"processors+": ["filter/gpu"]}}},
    }
    names = ("DCGM_FI_DEV_POWER_USAGE", "DCGM_FI_DEV_ENC_UTIL", "DCGM_FI_DEV_DEC_UTIL", "up", "scrape_samples_scraped")
    scope = {"metrics": [{"name": name, "gauge": POINTS} for name in names]}
    page = {"metrics": {"resourceMetrics": [{"scopeMetrics": [scope]}]}}
    config = rendered({"recipes": ["otlp_ingest", "debug_output"], "config": own})
    dropped = {"otelcol_processor_filter_datapoints_filtered": 3 * len(POINTS["dataPoints"])}
    assert counted(program, tmp_path, config, page, "filter/gpu") == dropped
    assert [*dropped] == re.findall(r"C\((otelcol_\w+)\)", GPU_RECIPE.read_text(encoding="utf-8"))


def counted(
    program: Path,  # noqa: F811
    folder: Path,
    config: dict[str, Any],
    records: dict[str, Any],
    name: str,
) -> dict[str, int]:
    """Return what a Collector says that a filter has dropped, after it got these records."""
    file, ports = written(folder, config)
    with running(program, file, ports["4318"]):
        send(ports["4318"], records)
        with urllib.request.urlopen(f"http://{HOST}:{ports['8888']}/metrics", timeout=PATIENCE) as response:
            page = response.read().decode()
    found = re.findall(rf'^(otelcol_\w+)\{{filter="{name}"\}} (\d+)$', page, re.MULTILINE)
    return {counter: int(count) for counter, count in found}
