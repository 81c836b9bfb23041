# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run of `site` that changes nothing prints few lines, also if Ansible shows skipped tasks."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support import plays
from tests.support.canary_runs import ReadyApi, serving

LINES = 12
TASK = re.compile(r"^TASK \[(?:\S+ : )?(.*?)\]", re.MULTILINE)
INPUTS: dict[str, Any] = {
    "otel_collectors": [
        {"name": "gateway", "recipes": ["otlp_ingest", "debug_output"]},
        {
            "name": "agent",
            "mode": "daemonset",
            "recipes": ["otlp_ingest", {"otlp_forward": {"endpoint": "gateway:4317", "insecure": True}}],
        },
    ]
}


def kubeconfig(folder: Path, url: str) -> str:
    context = {"name": "c", "context": {"cluster": "c", "user": "c"}}
    clusters = [{"name": "c", "cluster": {"server": url}}]
    users = [{"name": "c", "user": {"token": "a-token"}}]
    config = {"current-context": "c", "contexts": [context], "clusters": clusters, "users": users}
    (folder / "kubeconfig").write_text(json.dumps(config), encoding="utf-8")
    return str(folder / "kubeconfig")


def test_a_run_that_changes_nothing_prints_few_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSIBLE_DISPLAY_SKIPPED_HOSTS", "true")
    api = ReadyApi({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system"}})
    with serving(api) as url:
        hosts = {"cluster": {**INPUTS, "otel_collector_kubeconfig": kubeconfig(tmp_path, url)}}
        first, second = (plays.run(tmp_path, "playbooks/site.yml", hosts).stdout for _run in range(2))
    assert "changed=1 " in first, first
    assert "changed=0 " in second, second
    assert "failed=0 " in second, second
    shown = TASK.findall(second)
    assert "Check the cluster of this run" in shown, "the pattern of a task's line finds nothing"
    assert len(shown) <= LINES, "\n".join(shown)
