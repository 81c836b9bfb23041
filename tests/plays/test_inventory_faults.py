# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An inventory that Ansible reads in another way than it says ends each playbook, with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import plays

GOOD = """\
all:
  hosts:
    one:
      otel_collectors: [{name: a, recipes: [otlp_ingest, debug_output]}]
"""
FAULTS = {
    "prefix": (GOOD + "      otel_colector_namespace: b\n", "did you mean otel_collector_namespace? (at FILE:5:"),
    "twice": (
        GOOD + "      otel_collectors: []\n",
        "key 'otel_collectors' stands twice, and Ansible keeps only the last",
    ),
    "tab": (
        GOOD.replace("    one", "\tone"),
        "this is not valid YAML: a tab stands where YAML takes blanks alone (at FILE:3:1)",
    ),
    "empty": ("all:\n  hosts:\n", "the inventory names no host"),
}
BOOKS = ("site", "render", "verify", "remove", "diagnose", "report", "lock", "mirror", "rights", "sample_app")
ALL_FAULTS_IN = ("site", "render")


@pytest.mark.parametrize("book", BOOKS)
def test_each_playbook_ends(tmp_path: Path, book: str) -> None:
    for name, (text, wrong) in FAULTS.items():
        if name not in ("prefix", "empty") and book not in ALL_FAULTS_IN:
            continue
        file = tmp_path / f"{name}.yml"
        file.write_text(text)
        done = plays.run_playbook("-i", str(file), f"playbooks/{book}.yml")
        said = " ".join(done.stdout.split()).replace("''", "'")
        assert done.returncode, (book, name, said)
        expected = "names no" if name == "empty" else wrong.replace("FILE", str(file))
        assert expected in said, (book, name, said)
