# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks of this collection hide their secrets in a play, and no other word of it.

Since ansible-core 2.22, a secret of one task is hidden in the output of all tasks, and so is each word that a module
declares with `no_log`. A play of a user's own tasks, around tasks of this collection, shows both.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support import plays
from tests.support.watched_runs import ReadyApi, serve_api

WORDS = ["ConfigMap", "opentelemetry", "gateway", "default", "1", "/", "true", "token", "us-east-1", "tenant-blue"]
SECRETS = {
    "of_secret": "planted-value-0001",
    "of_config": "planted-config-0002",
    "of_header": "planted-header-0003",
    "of_kubeconfig": "planted-kubeconfig-0004",
    "of_url": "planted-url-0005",
    "of_change": "planted-change-0006",
}
LIVE = {"name": "opentelemetry", "namespace": "default"}
CONFIG = f"exporters:\n  otlp_http:\n    headers: {{api-key: {SECRETS['of_config']}, x-tenant: tenant-blue}}\n"
MANIFESTS = [
    {"apiVersion": "v1", "kind": "Secret", "metadata": LIVE, "stringData": {"token": SECRETS["of_secret"]}},
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": LIVE, "data": {"config": CONFIG, "path": "/", "size": "1"}},
]
HEADERS = {"Authorization": f"Bearer {SECRETS['of_header']}", "X-Scope-OrgID": "tenant-blue", "X-Region": "us-east-1"}
# The worker of Ansible does the work, or a process of the module.
WAYS = {"worker": {}, "module": {"environment": {"NAME": "value"}}}
HIDING = re.compile(r"\$REDACTED\$|VALUE_SPECIFIED|(?<!\*)\*{8}(?!\*)")


def kubeconfig(server: str) -> dict[str, Any]:
    return {
        "current-context": "default",
        "contexts": [{"name": "default", "context": {"cluster": "gateway", "user": "default"}}],
        "clusters": [{"name": "gateway", "cluster": {"server": server}}],
        "users": [{"name": "default", "user": {"token": SECRETS["of_kubeconfig"]}}],
    }


def foreign(name: str) -> dict[str, Any]:
    """Return a task of the user's own that prints words."""
    return {"name": name, "debug": {"msg": WORDS}}


def tasks(server: str) -> list[dict[str, Any]]:
    """Return a task for each kind of option that holds secrets among other words."""
    to = {"kubeconfig": kubeconfig(server)}
    change = {"default/gateway": {"config": CONFIG.replace(SECRETS["of_config"], SECRETS["of_change"])}}
    probe = {"endpoint": server, "protocol": "http/protobuf", "headers": HEADERS, "timeout_seconds": 1}
    backend = {"url": f"{server}/x?token={SECRETS['of_url']}", "headers": HEADERS}
    via = {"namespace": "default", "service": "gateway", "port": 1}
    call = {"via": via, "services": ["gateway"], "backend": backend, "timeout_seconds": 0.1}
    modules = {
        "bundle_apply": {**to, "manifests": MANIFESTS, "change": change, "force_conflicts": True},
        "cluster_check": {**to, "roles": {"otel_operator_kubeconfig": kubeconfig(server)}},
        "rights_render": {"manifests": MANIFESTS, "changes": change},
        "admission_wait": {**to, "manifests": MANIFESTS[1:], "timeout_seconds": 1},
        "otlp_probe": probe,
        "sample_app_call": {**to, **call},
    }
    return [
        {"name": name, f"o11y.opentelemetry.{name}": options, "register": name, "ignore_errors": True}
        for name, options in modules.items()
    ]


@pytest.mark.parametrize("way", WAYS)
def test_secrets_are_hidden_and_nothing_else(way: str, tmp_path: Path) -> None:
    with serve_api(ReadyApi()) as server:
        play = {
            "hosts": "all",
            "gather_facts": False,
            **WAYS[way],
            "tasks": [foreign("before"), *tasks(server), foreign("after"), {"debug": {"var": "rights_render.roles"}}],
        }
        host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        inventory = {"all": {"hosts": {"localhost": host}}}
        (tmp_path / "inventory.json").write_text(json.dumps(inventory), encoding="utf-8")
        (tmp_path / "play.json").write_text(json.dumps([play]), encoding="utf-8")
        ended = plays.run_playbook(
            *("-i", str(tmp_path / "inventory.json"), "-vvv", "--diff", str(tmp_path / "play.json")),
            ANSIBLE_INJECT_INVOCATION="true",
            ANSIBLE_LOG_PATH=str(tmp_path / "log"),
        )
    shown = {"output": ended.stdout + ended.stderr, "log": (tmp_path / "log").read_text(encoding="utf-8")}
    assert ended.returncode == 0, shown["output"]
    for text in shown.values():
        assert [name for name, secret in SECRETS.items() if secret in text] == []
    assert [printed(shown["output"], name) for name in ("before", "after")] == [WORDS, WORDS]
    last = shown["output"].partition("TASK [after]")[2]
    assert not HIDING.search(last), "roles for an administrator, and the counts of the play"
    assert "kind: ClusterRole" in last and re.search(r"localhost +: ok=\d+ +changed=\d+", last), last


def printed(output: str, task: str) -> list[str]:
    """Return the words that a task printed."""
    text = output.partition(f"TASK [{task}]")[2].partition("TASK [")[0]
    return [line.strip().removeprefix("- ").strip("'") for line in text.splitlines() if line.strip().startswith("- ")]
