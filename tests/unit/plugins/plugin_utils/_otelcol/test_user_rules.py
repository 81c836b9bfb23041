# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users' own rules in files: every fault is told with its place, and findings are as those of all rules."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules import user_rules
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.user_rule_files import MOST_RULES
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.user_rules import Budget, Undecided
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import (
    _findings,
    _jmespath,
    _user_rules,
    _validate,
)

from tests.support.cases import cases
from tests.support.growth import is_long

from ..helpers import VALIDATE

RULE = """\
rules:
  - id: acme-tls
    severity: error
    path: exporters.*
    require: {tls.insecure: {differs: true}}
    message: "'{name}' sends in clear text"
    fix: Remove it.
"""
CONFIG = """\
receivers: {otlp: {protocols: {grpc: }}}
exporters:
  otlp_grpc:
    endpoint: backend:4317
    tls: {insecure: true}
service: {pipelines: {traces: {receivers: [otlp], exporters: [otlp_grpc]}}}
"""


def load(tmp_path: Path, text: str) -> Any:
    (tmp_path / "r.yml").write_text(text)
    return _findings.load_own_rules([str(tmp_path)])


def refused(tmp_path: Path, text: str) -> str:
    with pytest.raises(Problem) as refusal:
        load(tmp_path, text)
    return str(refusal.value)


def report(tmp_path: Path, rule: str = RULE, config: str = CONFIG, **arguments: Any) -> dict[str, Any]:
    (tmp_path / "rules").mkdir(exist_ok=True)
    (tmp_path / "rules" / "r.yml").write_text(rule)
    (tmp_path / "config.yaml").write_text(config)
    given = {"paths": [str(tmp_path / "config.yaml")], "rule_paths": [str(tmp_path / "rules")], "fail_on": "never"}
    return _validate.validate_configs({**VALIDATE, **given, **arguments}, lambda _warning: None)


def of_rule(result: dict[str, Any], name: str = "acme-tls") -> list[dict[str, Any]]:
    return [finding for finding in result["findings"] if finding["rule"] == name]


def test_a_finding_has_its_place_and_the_rule_is_listed(tmp_path: Path) -> None:
    result = report(tmp_path)
    (finding,) = of_rule(result)
    assert (finding["severity"], finding["line"], finding["path"]) == ("error", 5, "exporters.otlp_grpc.tls.insecure")
    assert finding["message"] == "'otlp_grpc' sends in clear text"
    (listed,) = result["own_rules"]
    assert (listed["id"], listed["line"], listed["examples"]) == ("acme-tls", 2, 0)


def test_without_rules_nothing_is_listed(tmp_path: Path) -> None:
    assert "own_rules" not in report(tmp_path, rule_paths=[])


@cases(
    "arguments, severities",
    ({"severities": {"acme-tls": "info"}}, ["info"]),
    ({"severities": {"acme-tls": "off"}}, []),
    ({"suppressions": [{"rule": "acme-tls", "reason": "mesh", "path": "exporters.*"}]}, []),
    ({"profile": "production"}, ["error"]),
    ({"profile": "development"}, ["info"]),
    ({}, []),
)
def test_severities_profiles_and_suppressions_apply(
    tmp_path: Path, arguments: dict[str, Any], severities: list[str]
) -> None:
    rule = RULE + '    profiles: {default: "off", development: info}\n'
    assert [one["severity"] for one in of_rule(report(tmp_path, rule, **arguments))] == severities


@cases("profile, severity", ("development", "error"), ("default", "warning"), ("production", "info"))
def test_a_profile_may_raise_and_lower_the_severity_of_a_rule(tmp_path: Path, profile: str, severity: str) -> None:
    rule = RULE.replace("severity: error", "severity: warning")
    rule += "    profiles: {development: error, production: info}\n"
    assert [one["severity"] for one in of_rule(report(tmp_path, rule, profile=profile))] == [severity]


def test_a_comment_accepts_a_finding(tmp_path: Path) -> None:
    config = CONFIG.replace("insecure: true}", "insecure: true}  # o11y: ignore acme-tls the mesh encrypts it")
    result = report(tmp_path, config=config)
    assert of_rule(result) == []
    assert [one["rule"] for one in result["suppressed"] if one["rule"] == "acme-tls"] == ["acme-tls"]


