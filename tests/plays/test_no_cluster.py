# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks for clusters alone do not succeed if no cluster is among the hosts of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import plays

GATEWAY = {"name": "gateway", "recipes": ["otlp_ingest", "debug_output"]}
CLUSTERS = {"clusters": {"hosts": {"eu": {"otel_collectors": [GATEWAY]}}}}
LINUX = {"otel_linux": {"hosts": {"web1": {"ansible_connection": "local"}}}}
BOTH = {**CLUSTERS, **LINUX}
REFUSED = "this playbook is for clusters, and no host of this run is one"


def run(folder: Path, playbook: str, groups: dict[str, Any], *more: str) -> tuple[int, str]:
    inventory = folder / "hosts.json"
    inventory.write_text(json.dumps({"all": {"children": groups}}), encoding="utf-8")
    done = plays.run_playbook("-i", str(inventory), f"playbooks/{playbook}.yml", *more)
    return done.returncode, " ".join((done.stdout + done.stderr).split())


@pytest.mark.parametrize("playbook", ["capture", "judge", "sample_app"])
@pytest.mark.parametrize(
    ("groups", "chosen"),
    [(LINUX, ()), (BOTH, ("--limit", "web1")), (BOTH, ("-e", "otel_hosts=web1"))],
    ids=["inventory", "limit", "otel_hosts"],
)
def test_a_run_of_linux_hosts_alone_fails_and_asks_no_cluster(
    tmp_path: Path, playbook: str, groups: dict[str, Any], chosen: tuple[str, ...]
) -> None:
    status, said = run(tmp_path, playbook, groups, *chosen)
    assert status != 0, said
    assert REFUSED in said
    assert said.count("TASK [") == 1


@pytest.mark.parametrize("playbook", ["capture", "judge", "sample_app"])
def test_a_run_with_a_cluster_asks_it(tmp_path: Path, playbook: str) -> None:
    _status, said = run(tmp_path, playbook, BOTH)
    assert REFUSED not in said
    assert "kubeconfig" in said.lower(), said


@pytest.mark.parametrize("groups", [{}, LINUX, BOTH], ids=["no_inventory", "linux", "both"])
def test_files_need_no_cluster(tmp_path: Path, groups: dict[str, Any]) -> None:
    telemetry = tmp_path / "logs.jsonl"
    telemetry.write_text('{"resourceLogs": [{"scopeLogs": [{"logRecords": [{}]}]}]}\n', encoding="utf-8")
    given = {"capture_files": str(telemetry), "capture_path": str(tmp_path / "captures")}
    status, said = run(tmp_path, "capture", groups, "-e", json.dumps(given))
    assert status == 0, said
    assert (tmp_path / "captures").is_dir()
