# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of a real Collector on this machine: it starts, is ready, is sent to, and stops. Private."""

from __future__ import annotations

import ctypes
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ...module_utils._bounded.live.bounded_reads import file_text, stream_bytes, tail
from ...module_utils._bounded.read_limits import LOG, SMALL_ANSWER
from ...module_utils._errors import Problem, cleaned

_READY = "Everything is ready"
_TAKEN = "address already in use"
_TIMESTAMP = re.compile(r"\d{4}[-/]\d\d[-/]\d\d")
_STEP = 0.02
_BUSY = 2.0
"""Seconds that a Collector may compute after its start before it is told to stop."""
_DYING = 1.0
"""Seconds in which a Collector that answers no more has ended, if it does."""
_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of Linux: the Collector ends if the play is killed."""


class AgainError(Exception):
    """What kept a test from running, and may not the next time."""


def free_port() -> int:
    """Return a port of loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _dies_with_us() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DEATH_SIGNAL, signal.SIGKILL)


@contextmanager
def running(program: str, text: str, environment: Mapping[str, str], seconds: float) -> Iterator[list[str]]:
    """Run a Collector with a config until it is ready; stop it at the end, so that it sends what it holds.

    Yields a list that has the lines of its log after that. Raises Problem if it does not get ready or does not stop
    within `seconds`, and AgainError if a port is taken.
    """
    with tempfile.TemporaryDirectory() as folder:
        config, log = Path(folder) / "config.yaml", Path(folder) / "log"
        config.touch(mode=0o600)
        config.write_text(text, encoding="utf-8")
        with log.open("wb") as output:
            process = subprocess.Popen(
                [str(Path(program).absolute()), f"--config={config}"],
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=folder,
                preexec_fn=_dies_with_us,  # noqa: PLW1509 - it calls nothing but prctl
            )
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
            said += tail(log, LOG).splitlines()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], log: Path, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        ended = process.poll() is not None  # asked first: what it says of its end is in the log then
        said = tail(log, LOG)
        if _TAKEN in said and (ended or _READY in said):
            raise AgainError("other programs take every port that is chosen")
        if _READY in said:
            return
        if ended:
            raise Problem(f"the Collector does not start: {last_error(said)}", fix="Validate the config first.")
        time.sleep(_STEP)
    said = tail(log, LOG)
    raise Problem(f"the Collector is not ready after {seconds:.0f} s: {last_error(said)}", fix="Give a longer timeout.")


def _stop(process: subprocess.Popen[bytes], log: Path, seconds: float) -> None:
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
    said = last_error(tail(log, LOG))
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
    begins = next((number for number, line in enumerate(lines) if line.startswith("Error:")), None)
    if begins is None:
        telling = [line for line in lines if "\terror\t" in line]
        return str(cleaned((telling or lines or ["it says nothing"])[-1]))
    told = [line for line in lines[begins:] if not _TIMESTAMP.match(line)]
    return str(cleaned(" ".join(told).removeprefix("Error: ")))


def targets(port: int, job: str, seconds: float) -> bool:
    """Return whether a job of a prometheus receiver keeps its target, as soon as the receiver knows."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with suppress(OSError), _opener().open(f"http://127.0.0.1:{port}/api/v1/targets", timeout=seconds) as answer:
            data = json.loads(stream_bytes(answer.read, SMALL_ANSWER, "the answer"))["data"]
            for kept, key in ((True, "activeTargets"), (False, "droppedTargets")):
                if job in (one["scrapePool"] for one in data[key]):
                    return kept
        time.sleep(_STEP)
    raise Problem(f"the Collector has no target of job '{job}' after {seconds:.0f} s", fix="Give a longer timeout.")


def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def post(url: str, body: bytes, headers: Mapping[str, str], seconds: float) -> None:
    """Send OTLP in JSON. Raises Problem if the Collector does not take it."""
    request = urllib.request.Request(url, body, {**headers, "Content-Type": "application/json"})
    try:
        with _opener().open(request, timeout=seconds) as answer:
            stream_bytes(answer.read, SMALL_ANSWER, "the answer")
    except urllib.error.HTTPError as error:
        said = cleaned(stream_bytes(error.read, SMALL_ANSWER, "the answer").decode(errors="replace"))
        raise Problem(f"the Collector refuses what the test gives: {said}", fix="Correct `given`.") from error
    except OSError as error:
        raise Problem(f"the Collector does not take what the test gives: {error}", fix="Run it again.") from error


def surroundings(given: Mapping[str, str]) -> dict[str, Any]:
    """Return the environment of the Collector: nothing of this machine but where it keeps temporary files."""
    kept = {name: os.environ[name] for name in ("TMPDIR", "SYSTEMROOT") if name in os.environ}
    return {**kept, **given}