def test_sarif_and_junit_have_the_rule(tmp_path: Path) -> None:
    rule = RULE + "    documentation: https://acme.example/tls\n"
    (run,) = json.loads(report(tmp_path, rule, format="sarif")["report"])["runs"]
    (described,) = (one for one in run["tool"]["driver"]["rules"] if one["id"] == "acme-tls")
    assert described["helpUri"] == "https://acme.example/tls"
    assert "[acme-tls]" in report(tmp_path, format="junit", fail_on="never")["report"]


def test_no_message_shows_a_secret(tmp_path: Path) -> None:
    config = CONFIG.replace("tls:", "headers: {authorization: Bearer hunter2hunter2}\n    tls:")
    rule = RULE.replace("sends in clear text", "has hunter2hunter2 in {path} {value}")
    text = json.dumps(report(tmp_path, rule, config))
    assert "{value}" in text
    assert "hunter2hunter2 in" not in json.dumps(of_rule(report(tmp_path, rule, config)))


def test_examples_that_hold_are_counted(tmp_path: Path) -> None:
    examples = "    examples: {good: [exporters: {debug: }], bad: [exporters: {otlp: {tls: {insecure: true}}}]}\n"
    (rule,) = load(tmp_path, RULE + examples).as_list()
    assert rule["examples"] == 2


OTHER = RULE.replace("rules:\n", "")


