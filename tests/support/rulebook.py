# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real ansible-rulebook with the rulebook of this collection, and what Alertmanager posts to it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

from tests.contract.role import ROOT
from tests.support.cluster import join_printed_lines
from tests.testbed import rulebook
from tests.testbed.errors import UnavailableError
from tests.testbed.home import Home

TOKEN = "a-token-of-the-test"
TIMEOUT_SECONDS = 60.0
_POLL_SECONDS = 0.1


def wait_until(
    condition: Callable[[], Any], describe_failure: Callable[[], str], seconds: float = TIMEOUT_SECONDS
) -> Any:
    """Return what a condition is as soon as it holds. Fails with words if it does not in time."""
    deadline = time.monotonic() + seconds
    while not (outcome := condition()):
        assert time.monotonic() < deadline, describe_failure()
        time.sleep(_POLL_SECONDS)
    return outcome


def build_alert(labels: dict[str, str], start_time: str) -> dict[str, Any]:
    """Return one alert as Alertmanager writes it."""
    return {
        "status": "firing",
        "labels": labels,
        "annotations": {"summary": "{{ 7 * 7 }}"},
        "startsAt": start_time,
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus:9090/graph",
        "fingerprint": f"{hash(tuple(labels.items())) & (1 << 64) - 1:016x}",
    }


def build_notification(*alerts: Any) -> dict[str, Any]:
    """Return what Alertmanager posts, in version 4 of its form."""
    return {
        "version": "4",
        "groupKey": "{}:{}",
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "opentelemetry",
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager:9093",
        "alerts": list(alerts),
    }


@dataclass(frozen=True)
class RunningRulebook:
    """A rulebook that waits for alerts."""

    port: int
    log: Path

    def post_json(self, body: Any, token: str = TOKEN) -> int:
        """Post JSON, and return the status."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        request = Request(f"http://127.0.0.1:{self.port}/", json.dumps(body).encode(), headers)
        try:
            with urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
                return int(answer.status)
        except HTTPError as error:
            return error.code

    def read_output(self) -> str:
        """Return what it and its jobs have printed, as one line."""
        return join_printed_lines(self.log.read_text(encoding="utf-8"))

    def takes_posts(self) -> bool:
        """Whether it waits for alerts."""
        try:
            return self.post_json(build_notification()) == 200
        except URLError:
            return False


@contextmanager
def run_rulebook(folder: Path, inventory: Path, **environment: str) -> Iterator[RunningRulebook]:
    """Run the rulebook as docs/events.md does, until the end of the block. Skips where it cannot be had."""
    try:
        programs = rulebook.ensure_rulebook(Home.from_environment(os.environ))
    except UnavailableError as error:
        pytest.skip(f"no ansible-rulebook: {error}")
    running_rulebook = RunningRulebook(_find_free_port(), folder / "rulebook.log")
    variables_file = folder / "events.json"
    variables_file.write_text(
        json.dumps({"otel_alert_port": running_rulebook.port, "otel_alert_token": TOKEN}), encoding="utf-8"
    )
    arguments = ["-r", "o11y.opentelemetry.collector_alerts", "-i", str(inventory), "-e", str(variables_file)]
    search_path = f"{programs.java_home}/bin:{Path(sys.executable).parent}:{os.environ['PATH']}"
    settings = {
        "PATH": search_path,
        "JAVA_HOME": str(programs.java_home),
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        **environment,
    }
    with running_rulebook.log.open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [str(programs.program), *arguments],
            cwd=folder,
            env={**os.environ, **settings},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_until(lambda: running_rulebook.takes_posts() or process.poll() is not None, running_rulebook.read_output)
        assert process.poll() is None, running_rulebook.read_output()
        yield running_rulebook
    finally:
        _end_jobs(process)


def _end_jobs(process: subprocess.Popen[bytes]) -> None:
    """End a process and the jobs that it has started."""
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            os.killpg(process.pid, signal_number)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                continue


def _find_free_port() -> int:
    with socket.socket() as probe_socket:
        probe_socket.bind(("127.0.0.1", 0))
        return int(probe_socket.getsockname()[1])
