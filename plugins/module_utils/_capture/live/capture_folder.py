# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of a capture: there whole or not at all, and readable for its owner alone. Private."""

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

from ..._otelcol.bounded.json_text import json_value
from ..._otelcol.bounded.live.bounded_reads import file_text
from ..._otelcol.errors import Problem
from ..._otelcol.forecast.capture_facts import MANIFEST
from ..capture_manifest import file_name

# Most of the bytes are masks, which no level packs; the first one is the fastest.
_LEVEL = 1
_OWNER, _PRIVATE = 0o700, 0o600


class CaptureFolder:
    """The folder beside its place, until it is whole."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder, self._stack = folder, stack
        self._files: dict[str, Any] = {}

    def write(self, signal: str, line: bytes) -> None:
        """Add a line to the file of a signal."""
        file = self._files.get(signal)
        if file is None:
            packed = gzip.GzipFile(fileobj=self._private(file_name(signal)), mode="wb", compresslevel=_LEVEL)
            file = self._files[signal] = self._stack.enter_context(packed)
        file.write(line + b"\n")

    def finish(self, manifest: Mapping[str, Any]) -> None:
        """Close the files, and write the manifest."""
        self._stack.close()
        text = json.dumps(manifest, indent=2, sort_keys=True) + "\n"
        with self._private(MANIFEST) as file:
            file.write(text.encode())

    def _private(self, name: str) -> BinaryIO:
        """Return a new file of the folder that only its owner may read."""
        path = self._folder / name
        file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE), "wb")
        return self._stack.enter_context(file)


@contextmanager
def capture_folder(place: Path) -> Iterator[CaptureFolder]:
    """Yield a folder that gets its place when the block ends. A block that fails leaves the place as it was.

    Raises Problem if the place is no capture, if another run writes there, or if the disk takes no more.
    """
    _check_place(place)
    part = place.parent / f".{place.name}.capture-part"
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with _held(part), ExitStack() as stack:
            yield CaptureFolder(part, stack)
            stack.close()
            if (part / MANIFEST).exists():
                _replace(part, place)
    except OSError as error:
        fix = "Nothing was kept. Make room, or name another folder with `capture_path`."
        raise Problem(f"{place} cannot be written: {error.strerror}", fix=fix) from error


@contextmanager
def _held(part: Path) -> Iterator[None]:
    """Make an empty folder for the block, and remove it. What a killed run has left in it goes first."""
    part.mkdir(mode=_OWNER, exist_ok=True)
    lock = os.open(part, os.O_RDONLY)
    try:
        _lock(lock, part)
        for path in part.iterdir():
            path.unlink()
        try:
            yield
        finally:
            _remove_own(part, lock)
    finally:
        os.close(lock)


def _lock(lock: int, part: Path) -> None:
    """Take the folder for this run. The lock goes with its process. Raises Problem if another run has it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise Problem(f"another run writes to {part}", fix="Wait for its end, then run again.") from error


def _remove_own(part: Path, lock: int) -> None:
    """Remove the folder that this run has locked. One that has its place is gone, and another run may make one."""
    with suppress(FileNotFoundError):
        if part.stat().st_ino == os.fstat(lock).st_ino:
            shutil.rmtree(part, ignore_errors=True)


def _check_place(place: Path) -> None:
    """Raise Problem if something else than a capture has the place: it would be lost."""
    if not place.exists() and not place.is_symlink():
        return
    try:
        known = "capture" in json_value(file_text(place / MANIFEST))
    except (OSError, ValueError, TypeError, Problem):
        known = False
    if not known or place.is_symlink():
        fix = "Remove it, or name another folder with `capture_path`."
        raise Problem(f"{place} is there, and is no capture", fix=fix)


def _replace(part: Path, place: Path) -> None:
    """Put a folder into its place. An earlier capture goes when the new one is whole."""
    earlier = place.parent / f".{place.name}.capture-earlier"
    shutil.rmtree(earlier, ignore_errors=True)
    if place.exists():
        place.rename(earlier)
    part.rename(place)
    shutil.rmtree(earlier, ignore_errors=True)
