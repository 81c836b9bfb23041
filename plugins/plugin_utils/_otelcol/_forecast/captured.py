# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads captures: folders and files with requests of OTLP in JSON, one in each line. Private."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....module_utils._otelcol.bounded.live.bounded_reads import BROKEN, file_text, lines_of, opened
from ....module_utils._otelcol.bounded.read_limits import ARCHIVE, MIB
from ....module_utils._otelcol.errors import Problem
from ....module_utils._otelcol.forecast.capture_facts import MANIFEST
from ....module_utils._otelcol.otlp_requests import LISTS, signal_of_request
from .. import _files
from .replay import CAPTURE_AGAIN, Request

_ENDINGS = (".json", ".jsonl", ".json.gz", ".jsonl.gz")
_LONGEST_LINE = 64 * MIB
"""The largest request that is read, in bytes of JSON."""
_BEGINNINGS = [resources for resources, _scopes, _records in LISTS.values()]
"""What a request of each signal begins with."""


@dataclass(frozen=True)
class Capture:
    """A capture: its files, and what its manifest says of it."""

    files: tuple[Path, ...]
    manifest: Mapping[str, Any]

    def requests(self) -> Iterator[Request]:
        """Yield all requests with their signals. Raises Problem for a file that is cut off or has anything else."""
        for file in self.files:
            yield from _requests(file)


def read_capture(path: Path) -> Capture:
    """Return the capture in a folder or a file. Raises Problem if there is none."""
    folder = path if path.is_dir() else path.parent
    files = sorted(file for file in folder.iterdir() if _holds_requests(file)) if path.is_dir() else [path]
    if not files or not files[0].exists():
        wrong = f"there is no capture in {path}: no file ends in {', '.join(_ENDINGS)}"
        raise Problem(wrong if path.is_dir() else f"there is no capture {path}", fix=CAPTURE_AGAIN)
    return Capture(tuple(files), _manifest(folder / MANIFEST) if path.is_dir() else {})


def check_outside(output: str | None, capture: str, option: str) -> None:
    """Raise Problem if a report would be a file of the folder of a capture; `option` names the report."""
    if not output or not _files.is_there(Path(capture), Path.is_dir):
        return
    target = Path(output).resolve()
    if target.parent == Path(capture).resolve() and target.name.endswith(_ENDINGS):
        wrong = f"`{option}` is {output}, in the folder of the capture: it would replace telemetry, or be read as such"
        raise Problem(wrong, fix="Give a file in another folder.")


def _holds_requests(file: Path) -> bool:
    return file.name.endswith(_ENDINGS) and file.name != MANIFEST and file.is_file()


def _manifest(file: Path) -> Mapping[str, Any]:
    if not file.exists():
        return {}
    try:
        found = json.loads(file_text(file))
    except ValueError as error:
        raise Problem(f"this manifest of a capture is no JSON: {error}", where=str(file), fix=CAPTURE_AGAIN) from error
    if not isinstance(found, dict):
        raise Problem("this manifest of a capture is no mapping", where=str(file), fix=CAPTURE_AGAIN)
    return found


def _requests(file: Path) -> Iterator[Request]:
    with opened(file, ARCHIVE) as packed:
        try:
            for number, line in enumerate(lines_of(packed, _LONGEST_LINE, str(file)), 1):
                if line.strip():
                    yield _request(line, f"{file}:{number}")
        except BROKEN as error:
            raise Problem("this capture is cut off or damaged", where=str(file), fix=CAPTURE_AGAIN) from error


def _request(line: bytes, where: str) -> Request:
    try:
        request = json.loads(line)
    except ValueError as error:
        raise Problem(f"this line of a capture is no JSON: {error}", where=where, fix=CAPTURE_AGAIN) from error
    signal = signal_of_request(request) if isinstance(request, dict) else ""
    if not signal:
        wrong = f"this line of a capture is no request of OTLP: it has none of {', '.join(_BEGINNINGS)}"
        raise Problem(wrong, where=where, fix=CAPTURE_AGAIN)
    return Request(signal, request, line, where)
