# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A playbook whose hosts match nothing does nothing, and must not end as one that has done all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import plays

GATEWAY = {"name": "gateway", "recipes": ["otlp_ingest", "debug_output"]}
AGENT = {
    "ansible_connection": "local",
    "otel_host_program": {"path": "/usr/bin/otelcol-contrib"},
    "otel_host_collectors": [{"name": "agent", "recipes": ["otlp_ingest", "debug_output"]}],
}
CLUSTERS = {"clusters": {"hosts": {"eu": {"otel_collectors": [GATEWAY]}}}}
LINUX = {"otel_linux": {"hosts": {"web1": AGENT}}}
BOTH = {**CLUSTERS, **LINUX}
PLAYBOOKS = (
    *("capture", "diagnose", "forecast", "judge", "lock", "mirror", "preflight", "remove", "render", "report"),
    *("rights", "sample_app", "savings", "site", "test", "verify"),
)


def run(folder: Path, playbook: str, groups: dict[str, Any], *more: str) -> tuple[int, str]:
    inventory = folder / "hosts.json"
    inventory.write_text(json.dumps({"all": {"children": groups}}), encoding="utf-8")
    done = plays.playbook("-i", str(inventory), f"playbooks/{playbook}.yml", "-e", "savings_collector=gateway", *more)
    return done.returncode, " ".join((done.stdout + done.stderr).split())


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_hosts_that_match_nothing_fail_the_run(tmp_path: Path, playbook: str) -> None:
    status, said = run(tmp_path, playbook, BOTH, "-e", "otel_hosts=prod")
    assert status != 0, said
    assert "'prod' matches no host of this run, so nothing would be done" in said, said
    assert "TASK [" not in said


@pytest.mark.parametrize("playbook", ["capture", "judge", "sample_app", "test"])
@pytest.mark.parametrize(("groups", "more"), [(LINUX, ()), (BOTH, ("--limit", "web1"))], ids=["inventory", "limit"])
def test_a_playbook_of_clusters_needs_one(
    tmp_path: Path, playbook: str, groups: dict[str, Any], more: tuple[str, ...]
) -> None:
    status, said = run(tmp_path, playbook, groups, *more)
    assert status != 0, said
    assert "no host of this run is a cluster, so nothing would be done" in said, said


def test_hosts_that_the_limit_leaves_out_fail_the_run(tmp_path: Path) -> None:
    status, said = run(tmp_path, "render", BOTH, "-e", "otel_hosts=eu", "--limit", "web1")
    assert status != 0, said
    assert "'eu' matches no host of this run" in said, said


@pytest.mark.parametrize(
    ("given", "hosts"),
    [
        ({}, {"eu", "web1"}),
        ({"otel_hosts": "eu"}, {"eu"}),
        ({"otel_hosts": ["eu", "web*"]}, {"eu", "web1"}),
        ({"otel_hosts": "all:!eu"}, {"web1"}),
    ],
    ids=["all", "name", "list", "pattern"],
)
def test_hosts_that_match_run_each_by_its_kind(tmp_path: Path, given: dict[str, Any], hosts: set[str]) -> None:
    status, said = run(tmp_path, "render", BOTH, "-e", json.dumps(given))
    assert status == 0, said
    _tasks, _recap, counted = said.partition("PLAY RECAP")
    assert {host for host in ("eu", "web1") if f"{host} :" in counted} == hosts, said


def test_an_inventory_without_hosts_has_localhost(tmp_path: Path) -> None:
    status, said = run(tmp_path, "render", {}, "-e", json.dumps({"otel_collectors": [GATEWAY]}))
    assert status == 0, said
    assert "localhost :" in said
