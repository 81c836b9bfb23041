# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every test of the testbed starts with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.testbed import cgroups, netns, progress
from tests.testbed.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home."""
    made = Home(tmp_path / "home")
    made.prepare()
    return made


@pytest.fixture
def theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The path of a user's kubeconfig, of which a fake kubectl reads the context `prod` and a copy of it.

    The fake kubectl reads the copy with any of its commands, and writes into `kubectl.log` what it was called with.
    """
    path, program = tmp_path / "config", tmp_path / "programs" / "kubectl"
    program.parent.mkdir()
    program.write_text(
        f"""#!/bin/sh
echo "$*" >>{tmp_path}/kubectl.log
case "$*" in
  "--kubeconfig={path} config current-context") echo prod ;;
  "--kubeconfig={path} config view --minify --flatten --context=prod") echo "{{a copy of: prod}}" ;;
  "--kubeconfig={tmp_path}/home/external/"*" config current-context") echo prod ;;
  "--kubeconfig={tmp_path}/home/external/"*" config view "*) echo "{{a copy of: prod}}" ;;
  "--kubeconfig={tmp_path}/home/external/"*" get "*) echo 10.0.0.1 ;;
  *) exit 1 ;;
esac
"""
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    return str(path)


@pytest.fixture(autouse=True)
def not_stopped() -> Iterator[None]:
    """A test that lets a step fail must not end the waits of the next one."""
    yield
    progress.STOP_EVENT.clear()


@pytest.fixture(autouse=True)
def no_cluster_of_the_machine(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cleanup finds networks and cgroups by the number of a slot. A test must not find those of a running cluster."""
    machine = tmp_path_factory.mktemp("machine")
    for module, name in ((netns, "LINKS_FOLDER"), (netns, "NAMESPACES_FOLDER"), (cgroups, "ROOT")):
        folder = machine / name.lower()
        folder.mkdir()
        monkeypatch.setattr(module, name, folder)
