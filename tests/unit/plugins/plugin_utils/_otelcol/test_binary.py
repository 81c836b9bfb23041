# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.paths import Position
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.build_facts import TargetBuild
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _binary, _builds, _validate

from tests.support.cases import cases

from ..helpers import OTLP, VALIDATE

UNDEFINED = 'Error: invalid configuration: service::pipelines::traces: references exporter "x" which is not configured'
UNKNOWN = '\'exporters\' unknown type: \\"debug\\" for id: \\"debug\\" (valid values: [a b])'
NO_FILE = 'failed to create \\"debug\\" exporter for data type: open /x: no such file or directory'
BAD_KEYS = "Error: cannot unmarshal\\n'exporters' error reading configuration for \\\"debug\\\": has invalid keys: a"


def program(folder: Path, body: str, name: str = "otelcol-contrib") -> str:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)
    return str(file)


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
    found = _binary.validate_by_program(program(tmp_path, says(text)), OTLP, lambda where: Position("f", len(where)))
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
    assert _binary.validate_by_program(program(tmp_path, body), config, lambda _where: Position()) is None


def test_what_a_variable_decides_is_no_error(tmp_path: Path) -> None:
    config = {**OTLP, "exporters": {"debug": {"verbosity": "${env:LEVEL}"}, "nop": {"a": 1}}}
    found = [
        _binary.validate_by_program(
            program(tmp_path, says(f"exporters::{name}: it is wrong")), config, lambda _where: Position()
        )
        for name in ("debug", "nop")
    ]
    assert [one and one.severity for one in found] == ["info", "error"]


def test_a_program_that_does_not_answer_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_binary, "TIMEOUT_SECONDS", 0.1)
    found = _binary.validate_by_program(program(tmp_path, "exec /bin/sleep 5"), OTLP, lambda _where: Position())
    assert found
    assert found.message == "no answer within 0.1 seconds"


def target(distribution: str = "contrib", version: str = "0.158.0") -> TargetBuild:
    return TargetBuild(_builds.load_catalogue(), distribution, version)


@cases(
    "case",
    ("none", target(), "0.158.0", "it was not requested"),
    ("auto", target("adot"), "0.158.0", "the AWS distribution has no `validate` subcommand"),
    ("auto", target("redhat"), "0.158.0", "the program of 'redhat' is unknown"),
    ("auto", target("k8s"), "0.158.0", "PATH has no program otelcol-k8s"),
    ("auto", target(), "0.157.0", "/otelcol-contrib is version 0.157.0, not 0.158.0"),
)
def test_nobody_is_asked_for_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: tuple[str, TargetBuild, str, str]
) -> None:
    binary, build, version, reason = case
    program(tmp_path, f"echo otelcol-contrib version {version} >&2")
    monkeypatch.setenv("PATH", str(tmp_path))
    found = _binary.choose_program(binary, build)
    assert isinstance(found, _binary.Unavailable)
    assert found.reason.endswith(reason)


def test_a_program_of_the_right_version_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = program(tmp_path, "echo otelcol-contrib version 0.158.0")
    monkeypatch.setenv("PATH", str(tmp_path))
    found = _binary.ChosenProgram(path, f"{path} validate")
    assert _binary.choose_program("auto", target()) == found
    assert _binary.choose_program("auto", None) == found
    with pytest.raises(Problem, match="the program /nowhere/otelcol does not exist"):
        _binary.choose_program("/nowhere/otelcol", None)


def test_a_given_program_is_asked_about_configs_of_any_distribution(tmp_path: Path) -> None:
    path = program(tmp_path, "echo otelcol-contrib version 0.158.0")
    assert _binary.choose_program(path, target("adot")) == _binary.ChosenProgram(path, f"{path} validate")


def test_the_program_of_aws_is_not_asked_even_if_its_path_is_given(tmp_path: Path) -> None:
    path = Path(program(tmp_path, "exit 1")).rename(tmp_path / "aws-otel-collector")
    reason = "the AWS distribution has no `validate` subcommand"
    assert _binary.choose_program(str(path), target("adot")) == _binary.Unavailable(reason)
    assert isinstance(_binary.choose_program(str(path), None), _binary.ChosenProgram)


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


@cases(
    "image, build",
    ("otel/opentelemetry-collector:0.158.0", ("core", "0.158.0")),
    ("localhost:5000/opentelemetry-collector-contrib:v0.1.2-x", ("contrib", "v0.1.2")),
    ("opentelemetry-collector-contrib", ("contrib", "")),
    ("opentelemetry-collector-contrib@sha256:12", ("contrib", "")),
    ("opentelemetry-collector-contrib:latest", ("contrib", "")),
    ("opentelemetry-collector-mine:1.2.3", None),
    ("", None),
)
def test_an_image_is_recognised_wherever_it_comes_from(image: str, build: tuple[str, str] | None) -> None:
    assert _builds.recognise_image(image) == build
