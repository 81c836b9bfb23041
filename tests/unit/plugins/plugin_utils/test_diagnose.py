# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From facts to the result of the task, and from Instrumentations to all that the role needs."""

from __future__ import annotations

from typing import Any

import jmespath
import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose.diagnosis_report import NOTHING_DIAGNOSED
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _diagnose
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._instrumentation import build_bundle

from tests.support.cases import cases

CONFIG = """
receivers: {otlp: {protocols: {grpc: {}}}}
exporters: {otlp/a: {endpoint: "x:1", headers: {token: hunter2secret}}, debug: {}}
service: {pipelines: {traces: {receivers: [otlp], exporters: [debgu]}}}
"""
CONTAINER = {"name": "x", "image": "otelcol-contrib:0.158.0", "volumeMounts": [{"name": "c", "mountPath": "/c"}]}
POD = {"volumes": [{"name": "c", "configMap": {"name": "c"}}], "containers": [CONTAINER]}
ABOUT = {"name": "a", "namespace": "ns"}
OBJECTS = [
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {**ABOUT, "name": "c"}, "data": {"c.yaml": CONFIG}},
    {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": ABOUT, "spec": {"template": {"spec": POD}}},
]
FACTS: dict[str, Any] = {
    "name": "a", "namespace": "ns", "kind": "Deployment", "hidden": False, "running": True, "workload": {"x": 1},
    "complete": True, "wanted": 1, "receives": [], "exports": [], "processes": [], "pods": [], "unseen": [],
    "config": {"exporters": {"otlp/a": {"headers": {"token": "hunter2secret"}}}}, "image": "hunter2secret",
}  # fmt: skip


def diagnosed(facts: dict[str, Any] | None = None, **arguments: Any) -> dict[str, Any]:
    return _diagnose.diagnose_collectors([FACTS | (facts or {})], _diagnose.list_checks(arguments), arguments)


def check(**more: Any) -> dict[str, Any]:
    return {"id": "mine", "find": "['x']", "message": "{value} is wrong", **more}


def test_a_healthy_one() -> None:
    result = diagnosed()
    assert (result["failed"], result["healthy"], result["collectors"][0]["status"]) == (False, True, "healthy")
    assert result["msg"] == result["verdict"][0] == "ns/a: healthy: no data was due in that time"


def test_nothing_diagnosed_is_not_healthy() -> None:
    result = _diagnose.diagnose_collectors([], _diagnose.list_checks({}), {})
    assert (result["failed"], result["healthy"]) == (False, False)
    assert result["msg"] == result["report"] == NOTHING_DIAGNOSED
    gate = _diagnose.diagnose_collectors([], _diagnose.list_checks({}), {"fail_on": "error"})
    assert gate["failed"]


def test_a_broken_config_is_the_reason_why_nothing_runs_unless_the_user_judges_otherwise() -> None:
    (item,) = diagnosed({"objects": OBJECTS, "running": False})["collectors"]
    assert "[undefined-reference] 'debgu' is not configured; did you mean 'debug'" in item["verdict"][0]
    assert "line 4" in item["verdict"][0]
    arguments = {"severities": {"undefined-reference": "off"}}
    (item,) = diagnosed({"objects": OBJECTS, "running": False}, **arguments)["collectors"]
    assert "undefined-reference" not in str(item["problems"])


def test_checks_of_the_user_are_rows_like_ours() -> None:
    (item,) = diagnosed(checks=[check(fix="Mend {value}.", severity="error")])["collectors"]
    assert item["verdict"] == ["x is wrong → Mend x."]
    assert item["problems"][0]["stage"] == "own"


@cases(
    "fail_on, severity, failed",
    *(("never", "error", False), ("error", "error", True), ("error", "warning", False)),
    *(("warning", "warning", True), ("warning", "info", False)),
)
def test_when_it_fails(fail_on: str, severity: str, failed: bool) -> None:
    assert diagnosed(checks=[check(severity=severity)], fail_on=fail_on)["failed"] is failed


def test_no_secret_of_a_config_is_shown() -> None:
    result = diagnosed({"objects": OBJECTS}, checks=[check(find="[image]", message="it is {value}")])
    assert "hunter2secret" not in result["report"]
    assert "it is ********" in result["report"]


