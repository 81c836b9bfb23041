# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a command says of words that it cannot use."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from tests.support.cases import cases


@cases("command, takes_stdin", ("validate", True), ("migrate", True), ("test", False))
def test_only_a_command_that_reads_the_standard_input_offers_it(
    command_line: ModuleType, capsys: pytest.CaptureFixture[str], command: str, takes_stdin: bool
) -> None:
    assert command_line.main([command]) == 2
    told = capsys.readouterr().err
    assert "there is nothing to read. Give files or folders" in told
    assert ("standard input" in told) is takes_stdin


@cases(
    "content, message",
    ("fail_on: error\nfail_on: warning\n", "options.yml:2:1 fail_on: this key stands twice"),
    ("[]", "a file of options is a mapping"),
    ("fial_on: error\n", "there is no option 'fial_on'; did you mean 'fail_on'?"),
)
def test_a_file_of_options_with_a_fault_is_refused(
    command_line: ModuleType, capsys: pytest.CaptureFixture[str], tmp_path: Path, content: str, message: str
) -> None:
    options_file = tmp_path / "options.yml"
    options_file.write_text(content)
    assert command_line.main(["validate", str(tmp_path), "--options", str(options_file)]) == 2
    assert message in capsys.readouterr().err


@cases(
    "content, message",
    ("severities: {1: 'off'}", "severities: there is no rule '1'"),
    ("severities: {1: off}", "severities: there is no rule '1'"),
    ("severities: {true: info}", "severities: there is no rule 'True'"),
)
def test_the_id_of_a_rule_that_is_no_text_is_an_error_of_the_user(
    command_line: ModuleType, config: Path, capsys: pytest.CaptureFixture[str], content: str, message: str
) -> None:
    config.with_name("options.yml").write_text(content)
    assert command_line.main(["validate", "agent.yaml", "--options", "options.yml"]) == 2
    assert message in capsys.readouterr().err
