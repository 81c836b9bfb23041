# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads captures: folders and files with requests of OTLP in JSON, one in each line. Private.

The playbook capture writes such a folder, with a manifest that says whose telemetry it is (capture_facts.py); so does
the exporter `file`, without a manifest. Forecasts replay it, and savings read it. An example of a line, which has the
signal `traces` and one item::

    {"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "GET /"}]}]}]}
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ....module_utils._otelcol.bounded.json_text import parse_json, parse_whole_text
from ....module_utils._otelcol.bounded.live.bounded_reads import (
    BROKEN_ERRORS,
    iter_lines,
    open_regular_file,
    read_file_text,
)
from ....module_utils._otelcol.bounded.read_limits import ARCHIVE_LIMIT, MIB
from ....module_utils._otelcol.errors import Problem
from ....module_utils._otelcol.forecast.capture_facts import MANIFEST_FILE
from ....module_utils._otelcol.otlp_requests import LISTS_BY_SIGNAL, MALFORMED_ERRORS, count_items, signal_of_request
from .. import _files
from .replay import CAPTURE_AGAIN, CapturedRequest

_ENDINGS = (".json", ".jsonl", ".json.gz", ".jsonl.gz")
_LONGEST_LINE = 64 * MIB
"""The largest request that is read, in bytes of JSON."""
_FIRST_KEYS = [resources for resources, _scopes, _records in LISTS_BY_SIGNAL.values()]
"""What a request of each signal begins with."""
_SIGNALS = tuple(LISTS_BY_SIGNAL)
_NOT_OTLP = "this line of a capture is JSON, but not of OTLP"


class Line(NamedTuple):
    """A line of a capture."""

    text: bytes
    where: str
    """The file, and the number of the line in it, such as `capture/traces.jsonl:7`."""


class LineContent(NamedTuple):
    """What a line of a capture holds: a request of OTLP of a signal."""

    signal: str
    request: Mapping[str, Any]


@dataclass(frozen=True)
class Capture:
    """A capture: its files, and what its manifest says of it.

    Each replay reads the files anew, since a capture may be larger than the memory. Their JSON is parsed the first time
    only: then `_signal_numbers` has the index of the signal of each line in `_SIGNALS`, and `_item_counts` how many
    items the line has.
    `manifest` is empty if there is none.
    """

    files: tuple[Path, ...]
    manifest: Mapping[str, Any]
    _signal_numbers: bytearray = field(default_factory=bytearray)
    _item_counts: array[int] = field(default_factory=lambda: array("L"))

    def read_contents(self) -> Iterator[LineContent]:
        """Yield what all lines hold. Raises Problem for a file that is cut off or has anything else."""
        return (_parse_content(line) for line in self._read_lines())

    def read_requests(self) -> Iterator[CapturedRequest]:
        """Yield all requests as they are sent again.

        Raises Problem as `read_contents` does, and if the capture changes.
        """
        if not self._signal_numbers:
            self._read_all()
        number = 0
        for line in self._read_lines():
            if number == len(self._signal_numbers):
                raise _changed_capture_problem(line.where)
            yield CapturedRequest(
                _SIGNALS[self._signal_numbers[number]], self._item_counts[number], line.text, line.where
            )
            number += 1
        if number != len(self._signal_numbers):
            raise _changed_capture_problem(str(self.files[0].parent))

    def _read_lines(self) -> Iterator[Line]:
        """Yield the lines of all files, in their order."""
        for file in self.files:
            yield from _iter_lines(file)

    def _read_all(self) -> None:
        """Parse each line once, and note its signal and how many items it has. Raises Problem for a wrong line."""
        for line in self._read_lines():
            signal, request = _parse_content(line)
            try:
                items = count_items(signal, request)
            except MALFORMED_ERRORS as error:
                raise Problem(_NOT_OTLP, where=line.where, fix=CAPTURE_AGAIN) from error
            self._signal_numbers.append(_SIGNALS.index(signal))
            self._item_counts.append(items)


def read_capture(path: Path) -> Capture:
    """Return the capture in a folder or a file. Raises Problem if there is none."""
    folder = path if path.is_dir() else path.parent
    files = sorted(file for file in folder.iterdir() if _holds_requests(file)) if path.is_dir() else [path]
    if not files or not files[0].exists():
        wrong = f"there is no capture in {path}: no file ends in {', '.join(_ENDINGS)}"
        raise Problem(wrong if path.is_dir() else f"there is no capture {path}", fix=CAPTURE_AGAIN)
    return Capture(tuple(files), _read_manifest(folder / MANIFEST_FILE) if path.is_dir() else {})


def check_not_in_capture(output: str | None, capture: str, option: str) -> None:
    """Raise Problem if a report would be a file of the folder of a capture; `option` names the report."""
    if not output or not _files.is_path_of_kind(Path(capture), Path.is_dir):
        return
    target = Path(output).resolve()
    if target.parent == Path(capture).resolve() and target.name.endswith(_ENDINGS):
        wrong = f"`{option}` is {output}, in the folder of the capture: it would replace telemetry, or be read as such"
        raise Problem(wrong, fix="Give a file in another folder.")


def _holds_requests(file: Path) -> bool:
    """Whether a file of the folder of a capture has requests: its manifest is JSON too, and has none."""
    return file.name.endswith(_ENDINGS) and file.name != MANIFEST_FILE and file.is_file()


def _read_manifest(file: Path) -> Mapping[str, Any]:
    """Return the manifest of a capture; empty if there is none. Raises Problem for a file that is none."""
    if not file.exists():
        return {}
    try:
        manifest = parse_json(read_file_text(file))
    except ValueError as error:
        raise Problem(f"this manifest of a capture is no JSON: {error}", where=str(file), fix=CAPTURE_AGAIN) from error
    if not isinstance(manifest, dict):
        raise Problem("this manifest of a capture is no mapping", where=str(file), fix=CAPTURE_AGAIN)
    return manifest


def _iter_lines(file: Path) -> Iterator[Line]:
    """Yield the lines of a file that are not empty. Raises Problem for a file that is cut off or damaged."""
    with open_regular_file(file, ARCHIVE_LIMIT) as archive:
        try:
            for number, line in enumerate(iter_lines(archive, _LONGEST_LINE, str(file)), 1):
                if line.strip():
                    yield Line(line, f"{file}:{number}")
        except BROKEN_ERRORS as error:
            raise Problem("this capture is cut off or damaged", where=str(file), fix=CAPTURE_AGAIN) from error


def _parse_content(line: Line) -> LineContent:
    """Return what a line holds. Raises Problem if that is no request of OTLP."""
    try:
        request = parse_whole_text(line.text)
    except ValueError as error:
        wrong = f"this line of a capture is no JSON: {error}"
        raise Problem(wrong, where=line.where, fix=CAPTURE_AGAIN) from error
    signal = signal_of_request(request) if isinstance(request, dict) else ""
    if not signal:
        wrong = f"this line of a capture is no request of OTLP: it has none of {', '.join(_FIRST_KEYS)}"
        raise Problem(wrong, where=line.where, fix=CAPTURE_AGAIN)
    return LineContent(signal, request)


def _changed_capture_problem(capture_place: str) -> Problem:
    """Return the Problem of a capture that has other lines than when it was read the first time."""
    return Problem(
        "the capture changes while it is read", where=capture_place, fix="Wait for the end of what writes it."
    )
