# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbook test with programs that are no Collector, or one that fails: its words, its time, and what it leaves."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._isolation import sandbox

from tests.support import plays

CONFIG = """
receivers: {otlp: {protocols: {grpc: {}}}}
exporters: {debug: {}}
service: {pipelines: {traces: {receivers: [otlp], exporters: [debug]}}}
"""
TESTS = """
config: a.yaml
tests: [{name: one, timeout: 2, given: {spans: [{name: x}]}, expect: {%s: {spans: 1}}}]
"""
VERSION = '[ "$1" = --version ] && echo otelcol version 0.99.0 && exit'
READY = "echo Everything is ready"
SLEEP = "while :; do sleep 0.1; done"
SECONDS = 60
WHY = sandbox.why_unavailable()


def test_files_are_tested_whatever_the_inventory_is_for(tmp_path: Path) -> None:
    inventory = tmp_path / "hosts.json"
    for hosts in ({}, {"web1": {}}):
        inventory.write_text(json.dumps({"all": {"children": {"otel_linux": {"hosts": hosts}}}}))
        done = plays.run_playbook(
            "-i", str(inventory), "playbooks/test.yml", "-e", f"pipeline_test_paths={tmp_path}/no_such_folder"
        )
        assert done.returncode != 0, "no test was run"
        assert "no_such_folder" in done.stdout


@pytest.mark.parametrize(
    ("exporter", "body", "said"),
    [
        ("debugg", f"{VERSION}; {READY}", "the config has no exporter 'debugg'; did you mean 'debug'?"),
        ("debug", f"{VERSION}; echo Error: unknown >&2; exit 1", "is version 0.99.0, not 0.158.0. The results are"),
        ("debug", "echo busybox", "otelcol is no Collector: `"),
        ("debug", "exit 1", "otelcol is no Collector: `"),
        ("debug", f"{VERSION}; echo bind: address already in use; exit 1", "other programs take every port"),
        ("debug", f"{VERSION}; echo Error: bad key; exit 1", "the Collector does not start: bad key"),
        ("debug", f"{VERSION}; {SLEEP}", "the Collector is not ready after 2 s"),
        (
            "debug",
            f"{VERSION}; {READY}; echo Error: bug; exit 3",
            "the Collector ended during the test, with exit code 3: bug",
        ),
        ("debug", f"{VERSION}; trap : TERM; {READY}; {SLEEP}", "the Collector does not take what the test gives"),
    ],
)
def test_what_goes_wrong_has_its_words_and_leaves_nothing(tmp_path: Path, exporter: str, body: str, said: str) -> None:
    program = tmp_path / "otelcol"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o700)
    (tmp_path / "a.yaml").write_text(CONFIG)
    (tmp_path / "a_test.yml").write_text(TESTS % exporter)
    given: dict[str, Any] = {"pipeline_test_paths": [str(tmp_path)], "pipeline_test_binary": str(program)}
    begin = time.monotonic()
    given |= {"pipeline_test_version": "0.158.0", "pipeline_test_isolation": "none"}
    done = plays.run_playbook("-i", "localhost,", "-e", json.dumps(given), "playbooks/test.yml")
    assert time.monotonic() - begin < SECONDS
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in _flat(done.stdout + done.stderr)
    left = subprocess.run(["pgrep", "-f", f"{program} --"], capture_output=True, text=True, check=False)
    assert left.stdout == ""


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_a_failed_test_prints_its_readable_lines_first_and_nothing_else(tmp_path: Path, form: str) -> None:
    program = tmp_path / "otelcol"
    program.write_text(f"#!/bin/sh\n{VERSION}; echo Error: bad key; exit 1\n")
    program.chmod(0o700)
    (tmp_path / "a.yaml").write_text(CONFIG)
    (tmp_path / "a_test.yml").write_text(TESTS % "debug")
    given: dict[str, Any] = {"pipeline_test_paths": [str(tmp_path)], "pipeline_test_binary": str(program)}
    given |= {"pipeline_test_version": "0.158.0", "pipeline_test_isolation": "none"}
    done = plays.run_playbook(
        "-i", "localhost,", "-e", json.dumps(given), "playbooks/test.yml", ANSIBLE_CALLBACK_RESULT_FORMAT=form
    )
    said = _flat(done.stdout)
    assert done.returncode == 2, said
    line, end = f"FAILED {tmp_path}/a_test.yml: one", "1 of 1 test failed. The lines above say what is different."
    assert said.count(line) == 1, said
    assert said.index(line) < said.index("FAILED!") < said.rindex(end)
    assert "differences" not in said + done.stderr


def _flat(text: str) -> str:
    """Return output on one line, without the second quote that YAML needs within quotes."""
    return " ".join(text.split()).replace("''", "'")


READS = f"{VERSION}; cat %s/secret || echo Error: nothing; exit 1"
ISOLATES = pytest.mark.skipif(bool(WHY), reason=f"this system allows no namespaces: {WHY}")


@pytest.mark.parametrize(("isolation", "seen"), [pytest.param("required", False, marks=ISOLATES), ("none", True)])
def test_a_collector_sees_no_file_of_the_controller(tmp_path: Path, isolation: str, seen: bool) -> None:
    program = tmp_path / "otelcol"
    program.write_text(f"#!/bin/sh\n{READS % tmp_path}\n")
    program.chmod(0o700)
    (tmp_path / "secret").write_text("Error: planted\n")
    (tmp_path / "a.yaml").write_text(CONFIG)
    (tmp_path / "a_test.yml").write_text(TESTS % "debug")
    given: dict[str, Any] = {"pipeline_test_paths": [str(tmp_path)], "pipeline_test_binary": str(program)}
    given |= {"pipeline_test_isolation": isolation, "pipeline_test_version": "0.158.0"}
    done = plays.run_playbook("-i", "localhost,", "-e", json.dumps(given), "playbooks/test.yml")
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 2, said
    assert f"the Collector does not start: {'planted' if seen else 'nothing'}" in said
    assert ("planted" in said) is seen
