# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings and their severities; a mistake of the collection is one too, and all others are still checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules import structure
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.findings import run_rules
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.rule_definitions import (
    Fault,
    define_rules,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.subject import Subject
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _render, _rendered
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import (
    _findings,
    _inputs,
    _judged_configs,
    _migrate,
    _validate,
    _yaml,
)

from tests.support.cases import cases

from ..helpers import MIGRATE, OTLP, VALIDATE, request

SECRET = {**OTLP, "exporters": {"debug": None, "otlp_http": {"endpoint": "https://me:hunter2@example.com"}}}
SECRET = {**SECRET, "service": {"pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["otlp_http"]}}}}
ACCEPTED = {"rule": "plaintext-secret", "path": "exporters.*", "reason": "a test account"}


def bundle(config: Any, **arguments: Any) -> dict[str, Any]:
    said = {"profile": "default", "severities": {}, "suppressions": [], **arguments}
    asked = request({"name": "a", "config": config})
    return _rendered.render_collectors(asked, _findings.JudgementOptions.from_arguments(said), lambda _warning: None)


def test_an_error_stops_rendering() -> None:
    with pytest.raises(Problem, match="plaintext-secret"):
        bundle(SECRET)


@pytest.mark.parametrize("said", [{"suppressions": [ACCEPTED]}, {"severities": {"plaintext-secret": "warning"}}])
def test_what_the_user_accepts_stops_nothing(said: dict[str, Any]) -> None:
    assert bundle(SECRET, **said)["workloads"]


def test_a_profile_can_be_stricter() -> None:
    config = {**SECRET, "exporters": {"otlp_http": {"endpoint": "http://otlp.example.com"}}}
    assert bundle(config)["workloads"]
    with pytest.raises(Problem, match="clear-text"):
        bundle(config, profile="production")


@cases(
    "said",
    {"severities": {"invalid-id": "off", "missing-field": "off", "unknown-component": "off"}},
    {"suppressions": [{"rule": "invalid-id", "reason": "no"}]},
)
def test_nothing_is_rendered_from_what_is_malformed(said: dict[str, Any]) -> None:
    with pytest.raises(Problem, match="invalid-id"):
        bundle({**OTLP, "receivers": {**OTLP["receivers"], 1: {}}}, **said)


@cases(
    "item, says",
    ("clear-text", "'clear-text' is not a suppression"),
    ({"reason": "x"}, "is not a suppression"),
    ({"rule": "clear-text", "reason": "x", "paths": "*"}, "a suppression has no 'paths'"),
    ({"rule": "clear-txt", "reason": "x"}, "did you mean 'clear-text'"),
    ({"rule": "clear-text"}, "without a reason"),
)
def test_a_suppression_that_is_none_is_refused(item: Any, says: str) -> None:
    with pytest.raises(Problem, match=says):
        bundle(OTLP, suppressions=[item])


MANIFEST = """
dist: {name: mine, otelcol_version: 0.135.0}
receivers: [{gomod: go.opentelemetry.io/collector/receiver/otlpreceiver v0.135.0}]
exporters: [{gomod: go.opentelemetry.io/collector/exporter/otlpexporter v0.135.0}]
"""


def planned(tmp_path: Path, **options: Any) -> Any:
    manifest = tmp_path / "manifest.yaml"
    manifest.write_text(MANIFEST)
    item = {"name": "a", "image": "registry.example/mine:1", "distribution_manifest": str(manifest), **options}
    return _render.judge_request(request(item))[0]


def test_a_build_of_the_users_own_is_known_by_its_manifest(tmp_path: Path) -> None:
    found = [str(finding) for finding in planned(tmp_path, config=OTLP).findings]
    assert any("mine 0.135.0 has no exporter 'debug'" in text for text in found)


def test_recipes_use_the_names_of_that_build(tmp_path: Path) -> None:
    recipes = ["otlp_ingest", {"otlp_forward": {"endpoint": "otlp.example.com:4317"}}]
    assert list(planned(tmp_path, recipes=recipes).composed_config.config["exporters"]) == ["otlp/gateway"]


def test_a_manifest_needs_the_image_that_was_built_with_it(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"no `image` that was built with it\. Give `image` too\."):
        planned(tmp_path, image="", config=OTLP)


CONFIG_MAP: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "gw", "namespace": "a"}}
CONFIG_MAP["data"] = {"config.yaml": _yaml.dump(OTLP)}


def test_a_rule_that_fails_is_a_finding_and_the_others_still_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_subject: Subject) -> Iterator[Fault]:
        raise ValueError("hunter2secret")

    broken_first = (*define_rules("error", broken), *structure.RULES)
    monkeypatch.setattr(_judged_configs, "lint_config", lambda subject, _own: run_rules(broken_first, subject))
    config = {**OTLP, "receiver": {}}
    arguments = {**VALIDATE, "config": config, "fail_on": "never"}
    listed = _validate.validate_configs(arguments, lambda _warning: None, check=True)["findings"]
    found = {item["rule"]: item for item in listed}
    assert set(found) == {"internal-error", "unknown-section"}
    assert "rule broken failed with ValueError" in found["internal-error"]["message"]
    assert "Report this" in found["internal-error"]["fix"]
    assert found["internal-error"]["file"]
    assert "hunter2secret" not in repr(listed)