@cases(
    "text, says",
    ("rule: []", "r.yml:1:1 rule: there is no key 'rule'; did you mean 'rules'?"),
    ("[]", "this must be a mapping"),
    ("rules: x", "r.yml:1:1 rules: this must be a list"),
    ("rules: [x]", "r.yml:1:9 rules[0]: this must be a mapping"),
    (RULE + "    sevrity: x\n", "r.yml:8:5 rules[0].sevrity: there is no key 'sevrity'; did you mean 'severity'?"),
    (RULE.replace("    fix: Remove it.\n", ""), "r.yml:2:5 rules[0]: `fix` is missing"),
    (RULE.replace("error", "eror"), "r.yml:3:5 rules[0].severity: 'eror' is unknown here; did you mean 'error'?"),
    (RULE.replace("acme-tls", "Acme"), "r.yml:2:5 rules[0].id: 'Acme' is not an id"),
    (
        RULE.replace("acme-tls", "clear-text"),
        "'clear-text' is the id of a rule of this collection. Rename it, such as `acme-clear-text`",
    ),
    (RULE.replace("acme-tls", "invalid-yaml"), "is the id of a rule of this collection"),
    (RULE + OTHER, "r.yml:8:5 rules[1].id: there are two rules 'acme-tls', the other one at "),
    (RULE + "    id: acme-b\n", "r.yml:8:5 rules[0].id: this key stands twice"),
    (RULE + "    examples: {good: [{receivers: {a: 1, a: 2}}]}\n", "this key stands twice"),
    (RULE.replace("{differs: true}", "{differs: true, differs: false}"), "differs: this key stands twice"),
    (
        RULE.replace("exporters.*", "exporter.*"),
        "no config has 'exporter'; did you mean 'exporters'?",
    ),
    (RULE.replace("exporters.*", "exporters.otpl"), "no build has exporter 'otpl'; did you mean 'otlp'?"),
    (RULE.replace("exporters.*", "exporters.debug"), "no known component of exporters has this setting"),
    (RULE.replace("tls.insecure:", "tlss.insecure:"), "has this setting; did you mean 'tls'?"),
    (RULE.replace("exporters.*", "service.pipeline.*"), "`service` has no 'pipeline'; did you mean 'pipelines'?"),
    (
        RULE.replace("exporters.*", "service.pipelines.*.processor"),
        "a pipeline has no 'processor'; did you mean 'processors'?",
    ),
    (
        RULE.replace("exporters.*", "service.telemetry.log"),
        "`service.telemetry` has no such setting; did you mean 'logs'?",
    ),
    (RULE.replace("exporters.*", "service.*.traces.processor"), "a pipeline has no 'processor'; did you mean"),
    (RULE.replace("exporters.*", "'[0].a'"), "no config has '[0]'. Correct the path."),
    (RULE.replace("exporters.*", "'exporters[0]'"), "no build has exporter '[0]'. Correct the path."),
    (RULE.replace("exporters.*", "'service[-1]'"), "`service` has no '[-1]'. Correct the path."),
    (RULE.replace("exporters.*", "'service.pipelines.traces[0]'"), "a pipeline has no '[0]'. Correct the path."),
    (RULE.replace("exporters.*", "exporters..a"), "'exporters..a' is not a path"),
    (RULE.replace("differs", "difers"), "there is no condition 'difers'; did you mean 'differs'?"),
    (RULE.replace("{differs: true}", "{}"), "this must be a mapping of conditions"),
    (RULE.replace("{tls.insecure: {differs: true}}", "[]"), "this must be a mapping of paths to conditions"),
    (RULE.replace("    require: {tls.insecure: {differs: true}}\n", ""), "a rule has `require` or `expression`"),
    (RULE + "    types: [otpl]\n", "rules[0].types[0]: 'otpl' is unknown here; did you mean 'otlp'?"),
    (RULE + "    unlisted: maybe\n", "rules[0].unlisted: this must be true or false"),
    (RULE + "    when: {mode: [x]}\n", "there is no key 'mode'; did you mean 'modes'?"),
    (RULE + "    when: {distributions: [contirb]}\n", "'contirb' is unknown here; did you mean 'contrib'?"),
    (RULE + "    when: {versions: 0.150.0..0.110.0}\n", "no version is in '0.150.0..0.110.0'"),
    (RULE + "    when: {pipelines: [tracse]}\n", "no pipeline is called 'tracse'; did you mean 'traces'?"),
    (RULE + "    when: {modes: [daemonsets]}\n", "'daemonsets' is unknown here; did you mean 'daemonset'?"),
    (RULE + "    when: {versions: '>1'}\n", "'>1' is no range of versions"),
    (
        RULE + "    when: {components: [processors.bacth]}\n",
        "'processors.bacth' is unknown here; did you mean 'processors.batch'?",
    ),
    (RULE + "    profiles: {prod: error}\n", "there is no key 'prod'"),
    (RULE + "    expression: a[\n", "rules[0].expression: invalid JMESPath"),
    (RULE + "    expression: '[a, b]'\n", "a rule cannot use `[a, b]`"),
    (RULE + "    expression: join(a, b)\n", "a rule cannot use the function 'join'"),
    (RULE + "    expression: lenght(a)\n", "the function 'lenght'; did you mean 'length'?"),
    (RULE + f"    expression: {'a' * 1001}\n", "this must be a text of 1 to 1000 characters"),
    (RULE + "    examples: {good: [x]}\n", "rules[0].examples.good[0]: an example is a config"),
    (
        RULE + "    examples: {good: [exporters: {otlp: {tls: {insecure: true}}}]}\n",
        "r.yml:8:23 rules[0].examples.good[0]: rule 'acme-tls': this example is good, and the rule finds a fault",
    ),
    (
        RULE + "    examples: {bad: [exporters: {debug: }]}\n",
        "rule 'acme-tls': this example is bad, and the rule finds nothing in it",
    ),
    (
        RULE + "    expression: length(tls)\n    examples: {bad: [exporters: {debug: {}}]}\n",
        "the rule cannot be decided in this example: length() does not take null",
    ),
)
def test_a_fault_of_a_file_is_told_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    said = refused(tmp_path, text)
    assert says in said
    assert "in your own rules, nothing was checked" in said


def looking_at(path: str, below: str = ".", more: str = "") -> str:
    """Return a rule about a path that only an example may know."""
    head = (
        "rules:\n  - {id: acme-deep, severity: error, message: a, fix: b, path: '%s', require: {'%s': {present: true}}"
    )
    return f"{head % (path, below)}{more}}}\n"


UNCERTAIN = "no list of settings reaches that deep, and no example of the rule has something at this path"
SCRAPES = "receivers.prometheus.config.scrape_configs[*]"


@cases(
    "text, says",
    (looking_at(f"{SCRAPES}.job_nmae"), f"rules[0].path: {UNCERTAIN}"),
    (looking_at(SCRAPES, "job_nmae"), UNCERTAIN),
    (looking_at("exporters.*", "sending_queue.batch.sizr"), "has this setting"),
    (looking_at("exporters.otlp_http.headers.a.b"), "has this setting"),
    (looking_at("exporters.prometheus.const_labels.a.b"), "has this setting"),
    (looking_at("receivers.github.initial_delay.a"), "has this setting"),
)
def test_a_slip_behind_a_setting_that_takes_anything_is_told(tmp_path: Path, text: str, says: str) -> None:
    assert says in refused(tmp_path, text)


