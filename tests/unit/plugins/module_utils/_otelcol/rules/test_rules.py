# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.catalogue.field_grammar import LABEL_SIGN
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.catalogue.rows import OPEN_MAPPING
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.compose import compose
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.paths import Position
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem, limit_suggestions
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules import rules
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules import setting_fields as fields
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.build_facts import (
    Build,
    TargetBuild,
    build_of,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.configured_components import (
    ConfiguredComponent,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.constraint_rows import make_constraint
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.findings import (
    SEVERITIES,
    Finding,
    run_rules,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.rule_definitions import (
    ABOUT_EVERYTHING,
    Fault,
    Rule,
    about,
    define_rules,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.rules import RULES, lint_config
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.settings_cache import (
    find_in_components,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.subject import (
    Deployment,
    Subject,
    once_per_subject,
)
from hypothesis import given
from hypothesis import strategies as st

from ...helpers import CATALOGUE, CONFIG, rows, user
from ...strategies import anything, configs
from .cases import BY_ID, Case, cases, check, findings, target

TABLES = sorted(Path(__file__).parent.glob("*_cases.py"))
# A check returns its faults and takes a subject.
CHECK = ["Iterator[Fault]", "subject"]
CASES = [case for table in TABLES for case in cases(import_module(f".{table.stem}", __package__).CASES)]
SECRETS = [case for case in CASES if case.rule == "plaintext-secret" and case.path is not None]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_rule_finds_exactly_this(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_has_a_good_and_a_bad_case_and_a_reason_that_is_a_sentence(rule: Rule) -> None:
    assert {case.path is None for case in CASES if case.rule == rule.id} == {True, False}
    assert rule.severity in SEVERITIES
    assert rule.reason.startswith("Yield ")
    assert rule.reason.endswith(".")


@pytest.mark.parametrize("path", sorted(Path(rules.__file__).parent.glob("*.py")), ids=lambda path: path.stem)
def test_every_check_is_in_the_table_of_rules(path: Path) -> None:
    functions = [node for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)]
    checks = {
        node.name.replace("_", "-")
        for node in functions
        if not node.name.startswith("_")
        and [node.returns and ast.unparse(node.returns), *(one.arg for one in node.args.args)] == CHECK
    }
    lost = sorted(checks - {rule.id for rule in RULES})
    assert lost == [], "name them in RULES at the end of the file, and a new file in _TOPICS of rules.py"


def test_rules_have_ids_of_their_own_and_what_the_collector_itself_refuses_is_an_error() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert {rule.severity for rule in RULES if rule.shared} == {"error"}


def test_a_rule_that_has_nothing_to_look_at_is_not_asked() -> None:
    asked: list[str] = []

    @about("custom_resource")
    def of_a_resource(_subject: Subject) -> Iterator[Fault]:
        """Yield nothing."""
        asked.append("resource")
        yield from ()

    @about(exporters=["debug"])
    def of_debug(_subject: Subject) -> Iterator[Fault]:
        """Yield nothing."""
        asked.append("debug")
        yield from ()

    table = define_rules("error", of_a_resource, of_debug)
    run_rules(table, Subject({"exporters": {"debug": {}}}))  # no pipeline starts it
    assert asked == []
    started = {"traces": {"exporters": ["debug"]}}
    run_rules(
        table, Subject({"exporters": {"debug": {}}, "service": {"pipelines": started}}, custom_resource={"spec": {}})
    )
    assert asked == ["resource", "debug"]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_rule_finds_nothing_in_what_it_is_not_about(case: Case) -> None:
    one = Subject(case.config, listeners=CATALOGUE.listeners, **case.more)
    asked = [replace(rule, precondition=ABOUT_EVERYTHING) for rule in RULES if rule.precondition != ABOUT_EVERYTHING]
    assert run_rules(asked, one) == [item for item in lint_config(one) if item.rule in {rule.id for rule in asked}]


@pytest.mark.parametrize("row", CATALOGUE.constraint_rows, ids=lambda row: row["at"])
def test_a_constraint_finds_nothing_where_none_of_its_keys_is_given(row: dict[str, Any]) -> None:
    made = make_constraint(row)
    for finds, asked in made[0].checks if made and made[0].needed_keys else ():
        for settings in ({}, [], None, 1):
            assert list(finds(asked, settings, ("receivers", "a"), row)) == []


def test_what_rules_share_is_found_once() -> None:
    found: list[Any] = []

    @once_per_subject
    def keys(one: Subject) -> Iterator[str]:
        found.append(one.config)
        yield from one.config

    here = Subject({"receivers": {}})
    assert keys(here) == keys(here) == ("receivers",)
    assert keys(Subject({"exporters": {}})) == ("exporters",)
    assert found == [{"receivers": {}}, {"exporters": {}}]


@pytest.mark.parametrize(
    "first, second", [(1, "1"), (1, True), (1, 1.0), ({"a": 1, "b": 2}, {"b": 2, "a": 1})], ids=str
)
def test_what_settings_tell_is_found_once_for_a_build(first: Any, second: Any) -> None:
    asked: list[Any] = []

    def told(_build: Build, component: ConfiguredComponent) -> Iterator[str]:
        asked.append(component.settings)
        yield repr(component.settings)

    def answers(settings: Any, build: TargetBuild | None) -> list[str]:
        one = Subject({"exporters": {"debug": settings}}, target=build)
        found = find_in_components(one, told)
        return [answer for component, answer in found if component.config_path == ("exporters", "debug")]

    build_of(target()).cached_answers.clear()
    for settings in (first, second, first):
        assert answers({"x": settings}, target()) == [repr({"x": settings})]
    assert [one for one in asked if one] == [{"x": first}, {"x": second}]
    assert answers({"x": first}, None) == []
    long = {"x": "a" * 5000}  # is not kept
    assert answers(long, target()) == answers(long, target())
    assert asked.count(long) == 2


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_is_remembered_of_other_configs_changes_no_finding(case: Case) -> None:
    def judged(config: Any, **more: Any) -> list[Finding]:
        return lint_config(Subject(config, listeners=CATALOGUE.listeners, **{**case.more, **more}))

    build = case.more.get("target")
    if build:
        build_of(build).cached_answers.clear()
    fresh = judged(case.config)
    if isinstance(case.config, dict):  # the same settings, without pipelines and where the operator completes them
        judged({**case.config, "service": {}})
        judged(case.config, deployment=Deployment("statefulset", has_target_allocator=True))
    assert judged(case.config) == fresh


def test_rules_that_share_a_walk_all_say_that_it_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_asked: Any) -> Iterator[Fault]:
        raise ValueError

    monkeypatch.setattr(fields, "find_setting_faults", fail)
    found = run_rules(fields.RULES, Subject({"exporters": {"debug": {"verbosit": 1}}}, target=target()))
    assert [item.rule for item in found] == ["internal-error"] * len(fields.RULES)


def test_what_must_not_be_shown_is_compared_with_no_known_word() -> None:
    secret = {"exporters": {"otlp": {"headers": {"authorization": "Bearer ${vaultt:a}b"}}}}
    with limit_suggestions(100) as limit:
        (found,) = BY_ID["unknown-scheme"].check(Subject(secret, target=target()))
    assert (found.message, limit.remaining) == ("the scheme of a `${…}` here is unknown", 100)


def test_a_correct_config_has_nothing_to_mend() -> None:
    assert [finding for finding in lint_config(Subject(CONFIG)) if finding.severity != "info"] == []


def test_findings_come_in_the_order_of_their_places() -> None:
    rule = Rule("r", "error", "", lambda _subject: [Fault(("b",), "two"), Fault(("a",), "one"), Fault(("c",), "three")])
    places = {("a",): Position("f", 10), ("b",): Position("f", 9), ("c",): Position("e", 99)}
    found = run_rules([rule], Subject({}, places.__getitem__))
    assert [str(item.position) for item in found] == ["e:99", "f:9", "f:10"]


def test_a_finding_reads_as_one_line() -> None:
    place = Position("a.yml", 3, 5)
    finding = Finding(place, "service.pipelines", "no-pipelines", "error", "there is none", "Add one.")
    assert str(finding) == "a.yml:3:5 service.pipelines: error [no-pipelines] there is none. Add one."
    assert finding.as_dict() == rows("""
      {rule: no-pipelines, severity: error, file: a.yml, line: 3, column: 5, path: service.pipelines,
       message: there is none, fix: Add one.}
    """)


def test_a_long_key_is_cut_in_every_part_of_a_finding() -> None:
    found = run_rules(
        [Rule("r", "error", "", lambda _subject: [Fault(("k" * 1_000_000,), "m" * 9_000, "f" * 9_000)])], Subject({})
    )
    assert all(len(text) < 1_200 for text in found[0].as_dict().values() if isinstance(text, str))


def test_a_second_key_is_reported_where_it_stands() -> None:
    twice = Position("a.yml", 9, 3)
    given_twice = Subject(
        CONFIG, lambda _path: Position("a.yml", 2, 3), duplicate_keys=((("receivers", "otlp"), twice),)
    )
    assert twice in [finding.position for finding in lint_config(given_twice) if finding.rule == "duplicate-key"]


@given(configs)
def test_nothing_that_is_written_crashes_the_rules(config: Any) -> None:
    for finding in lint_config(Subject(config, variable_names=frozenset({"Y"}))):
        assert finding.message
        assert str(finding)


@given(configs, configs)
def test_nothing_that_is_composed_crashes_the_rules(one: Any, two: Any) -> None:
    try:
        composed = compose([user(layer) for layer in (one, two) if isinstance(layer, dict)])
    except Problem:
        return
    for finding in lint_config(Subject(composed.config, composed.locate)):
        assert str(finding)


@given(configs)
def test_no_config_crashes_the_rules_that_know_the_build(config: Any) -> None:
    for finding in lint_config(Subject(config, target=target())):
        assert str(finding)


ROWS = [row for row in CATALOGUE.field_rows if "type" in row]


@given(st.sampled_from(ROWS), st.data())
def test_no_settings_crash_the_rules(row: dict[str, Any], data: st.DataObject) -> None:
    known = row["fields"] if isinstance(row["fields"], dict) else {}
    settings = data.draw(st.dictionaries(st.sampled_from([*known, "x", "...", "*"]), anything, max_size=4) | anything)
    for check_of in (item.check for item in fields.RULES):
        for fault in check_of(Subject({row["section"]: {row["type"]: settings}}, target=target())):
            assert fault.message


DOUBTED = [row for row in ROWS if "doubt" in row]
CLOSED = [row for row in DOUBTED if OPEN_MAPPING not in row["fields"]]


def faults_of(row: dict[str, Any], settings: Any) -> list[Fault]:
    renamed = CATALOGUE.find_rename(row["section"], row["type"])
    new = CATALOGUE.find_component(row["section"], row["type"], "contrib", "0.158.0")
    build = target("contrib 0.158.0" if new or renamed else "contrib 0.159.0")
    config = {row["section"]: {row["type"] if new or not renamed else renamed.old_name: settings}}
    return [fault for rule in fields.RULES for fault in rule.check(Subject(config, target=build))]


@pytest.mark.parametrize("row", CLOSED, ids=lambda row: f"{row['section']}/{row['type']}")
def test_settings_that_no_decoder_confirmed_are_only_warned_of(row: dict[str, Any]) -> None:
    found = faults_of(row, {"no_such_key": 1, "timeout": ["x"], "tls": 1, "endpoint": {}})
    own = [fault for fault in found if fault.path[-1] == "no_such_key"]
    assert [fault.severity for fault in own] == ["warning"]
    assert row["doubt"] in own[0].message
    assert {fault.severity for fault in found if fault.message.endswith(f"({row['doubt']})")} == {"warning"}


@pytest.mark.parametrize(
    "row", [row for row in DOUBTED if row not in CLOSED], ids=lambda row: f"{row['section']}/{row['type']}"
)
def test_of_a_component_that_may_take_more_only_known_settings_are_judged(row: dict[str, Any]) -> None:
    assert faults_of(row, {"no_such_key": 1}) == []
    assert {fault.severity for fault in faults_of(row, [])} == {"warning"}


def test_every_label_of_the_table_is_defined() -> None:
    def labels(node: Any) -> set[str]:
        if isinstance(node, str):
            return {node} if node.startswith(LABEL_SIGN) else set()
        children = node[1:] if isinstance(node, list) else node.values()
        return set().union(*(labels(child) for child in children))

    used = set().union(*(labels(row["fields"]) for row in CATALOGUE.field_rows))
    assert used == set(CATALOGUE.shared_fields)


@pytest.mark.parametrize("case", SECRETS, ids=str)
def test_the_value_is_never_told(case: Case) -> None:
    for finding in findings(case):
        assert "horse" not in str(finding.as_dict())
        assert "horse" not in str(finding)


@given(
    st.text(min_size=6, alphabet="abcdefghijkmnopqrstuvwxyz0123456789:/@ "),
    st.sampled_from(["password", "dsn", "endpoint"]),
)
def test_no_value_at_all_is_told(value: str, key: str) -> None:
    secret = f"zq{value}qz"
    settings = {key: f"https://me:{secret}@host", "headers": {"authorization": secret}, "token": secret}
    for finding in findings(Case("plaintext-secret", "any", {"exporters": {"x": settings}})):
        assert secret not in str(finding)


def test_a_variable_of_another_service_is_a_doubt_and_one_that_nobody_sets_an_error() -> None:
    config = {"receivers": {"otlp": {"protocols": {"grpc": {"endpoint": "${env:A_SERVICE_HOST}:${env:PORT}"}}}}}
    found = run_rules([BY_ID["missing-variable"]], Subject(config, variable_names=frozenset()))
    assert [(item.severity, item.message.split()[1]) for item in found] == [
        ("error", "PORT"),
        ("warning", "A_SERVICE_HOST"),
    ]


@pytest.mark.parametrize(
    ("build", "section", "kind", "severity"),
    [
        ("contrib 0.165.0", "exporters", "logging", "error"),
        ("core 0.165.0", "exporters", "jaeger", "error"),
        ("k8s 9.0.0", "exporters", "loki", "error"),
        ("adot 0.165.0", "exporters", "sapm", "error"),
        ("core 0.160.0", "processors", "transform", "error"),
        ("contrib 0.165.0", "exporters", "no_such_exporter", "error"),
        ("contrib 9.0.0", "processors", "bacth", "error"),
        ("contrib 0.165.0", "receivers", "batch", "error"),
        ("contrib 9.0.0", "exporters", "no_such_exporter", "warning"),
        ("contrib 0.165.0", "processors", "queue_batch", "warning"),
        ("redhat 0.165.0", "exporters", "elasticsearch", "warning"),
        ("core 0.90.0", "exporters", "awsemf", "warning"),
        ("acme 0.165.0", "exporters", "logging", "warning"),
    ],
)
def test_what_no_build_has_is_an_error_at_versions_whose_list_nobody_knows(
    build: str, section: str, kind: str, severity: str
) -> None:
    asked = Subject({section: {kind: {}}}, target=target(build))
    types = ("unknown-component", "removed-component", "wrong-class")
    assert [item.severity for item in run_rules([BY_ID[name] for name in types], asked)] == [severity]


@pytest.mark.parametrize(
    ("build", "settings", "severity"),
    [
        ("contrib 0.158.0", {"tabel": []}, "error"),
        ("contrib 0.158.0", {"no_such_key": []}, "warning"),
        ("contrib 0.165.0", {"tabel": []}, "warning"),
    ],
)
def test_a_misspelt_key_is_an_error_where_the_release_beside_has_it(build: str, settings: Any, severity: str) -> None:
    asked = Subject({"connectors": {"routing": settings}}, target=target(build))
    found = run_rules([BY_ID["unknown-field"]], asked)
    assert [item.severity for item in found] == [severity]


def test_each_exporter_without_a_signature_is_found_once() -> None:
    domain = "eu-west-1.amazonaws.com"
    both = {"traces_endpoint": f"https://xray.{domain}/v1/traces", "logs_endpoint": f"https://logs.{domain}/v1/logs"}
    exporters = {"otlp_http": both, "otlp_http/two": {"logs_endpoint": both["logs_endpoint"]}}
    pipelines = {"traces": {"receivers": ["otlp"], "exporters": list(exporters)}}
    config = {"exporters": exporters, "service": {"pipelines": pipelines}}
    found = run_rules([BY_ID["signature-missing"]], Subject(config))
    assert [finding.path for finding in found] == [
        "exporters.otlp_http.traces_endpoint",
        "exporters.otlp_http/two.logs_endpoint",
    ]
