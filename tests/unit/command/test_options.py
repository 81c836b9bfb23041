# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a command, out of the documentation of a module."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.support.cases import cases

SOURCE = Path(__file__).parents[3] / "otelcoltool" / "src"
OLD = """\
receivers: {otlp: {protocols: {grpc: }}}
exporters: {otlphttp: {endpoint: "https://backend.example"}}
service: {pipelines: {traces: {receivers: [otlp], exporters: [otlphttp]}}}
"""
DOCUMENTATION = """
extends_documentation_fragment: []
options:
  config: {description: A config., type: str}
  profile:
    description:
      - The profile. With O(config), it counts too. O(config_files) is read first.
      - O(config.path) and O(config=x) go. Check mode changes nothing.
    type: str
"""


@pytest.fixture(name="options", scope="module")
def import_options() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SOURCE))
        yield import_module("otelcoltool.options")


def test_sentences_about_excluded_options_are_left_out(options: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    module = SimpleNamespace(DOCUMENTATION=DOCUMENTATION)
    monkeypatch.setitem(sys.modules, "otelcoltool.modules.pipeline_sample", module)
    found = options.read_documented_options("sample", ("config",), False)
    assert {name: option.description for name, option in found.items()} == {
        "profile": "The profile. --config-files is read first."
    }


@cases(
    "words, message",
    (["migrate", "agent.yaml", "--dest", ""], "--dest is empty"),
    (["migrate", "agent.yaml", "--version="], "--version is empty"),
    (["migrate", "agent.yaml", "--compare", "binary="], "'binary' is empty (at --compare)"),
    (["validate", "agent.yaml", "--output-path", ""], "--output-path is empty"),
    (["validate", "agent.yaml", "--catalogue="], "--catalogue is empty"),
    (["validate", "agent.yaml", "--rule-paths", "rules", "--rule-paths", ""], "--rule-paths is empty"),
    (["validate", "agent.yaml", "--options", ""], "--options is empty"),
    (["test", "agent.yaml", "--propose-path", ""], "--propose-path is empty"),
)
def test_an_empty_value_is_not_taken_for_an_option_that_is_left_out(
    command_line: ModuleType, capsys: pytest.CaptureFixture[str], config: Path, words: list[str], message: str
) -> None:
    """As in `--dest "$FILE"` with a variable that is not set: the command must not write to another file."""
    assert command_line.main(words) == 2
    assert capsys.readouterr().err == f"otelcoltool: {message}. Give a value, or leave it out.\n"
    assert config.read_text() == OLD


@cases(
    "content, name",
    ("dest: ''", "dest"),
    ("distribution: ''", "distribution"),
    ("compare: {before: ''}", "before"),
)
def test_an_empty_value_in_a_file_of_options_is_refused(
    command_line: ModuleType, capsys: pytest.CaptureFixture[str], config: Path, content: str, name: str
) -> None:
    config.with_name("options.yml").write_text(content)
    assert command_line.main(["migrate", "agent.yaml", "--options", "options.yml"]) == 2
    told = f"'{name}' is empty (at the file of --options). Give a value, or leave it out."
    assert told in capsys.readouterr().err
    assert config.read_text() == OLD


def test_a_path_that_is_empty_is_called_a_path(command_line: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["validate", ""]) == 2
    assert "a path is empty" in capsys.readouterr().err


def test_an_option_without_a_value_in_a_file_of_options_is_left_out(options: ModuleType) -> None:
    documented = options.read_documented_options("migrate", (), True)
    assert documented["dest"].complete_value(None, "the file of --options") is None
