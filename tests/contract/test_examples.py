# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples are golden files: what their variables render to, byte for byte.

After a change that is meant: `python -m pytest tests/contract/test_examples.py --regenerate`, and read the diff.
"""

from __future__ import annotations

import difflib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _render
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _documents, _yaml

from tests.support.collectors import find_newest_build

from .kubernetes_rules import violations
from .role import ROOT, request

EXAMPLES = {path.parent.name: path.parent for path in sorted((ROOT / "examples").glob("*/vars.yml"))}
MENTIONED = {
    "agent_gateway", "aws_otlp", "cert_manager_tls", "cluster_stack", "datadog", "datadog_otlp", "eks", "host_and_pods",
    "load_balancer", "mutual_tls", "older_version", "raw_config", "smallest", "statefulset", "xray",
}  # fmt: skip
# What a pod would have in its environment.
ENVIRONMENT = {
    **{"MY_POD_IP": "127.0.0.1", "K8S_NODE_IP": "127.0.0.1", "K8S_NODE_NAME": "node", "BACKEND_TOKEN": "x"},
    **{"ELASTICSEARCH_USER": "x", "ELASTICSEARCH_PASSWORD": "x", "DD_API_KEY": "x"},
    **{"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"},
    **{"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "1"},
}


# What the Collector looks for when it is asked, and finds only in its pod: text of a config, and what stands in for it.
IN_THE_POD = {
    "[${env:MY_POD_IP}]:2000": "127.0.0.1:0",
    "/hostfs": "/",
    "/var/lib/otelcol/queue": "/tmp",
    "- openshift\n": "- system\n",
    "- eks\n": "- system\n",
    "auth_type: serviceAccount": "auth_type: none",
}


# Where a config is in an object that we render, as text.
CONFIGS: dict[str, Callable[[Any], str]] = {
    "ConfigMap": lambda manifest: str(manifest["data"]["config"]),
    "OpenTelemetryCollector": lambda manifest: _yaml.dump(manifest["spec"]["config"]),
}


def rendered(name: str) -> list[dict[str, Any]]:
    """Return the manifests of an example, rendered as the role does from the root of the checkout."""
    variables = _documents.read_yaml(EXAMPLES[name] / "vars.yml")
    manifests: list[dict[str, Any]] = _render.build_bundle(_render.judge_request(request(variables)))["manifests"]
    return manifests


@pytest.fixture(autouse=True)
def in_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_all_examples_are_there() -> None:
    assert set(EXAMPLES) >= MENTIONED


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_renders_to_its_golden_file(name: str, pytestconfig: pytest.Config) -> None:
    golden = EXAMPLES[name] / "rendered" / "manifests.yml"
    text = _yaml.dump(*rendered(name))
    if pytestconfig.getoption("--regenerate"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text, encoding="utf-8")
    before = golden.read_text(encoding="utf-8")
    diff = "\n".join(
        difflib.unified_diff(before.splitlines(), text.splitlines(), str(golden), "rendered now", lineterm="")
    )
    assert before == text, f"\n{diff}\nWhen that is meant: pytest tests/contract/test_examples.py --regenerate"


@pytest.mark.parametrize("name", EXAMPLES)
def test_rendering_twice_gives_the_same_text(name: str) -> None:
    assert _yaml.dump(*rendered(name)) == _yaml.dump(*rendered(name))


@pytest.mark.parametrize("name", EXAMPLES)
def test_kubernetes_would_take_it(name: str) -> None:
    assert violations(rendered(name)) == []


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_readme_says_what_it_is_for_and_the_command(name: str) -> None:
    lines = (EXAMPLES[name] / "README.md").read_text(encoding="utf-8").splitlines()
    assert 5 <= len(lines) <= 15
    assert lines[0].startswith("# ")
    assert any(line.startswith("ansible-playbook ") for line in lines)
    assert max(map(len, lines)) <= 130


def test_the_smallest_example_has_ten_lines() -> None:
    lines = (EXAMPLES["smallest"] / "vars.yml").read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if line != "---"]) <= 10


# Examples whose components the testbed's Collector does not have: their Go modules cannot be had where it is built.
NOT_IN_THE_BUILD = {"datadog": "the testbed's Collector has no exporter datadog"}


def configs() -> list[Any]:
    """Return every config of every example."""
    return [
        pytest.param(
            CONFIGS[manifest["kind"]](manifest),
            id=f"{name}-{manifest['metadata']['name']}",
            marks=[pytest.mark.skip(NOT_IN_THE_BUILD[name])] if name in NOT_IN_THE_BUILD else [],
        )
        for name in EXAMPLES
        for manifest in _yaml_documents(EXAMPLES[name] / "rendered" / "manifests.yml")
        if manifest["kind"] in CONFIGS and ("data" not in manifest or "config" in manifest["data"])
    ]


def _yaml_documents(path: Path) -> list[Any]:
    if not path.is_file():
        return []
    return [_yaml.load(part, str(path)).data for part in path.read_text(encoding="utf-8").split("---\n")[1:]]


def _collector() -> str | None:
    """Return a Collector to ask, from PATH or from what the testbed has built."""
    return shutil.which("otelcol-contrib") or str(find_newest_build() or "") or None


def in_the_pod(config: str) -> str:
    """Return a config with stand-ins for what is only in its pod; objects are looked up in the cluster's API."""
    for there, here in IN_THE_POD.items():
        config = config.replace(there, here)
    data = _yaml.load(config, "config").data
    for name, settings in data["receivers"].items():
        if name.startswith("k8s_objects"):
            settings["objects"] = []
    return _yaml.dump(data)


@pytest.mark.parametrize("config", configs())
def test_the_collector_itself_takes_it(config: str, tmp_path: Path) -> None:
    program = _collector()
    if not program:
        pytest.skip("no otelcol-contrib on PATH or in the testbed's folder: `make testbed` builds one")
    (tmp_path / "config.yaml").write_text(in_the_pod(config), encoding="utf-8")
    done = subprocess.run(
        [program, "validate", f"--config={tmp_path / 'config.yaml'}"],
        env={"PATH": os.environ["PATH"], **ENVIRONMENT},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
