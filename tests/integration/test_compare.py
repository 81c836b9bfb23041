# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two configs, or two forms of one, get the same telemetry from the real Collector."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.batch_announcements import GONE_SINCE
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.build_facts import TargetBuild
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._testing import comparing
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._testing.compared_setups import ConfigPair

from tests.support import plays

from .test_coverage import binary, run  # noqa: F401 - a fixture
from .test_real_collector import CORPORA, VERSION, public, target, usable, without_batch  # noqa: F401 - a fixture

SUITES = plays.ROOT / "tests" / "suites"
# Every how many of the public configs are run. O11Y_MUTANTS=all runs all of them.
STEP = 1 if os.environ.get("O11Y_MUTANTS") == "all" else 5
OLD = """
receivers: {otlp: {protocols: {grpc: {}}}}
processors: {batch: {timeout: 5s}}
exporters: {otlp: {endpoint: "b:4317"}}
service: {pipelines: {traces: {receivers: [otlp], processors: [batch], exporters: [otlp]}}}
"""


def test_tests_say_what_another_config_does_otherwise(binary: str, tmp_path: Path) -> None:  # noqa: F811
    config = yaml.safe_load((SUITES / "drop.yaml").read_text(encoding="utf-8"))
    config["processors"]["filter"]["logs"]["log_record"] = ["log.severity_number < SEVERITY_NUMBER_WARN"]
    other = tmp_path / "other.yaml"
    other.write_text(yaml.safe_dump(config), encoding="utf-8")
    result = run(binary, SUITES / "drop_test.yml", coverage=False, compare={"config": str(other), "binary": None})
    assert [row["differences"] for row in result["compared"]] == [
        [],
        [],
        ["otlp_grpc: logs: - {body: b, severity: info, severity_text: info, resource: {'service.name': 'cart'}}"],
    ]
    assert [row["records"] for row in result["compared"]] == [2, 1, 2]
    assert "compared: 2 of 3 the same" in result["report"]


def test_a_migration_is_compared_before_the_file_is_written(binary: str, tmp_path: Path) -> None:  # noqa: F811
    file = tmp_path / "a.yaml"
    file.write_text(OLD, encoding="utf-8")
    asked = {"path": str(file), "version": "0.158.0", "compare": {"binary": binary}}
    tasks = [
        {"o11y.opentelemetry.pipeline_migrate": asked, "register": "moved"},
        {"ansible.builtin.assert": {"that": "moved.compared == expected"}},
    ]
    expected = [{"config": str(file), "records": 1, "differences": [], "why": "", "same": True}]
    play = {"hosts": "localhost", "gather_facts": False, "vars": {"expected": expected}, "tasks": tasks}
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play]), encoding="utf-8")
    done = plays.run_playbook("-i", "localhost,", "-c", "local", str(tmp_path / "play.yml"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "otlp_grpc" in file.read_text(encoding="utf-8")


def test_what_only_another_version_runs_says_so(binary: str, target: TargetBuild) -> None:  # noqa: F811
    old = yaml.safe_load(
        OLD.replace("processors: {batch:", "processors: {gone: {}, batch:").replace("[batch]", "[gone]")
    )
    (row,) = comparing.compare_configs([ConfigPair("a", old, yaml.safe_load(OLD), target)], {"binary": binary})
    assert row["why"].startswith("before: the Collector does not start")
    assert not row["differences"]


@pytest.mark.skipif(
    not CORPORA.is_dir(), reason="the folder of public configs is not here; O11Y_CORPORA names another one"
)
@pytest.mark.parametrize("version", [VERSION, GONE_SINCE])
def test_public_configs_do_the_same_without_batch_processors(binary: str, target: TargetBuild, version: str) -> None:  # noqa: F811
    """Receivers and exporters need not be in the build: a test has its own."""
    forms = []
    for row, config, _operated in public():
        between = {name: config.get(name) or {} for name in ("processors", "connectors")}
        moved = without_batch(config, replace(target, version=version)) if usable(between, target) else None
        forms += [ConfigPair(row["file"], config, moved, target)] if moved is not None else []
    rows = comparing.compare_configs(forms[::STEP], {"binary": binary})
    ran = [row for row in rows if not row["why"]]
    records = sum(row["records"] for row in ran)
    print(f"\n{len(forms)} configs moved, {len(rows)} compared, {len(ran)} ran, {records} records")
    for why, number in Counter(row["why"][:120] for row in rows if row["why"]).items():
        print(f"{number:4} {why}")
    assert [row for row in ran if row["differences"]] == []
    assert len([row for row in ran if row["records"]]) * 2 > len(rows)