WITH_JOB = ", examples: {good: [{receivers: {prometheus: {config: {scrape_configs: [{job_name: a}]}}}}]}"


@pytest.mark.parametrize(
    "text",
    [
        looking_at(f"{SCRAPES}.job_name", more=WITH_JOB),
        looking_at(f"{SCRAPES}.job_name", more=", unlisted: true"),
        looking_at("exporters.otlp_http.headers.a"),
        looking_at("exporters.otlp_http.headers[*].name"),
        looking_at("exporters.prometheus.const_labels.a"),
        looking_at("exporters.*", "sending_queue.storage"),
        looking_at("exporters.*", "tls.insecure"),
        looking_at("service.pipelines.*", "processors[0]"),
        looking_at("service.extensions"),
        looking_at("service.*.logs.level"),
    ],
)
def test_a_path_that_the_catalogue_or_an_example_has_is_taken(tmp_path: Path, text: str) -> None:
    assert load(tmp_path, text).rule_ids == {"acme-deep"}


def test_a_path_that_is_no_text_is_told_once(tmp_path: Path) -> None:
    assert refused(tmp_path, RULE.replace("exporters.*", "5")).count("this must be a text of 1 to 1000") == 1


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    said = refused(tmp_path, RULE.replace("error", "eror").replace("exporters.*", "exporter.*"))
    assert said.startswith("2 faults in your own rules")


def test_a_wrong_switch_of_a_rule_is_told_once(tmp_path: Path) -> None:
    more = "    unlisted: maybe\n    types: [otlp]\n    when: {components: [exporters.otlp]}\n"
    told = refused(tmp_path, RULE + more)
    assert told.startswith("1 fault in your own rules")
    assert told.count("this must be true or false") == 1


def test_what_only_an_own_build_has_is_unlisted(tmp_path: Path) -> None:
    text = RULE.replace("exporters.*", "exporters.acme") + "    unlisted: true\n    types: [acme]\n"
    assert load(tmp_path, text).rule_ids == {"acme-tls"}


def test_rules_have_limits(tmp_path: Path) -> None:
    many = "rules:\n" + "".join(OTHER.replace("acme-tls", f"acme-{number}") for number in range(MOST_RULES + 1))
    assert f"this must be a list of 1 to {MOST_RULES} items" in refused(tmp_path, many)
    half = MOST_RULES // 2 + 1
    for name in ("a", "b"):
        rules = "".join(OTHER.replace("acme-tls", f"acme-{name}-{number}") for number in range(half))
        (tmp_path / f"{name}.yml").write_text(f"rules:\n{rules}")
    with pytest.raises(Problem, match=f"there are more than {MOST_RULES} rules"):
        _user_rules.load_rules([str(tmp_path / "a.yml"), str(tmp_path / "b.yml")], ())
    assert "has more than" in refused(tmp_path, "#" * 600_000)


@pytest.mark.parametrize("name", ["none", "empty"])
def test_a_path_without_rules_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(Problem, match=rf"there is no file with rules at .*{name}"):
        _user_rules.load_rules([str(tmp_path / name)], ())


def test_a_broken_file_names_its_place(tmp_path: Path) -> None:
    assert f"{tmp_path}/r.yml:1" in refused(tmp_path, "a: ]")


def test_only_rules_with_an_expression_need_jmespath(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> Any:
        raise Problem("the Python library jmespath is missing on the controller", fix="Run: pip install jmespath")

    monkeypatch.setattr(_jmespath, "load_library", missing)
    assert load(tmp_path, RULE.replace("acme-tls", "acme-plain")).rule_ids == {"acme-plain"}
    assert "rules[0].expression: the Python library jmespath is missing" in refused(
        tmp_path, RULE + "    expression: a\n"
    )


DOUBLES = "|".join(["map(&`[1,2,3,4,5,6,7,8,9,10]`, @)[]"] * 12)


def test_an_expression_takes_bounded_time_and_memory() -> None:
    compute = _jmespath.build_bounded_search(DOUBLES)
    start = time.thread_time()
    with pytest.raises(Undecided, match="more than"):
        compute([1] * 10, Budget())
    assert not is_long(time.thread_time() - start, most_pieces=1_250)


def test_an_expression_takes_bounded_time_over_all_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user_rules, "MOST_STEPS", 100_000)
    many = "".join(f"  otlp_grpc/{number}: {{endpoint: 'a:1'}}\n" for number in range(200))
    dear = "|".join(["values(@)", *["map(&`[1,2,3,4,5,6,7,8,9,10]`, @)[]"] * 4])
    rule = RULE.replace("    require: {tls.insecure: {differs: true}}\n", f"    expression: '{dear}'\n")
    said = of_rule(report(tmp_path, rule, CONFIG.replace("exporters:\n", "exporters:\n" + many)))
    assert "steps in this config, and did not look at" in said[-1]["message"]


