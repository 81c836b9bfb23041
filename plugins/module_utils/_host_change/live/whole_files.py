# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files, folders and links that are there whole or not at all: each is made beside its place and renamed. Private.

A draft is a file, folder or link under the name that it has until it is renamed to its place. A killed run may leave
one, which the next run removes. (On the controller, a draft is something else: a collector that is not rendered yet.)
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


def draft_path(path: Path) -> Path:
    """Return where a folder, file or link is made before it is renamed: `.name.new` beside `name`."""
    return path.with_name(f".{path.name}.new")


def retire_folder(folder: Path, draft: Path) -> None:
    """Rename a folder to a draft, then remove the draft: a killed run leaves all of the folder or none of it."""
    if folder.exists():
        shutil.rmtree(str(draft), ignore_errors=True)
        folder.rename(draft)
        shutil.rmtree(str(draft))


def write_file(path: Path, data: bytes, mode: int) -> None:
    """Write a file beside its place with its final mode, then rename it over: nobody reads half of it."""
    draft = draft_path(path)
    remove_file(draft)
    handle = os.open(str(draft), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        os.fchmod(file.fileno(), mode)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def replace_link(path: Path, target: str) -> None:
    """Let a link lead to a target. The old link is there until the new one is."""
    draft = draft_path(path)
    remove_file(draft)
    draft.symlink_to(target)
    draft.replace(path)
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
