# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.collector_versions import parse_version
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules import references, structure
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.findings import run_rules
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.rules import lint_config
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._inventory_cases import list_inventory_cases
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import (
    _builds,
    _judged_configs,
    _validate,
    _yaml,
)

from tests.conftest import COLLECTIONS
from tests.support.cases import cases

from ..helpers import OTLP, VALIDATE

WARNED = {**OTLP, "extensions": {"pprof": None}}
BROKEN = {**OTLP, "receiver": {}}


@pytest.fixture(autouse=True)
def few_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let two tables of rules stand for all, so that a new rule changes nothing here."""
    rules = (*structure.RULES, *references.RULES)
    monkeypatch.setattr(_judged_configs, "lint_config", lambda subject, _own: run_rules(rules, subject))


def report(**arguments: Any) -> tuple[dict[str, Any], list[str]]:
    warnings: list[str] = []
    given = {**VALIDATE, **arguments}
    return _validate.validate_configs(given, warnings.append, planned_cases=list_inventory_cases(given)), warnings


@pytest.mark.parametrize(
    ("arguments", "checked"),
    [({}, []), ({"config": OTLP}, ["config"]), ({"config": _yaml.dump(OTLP)}, ["config"])],
    ids=["nothing", "data", "text"],
)
def test_what_is_correct_is_checked_without_findings(arguments: dict[str, Any], checked: list[str]) -> None:
    result, warnings = report(**arguments)
    assert (result["findings"], result["checked"], warnings) == ([], checked, [])
    assert bool(result["smallest_image"]) is bool(checked)


@cases(
    "text, says",
    ("a: ]", r"a\.yml:1:4: error \[invalid-yaml\] this is not valid YAML: "),
    (_yaml.dump(OTLP) + "exporters: {debug: }\n", r"a\.yml:15:1 exporters: error \[duplicate-key\]"),
)
def test_text_that_nobody_can_read_is_refused_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "a.yml").write_text(text)
    with pytest.raises(Problem, match=says):
        report(paths=[str(tmp_path / "a.yml")])


def test_collectors_are_checked_by_name_and_files_and_folders_by_path(tmp_path: Path) -> None:
    assert report(collectors=[{"name": "a", "config": WARNED}])[0]["checked"] == ["collector 'a'"]
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
    words = rf"there is no YAML file at .*{name}\. Give a file, or a folder with YAML files\."
    with pytest.raises(Problem, match=words):
        report(paths=[str(tmp_path / name)])


@cases(
    "config, fail_on, fails",
    *((OTLP, "warning", False), (WARNED, "error", False), (WARNED, "warning", True), (WARNED, "never", False)),
    *((BROKEN, "error", True), (BROKEN, "warning", True), (BROKEN, "never", False)),
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


def test_severities_and_suppressions_are_the_users() -> None:
    config = {**WARNED, "extensions": {"pprof": None, "zpages": None}}
    accepted = {"rule": "idle-extension", "reason": "later", "path": "extensions.p*"}
    result, warnings = report(config=config, severities={"idle-extension": "info"}, suppressions=[accepted])
    assert [(item["path"], item["severity"]) for item in result["findings"]] == [("extensions.zpages", "info")]
    assert [(item["path"], item["reason"]) for item in result["suppressed"]] == [("extensions.pprof", "later")]
    assert warnings == []


def test_a_suppression_that_meets_nothing_in_any_config_is_told_once(tmp_path: Path) -> None:
    for name, config in (("a.yml", OTLP), ("b.yml", WARNED)):
        (tmp_path / name).write_text(_yaml.dump(config))
    used = {"rule": "idle-extension", "reason": "so"}
    unused = {"rule": "ambiguous-id", "reason": "so"}
    result, _warnings = report(paths=[str(tmp_path)], suppressions=[used, unused])
    assert [(item["rule"], item["file"]) for item in result["findings"]] == [("unused-suppression", "suppressions")]


def test_a_comment_accepts_a_finding() -> None:
    text = _yaml.dump(OTLP) + "extensions:\n  pprof:  # o11y: ignore idle-extension soon\n  zpages:\n"
    result, _warnings = report(config=text)
    assert [item["path"] for item in result["findings"]] == ["extensions.zpages"]
    assert [item["reason"] for item in result["suppressed"]] == ["soon"]


def test_files_are_one_config_when_merged(tmp_path: Path) -> None:
    (tmp_path / "1.yml").write_text(_yaml.dump({**OTLP, "exporters": {"debug": None, "nop": None}}))
    over = "receivers:\nexporters: {otlp: }\nservice: {pipelines: {traces: {receivers: [zipkin]}}}\n"
    (tmp_path / "2.yml").write_text(over)
    wrong = r"2\.yml:3:44 service\.pipelines\.traces\.receivers\[0\]: error \[undefined-reference\]"
    with pytest.raises(Problem, match=wrong) as refused:
        report(paths=[str(tmp_path / "1.yml"), str(tmp_path / "2.yml")], merge=True)
    assert "debug" not in str(refused.value)


def test_the_report_is_written_even_when_the_task_fails_and_not_in_check_mode(tmp_path: Path) -> None:
    file = tmp_path / "out.json"
    _validate.validate_configs({**VALIDATE, "config": OTLP, "output_path": str(file)}, print, check=True)
    assert not file.exists()
    with pytest.raises(Problem):
        report(config=BROKEN, format="json", output_path=str(file))
    assert "unknown-section" in file.read_text()
    assert report(config=OTLP, output_path=str(file))[0]["changed"]
    assert not report(config=OTLP, output_path=str(file))[0]["changed"]


def test_the_smallest_image_has_all_components() -> None:
    assert "/opentelemetry-collector:0.150.0" in report(config=OTLP, version="0.150.0")[0]["smallest_image"]


@pytest.mark.parametrize("name", ["text", "json", "junit", "sarif", "github"])
def test_no_report_has_a_secret(name: str) -> None:
    config = {
        **OTLP,
        "exporters": {"debug": {"password": "hunter22"}, "x": {"endpoint": "http://me:pass4me@host"}},
        "service": {"pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["hunter22", "pass4me", "debug"]}}},
    }
    result, warnings = report(config=config, format=name, fail_on="never")
    told = repr((result, warnings))
    assert [word in told for word in ("undefined-reference", "hunter22", "pass4me")] == [True, False, False]


def test_the_result_says_for_which_build_it_was_checked(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(_yaml.dump(OTLP))
    name = str(tmp_path / "a.yml")
    said = [
        report(paths=[name], **wanted)[0]["builds"][name]
        for wanted in ({}, {"distribution": "core"}, {"version": "0.150.0"}, {"distribution": "any"})
    ]
    assert said == ["contrib 0.158.0 (default)", "core 0.158.0", "contrib 0.150.0", "any build"]
    owner = {"apiVersion": "opentelemetry.io/v1beta1", "kind": "OpenTelemetryCollector", "metadata": {"name": "x"}}
    with pytest.raises(Problem, match=r"in 1 collector config, nothing was applied, checked for an unknown build"):
        report(config=[{**owner, "spec": {"image": "mine:1", "config": BROKEN}}])


def test_a_build_newer_than_the_latest_known_is_named_as_such() -> None:
    latest = _builds.load_catalogue().newest_release
    newer = f"0.{parse_version(latest)[1] + 1}.0"
    result, (warning,) = report(config=OTLP, version=newer)
    assert result["latest_known"] == latest
    assert result["builds"] == {"config": f"contrib {newer} (latest known: {latest})"}
    assert f"1 config checked for contrib {newer} (latest known: {latest}):" in result["report"]
    assert f"contrib {newer} (checked as {latest}) (latest known: {latest})." in warning
    result, warnings = report(config=OTLP, version=latest)
    assert "latest known" not in result["report"] + "".join(warnings)


def test_to_check_files_loads_nothing_that_renders() -> None:
    program = f"""if True:
        import sys
        from ansible.plugins.loader import init_plugin_loader
        init_plugin_loader([{str(COLLECTIONS)!r}])
        from ansible_collections.o11y.opentelemetry.plugins.action import pipeline_validate
        print([name for name in sys.modules if name.endswith(("._render", "._collector.backends"))])
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n", "a sixth of the time before the first finding"


