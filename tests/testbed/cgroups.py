# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cgroup of a node: kubelets need one each, and it finds whatever ran in pods."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.testbed.progress import wait_for

ROOT = Path("/sys/fs/cgroup")
V2_CONTROLLERS = "+cpu +cpuset +memory +pids"


def _list_hierarchies(root: Path) -> list[Path]:
    """Every hierarchy (one on cgroup v2; one per controller on v1, where some names are links to others)."""
    if (root / "cgroup.controllers").exists():
        return [root]
    return [entry for entry in sorted(root.iterdir()) if entry.is_dir() and not entry.is_symlink()]


def create_cgroups(name: str, root: Path | None = None) -> None:
    """Make the cgroup in every hierarchy."""
    root = root or ROOT
    if (root / "cgroup.controllers").exists():
        (root / "cgroup.subtree_control").write_text(V2_CONTROLLERS)
    for hierarchy in _list_hierarchies(root):
        (hierarchy / name).mkdir(exist_ok=True)


def _list_cgroups(pattern: str, root: Path | None) -> Iterator[Path]:
    """The cgroups of that name and everything below, the deepest first."""
    for hierarchy in _list_hierarchies(root or ROOT):
        for top_group in hierarchy.glob(pattern):
            yield from sorted((path for path in top_group.rglob("*") if path.is_dir()), reverse=True)
            yield top_group


def list_processes(pattern: str, root: Path | None = None) -> set[int]:
    """Everything that runs in these cgroups."""
    pids: set[int] = set()
    for group in _list_cgroups(pattern, root):
        try:
            pids.update(int(line) for line in (group / "cgroup.procs").read_text().split())
        except OSError:
            continue
    return pids


def delete_cgroups(pattern: str, root: Path | None = None) -> None:
    """Remove the cgroups; the kernel refuses for a moment after the last process has ended."""

    def find_busy_group() -> str | None:
        busy_group = None
        for group in _list_cgroups(pattern, root):
            try:
                group.rmdir()
            except FileNotFoundError:
                continue
            except OSError as error:
                busy_group = f"{group}: {error.strerror}"
        return busy_group

    wait_for(f"removal of cgroups {pattern}", find_busy_group, 10, lambda: "a process is still in it")
