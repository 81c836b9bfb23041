# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the testbed keeps things: one folder for the build cache, the locks and the state of every cluster."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.testbed.errors import ClusterError
from tests.testbed.progress import STOP_EVENT, say

GIB = 1 << 30


@dataclass(frozen=True)
class Home:
    """The root folder; everything below it is named here and nowhere else."""

    root: Path

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Home:
        """O11Y_TESTBED_HOME, or a folder in the user's cache."""
        if configured_folder := environment.get("O11Y_TESTBED_HOME"):
            return cls(Path(configured_folder).absolute())
        cache_folder = environment.get("XDG_CACHE_HOME") or str(Path(environment.get("HOME", "/")) / ".cache")
        return cls(Path(cache_folder).absolute() / "o11y-testbed")

    @property
    def builds(self) -> Path:
        """What was built from Go modules, by content key."""
        return self.root / "builds"

    @property
    def images(self) -> Path:
        """Image archives, by content key."""
        return self.root / "images"

    @property
    def logs(self) -> Path:
        """Logs of builds and of apt; the logs of a cluster are with the cluster."""
        return self.root / "logs"

    @property
    def clusters(self) -> Path:
        """One state folder per cluster."""
        return self.root / "clusters"

    @property
    def hosts(self) -> Path:
        """One state folder per group of Linux hosts."""
        return self.root / "hosts"

    @property
    def external(self) -> Path:
        """Kubeconfigs for clusters of the user, one context each. They are not the testbed's own clusters."""
        return self.root / "external"

    def prepare(self) -> None:
        """Make the folders."""
        for folder in (self.builds, self.images, self.logs, self.clusters, self.root / "locks"):
            folder.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """One process at a time. The kernel drops the lock of a process that was killed."""
        (self.root / "locks").mkdir(parents=True, exist_ok=True)
        with (self.root / "locks" / f"{name}.lock").open("w") as lock_file:
            try:
                fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say(f"waiting for another run that holds the lock of {name}")
                fcntl.flock(lock_file, fcntl.LOCK_EX)
            if STOP_EVENT.is_set():  # what waited for the lock must not begin to build now
                reason = "another step failed or the run was interrupted"
                raise ClusterError(f"lock of {name}: given up", reason, "run the command again")
            yield

    def require_space(self, needed_gib: float, purpose: str, *other_folders: Path) -> None:
        """Fail early and clearly instead of somewhere in the middle of a build."""
        for folder in (self.root, *other_folders):
            existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
            free_gib = shutil.disk_usage(existing).free / GIB
            if free_gib < needed_gib:
                raise ClusterError(
                    f"not enough disk space to {purpose}",
                    f"{folder} has {free_gib:.1f} GiB free, {needed_gib:.0f} GiB are needed",
                    "free some space, or set O11Y_TESTBED_HOME (and GOCACHE, GOMODCACHE) to a larger disk",
                )


def is_below(path: str | os.PathLike[str], folder: Path) -> bool:
    """Whether a path is inside a folder, links resolved."""
    return Path(path).expanduser().resolve().is_relative_to(folder.resolve())