@cases(
    "build, as_version",
    ("contrib 0.154.9", "0.155.0"),
    ("contrib 0.155.0", ""),
    ("contrib 0.158.1", ""),
    ("contrib 0.159.0", ""),
    ("k8s 0.160.0", "0.159.0"),
    ("contrib 0.165.0", "0.159.0"),
    ("contrib 1.2.0", "0.165.0"),
    ("redhat 0.135.0", "0.155.0"),
    ("adot v0.49.0", ""),
    ("adot v0.50.0", "0.156.0"),
)
def test_a_version_without_known_settings_is_named_once_with_the_one_that_stands_for_it(
    build: str, as_version: str
) -> None:
    asked = dict(zip(("distribution", "version"), build.split(), strict=True))
    given = {"name": "a", "config": OTLP, **asked}
    for arguments in ({"config": OTLP, **asked}, {"collectors": [given, {**given, "name": "b"}]}):
        found = [text for text in report(**arguments)[1] if "not all known for" in text]
        assert [f"{build} (checked as {as_version})" in text for text in found] == [True] * bool(as_version)


def test_what_is_found_in_a_build_of_which_nobody_knows_the_collector_is_a_warning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_judged_configs, "lint_config", lint_config)
    wrong = {**OTLP, "exporters": {"debug": {"verbose": True}}}
    for version, severity in (("v0.49.0", "error"), ("v0.50.0", "warning")):
        found = report(config=wrong, distribution="adot", version=version, fail_on="never")[0]["findings"]
        assert [one["severity"] for one in found if one["rule"] == "unknown-field"] == [severity]


def test_skipped_files_are_named_in_one_warning(tmp_path: Path) -> None:
    (tmp_path / "z.yml").write_text(_yaml.dump(OTLP))
    for number in range(12):
        (tmp_path / f"a{number}.yml").write_text("a: \0")
    result, warnings = report(paths=[str(tmp_path)])
    (text,) = warnings
    assert text.startswith(f"12 files skipped and not checked. {tmp_path}/a0.yml has a NUL character. Save it as UTF-8")
    assert text.endswith("And 2 more.")
    assert result["counts"]["skipped"] == 12
