# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.paths import Position
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _second_opinion, _validate

from tests.support.cases import cases

from ..helpers import OTLP, VALIDATE
from .test_binary import program

UNDEFINED = 'Error: invalid configuration: service::pipelines::traces: references exporter "x" which is not configured'
UNKNOWN = '\'exporters\' unknown type: \\"debug\\" for id: \\"debug\\" (valid values: [a b])'
NO_FILE = 'failed to create \\"debug\\" exporter for data type: open /x: no such file or directory'
BAD_KEYS = "Error: cannot unmarshal\\n'exporters' error reading configuration for \\\"debug\\\": has invalid keys: a"


def says(text: str, code: int = 1) -> str:
    return f"printf '%b' \"{text}\" >&2; exit {code}".replace('references exporter "x"', "references exporter 'x'")


@cases(
    "text, path, severity",
    (UNDEFINED, "service.pipelines.traces", "error"),
    (BAD_KEYS, "exporters.debug", "error"),
    (UNKNOWN, "exporters.debug", "error"),
    (NO_FILE, "exporters.debug", "info"),
    ("'otelcol.configSettings' has invalid keys: exporters", "exporters", "error"),
    ("extensions::file_storage: directory must exist", "", "info"),
    ("something else", "", "error"),
    ("", "", "error"),
)
def test_a_refusal_is_a_finding_with_its_place(tmp_path: Path, text: str, path: str, severity: str) -> None:
    found = _second_opinion.validate_by_program(
        program(tmp_path, says(text)), OTLP, lambda where: Position("f", len(where))
    )
    assert found
    assert (found.path, found.severity, found.rule) == (path, severity, "otelcol-validate")
    assert found.position == Position("f", path.count(".") + 1 if path else 0)
    assert found.message
    assert "valid values" not in found.message


def test_variables_have_values_and_nothing_of_ours_leaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    given = 'test "$HOST" = placeholder && test "$AWS_SECRET_ACCESS_KEY$OTHER" = placeholder'
    body = given + ' && grep -q "env:HOST" "${2#--config=}"'
    config = {**OTLP, "exporters": {"debug": {"a": "${env:HOST}", "b": "${env:OTHER:-y}"}}}
    assert _second_opinion.validate_by_program(program(tmp_path, body), config, lambda _where: Position()) is None


def test_what_a_variable_decides_is_no_error(tmp_path: Path) -> None:
    config = {**OTLP, "exporters": {"debug": {"verbosity": "${env:LEVEL}"}, "nop": {"a": 1}}}
    found = [
        _second_opinion.validate_by_program(
            program(tmp_path, says(f"exporters::{name}: it is wrong")), config, lambda _where: Position()
        )
        for name in ("debug", "nop")
    ]
    assert [one and one.severity for one in found] == ["info", "error"]


def test_a_program_that_does_not_answer_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_second_opinion, "TIMEOUT_SECONDS", 0.1)
    found = _second_opinion.validate_by_program(program(tmp_path, "exec /bin/sleep 5"), OTLP, lambda _where: Position())
    assert found
    assert found.message == "no answer within 0.1 seconds"


def test_the_second_opinion_is_a_part_of_the_result(tmp_path: Path) -> None:
    path = program(tmp_path, says(UNDEFINED))
    arguments = {**VALIDATE, "config": OTLP, "binary": path, "fail_on": "never"}
    result = _validate.validate_configs(arguments, lambda _text: None)
    assert result["second_opinion"] == {"ran": True, "reason": f"{path} validate"}
    assert "otelcol-validate" in [item["rule"] for item in result["findings"]]


def test_values_of_a_chart_beside_a_config_are_not_validated(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    values = {"presets": {"kubernetesAttributes": {"enabled": True}}, "config": {"exporters": {"debug": {}}}}
    file.write_text(f"{json.dumps(OTLP)}\n---\n{json.dumps(values)}\n")
    path = program(tmp_path, 'grep -q "^null" "${2#--config=}" && { echo "Error: empty" >&2; exit 1; }; exit 0')
    arguments = {**VALIDATE, "paths": [str(file)], "binary": path, "fail_on": "never"}
    result = _validate.validate_configs(arguments, lambda _text: None)
    assert "unrendered-chart" in [item["rule"] for item in result["findings"]]
    assert result["second_opinion"]["ran"]
    assert "otelcol-validate" not in [item["rule"] for item in result["findings"]]
