# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tutorial of forecasts does what it says: its files and commands come from the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.own_hosts import ROOT
from tests.support.page import Command, File, read_sections
from tests.support.page_commands import run_command

from .test_coverage import binary  # noqa: F401 - a fixture

PAGE = read_sections(ROOT / "docs" / "tutorial_forecast.md")
SECONDS = 240


@pytest.fixture(scope="module")
def folder(binary: str, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811
    """Return the reader's folder, with the program that the reader has on PATH."""
    made = tmp_path_factory.mktemp("tutorial")
    (made / "bin").mkdir()
    (made / "bin" / "otelcol-contrib").symlink_to(binary)
    return made


@pytest.mark.parametrize("title", PAGE)
def test_every_step_of_a_section_does_what_the_page_says(title: str, folder: Path) -> None:
    for step in PAGE[title]:
        if isinstance(step, File):
            (folder / step.path).write_text(step.text, encoding="utf-8")
        if isinstance(step, Command):
            _code, said = run_command(folder, step.text, SECONDS, programs_folder=str(folder / "bin"))
            assert step.find_missing_line(said) == "", said
