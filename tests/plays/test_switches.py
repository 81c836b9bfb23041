# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables turn off what relies on undocumented parts of other programs; test_worker.py has that of the worker.

Python keeps the compiled code of each file that its own loader has imported, so the names of these files show who
has imported the collection, and whether the client for Kubernetes was imported at all.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.support import plays
from tests.support.watched_runs import ReadyApi, serve_api

KUBE_SYSTEM = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system", "uid": "of-the-cluster"}}


def imported(folder: Path, **switches: str) -> set[str]:
    """Connect to an API server by a kubeconfig. Return the files whose compiled code Python has kept."""
    folder.mkdir()
    with serve_api(ReadyApi(KUBE_SYSTEM)) as url:
        (folder / "kubeconfig").write_text(json.dumps(_kubeconfig(url)), encoding="utf-8")
        (folder / "play.json").write_text(json.dumps(_play(folder / "kubeconfig")), encoding="utf-8")
        left_out = ("K8S_AUTH", "O11Y", "PYTEST_", "PYTHONDONTWRITEBYTECODE")
        settings = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
        settings |= {"KUBECONFIG": "/nonexistent", "PYTHONPYCACHEPREFIX": str(folder / "code"), **switches}
        command = [plays.ANSIBLE_PLAYBOOK, str(folder / "play.json")]
        done = subprocess.run(command, cwd=plays.ROOT, env=settings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return {str(path.relative_to(folder / "code")) for path in (folder / "code").rglob("*.pyc")}


def _kubeconfig(url: str) -> dict[str, object]:
    return {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "c", "user": {"token": "a-token"}}],
    }


def _play(kubeconfig: Path) -> list[dict[str, object]]:
    """Return a play that fails unless the module has reached the cluster."""
    check = {
        "name": "Ask the cluster who it is",
        "o11y.opentelemetry.cluster_check": {"kubeconfig": str(kubeconfig)},
        "register": "answer",
        "failed_when": "answer.uid | default('') != 'of-the-cluster'",
    }
    return [{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": [check]}]


@pytest.fixture(name="usual", scope="module")
def _usual(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    return imported(tmp_path_factory.mktemp("switches") / "on")


def of_the_collection(files: set[str]) -> set[str]:
    """Return the files that plugins import; Ansible's loader of plugins keeps the code of plugins themselves."""
    return {file for file in files if "/opentelemetry/plugins/plugin_utils/" in file}


def of_the_client(files: set[str]) -> set[str]:
    return {file for file in files if "/kubernetes/client/" in file}


def test_a_switch_leaves_the_files_of_the_collection_to_the_loader_of_ansible(tmp_path: Path, usual: set[str]) -> None:
    assert of_the_collection(usual) != set()
    assert of_the_collection(imported(tmp_path / "off", O11Y_KEPT_CODE="false")) == set()


def test_a_switch_leaves_the_kubeconfig_to_the_client(tmp_path: Path, usual: set[str]) -> None:
    assert of_the_client(usual) == set()
    assert of_the_client(imported(tmp_path / "off", O11Y_PLAIN_CONNECTION="false")) != set()
