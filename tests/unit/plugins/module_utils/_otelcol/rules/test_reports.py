# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.paths import Position
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.findings import Finding
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.report_model import (
    CheckedConfig,
    Report,
    SuppressedFinding,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.reports import FORMATS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.rule_definitions import Rule
from hypothesis import given
from hypothesis import strategies as st

ERROR = Finding(Position("dir/a b.yml", 3, 5), "exporters.x[0]", "bad-thing", "error", "it is 100% <bad>", "Fix it.")
WARNING = Finding(Position("c.yml", 1, 2), "", "odd-thing", "warning", "is it odd?")
INFO = Finding(Position(), "", "some-thing", "info", "so it is")
RULES = (
    Rule("bad-thing", "error", "Yield bad things.", lambda _subject: (), documentation="https://example.com/bad"),
    Rule("quiet-thing", "warning", "", lambda _subject: ()),
)
ACCEPTED = (SuppressedFinding(ERROR, 'known, "later"', True), SuppressedFinding(INFO, "so"))
CHECKED = (CheckedConfig("a b.yml", (ERROR,)), CheckedConfig("c.yml", (WARNING, INFO), ACCEPTED))
REPORT = Report(
    CHECKED, skipped_files=("d.yml",), rules=RULES, build_by_config={"a b.yml": "core 1.2.3", "c.yml": "core 1.2.3"}
)

TEXT = """\
info [some-thing] so it is.
c.yml:1:2: warning [odd-thing] is it odd?
dir/a b.yml:3:5 exporters.x[0]: error [bad-thing] it is 100% <bad>. Fix it.
info [some-thing] so it is. (suppressed: so)
dir/a b.yml:3:5 exporters.x[0]: error [bad-thing] it is 100% <bad>. Fix it. (suppressed: known, "later")
2 configs checked for core 1.2.3: 1 error, 1 warning, 1 info, 2 suppressed, 1 skipped
"""
GITHUB = """\
::notice title=some-thing::so it is.
::warning file=c.yml,line=1,col=2,title=odd-thing::is it odd?
::error file=dir/a b.yml,line=3,col=5,title=bad-thing::exporters.x[0]: it is 100%25 <bad>. Fix it.
"""


@pytest.mark.parametrize(("name", "text"), [("text", TEXT), ("github", GITHUB)])
def test_people_read_one_line_for_each_finding(name: str, text: str) -> None:
    assert FORMATS[name](REPORT) == text


def test_json_is_the_result() -> None:
    data = json.loads(FORMATS["json"](REPORT))
    assert data["counts"] == {"error": 1, "warning": 1, "info": 1, "suppressed": 2, "checked": 2, "skipped": 1}
    assert (data["checked"], data["skipped_files"]) == (["a b.yml", "c.yml"], ["d.yml"])
    assert data["suppressed"][1]["reason"] == 'known, "later"'


def test_junit_has_a_case_for_each_config() -> None:
    (suite,) = ElementTree.fromstring(FORMATS["junit"](REPORT))
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    first, second = suite
    assert (first.get("name"), [child.tag for child in first]) == ("a b.yml", ["failure"])
    assert "it is 100% <bad>" in (first[0].text or "")
    assert (second.get("name"), [child.tag for child in second]) == ("c.yml", ["system-out"])


def test_what_fails_is_what_was_asked_for() -> None:
    suites = [
        ElementTree.fromstring(FORMATS["junit"](Report(REPORT.checked_configs, fail_on=level)))[0].get("failures")
        for level in ("never", "error", "warning")
    ]
    assert suites == ["0", "1", "2"]


def test_sarif_has_rules_results_and_reasons() -> None:
    data = json.loads(FORMATS["sarif"](REPORT))
    (run,) = data["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert data["version"] == "2.1.0"
    assert [rule["id"] for rule in rules] == ["bad-thing", "quiet-thing", "some-thing", "odd-thing"]
    assert rules[0]["fullDescription"]["text"] == "Bad things."
    assert rules[0]["helpUri"] == "https://example.com/bad"
    assert all(result["ruleId"] == rules[result["ruleIndex"]]["id"] for result in run["results"])
    error = run["results"][2]
    assert error["level"] == "error"
    place = {"artifactLocation": {"uri": "dir/a%20b.yml"}, "region": {"startLine": 3, "startColumn": 5}}
    assert error["locations"][0]["physicalLocation"] == place
    kinds = [result["suppressions"][0]["kind"] for result in run["results"] if "suppressions" in result]
    assert kinds == ["external", "inSource"]
    assert run["results"][0]["locations"] == []


PLACES = st.builds(Position, st.text(), st.integers(0, 9), st.integers(0, 9))
RULE_IDS, LEVELS = st.sampled_from(["a", "b"]), st.sampled_from(["error", "warning", "info"])
FINDINGS = st.builds(Finding, PLACES, st.text(), RULE_IDS, LEVELS, st.text(), st.text())


@given(st.text(), FINDINGS, st.text(), st.sampled_from(sorted(FORMATS)))
def test_no_text_breaks_a_format(name: str, finding: Finding, reason: str, form: str) -> None:
    text = FORMATS[form](Report((CheckedConfig(name, (finding,), (SuppressedFinding(finding, reason),)),)))
    if form in ("json", "sarif"):
        json.loads(text)
    elif form == "junit":
        ElementTree.fromstring(text)
    elif form == "github":
        assert text.count("\n") == 1


def test_sarif_has_the_bytes_of_a_file_name_that_is_no_utf_8() -> None:
    finding = Finding(Position("b/\udcff\udcfe.yaml", 1, 1), "", "bad-thing", "error", "it is bad")
    log = json.loads(FORMATS["sarif"](Report([CheckedConfig("b", (finding,))], rules=RULES)))
    place = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "b/%FF%FE.yaml"
