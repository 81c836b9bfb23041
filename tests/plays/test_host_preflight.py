# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbook preflight reads a host, here this machine, and shows all that keeps its collectors from running."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.plays import run_playbook

LOCAL = {"ansible_connection": "local", "ansible_become": False, "ansible_python_interpreter": sys.executable}
SUM = "0" * 64


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def preflight(tmp_path: Path, collectors: list[dict[str, Any]], *more: str) -> subprocess.CompletedProcess[str]:
    """Run the playbook preflight for this machine as a host."""
    return play_here(tmp_path, "preflight", collectors, *more)


def play_here(
    tmp_path: Path, name: str, collectors: list[dict[str, Any]], *more: str
) -> subprocess.CompletedProcess[str]:
    """Run a playbook for this machine as a host."""
    inventory = tmp_path / "hosts.json"
    group = {"hosts": {"here": LOCAL}, "vars": {"otel_host_collectors": collectors}}
    inventory.write_text(json.dumps({"all": {"children": {"otel_linux": group}}}))
    return run_playbook(f"playbooks/{name}.yml", "-i", str(inventory), *more)


def test_files_are_checked_beside_linux_hosts(tmp_path: Path) -> None:
    config = tmp_path / "broken.yaml"
    config.write_text("receivers: {otlpp: {}}\nservice: {pipelines: {traces: {receivers: [otlpp], exporters: [x]}}}\n")
    done = preflight(tmp_path, [], "-e", f"pipeline_validate_paths={config}")
    assert "otlpp" in done.stdout, "the files were not checked"
    assert done.returncode != 0


def test_all_faults_of_all_collectors_are_shown_at_once(tmp_path: Path, taken_port: int) -> None:
    archive = tmp_path / "own.tar.gz"
    archive.write_bytes(b"own")
    own = {"sha256": SUM, "file": str(archive)}
    recipes = ["otlp_ingest", "debug_output"]
    collectors = [
        {"name": "agent", "recipes": recipes, "health_port": taken_port, "program": {"path": "/nowhere/otelcol"}},
        {
            "name": "second",
            "recipes": recipes,
            "health_port": 13134,
            "metrics_port": 8889,
            "config": {"receivers": {"otlp": {"protocols": {"grpc": {"endpoint": "127.0.0.1:14317"}, "http": None}}}},
            "program": {"amd64": own, "arm64": own},
        },
    ]
    done = preflight(tmp_path, collectors)
    said = " ".join(done.stdout.split())
    assert done.returncode == 0, done.stdout + done.stderr
    assert "agent: error: there is no program /nowhere/otelcol" in said
    assert f"agent: error: port {taken_port}/tcp is in use by process" in said
    assert f"second: error: Copy {archive} to the host: it has the sum" in said
    assert "changed=0" in said
    for fail_on in ("error", "warning"):
        failed = preflight(tmp_path, collectors, "-e", f"preflight_fail_on={fail_on}")
        assert failed.returncode == 2, fail_on
        assert "there is no program /nowhere/otelcol" in failed.stdout
    assert preflight(tmp_path, collectors, "-e", "preflight_fail_on=never").returncode == 0


def test_a_misspelt_severity_is_refused_and_not_taken_for_none(tmp_path: Path) -> None:
    done = preflight(tmp_path, [], "-e", "preflight_fail_on=errors")
    assert done.returncode == 2
    assert "preflight_fail_on is 'errors'. Set it to error, warning or never." in " ".join(done.stdout.split())


def test_a_host_on_which_no_module_runs_has_that_fault(tmp_path: Path) -> None:
    agent = {"name": "agent", "recipes": ["otlp_ingest", "debug_output"], "program": {"path": "/nowhere/otelcol"}}
    done = preflight(tmp_path, [agent], "-e", "ansible_python_interpreter=/nowhere/python")
    assert "host: error: Ansible cannot run a module there as root" in " ".join(done.stdout.split()), done.stdout


@pytest.mark.parametrize("name", ["verify", "diagnose"])
def test_a_failure_is_printed_once(tmp_path: Path, name: str) -> None:
    agent = {"name": "agent", "recipes": ["otlp_ingest", "debug_output"], "program": {"path": "/nowhere/otelcol"}}
    done = play_here(tmp_path, name, [agent], "-e", "ansible_python_interpreter=/nowhere/python")
    said = done.stdout + done.stderr
    assert (done.returncode, said.count("/nowhere/python")) == (2, 1), said


@pytest.mark.parametrize(("name", "module"), [("site", "host_apply"), ("verify", "host_diagnose")])
def test_a_module_with_a_secret_is_no_file_of_the_login(tmp_path: Path, name: str, module: str) -> None:
    """The Python of this host notes the modules that are files when it starts."""
    seen, temporary, python = tmp_path / "seen", tmp_path / "tmp", tmp_path / "python"
    seen.touch()
    python.write_text(f'#!/bin/sh\nfind {temporary} -name "AnsiballZ_*" >> {seen}\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    agent = {
        "name": "agent",
        "recipes": ["otlp_ingest", "debug_output"],
        "program": {"path": "/nowhere/otelcol"},
        "env": {"TOKEN": {"credential": {"content": "hunter2hunter2"}}},
    }
    settings = ("-e", f"ansible_python_interpreter={python}", "-e", f"ansible_remote_tmp={temporary}")
    for given, files in ((agent, 0), ({**agent, "env": {}}, 1)):
        done = play_here(tmp_path, name, [given], *settings, "-e", "ansible_pipelining=false")
        assert done.returncode == 2, done.stdout + done.stderr
        found = [line for line in seen.read_text().splitlines() if module in line]
        assert len(found) == files, (found, done.stdout + done.stderr)
