# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.build_facts import TargetBuild
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _binary, _builds

from tests.support.cases import cases


def program(folder: Path, body: str, name: str = "otelcol-contrib") -> str:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)
    return str(file)


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
