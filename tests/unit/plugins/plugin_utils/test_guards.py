# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mistake of the collection in one rule, file or object is a finding that names it; all others are still checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.lint import structure
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.lint.subject import Fault, Subject, rules, run
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _inputs, _migrate, _validate, _yaml

from .helpers import MIGRATE, OTLP, VALIDATE

CONFIG_MAP: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "gw", "namespace": "a"}}
CONFIG_MAP["data"] = {"config.yaml": _yaml.dump(OTLP)}


def test_a_rule_that_fails_is_a_finding_and_the_others_still_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_subject: Subject) -> Iterator[Fault]:
        raise ValueError("hunter2secret")

    broken_first = (*rules("error", broken), *structure.RULES)
    monkeypatch.setattr(_validate, "lint", lambda subject: run(broken_first, subject))
    config = {**OTLP, "receiver": {}}
    arguments = {**VALIDATE, "config": config, "fail_on": "never"}
    listed = _validate.report(arguments, lambda _warning: None, check=True)["findings"]
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
        def call(*arguments: Any) -> Any:
            if word in repr(arguments):
                raise TypeError("hunter2secret")
            return original(*arguments)

        return call

    for name in ("first", "second", "third"):
        (tmp_path / f"{name}.yaml").write_text(_yaml.dump({**OTLP, "receiver": {"marker": name}}))
    monkeypatch.setattr(_inputs.documents, "configs", failing(_inputs.documents.configs, "first"))
    monkeypatch.setattr(_validate, "lint", failing(_validate.lint, "third"))
    arguments = {**VALIDATE, "paths": [str(tmp_path)], "fail_on": "never"}
    result = _validate.report(arguments, lambda _warning: None, check=True)
    failed = [item for item in result["findings"] if item["rule"] == "internal-error"]
    assert [Path(item["file"]).name for item in failed] == ["first.yaml", "third.yaml"]
    assert all(item["file"] in item["message"] and "failed with TypeError" in item["message"] for item in failed)
    unknown = {Path(item["file"]).name for item in result["findings"] if item["rule"] == "unknown-section"}
    assert unknown == {"second.yaml"}
    assert "hunter2secret" not in repr(result)
    assert not result["skipped_files"]


def test_an_object_that_fails_is_a_finding_and_the_others_are_still_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    original = _inputs.context.context_of

    def call(found: Any, stream: Any) -> Any:
        if found.owner["metadata"]["name"] == "gw":
            raise TypeError("hunter2secret")
        return original(found, stream)

    monkeypatch.setattr(_inputs.context, "context_of", call)
    other = {**CONFIG_MAP, "metadata": {"name": "other"}, "data": {"c.yaml": _yaml.dump({**OTLP, "receiver": {}})}}
    for config in ([CONFIG_MAP, other], _yaml.dump(CONFIG_MAP, other)):
        result = _validate.report({**VALIDATE, "config": config, "fail_on": "never"}, lambda _warning: None, check=True)
        found = {item["rule"]: item["message"] for item in result["findings"]}
        assert "ConfigMap gw" in found["internal-error"]
        assert "unknown-section" in found


def test_a_file_that_fails_keeps_no_other_from_its_migration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    original = _migrate.move

    def call(text: str, name: str, *others: Any) -> Any:
        if name.endswith("first.yaml"):
            raise TypeError("hunter2secret")
        return original(text, name, *others)

    for name in ("first", "second"):
        (tmp_path / f"{name}.yaml").write_text(_yaml.dump({**OTLP, "exporters": {"otlp": {"endpoint": "a:4317"}}}))
    monkeypatch.setattr(_migrate, "move", call)
    result = _migrate.migrate({**MIGRATE, "paths": [str(tmp_path)]}, check=True)
    assert [Path(row["file"]).name for row in result["unsolved"] if "TypeError" in row["what"]] == ["first.yaml"]
    assert {Path(row["file"]).name for row in result["changes"]} == {"second.yaml"}
