# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the words of the command line are read."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from tests.support.cases import cases

GOOD = """\
receivers: {otlp: {protocols: {grpc: {endpoint: "localhost:4317"}}}}
exporters: {debug: {}}
service: {pipelines: {traces: {receivers: [otlp], exporters: [debug]}}}
"""


@cases(
    "words",
    ["a.yaml", "--profile", "development", "b.yaml"],
    ["--profile", "development", "a.yaml", "--no-merge", "b.yaml"],
    ["a.yaml", "--profile=development", "--", "b.yaml"],
    ["--", "a.yaml", "b.yaml"],
)
def test_paths_may_stand_between_options(
    command_line: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    words: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(GOOD)
    assert command_line.main(["validate", *words]) == 0
    assert "2 configs checked" in capsys.readouterr().out


def test_a_word_behind_two_dashes_is_a_path(
    command_line: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "--merge").write_text(GOOD)
    assert command_line.main(["validate", "--format", "json", "--", "--merge"]) == 0
    assert '"--merge"' in capsys.readouterr().out


@cases(
    "words, told",
    (["validate", "a.yaml", "--absent"], "`otelcoltool validate --help` lists what it takes"),
    (["explain", "clear-text", "--absent"], "`otelcoltool explain --help` lists what it takes"),
    (["--absent"], "`otelcoltool --help` lists what it takes"),
)
def test_a_wrong_option_names_the_help_of_its_command(
    command_line: ModuleType, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        command_line.main(words)
    assert told in capsys.readouterr().err
