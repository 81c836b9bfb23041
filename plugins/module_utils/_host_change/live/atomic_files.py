# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write files, folders and links atomically: each is there whole or not at all. Private.

Each is made under a temporary name in its folder, and then renamed to its own name: `config.yaml` is first written as
`.config.yaml.new`. A run that is killed in between leaves the temporary one, which the next run removes
(host_store.py). All files of `live` that write to the disk of a host use these functions.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..._otelcol.bounded.json_text import parse_json

# The pattern of the names that `temporary_path` gives.
TEMPORARY_PATTERN = ".*.new"


def temporary_path(path: Path) -> Path:
    """Return where a folder, file or link is made before it is renamed: `/etc/.name.new` for `/etc/name`."""
    return path.with_name(f".{path.name}.new")


def remove_folder(folder: Path, temporary: Path) -> None:
    """Remove a folder with all that is in it, if there is one.

    It is renamed to `temporary` first, and removed there. So under its own name, a killed run leaves all of it or
    nothing.
    """
    if folder.exists():
        shutil.rmtree(str(temporary), ignore_errors=True)
        folder.rename(temporary)
        shutil.rmtree(str(temporary))


def write_file(path: Path, data: bytes, mode: int) -> None:
    """Write a file with its final mode. Nobody reads half of it, or reads it with another mode."""
    temporary = temporary_path(path)
    remove_file(temporary)
    # Only this user may read the file until it is whole. Then it gets its mode, whatever the umask of the run is.
    handle = os.open(str(temporary), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        os.fchmod(file.fileno(), mode)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def replace_link(path: Path, target: str) -> None:
    """Let a link lead to a target. The old link is there until the new one is."""
    temporary = temporary_path(path)
    remove_file(temporary)
    temporary.symlink_to(target)
    temporary.replace(path)
    sync_folder(path.parent)


def remove_file(path: Path) -> None:
    """Remove a file or a link, if there is one."""
    with suppress(FileNotFoundError):
        path.unlink()


def remove_link(path: Path) -> None:
    """Remove a link; anything else stays."""
    if path.is_symlink():
        remove_file(path)


def read_link_target(path: Path) -> str:
    """Return where a link leads; empty for what is no link."""
    # Path has it from Python 3.9 on.
    return os.readlink(str(path)) if path.is_symlink() else ""  # noqa: PTH115


def sync_folder(folder: Path) -> None:
    """Write the entries of a folder to the disk, so that a renamed file survives a power cut."""
    handle = os.open(str(folder), os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def json_bytes(value: Mapping[str, Any]) -> bytes:
    """Return a mapping as the text of a file of JSON, with its keys in order."""
    return (json.dumps(value, indent=1, sort_keys=True) + "\n").encode()


def read_json(path: Path) -> dict[str, Any]:
    """Return the mapping in a file of JSON; an empty one if there is no such file, or something else in it."""
    try:
        content = parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
