# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of what collectors counted before a sync: one for each member, HOST.json. Controller only. Private.

`_collector_judge.py` writes and reads them, and a forecast reads the configs in them. A member is a host of the
inventory, and a `Track` is all readings of one of its collectors (see wave_tracks.py). For example, web1.json of a
Linux host has

    {"kept": "2026-01-31T12:00:00Z", "collectors": [{"name": "agent", "config": {…}, "polls": […]}]}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..module_utils._otelcol.errors import Problem
from ..module_utils._waves.sample_rows import read_tracks
from ..module_utils._waves.wave_tracks import Track
from ._otelcol import _files

# What a file of another content, or of another form, raises while it is read.
_ODD_CONTENT_ERRORS = (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)
_ACTION = "Use the figures of before"


@dataclass(frozen=True)
class KeptFigures:
    """What the collectors of a member counted, and when that was kept; both empty without a file."""

    kept_time: str
    """In UTC, such as `2026-01-31T12:00:00Z`."""
    tracks: tuple[Track, ...]


def resolve_figures_folder(path: str) -> Path:
    """Return the folder of the files, which need not exist. Raises Problem for an empty path."""
    return _files.require_expanded_path(path).resolve()


def figures_path(folder: Path, host: str) -> Path:
    """Return the file of a member. Raises Problem for a name that would lead out of the folder."""
    if host in (".", "..") or "/" in host:
        fix = "Rename the host in the inventory."
        raise Problem(f"host '{host}' has a name that no file can have", asked=_ACTION, fix=fix)
    return folder / f"{host}.json"


def write_figures(path: Path, task_result: Mapping[str, Any], *, is_check_mode: bool) -> bool:
    """Write what a task has read of a member; return whether the file changed. Raises Problem if it cannot."""
    current_time = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    kept_figures = {"kept": current_time, "collectors": task_result["collectors"]}
    return _files.write_or_check(path, json.dumps(kept_figures, sort_keys=True) + "\n", is_check_mode)


def remove_figures(path: Path) -> None:
    """Remove the file of a member, if it exists. Raises Problem if it cannot be removed."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        wrong = f"cannot remove {path}: {error.strerror or error}"
        raise Problem(wrong, asked=_ACTION, fix="Remove it yourself, then run again.") from error


def read_figures(folder: Path, host: str) -> KeptFigures:
    """Return what was kept of a member. Raises Problem for a file with another content."""
    path = figures_path(folder, host)
    if not _files.is_path_of_kind(path, Path.exists):
        return KeptFigures("", ())
    file_content = _files.read_text_file(path)
    try:
        kept_content = json.loads(file_content)
        return KeptFigures(str(kept_content.get("kept") or ""), tuple(read_tracks(host, kept_content)))
    except _ODD_CONTENT_ERRORS as error:
        fix = "Remove it, and keep the figures again before the next sync."
        raise Problem(f"{path} is no file of kept figures", asked=_ACTION, fix=fix) from error


def read_kept_configs(folder: Path, host: str) -> dict[str, Any]:
    """Return the configs that collectors of a member had when their figures were kept, by the names of the collectors.

    A name is `agent` on a Linux host, and `obs/agent` in a cluster. Raises Problem for a file of something else.
    """
    return {track.name: track.config for track in read_figures(folder, host).tracks}
