# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tutorial of hosts does what it says, on a host of the testbed: its files and commands come from the page."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.own_hosts import ROOT, TIMEOUT_SECONDS, OwnHosts
from tests.support.page import Command, File, read_sections
from tests.support.page_commands import run_command
from tests.testbed.progress import wait_for

PAGE = read_sections(ROOT / "docs" / "tutorial_hosts.md")
HOSTS = OwnHosts.from_topic("tutorial")
PROGRAM = "otelcol-contrib"
# How long a reader would repeat a look at the journal.
PATIENCE = 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return the reader's folder, with how to reach the host beside the reader's inventory, and the program there."""
    made = tmp_path_factory.mktemp("tutorial")
    with HOSTS.run_hosts() as inventory:
        linux: dict[str, Any] = yaml.safe_load(Path(inventory).read_text())["linux"]
        reached = {"otel_linux": {"hosts": {"web1": linux["hosts"]["host1"] | linux["vars"]}}}
        (made / "inventory").mkdir()
        (made / "inventory" / "reached.yml").write_text(yaml.safe_dump(reached), encoding="utf-8")
        with tarfile.open(HOSTS.make_archive()) as archive:
            archive.extract(PROGRAM, made, filter="data")
        source = f"src={made}/{PROGRAM} dest=/usr/bin/{PROGRAM} mode=0755"
        code, said = run_command(made, f"ansible web1 -i inventory --become -m copy -a '{source}'", TIMEOUT_SECONDS)
        assert code == 0, said
        yield made


@pytest.mark.parametrize("title", PAGE)
def test_every_step_of_a_section_does_what_the_page_says(title: str, folder: Path) -> None:
    """The sections follow each other."""
    for step in PAGE[title]:
        if isinstance(step, File):
            (folder / step.path).parent.mkdir(parents=True, exist_ok=True)
            (folder / step.path).write_text(step.text, encoding="utf-8")
            continue
        if "journalctl" in step.text:
            wait_for("record in the journal", partial(fault, step, folder), PATIENCE, lambda: "")
        else:
            assert fault(step, folder) is None


def fault(step: Command, folder: Path) -> str | None:
    """Return what is wrong about a command and its output; None if it does what the page says."""
    code, said = run_command(folder, step.text, TIMEOUT_SECONDS)
    missing = step.find_missing_line(said)
    return f"exit code {code}, not printed: {missing}\n{step.text}\n{said}" if code or missing else None
