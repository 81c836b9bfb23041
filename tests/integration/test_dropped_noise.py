# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Collector counts what the recipe drop_noise drops, under the names that the recipe says."""

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


def written(folder: Path, level: str) -> tuple[Path, dict[str, int]]:
    """Write the config of a collector with the recipe, and return its file and its ports."""
    item = {"name": "one", "recipes": ["otlp_ingest", {"drop_noise": {"metrics": ["^go_"]}}, "debug_output"]}
    item["config"] = {"service": {"telemetry": {"metrics": {"level": level}}}}
    (planned,) = _render.plan(_render.Request([item], {"namespace": "telemetry"}))
    ports = free(HOST, PORTS)
    text = PORT.sub(lambda match: f"{match[1]}{ports[match[2]]}", yaml.safe_dump(planned.composed.config))
    (folder / "config.yaml").write_text(text.replace("${env:MY_POD_IP}", HOST), encoding="utf-8")
    return folder / "config.yaml", ports


def send(port: int) -> None:
    """Send noise and other records of each signal."""
    for signal, body in SENT.items():
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"http://{HOST}:{port}/v1/{signal}", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=PATIENCE):
            pass


@pytest.mark.parametrize("level", ["basic", "normal", "detailed"])
def test_each_dropped_record_is_counted(program: Path, tmp_path: Path, level: str) -> None:  # noqa: F811
    counters = {f"otelcol_processor_filter_{what}_filtered": count for what, count in DROPPED.items()}
    assert re.findall(r"C\((otelcol_\w+)\)", RECIPE.read_text(encoding="utf-8")) == list(counters)
    file, ports = written(tmp_path, level)
    with running(program, file, ports["4318"]):
        send(ports["4318"])
        with urllib.request.urlopen(f"http://{HOST}:{ports['8888']}/metrics", timeout=PATIENCE) as response:
            page = response.read().decode()
    found = re.findall(r'^(otelcol_\w+)\{filter="filter/noise"\} (\d+)$', page, re.MULTILINE)
    assert {name: int(count) for name, count in found} == counters
