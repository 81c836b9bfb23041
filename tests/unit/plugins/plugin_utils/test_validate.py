# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _validate, _yaml

from .helpers import OTLP

NOTHING = {
    "collectors": [],
    "defaults": {},
    "recipe_paths": [],
    "platform_paths": [],
    "paths": [],
    "config": None,
    "fail_on": "error",
}
WARNED = {**OTLP, "extensions": {"pprof": None}}
BROKEN = {**OTLP, "receiver": {}}


def report(**arguments: Any) -> tuple[dict[str, Any], list[str]]:
    warnings: list[str] = []
    return _validate.report({**NOTHING, **arguments}, warnings.append), warnings


def test_nothing_to_check_is_nothing_found() -> None:
    assert report() == ({"findings": [], "checked": []}, [])


def test_a_correct_config_is_checked_without_findings() -> None:
    assert report(config=OTLP) == ({"findings": [], "checked": ["config"]}, [])


def test_a_config_may_be_text() -> None:
    assert report(config=_yaml.dump(OTLP)) == report(config=OTLP)


def test_text_that_is_no_yaml_is_refused_with_its_place() -> None:
    with pytest.raises(Problem, match=r"this is no valid YAML: .*at config:1:"):
        report(config="a: ]")


def test_collectors_are_checked_by_name() -> None:
    assert report(collectors=[{"name": "a", "config": WARNED}])[0]["checked"] == ["collector 'a'"]


def test_files_and_folders_are_checked_by_path(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "er"
    folder.mkdir(parents=True)
    for name in ("b.yml", "a.yaml", "c.txt"):
        (folder / name).write_text(_yaml.dump(OTLP))
    (tmp_path / "one.conf").write_text(_yaml.dump(OTLP))
    checked = report(paths=[str(tmp_path / "one.conf"), str(tmp_path)])[0]["checked"]
    assert [Path(path).name for path in checked] == ["one.conf", "a.yaml", "b.yml"]


@pytest.mark.parametrize("name", ["none", "empty"])
def test_a_path_without_a_config_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(Problem, match=rf"there is no YAML file at .*{name}\. Give a file, or a folder that has some\."):
        report(paths=[str(tmp_path / name)])


@pytest.mark.parametrize(
    ("config", "fail_on", "fails"),
    [
        (OTLP, "warning", False),
        (WARNED, "error", False),
        (WARNED, "warning", True),
        (WARNED, "never", False),
        (BROKEN, "error", True),
        (BROKEN, "warning", True),
        (BROKEN, "never", False),
    ],
)
def test_it_fails_on_what_is_as_severe_as_asked(config: Any, fail_on: str, fails: bool) -> None:
    if fails:
        with pytest.raises(Problem, match=r"1 problem in 1 collector config, nothing was applied"):
            report(config=config, fail_on=fail_on)
        return
    result, warnings = report(config=config, fail_on=fail_on)
    assert len(warnings) == len(result["findings"]) == (0 if config is OTLP else 1)


def test_findings_are_data_with_their_places(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(_yaml.dump(WARNED))
    result, (warning,) = report(paths=[str(tmp_path / "a.yml")])
    (finding,) = result["findings"]
    assert (finding["rule"], finding["path"], finding["line"]) == ("idle-extension", "extensions.pprof", 16)
    assert finding["file"].endswith("a.yml")
    assert "a.yml:16:3 extensions.pprof: warning [idle-extension]" in warning


def test_keys_that_stand_twice_in_a_file_are_found(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(_yaml.dump(OTLP) + "exporters: {debug: }\n")
    with pytest.raises(Problem, match=r"a\.yml:15:1 exporters: error \[duplicate-key\]"):
        report(paths=[str(tmp_path / "a.yml")])


def test_all_problems_of_all_configs_are_told_at_once(tmp_path: Path) -> None:
    for name in ("a.yml", "b.yml"):
        (tmp_path / name).write_text(_yaml.dump(BROKEN))
    with pytest.raises(Problem) as refused:
        report(paths=[str(tmp_path)], config=[])
    text = str(refused.value)
    assert text.startswith("3 problems in 3 collector configs, nothing was applied")
    assert text.index("a.yml") < text.index("b.yml")


@pytest.mark.parametrize("config", ["", [], "5", {}])
def test_what_is_no_config_is_an_error_and_no_crash(config: Any) -> None:
    with pytest.raises(Problem, match="nothing was applied"):
        report(config=config)
