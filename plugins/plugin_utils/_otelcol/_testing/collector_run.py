# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of a real Collector on this machine: it starts, is ready, is sent to, and stops.

It runs in namespaces of its own, or, where the system allows none or the user wants none, beside the play. Private.
"""

from __future__ import annotations

import ctypes
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import IO, Protocol, Self

from ....module_utils._otelcol.bounded.live.bounded_reads import file_tail, file_text, stream_bytes
from ....module_utils._otelcol.bounded.read_limits import LOG, SMALL_ANSWER
from ....module_utils._otelcol.errors import Problem, cleaned
from .._isolation import sandbox

LOOPBACK = "127.0.0.1"
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
_RESTED = 10.0
"""Seconds after which a connection is not used again; a Collector closes it after a minute. Source: `idle_timeout` of
confighttp."""
_FAILURES = 400
"""The first status of HTTP that says no."""
_BUSY_ANSWERS = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
"""How a Collector asks to send again. Source: "OTLP/HTTP Throttling" of the specification of OTLP."""


class AgainError(Exception):
    """What kept a test from running, and may not the next time."""


class Process(Protocol):
    """A Collector that runs."""

    pid: int

    def poll(self) -> int | None:
        """Return its exit code, or minus its signal; None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit code, or minus its signal. Raises TimeoutExpired after so many seconds."""

    def terminate(self) -> None:
        """Ask it to end."""

    def kill(self) -> None:
        """End it."""


@dataclass(frozen=True)
class Command:
    """A Collector with its config and its variables, and the files and folders that it may read besides."""

    program: str
    text: str
    environment: Mapping[str, str]
    shown: Sequence[Path] = ()


@dataclass(frozen=True)
class Call:
    """A request in HTTP to a port of the Collector."""

    port: int
    path: str
    method: str = "GET"
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Place(Protocol):
    """Where a Collector runs, and how the play reaches it there."""

    @property
    def folder(self) -> Path:
        """Return the folder for its config and its log."""

    def socket(self) -> socket.socket:
        """Return a TCP socket of the Collector's network."""

    def start(self, words: Sequence[str], command: Command) -> Process:
        """Start a Collector by the words of its command line. It writes to the file `log` of the folder."""


