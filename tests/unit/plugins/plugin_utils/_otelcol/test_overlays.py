# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A validation judges what parts of a config touch, as a run of playbook site does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._inventory_cases import list_inventory_cases
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _validate, _yaml

from ..helpers import OTLP, VALIDATE

FILTER = "processors:\n  filter/noise: {error_mode: ignore, logs: {log_record: ['false']}}\n"
EXPORTER = "exporters:\n  otlp_http/mine: {endpoint: https://example.com}\n"
BREACH = "touches exporters.otlp_http/mine.endpoint"


@pytest.fixture
def places(tmp_path: Path) -> dict[str, Any]:
    """Return the arguments for a platform's file and a team's file, which are in a folder."""
    (tmp_path / "a_platform.yaml").write_text(_yaml.dump(OTLP), encoding="utf-8")
    (tmp_path / "b_shop.yaml").write_text(FILTER, encoding="utf-8")
    policy = {"baseline": [str(tmp_path / "a_platform.yaml")], "components": {"processors": ["filter"]}}
    paths = [str(tmp_path / name) for name in ("a_platform.yaml", "b_shop.yaml")]
    return {"paths": paths, "merge": True, "overlay_policy": policy}


def judge(arguments: dict[str, Any]) -> dict[str, Any]:
    given = {**VALIDATE, **arguments}
    return _validate.validate_configs(
        {**given, "fail_on": "never"}, lambda _text: None, planned_cases=list_inventory_cases(given)
    )


def test_what_the_policy_allows_and_the_baseline_pass(places: dict[str, Any], tmp_path: Path) -> None:
    assert judge(places)["checked"]
    assert judge({**places, "paths": [str(tmp_path)]})["checked"], "a folder has the same files"


def test_a_breach_names_its_file_and_line_whatever_fails_the_task(places: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "b_shop.yaml").write_text(FILTER + EXPORTER, encoding="utf-8")
    for paths in (places["paths"], [str(tmp_path)]):
        with pytest.raises(Problem) as found:
            judge({**places, "paths": paths})
        assert f"{tmp_path / 'b_shop.yaml'} {BREACH} (at {tmp_path / 'b_shop.yaml'}:4" in str(found.value)
        assert "Allowed: processors of type filter" in str(found.value)


@pytest.mark.parametrize("config", [_yaml.parse_or_none(EXPORTER), EXPORTER], ids=["data", "text"])
def test_a_part_in_a_variable_is_an_overlay(places: dict[str, Any], config: Any) -> None:
    with pytest.raises(Problem, match=BREACH):
        judge({**places, "config": config})


def test_collectors_are_judged_as_in_a_run(places: dict[str, Any], tmp_path: Path) -> None:
    item = {"name": "agent", "recipes": ["otlp_ingest", "debug_output"], "config_files": [places["paths"][1]]}
    given = {"collectors": [item], "overlay_policy": places["overlay_policy"]}
    assert judge(given)["checked"] == ["collector 'agent'"]
    (tmp_path / "b_shop.yaml").write_text(EXPORTER, encoding="utf-8")
    with pytest.raises(Problem, match=BREACH):
        judge(given)


def test_a_policy_for_configs_of_their_own_is_refused(places: dict[str, Any]) -> None:
    with pytest.raises(Problem, match=r"each of `paths` and `config` is one of its own\. Set `merge: true`"):
        judge({**places, "merge": False})
    assert judge({**places, "merge": False, "overlay_policy": {}})["checked"]
    with pytest.raises(Problem, match="`overlay_policy` has no config to judge"):
        judge({"overlay_policy": places["overlay_policy"]})
