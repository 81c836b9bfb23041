# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the command `migrate` prints, and where."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from tests.support.cases import cases

from .test_options import OLD


def test_a_report_in_json_beside_the_config_is_json_alone(
    command_line: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(OLD.encode()), isatty=lambda: False))
    assert command_line.main(["migrate", "-", "--format", "json", "--version", "0.158.0"]) == 0
    printed = capsys.readouterr()
    assert printed.out == OLD.replace("otlphttp", "otlp_http")
    assert [change["path"] for change in json.loads(printed.err)["changes"]] == ["exporters.otlphttp"]


@cases("path", "agent.yaml", "-")
def test_no_file_gets_the_name_that_stands_for_the_standard_output(
    command_line: ModuleType, config: Path, capsys: pytest.CaptureFixture[str], path: str
) -> None:
    assert command_line.main(["migrate", path, "--dest", "-"]) == 2
    assert "--dest takes a file, and `-` is none. Send the config to `migrate -` without --dest" in (
        capsys.readouterr().err
    )
    assert [file.name for file in config.parent.iterdir()] == ["agent.yaml"]


@cases("words", ["--distribution", "any"], ["--distribution", "any", "--version", "0.158.0"])
def test_any_distribution_is_no_target_of_a_migration(
    command_line: ModuleType, config: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert command_line.main(["migrate", str(config), *words]) == 2
    told = capsys.readouterr().err
    assert "distribution 'any' is for validations, and a migration needs one target build" in told
    assert "Give a distribution, such as contrib." in told and "missing" not in told
