# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbook site brings a cluster back whose wave failed, by the options that the inventory gives the cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support import plays
from tests.support.watched_runs import ReadyApi, serve_api

from .test_noop import kubeconfig
from .test_waves import NOWHERE, told

DEPLOYMENT = "/apis/apps/v1/namespaces/opentelemetry/deployments/gateway"
WAVES = [{"name": "all", "members": ["all"], "on_failure": "roll_back_wave"}]
OF_HOST = {"otel_host_collectors": [{"name": "agent", "recipes": ["otlp_ingest", "debug_output"]}]}


def collectors(backend: str) -> list[dict[str, Any]]:
    return [{"name": "gateway", "recipes": ["otlp_ingest", {"otlp_forward": {"endpoint": f"{backend}:4317"}}]}]


def test_a_cluster_goes_back_without_taking_fields_of_others_if_its_inventory_says_so(tmp_path: Path) -> None:
    api = ReadyApi({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system"}})
    with serve_api(api) as url:
        dev = {"otel_collector_kubeconfig": kubeconfig(tmp_path, url), "otel_collector_force_conflicts": False}
        first = plays.run(tmp_path, "playbooks/site.yml", {"dev": {**dev, "otel_collectors": collectors("old")}})
        assert first.returncode == 0, told(first)
        api.requests.clear()
        hosts = {"dev": {**dev, "otel_collectors": collectors("new")}}
        linux = {"otel_linux": {"hosts": {"web1": {**NOWHERE, **OF_HOST}}}}
        inventory = tmp_path / "waves.json"
        inventory.write_text(json.dumps({"all": {"vars": {"otel_waves": WAVES}, "hosts": hosts, "children": linux}}))
        done = plays.run_playbook("-i", str(inventory), "playbooks/site.yml")
    assert "The earlier config of opentelemetry/gateway is back and works." in told(done), told(done)
    applied = [query for method, path, query in api.requests if (method, path) == ("PATCH", DEPLOYMENT)]
    forces = [query["force"] for query in applied if "dryRun" not in query]
    assert forces == ["false"] * 2
