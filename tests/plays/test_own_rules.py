# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users' own rules as users run them: with files, with an inventory, and alone."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.support import plays

POLICIES = plays.ROOT / "examples" / "rules"
CONFIGS = plays.ROOT / "tests" / "fixtures" / "own_rules"
RULE = """\
rules:
  - id: acme-exporters
    severity: error
    path: exporters.*
    types: [debug]
    require: {.: {present: false}}
    message: "'{name}' is not for us"
    fix: Remove it.
"""
COLLECTOR = {
    "name": "agent",
    "config": {
        "receivers": {"zipkin": None},
        "exporters": {"debug": None},
        "service": {"pipelines": {"traces": {"receivers": ["zipkin"], "exporters": ["debug"]}}},
    },
}


def validate(**variables: Any) -> subprocess.CompletedProcess[str]:
    return plays.run_playbook("-i", "localhost,", "-e", json.dumps(variables), "playbooks/validate.yml")


def said(done: subprocess.CompletedProcess[str]) -> str:
    return " ".join((done.stdout + done.stderr).split())


def test_every_policy_finds_its_bad_config_and_nothing_in_its_good_one(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    done = validate(
        pipeline_validate_paths=[str(CONFIGS)],
        pipeline_validate_rule_paths=[str(POLICIES)],
        pipeline_validate_profile="production",
        pipeline_validate_fail_on="never",
        pipeline_validate_format="json",
        pipeline_validate_output_path=str(report),
    )
    assert done.returncode == 0, done.stdout
    found: dict[tuple[str, str], set[str]] = {}
    for finding in json.loads(report.read_text(encoding="utf-8"))["findings"]:
        file = Path(finding["file"])
        found.setdefault((file.parent.name, file.stem), set()).add(finding["rule"])
    for policy in sorted(POLICIES.glob("*.yml")):
        ids = {rule["id"] for rule in yaml.safe_load(policy.read_text(encoding="utf-8"))["rules"]}
        assert found.get(("good", policy.stem), set()) & ids == set(), policy.stem
        assert found.get(("bad", policy.stem), set()) & ids, policy.stem


def test_rules_alone_are_checked_and_counted(tmp_path: Path) -> None:
    (tmp_path / "rule.yml").write_text(RULE)
    done = validate(pipeline_validate_paths=[], pipeline_validate_rule_paths=[str(tmp_path)])
    assert done.returncode == 0, done.stdout
    assert "1 rule of your own is well-formed, without examples" in done.stdout


def test_an_example_that_does_not_hold_fails(tmp_path: Path) -> None:
    (tmp_path / "rule.yml").write_text(RULE + "    examples: {bad: [exporters: {otlp: }]}\n")
    done = validate(pipeline_validate_paths=[], pipeline_validate_rule_paths=[str(tmp_path)])
    assert done.returncode != 0
    assert "rule.yml:9:22 rules[0].examples.bad[0]: rule 'acme-exporters': this example is bad" in said(done)


def render(tmp_path: Path, **variables: Any) -> subprocess.CompletedProcess[str]:
    inventory = {"all": {"hosts": {"one": {"otel_collectors": [COLLECTOR], **variables}}}}
    (tmp_path / "inventory.yml").write_text(yaml.safe_dump(inventory))
    return plays.run_playbook("-i", str(tmp_path / "inventory.yml"), "playbooks/render.yml")


def test_a_rule_beside_the_inventory_stops_a_run(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "rule.yml").write_text(RULE)
    done = render(tmp_path, otel_collector_rule_paths=["{{ inventory_dir }}/rules"])
    assert done.returncode != 0
    assert "[acme-exporters] 'debug' is not for us. Remove it." in said(done)
    assert f"{tmp_path}/inventory.yml:" in said(done)
    assert render(tmp_path).returncode == 0