def test_a_check_is_parsed_once_for_all_collectors(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []
    compiled = jmespath.compile
    monkeypatch.setattr(jmespath, "compile", lambda text: parsed.append(text) or compiled(text))
    for _collector in range(3):
        unseen: list[dict[str, Any]] = []
        search = _diagnose.create_search(unseen)
        assert (search("found_once.a", {"found_once": {"a": 1}}), unseen) == (1, [])
    assert parsed == ["found_once.a"]


def test_a_check_that_does_not_fit_the_facts_is_told_and_stops_nothing() -> None:
    (item,) = diagnosed({"services": None}, checks=[check(find="length(services) > `1` && ['x']")])["collectors"]
    assert item["status"] == "healthy"
    assert item["unseen"][0]["what"] == "check `length(services) > `1` && ['x']`"


@cases(
    "message, shown",
    ("{value!r} and {value:>3}", "'x' and x"),
    ("{value:d} is no number", "{value:d} is no number"),
    ("{} {0}", "{} {0}"),
)
def test_a_message_whose_format_does_not_fit_is_shown_as_it_is_written(message: str, shown: str) -> None:
    (item,) = diagnosed(checks=[check(message=message)])["collectors"]
    assert shown in str(item)


@cases(
    "wrong, says",
    ("x", "'x' is not a check"),
    ({"id": "a", "find": "b"}, "is not a check"),
    ({"id": "a", "find": "b", "message": "c", "": 1}, "a check has no ''"),
    (check(sevrity="error"), "has no 'sevrity'; did you mean 'severity'"),
    (check(severity="bad"), "'bad' is not one of error, warning, info"),
    (check(stage="later"), "'later' is not one of"),
    (check(message="{broken"), "cannot be rendered"),
    (check(message="{value!z}"), "its text '{value!z}' has the conversion '!z', which there is not.*Use !s, !r or !a"),
    (check(find="a["), "invalid JMESPath"),
)
def test_a_check_that_is_none_says_why(wrong: Any, says: str) -> None:
    with pytest.raises(Problem, match=says):
        _diagnose.list_checks({"checks": [wrong]})


DEFAULTS: dict[str, Any] = {"name": "default", "namespace": "telemetry", "collector": {"name": "gateway"}}
PYTHON: dict[str, Any] = {"languages": {"python": None}}


def test_a_language_needs_no_options() -> None:
    found = build_bundle([{**PYTHON, "namespaces": ["shop"]}], DEFAULTS)
    assert [item["kind"] for item in found["manifests"]] == ["Namespace", "Instrumentation"]
    assert found["manifests"][1]["spec"]["sampler"] == {"type": "parentbased_always_on"}
    assert found["references"] == ["telemetry/default"]
    (namespace,) = found["namespaces"]
    requirements = found["requirements"]
    assert requirements["namespaces"] == [namespace]
    assert requirements["trials"] == [found["manifests"][1]]
    assert [item["service"] for item in requirements["targets"]] == ["gateway"]
    assert (requirements["languages"], requirements["coming"]) == (["python"], ["telemetry"])
    assert (requirements["references"], requirements["files"]) == (["telemetry/default"], [])


def test_an_item_replaces_the_common_way_to_say_where_to_and_without_items_the_defaults_describe_one() -> None:
    assert build_bundle([], {**DEFAULTS, **PYTHON})["references"] == ["telemetry/default"]
    found = build_bundle([{**PYTHON, "endpoint": "http://other:4318"}], DEFAULTS)
    assert found["manifests"][1]["spec"]["exporter"]["endpoint"] == "http://other:4318"
    back = build_bundle([{**PYTHON, "collector": {"name": "own"}}], {**DEFAULTS, "endpoint": "http://other:4318"})
    assert back["manifests"][1]["spec"]["exporter"]["endpoint"] == "http://own.telemetry.svc:4318"


def test_two_share_a_namespace_but_no_name() -> None:
    both = build_bundle([{**PYTHON, "name": "a"}, {**PYTHON, "name": "b"}], DEFAULTS)["manifests"]
    assert [item["metadata"]["name"] for item in both] == ["telemetry", "a", "b"]
    with pytest.raises(Problem, match="two Instrumentations have the name telemetry/default"):
        build_bundle([PYTHON, PYTHON], DEFAULTS)


@cases(
    "item, says",
    ({"langages": {}}, "has no option 'langages'; did you mean 'languages'"),
    ({"languages": {"pyton": {}}}, r"has no option 'languages\.pyton'; did you mean 'python'"),
    ({"languages": {"python": {"imge": "a"}}}, r"has no option 'languages\.python\.imge'; did you mean 'image'"),
    ({"languages": {"python": {"env": ["A"]}}}, "must be a mapping, not a list"),
    ({**PYTHON, "collector": {}}, "missing required arguments: name"),
    ({**PYTHON, "image_pull_policy": "never"}, "value of image_pull_policy must be one of"),
)
def test_wrong_options_are_told_by_name(item: dict[str, Any], says: str) -> None:
    with pytest.raises(Problem, match=f"instrumentation 'default'.*{says}"):
        build_bundle([item], DEFAULTS)
