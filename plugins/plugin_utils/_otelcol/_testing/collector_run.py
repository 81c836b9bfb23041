# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of a real Collector on this machine: it starts, is ready, and stops. Private.

run_case.py and replay.py run Collectors so, in a runtime: namespaces or this machine, see collector_runtime.py. A
retryable error is one that chance has caused, such as a port that another program took: `run_with_retries` of guard.py
tries again. An example::

    with run_collector(runtime, CollectorCommand("/usr/bin/otelcol", config_text, {}), 20) as log_lines:
        …  # the Collector is ready here, and has stopped after the block; then log_lines has its log
"""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ....module_utils._otelcol.bounded.live.bounded_reads import read_file_tail, read_file_text
from ....module_utils._otelcol.bounded.read_limits import LOG_LIMIT
from ....module_utils._otelcol.errors import Problem, clean_text
from .collector_runtime import CollectorRuntime, Process

_READY_LOG = "Everything is ready"
_PORT_TAKEN_LOG = "address already in use"
# The begin of a line of the Collector's log: a date.
_TIMESTAMP = re.compile(r"\d{4}[-/]\d\d[-/]\d\d")
# Seconds between two looks at a Collector.
_POLL_SECONDS = 0.02
# Seconds that a Collector may compute after its start before it is told to stop.
_BUSY_SECONDS = 2.0
# Seconds in which a Collector that answers no more has ended, if it does.
_DYING_SECONDS = 1.0


class RetryableError(Exception):
    """What kept a test from running by chance, and may not happen the next time."""


@dataclass(frozen=True)
class CollectorCommand:
    """A Collector that is to run."""

    program: str
    """The path of the Collector."""
    text: str
    """Its config, as YAML."""
    environment: Mapping[str, str]
    readable_paths: Sequence[Path] = ()
    """Files and folders that it may read beside the folder of its runtime."""


@contextmanager
def run_collector(runtime: CollectorRuntime, command: CollectorCommand, seconds: float) -> Iterator[list[str]]:
    """Run a Collector with a config until it is ready; stop it at the end, so that it sends what it holds.

    Yields a list, which has the lines of the log only after the Collector has stopped. Raises Problem if it does not
    get ready or does not stop within `seconds`, and RetryableError if a port is taken.
    """
    config_file, log_file = runtime.folder / "config.yaml", runtime.folder / "log"
    config_file.touch(mode=0o600)
    config_file.write_text(command.text, encoding="utf-8")
    words = [str(Path(command.program).absolute()), f"--config={config_file}"]
    process = runtime.start(words, command.environment, command.readable_paths)
    try:
        _wait_until_ready(process, log_file, seconds)
        log_lines: list[str] = []
        try:
            yield log_lines
        except Problem:
            # What was asked of the Collector may have failed because it has just ended. Then `_stop_collector` raises
            # another Problem, with the Collector's own last error. One that runs on keeps the first Problem.
            with suppress(subprocess.TimeoutExpired):
                process.wait(_DYING_SECONDS)
                _stop_collector(process, log_file, seconds)
            raise
        _stop_collector(process, log_file, seconds)
        log_lines += read_file_tail(log_file, LOG_LIMIT).splitlines()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _wait_until_ready(process: Process, log_file: Path, seconds: float) -> None:
    """Wait until a Collector says that it is ready. Raises Problem, and RetryableError if a port is taken."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        has_ended = process.poll() is not None  # asked first: what it says of its end is in the log then
        log_text = read_file_tail(log_file, LOG_LIMIT)
        if _PORT_TAKEN_LOG in log_text and (has_ended or _READY_LOG in log_text):
            raise RetryableError("other programs take every port that is chosen")
        if _READY_LOG in log_text:
            return
        if has_ended:
            raise Problem(
                f"the Collector does not start: {find_last_error(log_text)}", fix="Validate the config first."
            )
        time.sleep(_POLL_SECONDS)
    log_text = read_file_tail(log_file, LOG_LIMIT)
    raise Problem(
        f"the Collector is not ready after {seconds:.0f} s: {find_last_error(log_text)}", fix="Give a longer timeout."
    )


def _stop_collector(process: Process, log_file: Path, seconds: float) -> None:
    """Let a Collector send what it holds, and end. Raises Problem, and RetryableError if it ended without sending."""
    deadline = time.monotonic() + _BUSY_SECONDS
    while process.poll() is None and not _is_idle(process.pid) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    exit_code = process.poll()
    if exit_code is None:
        process.terminate()
        try:
            exit_code = process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            wrong = f"the Collector does not stop within {seconds:.0f} s"
            raise Problem(wrong, fix="Give a longer timeout.") from error
        if exit_code == -signal.SIGTERM:  # it did not listen yet
            raise RetryableError("the Collector is stopped before it sends what it holds")
        if exit_code == 0:
            return
    message = find_last_error(read_file_tail(log_file, LOG_LIMIT))
    raise Problem(
        f"the Collector ended during the test, with exit code {exit_code}: {message}", fix="Read its message."
    )


def _is_idle(pid: int) -> bool:
    """Return whether no thread computes: a Collector is ready a moment before it listens to signals, and then waits.

    Where the system does not tell, it is.
    """
    try:
        thread_states = [read_file_text(file) for file in Path("/proc", str(pid), "task").glob("*/stat")]
    except OSError:  # a thread ended meanwhile
        return False
    return not any(state.rpartition(")")[2].split()[0] == "R" for state in thread_states)


def find_last_error(output: str) -> str:
    """Return the last error in the output of a Collector, in one line; its last line if there is no error."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    entries = [line for line in lines if "\terror\t" in line]
    candidates = entries or lines or ["it says nothing"]
    return str(clean_text(_find_printed_error(lines) or candidates[-1]))


def _find_printed_error(lines: Sequence[str]) -> str:
    """Return the error that a Collector prints at its end, behind `Error:`, without entries of its log in between."""
    for number, line in enumerate(lines):
        if line.startswith("Error:"):
            message = [message_line for message_line in lines[number:] if not _TIMESTAMP.match(message_line)]
            return " ".join(message).removeprefix("Error: ")
    return ""
