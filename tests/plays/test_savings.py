# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbook savings with an inventory of several clusters, or of Linux hosts."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support import plays

GATEWAY = {"name": "gateway", "recipes": ["otlp_ingest", "debug_output"]}


def test_a_capture_is_of_one_cluster(tmp_path: Path) -> None:
    hosts = {name: {"otel_collectors": [GATEWAY]} for name in ("eu", "us")}
    inventory = tmp_path / "hosts.json"
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
    given = {"savings_collector": "gateway", "savings_capture": str(tmp_path / "missing.jsonl")}
    command = ("-i", str(inventory), "playbooks/savings.yml", "-e", json.dumps(given))
    refused = plays.run_playbook(*command)
    assert refused.returncode != 0
    assert "looked for in 2 clusters, and a capture is of one. Name it with `--limit`" in " ".join(
        refused.stdout.split()
    )
    limited = plays.run_playbook(*command, "--limit", "us")
    assert "there is no capture" in " ".join((limited.stdout + limited.stderr).split()), limited.stdout


def test_a_capture_is_of_one_host(tmp_path: Path) -> None:
    """No host is asked: the config is that of the inventory."""
    agent = {"name": "agent", "recipes": ["otlp_ingest", "debug_output"]}
    program = {"path": "/usr/bin/otelcol-contrib"}
    nowhere = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    host = {**nowhere, "otel_host_program": program, "otel_host_collectors": [agent]}
    hosts = dict.fromkeys(("web1", "web2"), host)
    inventory = tmp_path / "hosts.json"
    inventory.write_text(json.dumps({"all": {"children": {"otel_linux": {"hosts": hosts}}}}), encoding="utf-8")
    capture = tmp_path / "logs.jsonl"
    capture.write_text('{"resourceLogs": [{"scopeLogs": [{"logRecords": [{}]}]}]}\n', encoding="utf-8")
    given = {"savings_collector": "agent", "savings_capture": str(capture), "savings_measure": 0}
    command = ("-i", str(inventory), "playbooks/savings.yml", "-e", json.dumps(given))
    refused = plays.run_playbook(*command)
    assert refused.returncode != 0
    assert "looked for in 2 hosts, and a capture is of one." in " ".join(refused.stdout.split()), refused.stdout
    limited = plays.run_playbook(*command, "--limit", "web2")
    assert limited.returncode == 0, limited.stdout + limited.stderr
    assert "savings of agent from 1 log record," in " ".join(limited.stdout.split()), limited.stdout


def test_what_is_named_and_matches_nothing_is_told(tmp_path: Path) -> None:
    capture = tmp_path / "logs.jsonl"
    capture.write_text('{"resourceLogs": [{"scopeLogs": [{"logRecords": [{}]}]}]}\n', encoding="utf-8")
    given = {
        "savings_capture": str(capture),
        "savings_measure": 0,
        "savings_keep": ["servce.name"],
        "savings_receivers": {"logs": "kafka"},
    }
    done = plays.run_playbook("playbooks/savings.yml", "-e", json.dumps(given))
    said = " ".join(done.stdout.split())
    assert done.returncode == 0, said
    assert "note: nothing in the capture has servce.name, named to be kept" in said
    assert "no config has a receiver kafka" in said


def test_two_reports_do_not_replace_each_other(tmp_path: Path) -> None:
    capture = tmp_path / "logs.jsonl"
    capture.write_text('{"resourceLogs": [{"scopeLogs": [{"logRecords": [{}]}]}]}\n', encoding="utf-8")
    given = {
        "savings_capture": str(capture),
        "savings_measure": 0,
        "savings_markdown_path": str(tmp_path / "report"),
        "savings_output_path": f"{tmp_path}/./report",
    }
    done = plays.run_playbook("playbooks/savings.yml", "-e", json.dumps(given))
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode != 0, said
    assert "`markdown_path` and `output_path` are both" in said
    assert not (tmp_path / "report").exists()
