# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The language of users' own rules: paths, conditions, and what a rule finds."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.catalogue.catalogue import Catalogue
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.paths import Position, format_path
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules import user_rules
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.build_facts import TargetBuild
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.findings import run_rules
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.subject import Deployment, Subject
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.user_conditions import (
    CONDITION_KINDS,
    Conditions,
    is_optional,
    read_condition,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.user_paths import (
    MISSING,
    find_last_existing_path,
    find_path_matches,
    parse_path_steps,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.user_rules import (
    MOST_FAULTS,
    Budget,
    PathConditions,
    Undecided,
    UserRule,
    When,
)

from tests.support.cases import cases

CONFIG = {
    "exporters": {"otlp": {"tls": {"insecure": True}}, "otlp/b.c": None, "debug": {}},
    "processors": {"resource": {"attributes": [{"key": "a"}, {"key": "b"}]}},
    "service": {"pipelines": {"traces": {"processors": ["memory_limiter", "batch"]}, "logs/x": {}}},
}


@cases(
    "path, found",
    (".", [""]),
    ("exporters.otlp", ["exporters.otlp"]),
    ("exporters.otlp*", ["exporters.otlp", "exporters.otlp/b.c"]),
    ("exporters.?tlp", ["exporters.otlp"]),
    ("exporters.*.tls.insecure", ["exporters.otlp.tls.insecure"]),
    ('exporters."otlp/b.c"', ["exporters.otlp/b.c"]),
    (
        "*.resource.attributes[*].key",
        ["processors.resource.attributes[0].key", "processors.resource.attributes[1].key"],
    ),
    ("processors.resource.attributes[-1].key", ["processors.resource.attributes[1].key"]),
    (
        "processors.resource.attributes.*.key",
        ["processors.resource.attributes[0].key", "processors.resource.attributes[1].key"],
    ),
    ("exporters[*].tls", ["exporters.otlp.tls"]),
    ("processors.resource.attributes[2]", []),
    ("processors.resource.attributes[-3]", []),
    ("exporters[0]", []),
    ("exporters.[o]", None),
    ("", None),
    ("a..b", None),
    ("a.", None),
    ("a[x]", None),
    ("a" * 301, None),
    (".".join("a" * 21), None),
)
def test_a_path_leads_to_places(path: str, found: list[str] | None) -> None:
    if found is None:
        with pytest.raises(Problem, match="path"):
            parse_path_steps(path)
    else:
        assert [format_path(place) for place, _value in find_path_matches(CONFIG, parse_path_steps(path))] == found


def test_what_is_missing_is_at_the_last_thing_that_exists() -> None:
    assert find_last_existing_path(CONFIG, parse_path_steps("exporters.otlp.tls.ca_file"), ()) == (
        "exporters",
        "otlp",
        "tls",
    )
    assert find_last_existing_path({"b": 1}, parse_path_steps("c"), ("a",)) == ("a",)


ENDPOINT = "https://user:pw@api.acme.example:4317/v1"


@cases(
    "name, operand, holding, failing",
    ("present", True, [1, None, "${env:A}"], [MISSING]),
    ("present", False, [MISSING], [None, 0]),
    ("equals", True, [True], [1, "true", None, MISSING]),
    ("equals", 1, [1, 1.0], [True, "1"]),
    ("equals", None, [None], [MISSING, ""]),
    ("differs", True, [False, 1, None, MISSING], [True]),
    ("like", ["a*", "x[1]"], ["a", "abc", "x[1]"], ["ba", "x1", None, MISSING, []]),
    ("like", "5?", [50, "55"], [5, 500]),
    ("like", "true", [True], [False]),
    ("unlike", ["0.0.0.0:*"], ["localhost:1", None, MISSING], ["0.0.0.0:1"]),
    (
        "host",
        ["*.acme.example"],
        [ENDPOINT, "b.acme.example:1"],
        ["acme.example.com:1", "https://x/.acme.example", MISSING],
    ),
    (
        "contains",
        ["redaction"],
        [["a", "redaction"], ["redaction/x"], {"redaction": 1}],
        [["redactions"], [], None, MISSING],
    ),
    ("lacks", ["debug"], [["otlp"], None, MISSING], [["debug/x"]]),
    ("only", ["otlp", "debug/x"], [["otlp/1", "debug/x"], []], [["debug"], ["kafka"], MISSING]),
    ("at_least", 10, [10, "10", 11.5], [9, MISSING]),
    ("at_most", "1m", ["30s", "60s", "5\u03bcs"], ["61s", "1h", MISSING]),
    ("variable", True, ["${env:A}", "a${env:A}"], ["a", 1, MISSING]),
    ("variable", False, ["a", None], ["${env:A}", MISSING]),
)
def test_a_condition_holds_or_not(name: str, operand: Any, holding: list[Any], failing: list[Any]) -> None:
    asked = read_condition(name, operand)
    assert [value for value in holding if asked.holds(value, {}) is not True] == []
    assert [value for value in failing if asked.holds(value, {}) is not False] == []


def test_every_condition_has_a_case() -> None:
    (mark,) = test_a_condition_holds_or_not.pytestmark  # type: ignore[attr-defined]
    assert {row[0] for row in mark.args[1]} == CONDITION_KINDS.keys()


@cases(
    "name, operand, value",
    ("equals", "a", "${env:A}"),
    ("like", "a", "${env:A:-a}"),
    ("host", "a", "${env:A}:4317"),
    ("host", "a", "unix:///run/a.sock"),
    ("at_least", 1, "${env:A}"),
    ("contains", "a", ["b", "${env:A}"]),
    ("lacks", "a", ["b", "${env:A:-a}"]),
    ("only", "b", ["b", "${env:A}"]),
)
def test_what_is_not_known_is_not_judged(name: str, operand: Any, value: Any) -> None:
    assert read_condition(name, operand).holds(value, {}) is None


@cases(
    "name, operand, value",
    ("host", "a", 1),
    ("host", "a", ""),
    ("host", "ok.example", "https://evil.example#@ok.example"),
    ("host", "ok.example", "https://evil.example?@ok.example"),
    ("host", "ok.example", "https://evil.example\\@ok.example"),
    ("at_least", 1, "30s"),
    ("at_least", 1, None),
    ("at_most", 1, "much"),
    ("at_most", "10s", 60),
    ("at_most", 25, "100%"),
)
def test_what_is_of_another_kind_does_not_meet_a_condition(name: str, operand: Any, value: Any) -> None:
    assert read_condition(name, operand).holds(value, {}) is False


def test_a_variable_that_is_a_whole_value_is_read_as_yaml() -> None:
    assert read_condition("differs", True).holds("${env:X}", {"X": "true"}) is False
    assert read_condition("equals", 500).holds("${env:N}", {"N": "500"}) is True
    assert read_condition("equals", "a500").holds("a${env:N}", {"N": "500"}) is True


def test_a_variable_that_is_given_as_text_is_known() -> None:
    asked = read_condition("host", ["*.acme.example"])
    assert [asked.holds("${env:HOST}:1", {"HOST": host}) for host in ("a.acme.example", "b.example")] == [True, False]


@cases(
    "name, items, literals, answer",
    ("contains", ["a", "${env:A}"], {}, True),
    ("lacks", ["a", "${env:A}"], {}, False),
    ("only", ["b", "${env:A}"], {}, False),
    ("contains", ["b", "${env:A}"], {"A": "a"}, True),
    ("lacks", ["b", "${env:A}"], {"A": "c"}, True),
    ("only", ["a", "${env:A}/1"], {"A": "a"}, True),
    ("contains", {"${env:A}": 1}, {}, False),
)
def test_an_item_that_is_known_decides_beside_a_variable(
    name: str, items: Any, literals: dict[str, str], answer: bool
) -> None:
    assert read_condition(name, ["a"]).holds(items, literals) is answer


def test_what_is_optional_may_be_missing() -> None:
    asked = Conditions((read_condition("at_most", 1),), is_optional(True))
    assert [asked.hold(value, {}) for value in (MISSING, 1, 2)] == [True, True, False]


@cases(
    "name, operand",
    ("presen", True),
    ("present", "yes"),
    ("equals", []),
    ("like", 1),
    ("like", []),
    ("like", [""]),
    ("like", ["a" * 301]),
    ("at_most", "much"),
    ("at_most", True),
    ("at_most", float("nan")),
    ("at_most", 10**400),
    ("at_least", float("inf")),
)
def test_a_wrong_condition_is_refused(name: str, operand: Any) -> None:
    with pytest.raises(Problem):
        read_condition(name, operand)


def rule(path: str, **more: Any) -> UserRule:
    require = more.pop("require", {".": {"present": False}})
    looks = tuple(
        PathConditions(parse_path_steps(text), Conditions(tuple(read_condition(*pair) for pair in asked.items())))
        for text, asked in require.items()
    )
    given = {"id": "acme", "severity": "error", "message": "{name} at {path}", "fix": "Mend {name}."}
    return UserRule(
        **given, path=path, steps=parse_path_steps(path), position=Position("r.yml", 2, 5), require=looks, **more
    )


def found(asked: UserRule, **subject: Any) -> list[str]:
    return [f"{one.path}: {one.message}" for one in run_rules([asked.rule()], Subject(**{"config": CONFIG, **subject}))]


def test_a_rule_finds_each_place_where_something_does_not_hold() -> None:
    asked = rule("exporters.*", require={"tls.insecure": {"equals": False}}, except_types=frozenset({"debug"}))
    assert found(asked) == [
        "exporters.otlp.tls.insecure: otlp at exporters.otlp",
        "exporters.otlp/b.c: otlp/b.c at exporters.otlp/b.c",
    ]


def test_types_choose_components_under_any_name() -> None:
    assert found(rule("exporters.*", types=frozenset({"debug"}))) == ["exporters.debug: debug at exporters.debug"]


def test_where_chooses_places() -> None:
    where = (PathConditions(parse_path_steps("processors"), Conditions((read_condition("contains", "batch"),))),)
    assert found(rule("service.pipelines.*", where=where)) == [
        "service.pipelines.traces: traces at service.pipelines.traces"
    ]


TARGET = TargetBuild(Catalogue((), ()), "k8s", "0.150.0")


@cases(
    "when, applies",
    (When(), True),
    (When(modes=("daemonset",)), True),
    (When(modes=("sidecar",)), False),
    (When(distributions=("k8s",)), True),
    (When(distributions=("contrib",)), False),
    (When(versions="0.110.0.."), True),
    (When(versions="0.110.0..0.150.0"), False),
    (When(components=(("processors", "batch"),)), False),
    (When(pipelines=("traces",)), True),
    (When(pipelines=("logs",)), False),
    (When(pipelines=("logs/*",)), True),
)
def test_when_says_for_which_configs_a_rule_is(when: When, applies: bool) -> None:
    deployment = Deployment("daemonset")
    assert bool(found(rule("exporters.debug", when=when), target=TARGET, deployment=deployment)) is applies


def test_a_build_and_a_mode_that_are_not_known_fit_nothing() -> None:
    for when in (When(modes=("daemonset",)), When(versions="0.1.0.."), When(distributions=("k8s",))):
        assert found(rule("exporters.debug", when=when)) == []


def test_components_are_those_that_are_started() -> None:
    started = {"processors": {"batch": None}, **{key: CONFIG[key] for key in ("exporters", "service")}}
    asked = rule("exporters.debug", when=When(components=(("processors", "batch"),)))
    assert len(found(asked, config=started)) == 1


def test_a_rule_has_a_limit_of_findings() -> None:
    many = {"exporters": {f"debug/{number}": None for number in range(MOST_FAULTS + 50)}}
    said = found(rule("exporters.*"), config=many)
    assert len(said) == MOST_FAULTS + 1
    assert f": rule 'acme' finds more than {MOST_FAULTS} faults in this config, and the others are not shown" in said


@cases("answer, holds", (None, False), (False, False), ("", False), ([], False), ({}, False), (0, True), (True, True))
def test_an_expression_must_be_true(answer: Any, holds: bool) -> None:
    asked = rule("exporters.debug", require={}, expression=lambda _value, _budget: answer)
    assert (found(asked) == []) is holds


def test_an_expression_that_cannot_be_computed_is_told() -> None:
    def fails(_value: Any, _budget: Budget) -> Any:
        raise Undecided("length() does not take null")

    (said,) = found(rule("exporters.debug", require={}, expression=fails))
    assert said == "exporters.debug: rule 'acme' cannot be decided here: length() does not take null"


def test_what_cannot_be_decided_at_one_place_hides_no_fault_of_another() -> None:
    def is_decided(value: Any, _budget: Budget) -> Any:
        if value is None:
            raise Undecided("length() does not take null")
        return False

    config = {"exporters": {"otlp/a": {}, "debug": None, "otlp/b": {}}}
    said = found(rule("exporters.*", require={}, expression=is_decided), config=config)
    assert sorted(line.partition(":")[0] for line in said) == [
        "exporters.debug",
        "exporters.otlp/a",
        "exporters.otlp/b",
    ]


@pytest.mark.parametrize("config", [None, [], "text", {"exporters": []}, {"exporters": None}])
def test_a_config_of_another_shape_has_no_places(config: Any) -> None:
    assert found(rule("exporters.*"), config=config) == []


def test_a_rule_has_a_bound_over_all_places(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = 10_000
    monkeypatch.setattr(user_rules, "MOST_STEPS", steps)
    config = {"exporters": {f"otlp/{number}": {"endpoint": f"{number}.example"} for number in range(300)}}
    patterns = [f"*{number}.acme.example" for number in range(100)]
    dear = rule("exporters.*", require={"endpoint": {"unlike": patterns}})
    (said,) = found(dear, config=config)
    left = 300 - steps // (len(patterns) + 1)
    wrong = f"takes more than {steps} steps in this config, and did not look at {left} places"
    assert said == f": rule 'acme' {wrong}"
    cheap = rule("exporters.*", require={"endpoint": {"unlike": patterns[:10]}})
    assert found(cheap, config=config) == []
