# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which processes are ours: by what they carry, never by a number."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.testbed import process
from tests.testbed.process import CLUSTER_MARK, SERVER_MARK

OURS = Path("/state/clusters/o11y")


def _process(proc: Path, pid: int, program: str, environment: dict[str, str], state: str = "S") -> None:
    """A process' folder as the kernel shows it."""
    entry = proc / str(pid)
    entry.mkdir()
    (entry / "environ").write_bytes(b"".join(f"{name}={value}\0".encode() for name, value in environment.items()))
    (entry / "exe").symlink_to(f"/usr/bin/{program}")
    (entry / "stat").write_text(f"{pid} (a (strange) name) {state} 1 1 1")


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A machine with our containerd and its shim, a zombie of ours, a namesake, and another cluster's."""
    root = tmp_path / "proc"
    root.mkdir()
    (root / "self").mkdir()
    marks = {CLUSTER_MARK: str(OURS), SERVER_MARK: "containerd@node1"}
    _process(root, 100, "containerd", marks)
    _process(root, 101, "containerd-shim-runc-v2", marks)
    _process(root, 102, "etcd", {CLUSTER_MARK: str(OURS), SERVER_MARK: "etcd"}, state="Z")
    _process(root, 103, "containerd", {})
    _process(root, 104, "containerd", {CLUSTER_MARK: f"{OURS}-2", SERVER_MARK: "containerd@node1"})
    (root / "105").mkdir()
    return root


def test_only_what_carries_the_mark_is_ours(proc: Path) -> None:
    assert {found.pid for found in process.marked(OURS, proc)} == {100, 101}


def test_a_server_is_not_its_shim(proc: Path) -> None:
    assert process.server_pid(OURS, "containerd@node1", "containerd", proc) == 100


def test_a_dead_server_is_not_found(proc: Path) -> None:
    assert process.server_pid(OURS, "etcd", "etcd", proc) is None


def test_a_server_is_started_with_its_mark_and_without_the_users_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example")
    code = "import os; print(os.environ.get('HTTPS_PROXY'), os.environ['O11Y_TESTBED_SERVER'])"
    child = process.start(tmp_path, "it", [sys.executable, "-c", code], tmp_path / "log" / "it.log")
    child.wait()
    assert (tmp_path / "log" / "it.log").read_text() == "None it\n"


def test_kill_all_ends_when_nothing_is_found() -> None:
    child = subprocess.Popen(["sleep", "60"])
    assert process.kill_all(lambda: {child.pid} if child.poll() is None else set(), "it") == 1


def test_we_do_not_find_ourselves(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {os.getpid()}
    assert not own & process.in_namespaces([Path("/proc/self/ns/net")])