@pytest.mark.parametrize("expression", ["ceil(to_number('1e999'))", "floor(to_number('nan'))", "keys(@)[::0]"])
def test_an_expression_that_a_function_cannot_compute_is_undecided(expression: str) -> None:
    with pytest.raises(Undecided):
        _jmespath.build_bounded_search(expression)({"a": 1}, Budget())


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("timeout > `5`", {"timeout": "5s"}),
        ("contains(endpoint, `4317`)", {"endpoint": "secret:4317"}),
        ("max_by(@, &a)", [{"a": 1}, {"a": "secret"}]),
    ],
)
def test_an_expression_that_compares_other_types_is_undecided(expression: str, value: Any) -> None:
    with pytest.raises(Undecided, match="compares or searches values of different types") as told:
        _jmespath.build_bounded_search(expression)(value, Budget())
    assert "secret" not in str(told.value)


OF_TYPES = RULE.replace("require: {tls.insecure: {differs: true}}", 'expression: "endpoint > `5`"')


def test_a_rule_that_compares_other_types_is_told_as_undecided(tmp_path: Path) -> None:
    (finding,) = of_rule(report(tmp_path, OF_TYPES))
    assert "compares or searches values of different types" in finding["message"]


def test_an_example_of_a_rule_that_compares_other_types_is_a_fault(tmp_path: Path) -> None:
    examples = "    examples: {good: [{exporters: {otlp_grpc: {endpoint: 'a:1'}}}]}\n"
    assert "compares or searches values of different types" in refused(tmp_path, OF_TYPES + examples)


def test_an_empty_path_is_refused() -> None:
    with pytest.raises(Problem, match="a path is empty"):
        _user_rules.load_rules([""], ())


def test_a_link_to_a_folder_outside_is_refused(tmp_path: Path) -> None:
    folder, other = tmp_path / "rules", tmp_path / "other"
    folder.mkdir()
    other.mkdir()
    (other / "a.yml").write_text(RULE)
    (folder / "b.yml").write_text(RULE)
    (folder / "linked").symlink_to(other)
    with pytest.raises(Problem, match="linked is a link to a folder outside of"):
        _user_rules.load_rules([str(folder)], ())
    (folder / "linked").unlink()
    (folder / "linked").symlink_to(folder)
    assert _user_rules.load_rules([str(folder)], ()).rule_ids == {"acme-tls"}


def test_a_folder_of_rules_that_may_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a policy would not be enforced, and nobody would hear of it."""
    closed_folder = tmp_path / "closed"
    closed_folder.mkdir()
    (tmp_path / "a.yml").write_text(RULE)
    has_access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != closed_folder and has_access(path, mode))
    with pytest.raises(Problem, match=f"the folder {closed_folder} may not be read"):
        _user_rules.load_rules([str(tmp_path)], ())


def test_a_link_out_of_the_folder_is_refused_and_not_read(tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    folder.mkdir()
    (tmp_path / "other.txt").write_text("user: secret\n")
    (folder / "a.yml").symlink_to(tmp_path / "other.txt")
    with pytest.raises(Problem, match=r"a\.yml is a link to a file outside of") as told:
        _user_rules.load_rules([str(folder)], ())
    assert "secret" not in str(told.value)


def test_an_expression_that_fits_no_value_quotes_none() -> None:
    with pytest.raises(Undecided) as told:
        _jmespath.build_bounded_search("length(@)")(1234567, Budget())
    assert "1234567" not in str(told.value)
    assert "length() does not take number" in str(told.value)


def test_more_expressions_than_the_library_keeps_are_compiled() -> None:
    for number in range(300):
        assert _jmespath.build_bounded_search(f"a > `{number}`")({"a": 300}, Budget())
