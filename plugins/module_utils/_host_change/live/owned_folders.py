# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders of this collection on a host: each has a `manifest.json` that names the collection. Private.

A folder without this file belongs to somebody else, and no run changes it. host_store.py, program_folders.py and
release_folders.py make and check their folders by these functions. The file in `/etc/otelcol/agent` is, for example,
`{"owner": "o11y.opentelemetry", "collector": "agent", "had_state": false}`. It is no manifest of Kubernetes.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from ..._otelcol.kube.names import OWNER
from ..bundle_form import CONFIG_FOLDER, MANIFEST
from .atomic_files import json_bytes, read_json, remove_folder, temporary_path, write_file

# The number of user root.
_ROOT_ID = 0
# The bits of a mode by which the group and all others may write.
_OTHERS_WRITE = 0o022


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return what the manifest of a folder says; empty without one."""
    return read_json(folder / MANIFEST)


def is_own(folder: Path) -> bool:
    """Whether a run of this collection has made a folder."""
    return str(read_manifest(folder).get("owner") or "") == OWNER


def list_own_collectors(root: Path) -> list[str]:
    """Return the names of the collectors that runs of this collection have made below a root."""
    folder = root / CONFIG_FOLDER.lstrip("/")
    if not folder.is_dir():
        return []
    names = []
    for entry in sorted(folder.iterdir()):
        is_temporary = entry.name.startswith(".")
        if not is_temporary and read_manifest(entry).get("owner") == OWNER:
            names.append(entry.name)
    return names


def make_own_folder(folder: Path, **facts: Any) -> None:
    """Make a folder of this collection, unless it is there. It is never there without its manifest.

    `facts` are what its manifest says besides the owner, such as `collector="agent"`.
    """
    if not folder.exists():
        temporary = temporary_path(folder)
        shutil.rmtree(str(temporary), ignore_errors=True)
        temporary.mkdir(parents=True, mode=0o755)
        temporary.chmod(0o755)
        write_file(temporary / MANIFEST, json_bytes({"owner": OWNER, **facts}), 0o644)
        temporary.rename(folder)


def remove_if_empty(folder: Path) -> None:
    """Remove a folder of this collection in which nothing is left but its manifest."""
    if is_own(folder) and [entry.name for entry in folder.iterdir()] == [MANIFEST]:
        remove_folder(folder, temporary_path(folder))


def others_may_write(folder: Path) -> bool:
    """Whether another user than root and this one may change what is in a folder."""
    folder_status = folder.stat()
    return folder_status.st_uid not in (_ROOT_ID, os.geteuid()) or bool(folder_status.st_mode & _OTHERS_WRITE)
