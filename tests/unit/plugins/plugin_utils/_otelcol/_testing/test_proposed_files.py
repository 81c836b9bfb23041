# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.paths import Position
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing.case import Suite
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _yaml
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._testing import proposed_files
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._testing.collector_setup import CollectorSetup
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._testing.coverage import ConfigCoverage
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._testing.propose import BranchProposal

SETUP = CollectorSetup("", {}, {}, {}, "", _yaml.dump, str)
TEST = {"name": "it", "given": {"spans": [{"name": "a"}]}, "expect": {"debug": "nothing"}}


def covered(folder: Path, *names: str) -> list[ConfigCoverage]:
    suites = [Suite(str(folder / f"{number}_test.yml"), config=name) for number, name in enumerate(names)]
    return [ConfigCoverage(suite.config, SETUP, [], [suite]) for suite in suites]


def rows(*configs: str) -> list[BranchProposal]:
    return [BranchProposal(config, Position(), "", TEST) for config in configs]


def test_each_config_has_a_file_from_which_its_path_leads_to_it(tmp_path: Path) -> None:
    both = covered(tmp_path / "tests", "x/a.yaml", "../a.yaml")
    assert proposed_files.write_proposals(rows("x/a.yaml", "../a.yaml"), both, tmp_path / "new", check=False)
    found = {path.name: yaml.safe_load(path.read_text()) for path in (tmp_path / "new").iterdir()}
    assert found == {
        "a_proposed.yml": {"config": "../tests/x/a.yaml", "tests": [TEST]},
        "a_2_proposed.yml": {"config": "../a.yaml", "tests": [TEST]},
    }
    assert not proposed_files.write_proposals(rows("x/a.yaml", "../a.yaml"), both, tmp_path / "new", check=False)


def test_no_secret_of_the_environment_is_written_and_the_file_says_so(tmp_path: Path) -> None:
    token = "ghp_" + "a1B2" * 9
    given = {"BACKEND_TOKEN": "abc", "WHERE": "a:4317", "OTHER": token, "MORE_KEY": "${env:X}", "URL": "http://u:pw9@h"}
    suite = Suite(str(tmp_path / "a_test.yml"), config="a.yaml", environment=given)
    proposed_files.write_proposals(
        rows("a.yaml"), [ConfigCoverage("a.yaml", SETUP, [], [suite])], tmp_path / "new", check=False
    )
    text = (tmp_path / "new" / "a_proposed.yml").read_text()
    assert yaml.safe_load(text)["environment"] == {
        "BACKEND_TOKEN": "placeholder",
        "WHERE": "a:4317",
        "OTHER": "placeholder",
        "MORE_KEY": "${env:X}",
        "URL": "placeholder",
    }
    assert "# Placeholders stand for values that look like secrets: BACKEND_TOKEN, OTHER, URL.\n" in text


def test_check_mode_writes_nothing_and_says_what_would_change(tmp_path: Path) -> None:
    assert proposed_files.write_proposals(rows("a.yaml"), covered(tmp_path, "a.yaml"), tmp_path / "new", check=True)
    assert not (tmp_path / "new").exists()
    assert not proposed_files.write_proposals([], covered(tmp_path, "a.yaml"), tmp_path / "new", check=False)


def test_a_file_of_the_user_is_never_replaced_and_none_is_written_then(tmp_path: Path) -> None:
    both = covered(tmp_path, "a.yaml", "b.yaml")
    (tmp_path / "b_proposed.yml").write_text("mine")
    with pytest.raises(Problem, match=r"b_proposed.yml exists, and cases would replace it"):
        proposed_files.write_proposals(rows("a.yaml", "b.yaml"), both, tmp_path, check=False)
    assert (tmp_path / "b_proposed.yml").read_text() == "mine"
    assert not (tmp_path / "a_proposed.yml").exists()


def test_what_has_no_case_is_named_with_its_reason() -> None:
    row = BranchProposal("a.yaml", Position("a.yaml", 3), "p", missing_reason="no")
    assert list(proposed_files.format_proposals([row, replace(row, missing_reason="", test=TEST)])) == [
        "proposed: 1 of 2 that no test takes",
        "not proposed a.yaml:3: p: no",
    ]
