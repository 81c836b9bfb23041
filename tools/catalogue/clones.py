# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clones, read through git alone: nothing is checked out, nothing in them is run.

A clone is a copy of a public repository in a folder of the maintainer. The other files of this folder read releases of
the Collector from it.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from plugins.module_utils._otelcol.config.collector_versions import Version, parse_version

# The tag of a release, such as `v0.158.0`.
RELEASE_TAG = re.compile(r"v\d+\.\d+\.\d+$")
# The first line of a release commit, such as `[chore] Prepare release 0.158.0 (#1234)`.
_RELEASE_COMMIT = re.compile(r"(?:\[chore\] )?[Pp]repare release (\d+\.\d+\.\d+) \(#\d+\)$")


class MissingClone(Exception):  # noqa: N818 - what a maintainer reads
    """A clone that is needed is not there."""


@dataclass(frozen=True)
class Clone:
    """A git repository, bare or not."""

    path: Path

    def run_git(self, *arguments: str) -> str:
        """Return what a git command says."""
        command = ["git", "-C", str(self.path), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def read_file(self, revision: str, path: str) -> str | None:
        """Return a file of a revision; None when it has none."""
        result = subprocess.run(
            ["git", "-C", str(self.path), "show", f"{revision}:{path}"], check=False, capture_output=True, text=True
        )
        return result.stdout if result.returncode == 0 else None

    def list_blobs(self, revision: str, *folders: str) -> Iterator[tuple[str, str]]:
        """Yield path and object id of every file below folders of a revision."""
        for line in self.run_git("ls-tree", "-r", revision, "--", *folders).splitlines():
            entry_fields, _tab, path = line.partition("\t")
            if " blob " in entry_fields:
                yield path, entry_fields.split()[2]

    def read_blobs(self, blobs: list[str]) -> dict[str, str]:
        """Return the text of many objects with one call."""
        command = ["git", "-C", str(self.path), "cat-file", "--batch"]
        output = subprocess.run(command, check=True, capture_output=True, input="\n".join(blobs).encode()).stdout
        texts: dict[str, str] = {}
        offset = 0
        for blob in blobs:
            header_end = output.index(b"\n", offset)
            size = int(output[offset:header_end].split()[2])
            texts[blob] = output[header_end + 1 : header_end + 1 + size].decode(errors="replace")
            offset = header_end + 2 + size
        return texts

    @cached_property
    def tag_by_version(self) -> dict[Version, str]:
        """Release tags by version; release candidates and nightly builds are none."""
        return {parse_version(tag): tag for tag in self.run_git("tag").split() if RELEASE_TAG.match(tag)}

    @cached_property
    def commit_by_version(self) -> dict[Version, str]:
        """Upstream's release commits by version: a fork has those even where it has no tags."""
        commits: dict[Version, str] = {}
        for line in self.run_git("log", "--all", "--format=%H %s", "--grep=repare release").splitlines():
            commit, _space, subject = line.partition(" ")
            match = _RELEASE_COMMIT.match(subject)
            if match:
                commits[parse_version(match[1])] = commit
        return commits

    def describe_snapshot(self) -> dict[str, str]:
        """Return what says which snapshot this is: the newest commit and its date."""
        commit, date = self.run_git("log", "-1", "--format=%H %cs").split()
        return {"commit": commit, "date": date}


def find_clones(folder: Path, name: str) -> list[Clone]:
    """Return the clones of a repository, `name` or `name-1`, `name-2`, in order.

    Raises MissingClone when there is none.
    """
    pattern = re.compile(rf"{name}(-\d+)?")
    repository_clones = [Clone(path) for path in sorted(folder.iterdir()) if pattern.fullmatch(path.name)]
    if not repository_clones:
        raise MissingClone(f"there is no clone of {name} in {folder}; tools/catalogue/README.md lists what is needed")
    return repository_clones
