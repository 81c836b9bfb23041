# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a command says of words that it cannot use."""

from __future__ import annotations

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
