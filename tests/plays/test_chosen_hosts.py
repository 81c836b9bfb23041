# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible takes an empty pattern for all hosts. A run that removes does not go on with one."""

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
REFUSED = "otel_hosts names no host, and Ansible takes that for all hosts"


def run(folder: Path, playbook: str, groups: dict[str, Any], given: dict[str, Any], *more: str) -> tuple[int, str]:
    inventory = folder / "hosts.json"
    inventory.write_text(json.dumps({"all": {"children": groups}}), encoding="utf-8")
    done = plays.run_playbook("-i", str(inventory), f"playbooks/{playbook}.yml", "-e", json.dumps(given), *more)
    return done.returncode, " ".join((done.stdout + done.stderr).split())


@pytest.mark.parametrize(
    ("groups", "empty"),
    [(CLUSTERS, ","), (LINUX, ","), (BOTH, " , "), (BOTH, []), (BOTH, None)],
    ids=["clusters", "linux", "text", "list", "null"],
)
def test_a_removal_from_no_named_host_is_refused_before_anything_happens(
    tmp_path: Path, groups: dict[str, Any], empty: Any
) -> None:
    status, said = run(tmp_path, "remove", groups, {"otel_hosts": empty})
    assert status != 0, said
    assert REFUSED in said
    assert said.count("TASK [") == 2, "only the states and the hosts are checked"


@pytest.mark.parametrize(
    ("playbook", "groups", "given"),
    [
        ("site", CLUSTERS, {"otel_collector_state": "absent"}),
        ("site", LINUX, {"otel_host_state": "absent"}),
        ("sample_app", CLUSTERS, {"otel_sample_app_state": "{{ 'absent' }}"}),
    ],
)
def test_a_state_that_removes_is_refused_too(
    tmp_path: Path, playbook: str, groups: dict[str, Any], given: dict[str, Any]
) -> None:
    status, said = run(tmp_path, playbook, groups, {"otel_hosts": ",", **given})
    assert status != 0, said
    assert REFUSED in said


@pytest.mark.parametrize("given", [{}, {"otel_hosts": ["eu"]}], ids=["all", "named"])
def test_a_removal_from_hosts_that_are_named_goes_on(tmp_path: Path, given: dict[str, Any]) -> None:
    _status, said = run(tmp_path, "remove", CLUSTERS, given)
    assert REFUSED not in said
    assert "kubeconfig" in said.lower(), said


@pytest.mark.parametrize("name", ["no_such_host", "empty"])
def test_a_pattern_that_matches_nothing_is_no_empty_one(tmp_path: Path, name: str) -> None:
    status, said = run(tmp_path, "remove", {**CLUSTERS, "empty": {}, "otel_linux": {}}, {"otel_hosts": name})
    assert status == 0, said
    assert REFUSED not in said


def test_what_removes_nothing_still_takes_an_empty_pattern_for_all(tmp_path: Path) -> None:
    given = {"otel_hosts": ",", "otel_collector_output_path": str(tmp_path / "out")}
    status, said = run(tmp_path, "render", CLUSTERS, given)
    assert status == 0, said
    assert "eu :" in said


def test_a_syntax_check_and_a_skipped_import_refuse_nothing(tmp_path: Path) -> None:
    status, said = run(tmp_path, "remove", BOTH, {"otel_hosts": ","}, "--syntax-check")
    assert status == 0, said
    skipped = [{"import_playbook": str(plays.ROOT / "playbooks" / "remove.yml"), "when": False}]
    (tmp_path / "own.yml").write_text(json.dumps(skipped), encoding="utf-8")
    inventory = tmp_path / "hosts.json"
    done = plays.run_playbook("-i", str(inventory), str(tmp_path / "own.yml"), "-e", '{"otel_hosts": ","}')
    assert done.returncode == 0, done.stdout + done.stderr
