# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook report, as a user runs it, on every inventory of ours, without a cluster."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contract.role import OF_CLUSTERS, ROOT
from tests.support.html import parse_page
from tests.support.plays import run_playbook
from tests.support.watched_runs import serve_api
from tests.unit.plugins.module_utils.fake_api import FakeApi

SECRET = "hunter2secretvalue"


def run(folder: Path, inventory: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the playbook with a page in a folder, and a kubeconfig that does not exist."""
    values = {"otel_report_path": f"{folder}/page.html", "otel_report_time": "now", **variables}
    extra = [word for name, value in values.items() for word in ("-e", f"{name}={value}")]
    return run_playbook("playbooks/report.yml", "-i", inventory, *extra)


def written(folder: Path, inventory: dict[str, Any]) -> str:
    path = folder / "inventory.yml"
    path.write_text(yaml.safe_dump(inventory), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("name", OF_CLUSTERS)
def test_every_inventory_has_its_page_without_a_cluster(name: str, tmp_path: Path) -> None:
    done = run(tmp_path, f"inventories/{name}", otel_report_read="false")
    assert done.returncode == 0, done.stdout + done.stderr
    page = parse_page((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert page.faults == []
    assert any(element.text == name for element in page.find_elements("h2"))
    assert "Nothing was read from the cluster" in "".join(element.text for element in page.find_elements("p"))
    assert [one for one in page.find_elements("g") if "node" in one.attributes["class"]]


def test_what_cannot_be_read_or_rendered_is_on_the_page_and_fails_its_host_alone(tmp_path: Path) -> None:
    good = {"name": "good", "recipes": ["otlp_ingest", {"otlp_forward": {"endpoint": "otlp.example.com:4317"}}]}
    wrong = {
        "config": {
            "exporters": {"otlp_http": {"headers": {"api_key": SECRET}}},
            "service": {"pipelines": {"traces": {}}},
        }
    }
    hosts = {
        "lost": {"otel_collectors": [good]},
        "odd": {"otel_collectors": [{"recipes": ["nosuch"]}], "otel_report_read": False},
        "fine": {"otel_collectors": [good], "otel_report_read": False},
        "wrong": {"otel_collectors": [{"name": "wrong", **wrong}], "otel_report_read": False},
    }
    done = run(tmp_path, written(tmp_path, {"all": {"hosts": hosts}}))
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    told = "".join(element.text for element in parse_page(text).find_elements("section"))
    assert done.returncode != 0
    assert "Could not be read: how the collectors are" in told
    assert "there is no recipe" in told and "cannot be rendered" in told
    assert "[no-pipelines]" in told or "has no receivers" in told
    recap = {line.split()[0]: "failed=1" in line for line in done.stdout.splitlines() if " ok=" in line}
    assert recap == {"lost": True, "odd": True, "fine": False, "wrong": False}
    assert SECRET not in text + done.stdout + done.stderr


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    inventory = f"{ROOT}/inventories/agent_gateway"
    for changed in (1, 0):
        assert f"changed={changed} " in run(tmp_path, inventory, otel_report_read="false").stdout


@pytest.mark.parametrize("provider", ["static", "irsa"])
def test_a_page_of_the_inventory_alone_asks_nothing_of_aws(tmp_path: Path, provider: str) -> None:
    gateway = {
        "name": "gateway",
        "recipes": [{"otlp_ingest": {"signals": ["traces"]}}, {"xray_export": {"region": "eu-west-1"}}],
    }
    arns = {"opentelemetry/gateway": "arn:aws:iam::123456789012:role/gateway"}
    host = {"otel_collectors": [gateway], "otel_identity_provider": provider, "otel_identity_role_arns": arns}
    done = run(tmp_path, written(tmp_path, {"all": {"hosts": {"named": host}}}), otel_report_read="false")
    assert "rescued=0" in done.stdout and done.returncode == 0, done.stdout
    used = "TASK [o11y.opentelemetry.otel_identity : static | Use the given role ARNs]" in done.stdout
    assert used == (provider == "static"), done.stdout


def rows_of(rows: list[str], starts: list[str]) -> list[int]:
    """Return how many rows of a page start with each of these words."""
    return [sum(row.startswith(start) for row in rows) for start in starts]


def test_hosts_and_clusters_are_on_one_page_and_hosts_that_do_not_answer_are_named(tmp_path: Path) -> None:
    """This machine is a host on which no module can run; another one refuses connections."""
    agent = {"name": "agent", "recipes": ["otlp_ingest", "debug_output"], "program": {"path": "/nowhere/otelcol"}}
    here = {"ansible_connection": "local", "ansible_become": False, "ansible_python_interpreter": sys.executable}
    lost = {"ansible_host": "127.0.0.1", "ansible_port": 9, "ansible_become": False}
    linux = {
        "alone": here | {"otel_report_read": False, "otel_host_collectors": [agent]},
        "blind": here | {"ansible_python_interpreter": "/nowhere/python", "otel_host_collectors": [agent]},
        "lost": lost | {"otel_host_collectors": [agent]},
        "odd": here | {"otel_host_collectors": [{"name": "agent", "recipes": ["nosuch"]}]},
    }
    clusters = {"prod": {"otel_collectors": [{"recipes": ["otlp_ingest"]}], "otel_report_read": False}}
    waves = [{"name": "first", "members": ["prod", "alone"]}, {"name": "last", "members": ["all:!prod:!alone"]}]
    children = {"otel_linux": {"hosts": linux}, "eks": {"hosts": clusters}}
    done = run(tmp_path, written(tmp_path, {"all": {"vars": {"otel_waves": waves}, "children": children}}))
    page = parse_page((tmp_path / "page.html").read_text(encoding="utf-8"))
    told = "".join(element.text for element in page.find_elements("section"))
    rows = [element.text for element in page.find_elements("tr")]
    assert page.faults == []
    assert "Linux hosts" in [element.text for element in page.find_elements("h2")]
    assert "lost could not be read: how the collectors are: the host cannot be reached: " in told
    assert "blind could not be read: how the collectors are: " in told
    assert "odd: its collectors cannot be rendered: " in told and "there is no recipe" in told
    assert "alone: Nothing was read from the host: this is what its inventory says." in told
    assert rows_of(rows, ["first2: prod, alone", "last3: blind, lost, odd", *linux]) == [1, 1, 1, 1, 1, 1]
    assert rows_of([row for row in rows if row.endswith("002not readnot read")], ["first", "last"]) == [1, 1]
    recap = {line.split()[0]: "failed=1" in line for line in done.stdout.splitlines() if " ok=" in line}
    assert recap == {"prod": False, "alone": False, "blind": True, "lost": True, "odd": True}
    assert "in 1 cluster and 4 hosts" in " ".join(done.stdout.split())


def test_waves_that_leave_a_host_out_are_told_and_the_page_is_written(tmp_path: Path) -> None:
    host = {"otel_collectors": [{"recipes": ["otlp_ingest"]}], "otel_report_read": False}
    waves = [{"name": "first", "members": ["one"]}]
    hosts = {"one": host, "two": host}
    done = run(tmp_path, written(tmp_path, {"all": {"vars": {"otel_waves": waves}, "hosts": hosts}}))
    page = parse_page((tmp_path / "page.html").read_text(encoding="utf-8"))
    (told,) = [one.text for one in page.find_elements("p") if "cannot be planned" in one.text]
    assert done.returncode == 0 and "two" in told, told


def test_data_between_hosts_and_clusters_is_in_their_pictures(tmp_path: Path) -> None:
    """Both are rendered from one inventory, and no cluster or host is contacted."""
    clear = {"insecure": True}
    gateway = {"name": "gw", "recipes": ["otlp_ingest", "debug_output"], "ingress": {"host": "otlp.example.com"}}
    agent = {"name": "agent", "recipes": ["otlp_ingest", {"otlp_forward": {"to": "gateways", **clear}}]}
    local = {"endpoint": "https://otlp.example.com", "protocol": "http"}
    hosts = {
        "web1": {"otel_host_collectors": [{"name": "agent", "recipes": ["otlp_ingest", {"otlp_forward": local}]}]},
        "gw1": {"otel_host_collectors": [{**gateway, "name": "gateway", "listen_address": "0.0.0.0"}]},
    }
    del hosts["gw1"]["otel_host_collectors"][0]["ingress"]
    common = {"otel_report_read": False, "otel_host_program": {"path": "/nowhere/otelcol"}}
    linux = {"hosts": hosts, "vars": common, "children": {"gateways": {"hosts": {"gw1": {}}}}}
    clusters = {"hosts": {"prod": {"otel_collectors": [gateway, agent], "otel_report_read": False}}}
    done = run(tmp_path, written(tmp_path, {"all": {"children": {"otel_linux": linux, "clusters": clusters}}}))
    assert done.returncode == 0, done.stdout + done.stderr
    page = parse_page((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert page.faults == []
    ways = " ".join(element.text for element in page.find_elements("li"))
    assert "agent → gateway: traces, metrics, logs by otlp_grpc/gateway" in ways
    assert "agent → opentelemetry/gw: traces, metrics, logs by otlp_http/gateway" in ways
    assert "agent → gw: by otlp_http/gateway" in ways
    boxes = [element.text for element in page.find_elements("g") if "node" in element.attributes["class"]]
    assert any("(on a Linux host): on gw1" in box for box in boxes)
    assert any("opentelemetry/gw (in another cluster): in prod" in box for box in boxes)


def running_without_exporters() -> FakeApi:
    """Return a cluster in which the config of collector ns/w has no exporters."""
    config = {
        "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": "0.0.0.0:4317"}}}},
        "service": {"pipelines": {"traces": {"receivers": ["otlp"], "exporters": []}}},
    }
    container = {"name": "w", "args": ["--config=/c/c"], "volumeMounts": [{"name": "c", "mountPath": "/c"}]}
    pod = {"containers": [container], "volumes": [{"name": "c", "configMap": {"name": "w"}}]}
    about = {"name": "w", "namespace": "ns"}
    return FakeApi(
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": about, "spec": {"template": {"spec": pod}}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": about, "data": {"c": json.dumps(config)}},
    )


@pytest.mark.parametrize("setting", [{}, {"otel_collector_severities": {"no-components": "off"}}])
def test_what_runs_is_judged_by_the_rules_of_the_inventory_too(tmp_path: Path, setting: dict[str, Any]) -> None:
    with serve_api(running_without_exporters()) as url:
        kubeconfig = {
            "current-context": "a",
            "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
            "clusters": [{"name": "a", "cluster": {"server": url}}],
            "users": [{"name": "a", "user": {"token": "t"}}],
        }
        collector = {"name": "w", "namespace": "ns", "recipes": ["otlp_ingest", "debug_output"]}
        host = {"otel_collectors": [collector], "otel_collector_kubeconfig": kubeconfig, **setting}
        done = run(tmp_path, written(tmp_path, {"all": {"hosts": {"eu": host}}}), otel_report_window_seconds="0")
    assert done.returncode == 0, done.stdout + done.stderr
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert ("[no-components]" in text) == (not setting)


@pytest.mark.parametrize("variable", ["otel_expected_cluster", "cert_manager_version"])
def test_a_host_that_fails_before_the_page_is_named_on_it(tmp_path: Path, variable: str) -> None:
    """The first variable fails in the first task, and the other one in the last."""
    collector = {"name": "w", "recipes": ["otlp_ingest", "debug_output"]}
    hosts = {"eu": {"otel_report_read": False}, "us": {variable: "{{ nope }}"}}
    done = run(tmp_path, written(tmp_path, {"all": {"hosts": hosts, "vars": {"otel_collectors": [collector]}}}))
    page = parse_page((tmp_path / "page.html").read_text(encoding="utf-8"))
    told = "".join(element.text for element in page.find_elements("section"))
    assert "us cannot be rendered: the run failed for it, and its output says why" in told
    assert page.faults == []
    recap = {line.split()[0]: "failed=1" in line for line in done.stdout.splitlines() if " ok=" in line}
    assert recap == {"eu": False, "us": True}
