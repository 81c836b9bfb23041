# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run asks of a host itself: the lock that keeps two runs apart, and which process has a port."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.live.machine import Machine
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem


class _QuickMachine(Machine):
    """A machine whose waits are short."""

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds / 100)


def test_a_file_system_that_reports_no_blocks_is_not_told_as_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some mounts of FUSE do so, and a run would refuse to write what there is room for."""
    reported = os.statvfs_result((4096, 4096, 0, 0, 0, 0, 0, 0, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda _path: reported)
    assert Machine().free_bytes(tmp_path) > 2**60


def test_only_root_can_take_the_lock_and_it_leaves_no_file(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with Machine().hold_lock(lock, 0):
        assert lock.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == []


def test_a_second_run_waits_and_then_says_why_it_fails(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with Machine().hold_lock(lock, 0):
        with pytest.raises(Problem, match="another run changes collectors"), _QuickMachine().hold_lock(lock, 0.05):
            pass
        assert lock.exists()


def test_a_clock_that_is_set_ends_no_wait_for_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine, times = Machine(), iter(range(0, 36_000, 3600))
    monkeypatch.setattr(machine, "now", lambda: next(times))
    with ExitStack() as other_run:
        other_run.enter_context(Machine().hold_lock(tmp_path / "lock", 0))
        monkeypatch.setattr(machine, "sleep", lambda _seconds: other_run.close())
        with machine.hold_lock(tmp_path / "lock", 60):
            assert (tmp_path / "lock").exists()


def test_a_lock_that_a_killed_run_left_is_taken(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    lock.touch()
    with Machine().hold_lock(lock, 0):
        pass
    assert not lock.exists()


def test_many_runs_are_alone_one_after_the_other(tmp_path: Path) -> None:
    lock, inside, most = tmp_path / "lock", [0], [0]

    def run() -> None:
        for _time in range(20):
            with _QuickMachine().hold_lock(lock, 60):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                inside[0] -= 1

    runs = [threading.Thread(target=run) for _run in range(4)]
    for one in runs:
        one.start()
    for one in runs:
        one.join()
    assert (most[0], lock.exists()) == (1, False)


def test_the_process_of_a_socket_is_found_and_with_a_unit_only_among_its_processes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        inode = str(Path(f"/proc/self/fd/{server.fileno()}").readlink())[len("socket:[") : -1]
        holder = Machine().holders()[inode]
        assert holder.pid == os.getpid()
        assert inode not in Machine().holders("unit-of-nobody.service")
        assert not holder.unit or inode in Machine().holders(holder.unit)
