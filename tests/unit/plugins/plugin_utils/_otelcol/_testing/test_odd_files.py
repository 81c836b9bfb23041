# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file of tests with something odd is a failed test with its place; the others run, and the report is written."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._testing import run_case
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._testing.collector_setup import CollectorSetup

from tests.support.cases import cases

from .test_config_tests import WORKS, program, report

GOOD = "{config: a.yaml, tests: [{name: good, given: {spans: [{}]}, expect: {debug: nothing}}]}"


def odd_file(given: str = "{spans: [{}]}", expect: str = "nothing", more: str = "", name: str = "odd") -> str:
    return f"{{config: a.yaml, {more} tests: [{{name: {name}, given: {given}, expect: {{debug: {expect}}}}}]}}"


def span(fields: str) -> str:
    return odd_file(f"{{spans: [{{{fields}}}]}}")


def query(text: str) -> str:
    return odd_file(expect=f"{{jmespath: [{text}]}}")


@cases(
    "content, said",
    (odd_file('{headers: {"a\\nb": c}}'), "'a\\nb' is no name of a header (at "),
    (odd_file('{headers: {a: "b\\r\\nc"}}'), "the value of header 'a' has a line end"),
    (odd_file("{headers: {a: \U0001f600}}"), "or a character outside of ISO 8859-1"),
    (odd_file(more='environment: {A: "b\\0c"},'), "variable 'A' has a NUL character"),
    (odd_file(more='environment: {"A=B": c},'), "'A=B' is no name of a variable"),
    (odd_file(more=f"environment: {{A: {'x' * 300_000}}},"), "variable 'A' has more than 128 KiB"),
    (odd_file("{files: {/: x}}"), "the path '/' is a folder, not a file"),
    (odd_file("{files: {/a: x, /a/b: y}}"), "/a is a file, and a folder of /a/b"),
    (odd_file('{files: {"/a\\0": x}}'), "has a NUL character"),
    (odd_file("{files: {/../a: x}}"), "the path '/../a' leaves its folder"),
    (odd_file(f"{{files: {{/{'a' * 300}: x}}}}"), "has a name of more than 255 bytes"),
    (odd_file(name="odd, timeout: .inf"), "'timeout' is not a number of seconds from 0 to 3600"),
    (odd_file(name="odd, settle: .nan"), "'settle' is not a number of seconds"),
    (odd_file(name=f"odd, timeout: 1{'0' * 400}"), "'timeout' is not a number of seconds"),
    (query(f"{{query: '{'[' * 1500}a{']' * 1500}', is: 1}}"), "nests too deep"),
    (query("{is: 1}"), "an expression has a text `query`, and what it `is`"),
    (query("{query: 3, is: 1}"), "an expression has a text `query`"),
    (odd_file(expect="{jmespath: abc}"), "'jmespath' is no list"),
    (odd_file(expect='{golden: "a\\0b"}'), "'golden' is no path of a file"),
    (odd_file(expect="{golden: /etc/passwd}"), "/etc/passwd is outside of the folders of the tests"),
    (odd_file(expect="{golden: ../other/a.yml}"), "is outside of the folders of the tests"),
    (odd_file(expect="{golden: link.yml}"), "is outside of the folders of the tests"),
    (odd_file().replace("a.yaml", '"a\\0b"'), "'config' is no path of a file"),
    (odd_file().replace("a.yaml", "[a]"), "'config' is no path of a file"),
    (odd_file().replace("a.yaml", "/etc/passwd"), "there is no collector config in /etc/passwd"),
    (odd_file("{spans: 3}"), "'spans' is no list"),
    (span("resource: a"), "'resource' must be a mapping"),
    (span("events: abc"), "'events' must be a list of mappings"),
    (span("events: [{attributes: [a]}]"), "'attributes' must be a mapping (at "),
    (span("scope: {attributes: [a]}"), "tests[0].given.spans[0].scope"),
    (odd_file(expect="{spans: [3]}"), "this must be a mapping"),
    ("{confg: a.yaml}", "there is no key 'confg'; did you mean 'config'?"),
    ("a: [", "this is not valid YAML"),
    ("config: a.yaml\ntests: [{name: a}]\ntests: []\n", "odd_test.yml:3:1 tests: this key stands twice"),
    (odd_file("{spans: [{}], spans: []}"), "tests[0].given.spans: this key stands twice"),
    ("", "this must be a mapping"),
    ("&a {config: *a}", "a part of it contains itself"),
)
def test_it_is_a_failed_test_and_stops_no_other(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "link.yml").symlink_to("/etc/passwd")
    odd, output = tmp_path / "odd_test.yml", tmp_path / "report.xml"
    odd.write_text(content)
    with pytest.raises(Problem) as problem:
        report(tmp_path, program(tmp_path, WORKS), GOOD, output_path=str(output))
    found = {Path(row["file"]).name: row for row in problem.value.facts["tests"]}
    assert found["a_test.yml"]["passed"], found["a_test.yml"]
    (line,) = found["odd_test.yml"]["differences"]
    assert said in line
    assert "/root:" not in line
    cases_of = {case.get("classname"): case for case in ET.parse(output).iter("testcase")}
    assert set(cases_of) == {str(tmp_path / "a_test.yml"), str(odd)}
    assert cases_of[str(odd)].find("failure") is not None


def test_what_nobody_foresaw_stops_one_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    once = run_case._run_once

    def failing(given: CollectorSetup, case: object, pace: int) -> run_case.RunOutcome:
        if "odd" in str(case):
            raise KeyError("a secret")
        return once(given, case, pace)

    monkeypatch.setattr(run_case, "_run_once", failing)
    (tmp_path / "odd_test.yml").write_text(odd_file())
    with pytest.raises(Problem) as problem:
        report(tmp_path, program(tmp_path, WORKS), GOOD)
    assert [row["passed"] for row in problem.value.facts["tests"]] == [True, False]
    assert "running the test failed with KeyError" in str(problem.value)
    assert "a secret" not in str(problem.value)


def test_the_report_has_times_and_files_as_the_reader_knows_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    report(tmp_path, program(tmp_path, WORKS), GOOD, output_path="report.xml")
    (suite,) = ET.parse("report.xml").iter("testsuite")
    (case,) = suite
    assert (case.get("classname"), case.get("name")) == ("a_test.yml", "good")
    assert 0 < float(case.get("time", "0")) <= float(suite.get("time", "0"))
