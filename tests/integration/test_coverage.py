# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests leave out of a config, and the cases that are proposed for it, with the real Collector."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from tests.support.collectors import find_newest_build

from . import test_suites

HERE = Path(__file__).parent / "coverage"


@pytest.fixture(scope="module")
def binary() -> str:
    """The Collector that the testbed has built."""
    found = find_newest_build()
    if found is None:
        pytest.skip("the testbed has not built a Collector")
    return str(found)


def run(binary: str, *paths: Path, **more: Any) -> dict[str, Any]:
    return test_suites.run(binary, *paths, **{"coverage": True, **more})


@dataclass(frozen=True)
class Proposed:
    """What one run said about the config of this folder, and the cases that it wrote."""

    result: dict[str, Any]
    file: Path


@pytest.fixture(scope="module")
def proposed(binary: str, tmp_path_factory: pytest.TempPathFactory) -> Proposed:
    """One run of all tests of the config, which starts a Collector for each case that it tries."""
    folder = tmp_path_factory.mktemp("proposed")
    result = run(binary, HERE / "config_test.yml", propose_path=str(folder))
    return Proposed(result, folder / "config_proposed.yml")


def test_each_line_is_taken_or_not_as_its_comment_says(proposed: Proposed) -> None:
    """Every line of the config has one statement, condition, policy or route."""
    lines = (HERE / "config.yaml").read_text(encoding="utf-8").splitlines()
    said = {number: line.rpartition("# ")[2] for number, line in enumerate(lines, 1) if "# " in line}
    coverage = proposed.result["coverage"]
    words = {True: "taken", False: "not taken", None: "unknown"}
    assert {row["line"]: words[row["taken"]] for row in coverage} == said
    assert len(coverage) == len(said)


def test_what_is_proposed_takes_all_that_can_be_taken_and_is_no_test_yet(binary: str, proposed: Proposed) -> None:
    before, file = proposed.result, proposed.file
    assert before["changed"]
    assert [(row["path"], row["why"]) for row in before["proposed"] if row["why"]] == [
        ("processors.filter.traces.span[1]", "what its literals say does not take it"),
        ("processors.redaction.blocked_values[1]", "its literals do not say what takes it"),
    ]
    after = run(binary, HERE / "config_test.yml", file)
    assert [row["path"] for row in after["coverage"] if not row["taken"]] == [
        "processors.filter.traces.span[1]",
        "processors.redaction.blocked_values[1]",
    ]
    assert all(test["passed"] for test in after["tests"])
    with pytest.raises(Problem, match="has no tests"):
        run(binary, file.parent)


SMALL = {
    "receivers": {"otlp": {"protocols": {"grpc": {}}}},
    "processors": {"filter": {"traces": {"span": ['name == "health"']}}},
    "exporters": {"debug": {}},
    "service": {"pipelines": {"traces": {"receivers": ["otlp"], "processors": ["filter"], "exporters": ["debug"]}}},
}
SMALL_TEST = {"name": "a", "given": {"spans": [{"name": "pay"}]}, "expect": {"debug": {"spans": 1}}}


def test_a_file_that_a_user_has_changed_is_not_replaced(binary: str, tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(SMALL))
    (tmp_path / "small_test.yml").write_text(yaml.safe_dump({"config": "small.yaml", "tests": [SMALL_TEST]}))
    file = tmp_path / "out" / "small_proposed.yml"

    def propose() -> dict[str, Any]:
        return run(binary, tmp_path / "small_test.yml", propose_path=str(file.parent))

    assert propose()["changed"]
    written = file.read_text(encoding="utf-8")
    assert not propose()["changed"]
    file.write_text(f"{written}# mine\n")
    with pytest.raises(Problem, match=r"small_proposed.yml exists"):
        propose()
    assert file.read_text(encoding="utf-8") == f"{written}# mine\n"
