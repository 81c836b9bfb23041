# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory of Linux hosts, as its user renders it: layers, environments, and what an overlay must not do."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import plays

INVENTORY = plays.ROOT / "inventories" / "hosts" / "hosts.yml"
GATEWAYS = {"gateway-staging1", "gateway1", "gateway2"}
AGENTS = {"web-staging1", "web1", "db1"}
OTHER_EXPORTER = """
exporters:
  otlp_http/other: {endpoint: "https://collect.example.org"}
service:
  pipelines:
    logs: {exporters+: [otlp_http/other]}
"""
RECEIVER = """
receivers:
  redis: {endpoint: "127.0.0.1:6379"}
service:
  pipelines:
    metrics: {receivers+: [redis]}
"""


def render(out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Write the files of all hosts, or of those that a limit chooses."""
    return plays.run_playbook("playbooks/render.yml", "-i", str(INVENTORY), "-e", f"otel_host_output_path={out}", *more)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("rendered")
    done = render(out)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout + done.stderr
    return out


def config(rendered: Path, host: str, collector: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((rendered / host / collector / "config.yaml").read_text(encoding="utf-8"))
    return loaded


def test_every_host_has_an_agent_and_gateways_have_both(rendered: Path) -> None:
    found = {path.name: {one.name for one in path.iterdir()} for path in rendered.iterdir()}
    both = {host: {"agent", "gateway"} for host in GATEWAYS}
    assert found == both | {host: {"agent"} for host in AGENTS}


@pytest.mark.parametrize(
    ("host", "gateways", "stage", "owner"),
    [
        ("web-staging1", "192.0.2.11", "staging", "web"),
        ("web1", "dns:///gateways-production.internal", "production", "web"),
        ("db1", "dns:///gateways-production.internal", "production", "databases"),
        ("gateway1", "dns:///gateways-production.internal", "production", "platform"),
    ],
)
def test_each_host_has_its_layers(rendered: Path, host: str, gateways: str, stage: str, owner: str) -> None:
    agent = config(rendered, host, "agent")
    assert agent["exporters"]["otlp_grpc/gateway"]["endpoint"] == f"{gateways}:4317"
    attributes = agent["processors"]["resource/organization"]["attributes"]
    assert {one["key"]: one["value"] for one in attributes} == {
        "deployment.environment.name": stage,
        "service.owner": owner,
    }
    read = {name for name in agent["receivers"] if name.startswith("file_log/")}
    assert read == {"web": {"file_log/access"}, "databases": {"file_log/postgresql"}, "platform": set()}[owner]


@pytest.mark.parametrize("host", sorted(AGENTS | GATEWAYS))
def test_data_leaves_by_mutual_tls_with_a_key_that_only_the_unit_has(rendered: Path, host: str) -> None:
    tls = config(rendered, host, "agent")["exporters"]["otlp_grpc/gateway"]["tls"]
    assert {name: path.rpartition("/")[2] for name, path in tls.items() if name.endswith("_file")} == {
        "ca_file": "tls-ca",
        "cert_file": "tls-certificate",
        "key_file": "tls-key",
    }
    unit = (rendered / host / "agent" / "unit").read_text(encoding="utf-8")
    assert "LoadCredential=tls-key:" in unit


@pytest.mark.parametrize("host", sorted(GATEWAYS))
def test_gateways_take_clients_of_the_ca_alone(rendered: Path, host: str) -> None:
    protocols = config(rendered, host, "gateway")["receivers"]["otlp"]["protocols"]
    assert {one["tls"]["client_ca_file"].rpartition("/")[2] for one in protocols.values()} == {"tls-ca"}
    assert all(one["endpoint"].startswith("192.0.2.") for one in protocols.values())


def overlaid(tmp_path: Path, text: str, **variables: Any) -> subprocess.CompletedProcess[str]:
    """Render a host whose workload adds a file."""
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(text, encoding="utf-8")
    given = {"workload_files": [str(overlay)], **variables}
    return render(tmp_path / "out", "--limit", "db1", "-e", json.dumps(given))


def test_an_overlay_adds_receivers_and_filters(tmp_path: Path) -> None:
    done = overlaid(tmp_path, RECEIVER)
    assert done.returncode == 0, done.stdout + done.stderr
    agent = config(tmp_path / "out", "db1", "agent")
    assert "redis" in agent["service"]["pipelines"]["metrics"]["receivers"]


def test_an_overlay_that_touches_the_baseline_is_refused_with_its_file_and_line(tmp_path: Path) -> None:
    done = overlaid(tmp_path, OTHER_EXPORTER)
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 2, said
    overlay = tmp_path / "overlay.yaml"
    assert f"{overlay} touches exporters.otlp_http/other.endpoint (at {overlay}:3:21)" in said
    assert f"{overlay} touches service.pipelines.logs.exporters+ (at {overlay}:6:" in said
    assert not (tmp_path / "out").exists()


def test_rules_refuse_exporters_that_nobody_approved_also_without_a_policy(tmp_path: Path) -> None:
    items = [{"name": "agent", "recipes": ["otlp_ingest"], "config_files": "{{ workload_files }}"}]
    done = overlaid(tmp_path, OTHER_EXPORTER, otel_host_overlay_policy={}, otel_host_collectors=items)
    said = done.stdout + done.stderr
    assert done.returncode == 2, said
    assert f"{tmp_path / 'overlay.yaml'}:3:" in said
    assert "[platform-approved-exporters]" in said
    assert "[platform-attributed]" in said
    assert not (tmp_path / "out").exists()