def test_a_file_that_fails_is_a_finding_and_the_others_are_still_checked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Reading, locating and judging of a file are guarded, each with the file's name."""

    def failing(original: Callable[..., Any], word: str) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if word in repr(arguments):
                raise TypeError("hunter2secret")
            return original(*arguments, **options)

        return call

    for name in ("first", "second", "third"):
        (tmp_path / f"{name}.yaml").write_text(_yaml.dump({**OTLP, "receiver": {"marker": name}}))
    monkeypatch.setattr(_inputs.documents, "find_configs", failing(_inputs.documents.find_configs, "first"))
    monkeypatch.setattr(_judged_configs, "lint_config", failing(_judged_configs.lint_config, "third"))
    arguments = {**VALIDATE, "paths": [str(tmp_path)], "fail_on": "never"}
    result = _validate.validate_configs(arguments, lambda _warning: None, check=True)
    failed = [item for item in result["findings"] if item["rule"] == "internal-error"]
    assert [Path(item["file"]).name for item in failed] == ["first.yaml", "third.yaml"]
    assert all(item["file"] in item["message"] and "failed with TypeError" in item["message"] for item in failed)
    unknown = {Path(item["file"]).name for item in result["findings"] if item["rule"] == "unknown-section"}
    assert unknown == {"second.yaml"}
    assert "hunter2secret" not in repr(result)
    assert not result["skipped_files"]


def test_an_object_that_fails_is_a_finding_and_the_others_are_still_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    original = _inputs.context.find_context

    def call(found: Any, *stream: Any, **options: Any) -> Any:
        if found.owner["metadata"]["name"] == "gw":
            raise TypeError("hunter2secret")
        return original(found, *stream, **options)

    monkeypatch.setattr(_inputs.context, "find_context", call)
    other = {**CONFIG_MAP, "metadata": {"name": "other"}, "data": {"c.yaml": _yaml.dump({**OTLP, "receiver": {}})}}
    for config in ([CONFIG_MAP, other], _yaml.dump(CONFIG_MAP, other)):
        result = _validate.validate_configs(
            {**VALIDATE, "config": config, "fail_on": "never"}, lambda _warning: None, check=True
        )
        found = {item["rule"]: item["message"] for item in result["findings"]}
        assert "ConfigMap gw" in found["internal-error"]
        assert "unknown-section" in found


def test_a_file_that_fails_keeps_no_other_from_its_migration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    original = _migrate.migrate_text

    def call(text: str, name: str, *others: Any) -> Any:
        if name.endswith("first.yaml"):
            raise TypeError("hunter2secret")
        return original(text, name, *others)

    for name in ("first", "second"):
        (tmp_path / f"{name}.yaml").write_text(_yaml.dump({**OTLP, "exporters": {"otlp": {"endpoint": "a:4317"}}}))
    monkeypatch.setattr(_migrate, "migrate_text", call)
    result = _migrate.migrate({**MIGRATE, "paths": [str(tmp_path)]}, check=True)
    assert [Path(row["file"]).name for row in result["unsolved"] if "TypeError" in row["what"]] == ["first.yaml"]
    assert {Path(row["file"]).name for row in result["changes"]} == {"second.yaml"}


def test_findings_of_several_collectors_name_theirs() -> None:
    said: list[str] = []

    def refused(*collectors: dict[str, Any]) -> str:
        with pytest.raises(Problem) as found:
            _rendered.render_collectors(request(*collectors), _findings.JudgementOptions(), said.append)
        return str(found.value)

    one = {"name": "one", "recipes": ["otlp_ingest"]}
    agents = [{**one, "name": f"a{number}", "mode": "daemonset"} for number in range(5)]
    wrong = "recipe 'otlp_ingest' exporters: error [no-components]"
    assert f"\n  collectors 'one', 'a0': {wrong}" in refused(one, agents[0])
    assert said and all(text.startswith("collector 'a0': recipe 'otlp_ingest' receivers.otlp.") for text in said)
    assert f"\n  collectors 'a0', 'a1', 'a2' and 2 more: {wrong}" in refused(*agents)
    assert f"\n  {wrong}" in refused(one)
