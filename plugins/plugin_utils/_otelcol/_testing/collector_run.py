# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of a real Collector on this machine: it starts, is ready, and stops. Private."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from ....module_utils._otelcol.bounded.live.bounded_reads import file_tail, file_text
from ....module_utils._otelcol.bounded.read_limits import LOG
from ....module_utils._otelcol.errors import Problem, cleaned
from .collector_place import Command, Place, Process

_READY = "Everything is ready"
_TAKEN = "address already in use"
_TIMESTAMP = re.compile(r"\d{4}[-/]\d\d[-/]\d\d")
# Seconds between two looks at a Collector.
_STEP = 0.02
# Seconds that a Collector may compute after its start before it is told to stop.
_BUSY = 2.0
# Seconds in which a Collector that answers no more has ended, if it does.
_DYING = 1.0


class AgainError(Exception):
    """What kept a test from running, and may not the next time."""


@contextmanager
def running_collector(place: Place, command: Command, seconds: float) -> Iterator[list[str]]:
    """Run a Collector with a config until it is ready; stop it at the end, so that it sends what it holds.

    Yields a list that has the lines of its log after that. Raises Problem if it does not get ready or does not stop
    within `seconds`, and AgainError if a port is taken.
    """
    config, log = place.folder / "config.yaml", place.folder / "log"
    config.touch(mode=0o600)
    config.write_text(command.text, encoding="utf-8")
    process = place.start([str(Path(command.program).absolute()), f"--config={config}"], command)
    try:
        _wait_until_ready(process, log, seconds)
        said: list[str] = []
        try:
            yield said
        except Problem:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_DYING)
                _stop(process, log, seconds)
            raise
        _stop(process, log, seconds)
        said += file_tail(log, LOG).splitlines()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _wait_until_ready(process: Process, log: Path, seconds: float) -> None:
    """Wait until a Collector says that it is ready. Raises Problem, and AgainError if a port is taken."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        ended = process.poll() is not None  # asked first: what it says of its end is in the log then
        said = file_tail(log, LOG)
        if _TAKEN in said and (ended or _READY in said):
            raise AgainError("other programs take every port that is chosen")
        if _READY in said:
            return
        if ended:
            raise Problem(f"the Collector does not start: {last_error(said)}", fix="Validate the config first.")
        time.sleep(_STEP)
    said = file_tail(log, LOG)
    raise Problem(f"the Collector is not ready after {seconds:.0f} s: {last_error(said)}", fix="Give a longer timeout.")


def _stop(process: Process, log: Path, seconds: float) -> None:
    """Let a Collector send what it holds, and end. Raises Problem, and AgainError if it did not hear the signal."""
    end = time.monotonic() + _BUSY
    while process.poll() is None and not _is_idle(process.pid) and time.monotonic() < end:
        time.sleep(_STEP)
    died = process.poll()
    if died is None:
        process.terminate()
        try:
            died = process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            wrong = f"the Collector does not stop within {seconds:.0f} s"
            raise Problem(wrong, fix="Give a longer timeout.") from error
        if died == -signal.SIGTERM:  # it did not listen yet
            raise AgainError("the Collector is stopped before it sends what it holds")
        if died == 0:
            return
    said = last_error(file_tail(log, LOG))
    raise Problem(f"the Collector ended during the test, with exit code {died}: {said}", fix="Read its message.")


def _is_idle(pid: int) -> bool:
    """Return whether no thread computes: a Collector is ready a moment before it listens to signals, and then waits.

    Where the system does not tell, it is.
    """
    try:
        threads = [file_text(file) for file in Path("/proc", str(pid), "task").glob("*/stat")]
    except OSError:  # a thread ended meanwhile
        return False
    return not any(text.rpartition(")")[2].split()[0] == "R" for text in threads)


def last_error(said: str) -> str:
    """Return what a Collector's output says of an error, which may take several lines, else its last line."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    entries = [line for line in lines if "\terror\t" in line]
    candidates = entries or lines or ["it says nothing"]
    return str(cleaned(_printed_error(lines) or candidates[-1]))


def _printed_error(lines: Sequence[str]) -> str:
    """Return the error that a Collector prints at its end, behind `Error:`, without entries of its log in between."""
    for number, line in enumerate(lines):
        if line.startswith("Error:"):
            message = [more for more in lines[number:] if not _TIMESTAMP.match(more)]
            return " ".join(message).removeprefix("Error: ")
    return ""