@dataclass(frozen=True)
class Beside:
    """The machine itself: nothing is isolated."""

    folder: Path

    def socket(self) -> socket.socket:
        """Return a TCP socket of the machine."""
        return socket.socket()

    def start(self, words: Sequence[str], command: Command) -> Process:
        """Start a Collector that may read whatever the user may read."""
        log = self.folder / "log"
        with log.open("wb") as output:
            return subprocess.Popen(
                words,
                env=dict(command.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.folder,
                preexec_fn=_dies_with_us,  # noqa: PLW1509 - it calls nothing but prctl
            )


@dataclass(frozen=True)
class Apart:
    """Namespaces of the Collector: its network is loopback, and its files are those that it is shown."""

    folder: Path
    box: sandbox.Sandbox

    def socket(self) -> socket.socket:
        """Return a TCP socket of the namespaces."""
        return self.box.socket(socket.AF_INET, socket.SOCK_STREAM)

    def start(self, words: Sequence[str], command: Command) -> Process:
        """Start a Collector that may read its own files alone. Raises Problem if it does not start."""
        try:
            return self.box.run(words, dict(command.environment), [self.folder, *command.shown])
        except (sandbox.UnavailableError, OSError) as error:
            wrong = f"the Collector cannot run in namespaces of its own: {error}"
            raise Problem(wrong, fix="Run it again, or look at the limits of this machine.") from error


@contextmanager
def opened_place(isolated: bool) -> Iterator[Place]:
    """Yield a place for one run of a Collector. Raises Problem if the system gives no namespaces any more."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if not isolated:
            yield Beside(folder)
            return
        log = folder / "log"
        with log.open("wb") as output, _box(output) as box:
            yield Apart(folder, box)


@contextmanager
def _box(output: IO[bytes]) -> Iterator[sandbox.Sandbox]:
    try:
        with sandbox.opened_namespaces(output) as box:
            yield box
    except sandbox.UnavailableError as error:
        wrong = f"the system gives no namespaces any more: {error}"
        raise Problem(wrong, fix="Run fewer things at once, or look at the limits of this machine.") from error


def free_port(place: Place) -> int:
    """Return a port of loopback that nothing listens on."""
    with place.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def listener(place: Place) -> socket.socket:
    """Return a socket that listens on loopback, where the Collector reaches it."""
    found = place.socket()
    found.bind((LOOPBACK, 0))
    found.listen(socket.SOMAXCONN)
    return found


def _dies_with_us() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DEATH_SIGNAL, signal.SIGKILL)


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
    for number, line in enumerate(lines):
        if line.startswith("Error:"):
            message = [more for more in lines[number:] if not _TIMESTAMP.match(more)]
            return str(cleaned(" ".join(message).removeprefix("Error: ")))
    error_entries = [line for line in lines if "\terror\t" in line]
    candidates = error_entries or lines or ["it says nothing"]
    return str(cleaned(candidates[-1]))


def keeps_target(place: Place, port: int, job: str, seconds: float) -> bool:
    """Return whether a job of a prometheus receiver keeps its target, as soon as the receiver knows."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with suppress(OSError, http.client.HTTPException):
            with closing(_Connection(place, port, seconds)) as connection:
                _status, body = connection.asked(Call(port, "/api/v1/targets"))
            data = json.loads(body)["data"]
            for kept, key in ((True, "activeTargets"), (False, "droppedTargets")):
                if job in (one["scrapePool"] for one in data[key]):
                    return kept
        time.sleep(_STEP)
    raise Problem(f"the Collector has no target of job '{job}' after {seconds:.0f} s", fix="Give a longer timeout.")


class _Connection(http.client.HTTPConnection):
    """A connection to a port of a Collector in its network. It connects with the first request."""

    def __init__(self, place: Place, port: int, seconds: float) -> None:
        super().__init__(LOOPBACK, port)
        self._place, self._seconds = place, seconds
        self._last_answer = 0.0

    @property
    def has_rested(self) -> bool:
        """Whether the last answer is so long ago that the other end may have closed the connection."""
        return time.monotonic() - self._last_answer > _RESTED

    def connect(self) -> None:
        """Connect in the network of the Collector. Headers and body leave at once. Raises OSError."""
        self.sock = self._place.socket()
        self.sock.settimeout(self._seconds)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.connect((LOOPBACK, self.port))

    def asked(self, call: Call) -> tuple[int, bytes]:
        """Return the status and the body of an answer. Raises OSError and HTTPException."""
        self.request(call.method, call.path, call.body, dict(call.headers))
        answer = self.getresponse()
        body = stream_bytes(answer.read, SMALL_ANSWER, "the answer")
        self._last_answer = time.monotonic()
        return answer.status, body


class RefusedCall(Problem):
    """A request that the Collector refuses. Its words may quote the request."""


class Sender:
    """Sends OTLP to a Collector, by one connection to each port that stays open.

    A call may take `seconds`. A Collector that is busy gets it again for some seconds of `patience`.
    """

    def __init__(self, place: Place, seconds: float, patience: float = 0.0) -> None:
        self._place, self._seconds, self._patience = place, seconds, patience
        self._connections: dict[int, _Connection] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_why: object) -> None:
        for connection in self._connections.values():
            connection.close()

    def send(self, call: Call) -> None:
        """Send a call. Raises RefusedCall if the Collector refuses it, and Problem if it cannot be reached."""
        end = time.monotonic() + self._patience
        while True:
            try:
                status, answer = self._connection(call.port).asked(call)
            except (OSError, http.client.HTTPException) as error:
                wrong = f"the Collector does not take what the test gives: {error}"
                raise Problem(wrong, fix="Run it again.") from error
            if status < _FAILURES:
                return
            if status not in _BUSY_ANSWERS or time.monotonic() > end:
                said = cleaned(answer.decode(errors="replace"))
                raise RefusedCall(f"the Collector refuses what the test gives: {said}", fix="Correct `given`.")
            time.sleep(_STEP)

    def _connection(self, port: int) -> _Connection:
        """Return the connection to a port. One that has rested is closed, so that it connects anew."""
        if port not in self._connections:
            self._connections[port] = _Connection(self._place, port, self._seconds)
        connection = self._connections[port]
        if connection.has_rested:
            connection.close()
        return connection


def collector_environment(given: Mapping[str, str], isolated: bool) -> dict[str, str]:
    """Return the environment of the Collector: of this machine at most where it keeps temporary files."""
    names = () if isolated else ("TMPDIR", "SYSTEMROOT")
    return {**{name: os.environ[name] for name in names if name in os.environ}, **given}
