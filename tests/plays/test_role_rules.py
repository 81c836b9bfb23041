# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users say about rules reaches every place where findings count."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.profiles import PROFILES
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _documents

from tests.support import plays

ROOT = Path(__file__).resolve().parents[2]
ROLE = ROOT / "roles" / "otel_collector"
SPEC = _documents.read_yaml(ROLE / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"]
URL = "https://me:hunter2@otlp.example.com"
COLLECTOR = {
    "name": "a",
    "recipes": [{"otlp_ingest": {"signals": ["traces"]}}],
    "config": {
        "exporters": {"otlp_http": {"endpoint": URL}},
        "service": {"pipelines": {"traces": {"exporters": ["otlp_http"]}}},
    },
}
ACCEPTED = {"rule": "plaintext-secret", "reason": "a test account"}


def task(name: str, module: str) -> dict[str, Any]:
    (found,) = (item for item in _documents.read_yaml(ROLE / "tasks" / f"{name}.yml") if module in item)
    arguments: dict[str, Any] = found[module]
    return arguments


def test_who_only_inspects_asks_for_the_same() -> None:
    (inspected,) = _documents.read_yaml(ROLE / "tasks" / "inspect.yml")
    never = {"__otel_collector_fail_on": "never"}
    assert (inspected["ansible.builtin.import_tasks"], inspected["vars"]) == ("render.yml", never)
    rendered = task("render", "o11y.opentelemetry.otel_render")
    assert rendered["fail_on"] == "{{ __otel_collector_fail_on }}"
    for name in ("profile", "severities", "suppressions"):
        assert rendered[name] == f"{{{{ otel_collector_{name} }}}}"


def test_profiles_are_those_of_the_rules() -> None:
    assert set(SPEC["otel_collector_profile"]["choices"]) == set(PROFILES)


def play(name: str, values: dict[str, Any], tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """Run a playbook of the collection with these variables."""
    variables = tmp_path / "variables.json"
    variables.write_text(json.dumps(values))
    return plays.run(tmp_path, f"playbooks/{name}.yml", {"localhost": {}}, "-e", f"@{variables}")


def test_a_config_that_breaks_a_rule_does_not_stop_its_removal(tmp_path: Path) -> None:
    user = {"name": "u", "user": {"token": "t"}}
    cluster = {"name": "c", "cluster": {"server": "http://127.0.0.1:9"}}
    kubeconfig = {"current-context": "x", "clusters": [cluster], "users": [user]}
    kubeconfig["contexts"] = [{"name": "x", "context": {"cluster": "c", "user": "u"}}]
    (tmp_path / "kubeconfig").write_text(json.dumps({"apiVersion": "v1", "kind": "Config", **kubeconfig}))
    values = {"otel_collectors": [COLLECTOR], "otel_collector_kubeconfig": str(tmp_path / "kubeconfig")}
    done = play("remove", values, tmp_path)
    said = done.stdout + done.stderr
    assert "plaintext-secret" not in said
    assert "127.0.0.1:9" in said, "it asks the cluster, which does not answer here"


@pytest.mark.parametrize(
    ("said", "passes"), [({}, False), ({"otel_collector_suppressions": [ACCEPTED]}, True)], ids=["refused", "accepted"]
)
def test_an_accepted_error_does_not_stop_the_role(said: dict[str, Any], passes: bool, tmp_path: Path) -> None:
    values = {
        "otel_collectors": [COLLECTOR],
        "otel_collector_state": "rendered",
        "otel_collector_output_path": str(tmp_path / "out"),
        **said,
    }
    done = play("render", values, tmp_path)
    assert (done.returncode == 0) is passes, done.stdout + done.stderr
    assert (tmp_path / "out" / "localhost" / "manifests.yml").is_file() is passes
    assert "render | Validate every config" in done.stdout
    assert ("nothing was applied" in done.stdout + done.stderr) is not passes
    assert "plaintext-secret" in done.stdout + done.stderr or passes
    assert "hunter2" not in done.stderr
