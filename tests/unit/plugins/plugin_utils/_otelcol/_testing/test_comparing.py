# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _migrate
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._testing import comparing

from tests.support.cases import cases

from .test_config_tests import CONFIG, WORKS, program, report

TESTS = "{config: a.yaml, tests: [{name: one, given: {spans: [{}]}, expect: {debug: nothing}}]}"


@cases(
    "options, said",
    ({"config": "two.yaml"}, "two.yaml has 2 configs, and tests are compared with one"),
    ({"config": "none.yaml"}, "none.yaml"),
    ({"binary": "/nowhere/x"}, "the program /nowhere/x does not exist"),
    ({"binary": "/bin/true"}, "/bin/true is no Collector"),
    ({"binary": "none"}, "there is no other Collector: it was not requested. Give the path of one."),
    ({"config": None, "binary": None}, "nothing is named to compare with"),
)
def test_what_cannot_be_compared_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: Any, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "two.yaml").write_text(f"{CONFIG}---{CONFIG}")
    with pytest.raises(Problem) as problem:
        report(tmp_path, program(tmp_path, WORKS), TESTS, compare=options)
    assert said in str(problem.value)


def test_tests_of_several_configs_are_not_compared_with_one(tmp_path: Path) -> None:
    for name, config in (("same.yaml", CONFIG), ("other.yaml", CONFIG.replace("debug", "nop"))):
        (tmp_path / name).write_text(config)
    tests = TESTS.replace("a.yaml", "same.yaml")
    (tmp_path / "b_test.yml").write_text(tests)
    options: dict[str, Any] = {"compare": {"config": str(tmp_path / "other.yaml")}}
    assert len(report(tmp_path, program(tmp_path, WORKS), TESTS, **options)["compared"]) == 2
    (tmp_path / "c_test.yml").write_text(tests.replace("same", "other").replace("debug", "nop"))
    with pytest.raises(Problem, match=r"about several configs.*at compare\.config"):
        report(tmp_path, program(tmp_path, WORKS), TESTS, **options)


@cases("expected, said", ("nothing", "no YAML file at none.yaml"), ("{spans: 1}", "1 of 1 test failed"))
def test_what_the_tests_found_is_told_though_the_comparison_cannot_be_made(
    tmp_path: Path, expected: str, said: str
) -> None:
    output, tests = tmp_path / "report.xml", TESTS.replace("nothing", expected)
    more: dict[str, Any] = {"compare": {"config": "none.yaml"}, "output_path": str(output)}
    with pytest.raises(Problem) as problem:
        report(tmp_path, program(tmp_path, WORKS), tests, **more)
    assert said in str(problem.value)
    assert "no YAML file at none.yaml" in problem.value.facts["report"]
    assert output.is_file()


def test_a_form_that_does_not_run_is_named_and_no_secret_of_it(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    binary = program(other, 'grep -h hunter "${1#--config=}" >&2; echo "Error: not hunter2-hunter2" >&2; exit 1')
    found = report(tmp_path, program(tmp_path, WORKS), TESTS, compare={"config": None, "binary": binary})
    (row,) = found["compared"]
    assert row["why"].startswith("after: the Collector does not start: not ********")
    assert (row["name"], row["records"], row["differences"]) == ("one", 0, [])
    assert found["tests"][0]["passed"]
    assert f"not compared {row['file']}: one\n    after: the Collector" in found["report"]


OLD = """
receivers: {otlp: {protocols: {grpc: {}}}}
exporters: {logging: {}}
service: {pipelines: {traces: {receivers: [otlp], exporters: [logging]}}}
"""
MIGRATE: dict[str, Any] = {
    **dict.fromkeys(("config", "dest", "distribution_manifest", "distribution_schema")),
    "distribution": "contrib",
    "version": "0.158.0",
}


def migrate(path: Path, compare: Any) -> dict[str, Any]:
    return _migrate.migrate({**MIGRATE, "paths": [str(path)], "compare": compare}, check=True)


def test_a_migration_without_a_collector_says_how_to_name_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    (tmp_path / "a.yaml").write_text(OLD)
    with pytest.raises(Problem, match=r"there is no Collector to compare the configs: .*`compare.binary`"):
        migrate(tmp_path / "a.yaml", {"binary": "auto", "before": None})
    assert "compared" not in migrate(tmp_path / "a.yaml", None)


def test_the_old_form_runs_in_the_collector_of_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[tuple[str, list[str]]] = []

    def compared(old: Any, new: Any, case: Any) -> dict[str, Any]:
        ran.extend((one.program, list(one.config["exporters"])) for one in (old, new))
        return {"given": case.given}

    monkeypatch.setattr(comparing, "compare_case", compared)
    (tmp_path / "a.yaml").write_text(OLD)
    (tmp_path / "same.yaml").write_text(OLD.replace("logging", "debug"))
    folders = [tmp_path / name for name in ("new", "old")]
    for folder in folders:
        folder.mkdir()
    new, old = (program(folder, "exit 1") for folder in folders)
    result = migrate(tmp_path / "a.yaml", {"binary": new, "before": old})
    assert [row["config"] for row in result["compared"]] == [str(tmp_path / "a.yaml")]
    assert ran == [(old, ["logging"]), (new, ["debug"])]


@pytest.mark.parametrize("before", [True, False])
def test_a_config_that_stays_is_compared_if_another_collector_ran_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    monkeypatch.setattr(comparing, "compare_case", lambda _old, _new, _case: {})
    (tmp_path / "same.yaml").write_text(OLD.replace("logging", "debug"))
    new = program(tmp_path, "exit 1")
    result = migrate(tmp_path / "same.yaml", {"binary": new, "before": new if before else None})
    assert (result["changes"], len(result["compared"])) == ([], int(before))


def test_two_forms_of_which_nothing_leaves_are_not_the_same(tmp_path: Path) -> None:
    """A renamed receiver is the one at its place; a Collector that sends nothing proves nothing."""
    (tmp_path / "a.yaml").write_text(OLD.replace("otlp", "fluentforward").replace("traces", "logs"))
    (tmp_path / "b.yaml").write_text("receivers: {otlp: {}}\nexporters: [\nservice: {pipelines: {}}")
    binary = program(tmp_path, WORKS)
    rows = migrate(tmp_path, {"binary": binary, "before": None, "isolation": "none"})["compared"]
    assert [(row["same"], row["why"]) for row in rows] == [
        (False, "no record leaves either form, so nothing was compared. Give records with a test"),
        (False, "it could not be read"),
    ]
