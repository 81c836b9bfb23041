# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the benchmarks compare is there: they themselves take too long for every run of the tests."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
import yaml

from tests.bench import cluster
from tests.bench.__main__ import prefer_own_programs
from tests.conftest import COLLECTIONS


def test_the_objects_of_the_collectors_are_rendered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSIBLE_COLLECTIONS_PATH", str(COLLECTIONS))
    manifests = cluster.rendered(cluster.site_of(tmp_path), tmp_path / "rendered", cluster.NAMESPACE)
    kinds = {item["kind"] for item in yaml.safe_load_all(manifests.read_text(encoding="utf-8"))}
    assert {"DaemonSet", "Deployment"} <= kinds


def test_programs_are_found_without_an_activated_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert shutil.which("ansible-playbook") is None
    prefer_own_programs()
    assert shutil.which("ansible-playbook") == str(Path(sys.executable).parent / "ansible-playbook")
