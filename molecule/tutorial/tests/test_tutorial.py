"""The tutorial does what it says: its files and commands come from the page, and so does what they must print."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.cluster import PROJECT
from tests.support.page import Command, File, Step, read_sections

PAGE = read_sections(PROJECT / "docs" / "tutorial.md")
# How long a reader would repeat a look at the cluster.
PATIENCE = 90
LOOKS = ("kubectl get ", "kubectl -n telemetry get ", "kubectl -n telemetry logs ")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the reader's folder, which all sections share."""
    return tmp_path_factory.mktemp("tutorial")


@pytest.fixture(scope="module")
def done() -> list[str]:
    """Return the sections that have done what they say: each needs all before it."""
    return []


@pytest.mark.parametrize("title", PAGE)
def test_every_step_of_a_section_does_what_the_page_says(title: str, folder: Path, done: list[str]) -> None:
    assert title == list(PAGE)[len(done)], "an earlier section has failed"
    for step in PAGE[title]:
        do(step, folder)
    done.append(title)


def do(step: Step, folder: Path) -> None:
    """Save a file, or run a command until it prints what the page shows."""
    if isinstance(step, File):
        (folder / step.path).parent.mkdir(parents=True, exist_ok=True)
        (folder / step.path).write_text(step.text, encoding="utf-8")
        return
    end = time.monotonic() + (PATIENCE if step.text.startswith(LOOKS) else 0)
    while fault := tried(step, folder):
        if time.monotonic() > end:
            pytest.fail(fault, pytrace=False)
        time.sleep(1)


def tried(step: Command, folder: Path) -> str:
    """Return what is wrong with what a command does, or an empty text."""
    began = time.monotonic()
    ran = subprocess.run(
        ["bash", "-c", step.text],
        cwd=folder,
        env={**os.environ, "ANSIBLE_FORCE_COLOR": "0", "ANSIBLE_NOCOLOR": "1"},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    print(f"{time.monotonic() - began:5.1f} s  {step.text}")
    if ran.returncode:
        return f"exit code {ran.returncode}: {step.text}\n{ran.stdout}"
    missing = step.find_missing_line(ran.stdout)
    return f"not printed: {missing}\n{step.text}\n{ran.stdout}" if missing else ""
