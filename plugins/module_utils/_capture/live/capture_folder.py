# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of a capture: there whole or not at all, and readable for its owner alone. Private.

`capture_task.py` opens a folder with `open_capture_folder`, writes lines into it, and finishes it with a manifest.
Until then, the folder has a temporary name, `.obs.gateway.capture-part` for `obs.gateway`. It then has, for example,

    obs.gateway/traces.jsonl.gz    the records of a signal, packed
    obs.gateway/manifest.json      what the capture is of (capture_manifest.py)
"""

from __future__ import annotations

import fcntl
import gzip
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from ..._otelcol.bounded.json_text import parse_json
from ..._otelcol.bounded.live.bounded_reads import read_file_text
from ..._otelcol.errors import Problem
from ..._otelcol.forecast.capture_facts import MANIFEST_FILE
from ..capture_manifest import signal_file_name

# Most of the bytes are masks, which no level packs; the first one is the fastest.
_COMPRESSION_LEVEL = 1
# Only the owner may read the folder and its files.
_FOLDER_MODE = 0o700
_FILE_MODE = 0o600


class CaptureFolder:
    """The folder under its temporary name, until it is whole."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder, self._stack = folder, stack
        self._files: dict[str, Any] = {}

    def write_line(self, signal: str, line: bytes) -> None:
        """Add a line to the file of a signal."""
        file = self._files.get(signal)
        if file is None:
            packed_file = gzip.GzipFile(
                fileobj=self._create_private_file(signal_file_name(signal)), mode="wb", compresslevel=_COMPRESSION_LEVEL
            )
            file = self._files[signal] = self._stack.enter_context(packed_file)
        file.write(line + b"\n")

    def finish(self, manifest: Mapping[str, Any]) -> None:
        """Close the files, and write the manifest."""
        self._stack.close()
        text = json.dumps(manifest, indent=2, sort_keys=True) + "\n"
        with self._create_private_file(MANIFEST_FILE) as file:
            file.write(text.encode())

    def _create_private_file(self, name: str) -> BinaryIO:
        """Return a new file of the folder that only its owner may read."""
        path = self._folder / name
        file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE), "wb")
        return self._stack.enter_context(file)


@contextmanager
def open_capture_folder(target_folder: Path) -> Iterator[CaptureFolder]:
    """Yield a folder that gets the name `target_folder` when the block ends. If the block fails, nothing changes.

    Raises Problem if `target_folder` is there and is no capture, if another run writes there, or if the disk is full.
    """
    _check_target_folder(target_folder)
    part_folder = target_folder.parent / f".{target_folder.name}.capture-part"
    try:
        target_folder.parent.mkdir(parents=True, exist_ok=True)
        with _hold_part_folder(part_folder), ExitStack() as stack:
            _restore_earlier_capture(target_folder)
            yield CaptureFolder(part_folder, stack)
            # All files are closed before the folder gets its name. `finish` has done so if the block called it.
            stack.close()
            # `finish` writes the manifest last, so a folder without one is not whole.
            if (part_folder / MANIFEST_FILE).exists():
                _replace_capture(part_folder, target_folder)
    except OSError as error:
        fix = "Nothing was kept. Make room, or name another folder with `capture_path`."
        raise Problem(f"{target_folder} cannot be written: {error.strerror}", fix=fix) from error


@contextmanager
def _hold_part_folder(part_folder: Path) -> Iterator[None]:
    """Make an empty folder for the block, and remove it. What a killed run has left in it goes first."""
    # That the folder is there says nothing, since a killed run may have left it. The lock says whether a run uses it.
    part_folder.mkdir(mode=_FOLDER_MODE, exist_ok=True)
    lock_descriptor = os.open(part_folder, os.O_RDONLY)
    try:
        _lock_part_folder(lock_descriptor, part_folder)
        for path in part_folder.iterdir():
            path.unlink()
        try:
            yield
        finally:
            _remove_locked_folder(part_folder, lock_descriptor)
    finally:
        os.close(lock_descriptor)


def _lock_part_folder(lock_descriptor: int, part_folder: Path) -> None:
    """Take the folder for this run. The lock goes with its process. Raises Problem if another run has it."""
    try:
        fcntl.flock(lock_descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise Problem(f"another run writes to {part_folder}", fix="Wait for its end, then run again.") from error


def _remove_locked_folder(part_folder: Path, lock_descriptor: int) -> None:
    """Remove the folder that this run has locked, unless it was renamed: another run may have made one since."""
    with suppress(FileNotFoundError):
        if part_folder.stat().st_ino == os.fstat(lock_descriptor).st_ino:
            shutil.rmtree(part_folder, ignore_errors=True)


def _check_target_folder(target_folder: Path) -> None:
    """Raise Problem if something else than a capture has this path: it would be lost."""
    if not target_folder.exists() and not target_folder.is_symlink():
        return
    try:
        is_capture = "capture" in parse_json(read_file_text(target_folder / MANIFEST_FILE))
    except (OSError, ValueError, TypeError, Problem):
        is_capture = False
    if not is_capture or target_folder.is_symlink():
        fix = "Remove it, or name another folder with `capture_path`."
        raise Problem(f"{target_folder} is there, and is no capture", fix=fix)


def _earlier_capture(target_folder: Path) -> Path:
    """Return the name of the earlier capture while the new one gets its own name."""
    return target_folder.parent / f".{target_folder.name}.capture-earlier"


def _restore_earlier_capture(target_folder: Path) -> None:
    """Give an earlier capture its name back: a run that was killed while it replaced it left none there."""
    earlier_capture = _earlier_capture(target_folder)
    if earlier_capture.is_dir() and not target_folder.exists():
        earlier_capture.rename(target_folder)


def _replace_capture(part_folder: Path, target_folder: Path) -> None:
    """Rename a folder to its name. The earlier capture goes then, or comes back if the rename fails."""
    earlier_capture = _earlier_capture(target_folder)
    shutil.rmtree(earlier_capture, ignore_errors=True)
    if target_folder.exists():
        target_folder.rename(earlier_capture)
    try:
        part_folder.rename(target_folder)
    except OSError:
        _restore_earlier_capture(target_folder)
        raise
    shutil.rmtree(earlier_capture, ignore_errors=True)
