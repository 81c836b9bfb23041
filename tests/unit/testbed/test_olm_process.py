# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process of the tests' OLM ends when its cluster is gone, and says so when a signal ends it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from urllib3.exceptions import HTTPError

from tests.support.cluster import PROJECT, wait_until
from tests.support.olm import __main__ as olm
from tests.support.olm.api import ApiError

STARTED = """
import sys
from pathlib import Path
from tests.support.olm import __main__ as olm
class Idle:
    def look(self): pass
olm.Api.connect = staticmethod(lambda: None)
olm.Controller = lambda api: Idle()
olm.run(Path(sys.argv[1]))
"""


class Clock:
    """Seconds that pass only in pauses; at `at_end`, the file that keeps the controller running is taken away."""

    def __init__(self, running: Path, at_end: float) -> None:
        self.now, self.running, self.at_end = 0.0, running, at_end

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self.now >= self.at_end:
            self.running.unlink(missing_ok=True)


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Callable[[float], None]], float]:
    """Run the controller, which does so at each second; return after how many seconds it ended, 500 at the latest."""

    def run(look: Callable[[float], None]) -> float:
        clock = Clock(tmp_path / olm.RUNNING_FILE, 500.0)
        controller = type("Looking", (), {"look": lambda _self: look(clock.now)})
        monkeypatch.setattr(olm, "time", clock)
        monkeypatch.setattr(olm.Api, "connect", lambda: None)
        monkeypatch.setattr(olm, "Controller", lambda _api: controller())
        monkeypatch.setattr(signal, "signal", lambda *_given: None)
        olm.run(tmp_path)
        assert (tmp_path / olm.ENDED_FILE).exists()
        return clock.now

    return run


def no_server(_now: float) -> None:
    raise HTTPError("connection refused")


def server_is_often_away(now: float) -> None:
    if now % 60 < 50:
        raise HTTPError("connection refused")


def server_refuses(_now: float) -> None:
    raise ApiError(500, "etcd is busy")


def test_it_ends_when_its_cluster_is_gone(ran: Callable[[Callable[[float], None]], float]) -> None:
    assert ran(no_server) < 100


@pytest.mark.parametrize("look", [server_is_often_away, server_refuses])
def test_it_goes_on_while_its_server_answers_at_times(
    ran: Callable[[Callable[[float], None]], float], look: Callable[[float], None]
) -> None:
    assert ran(look) >= 500


def test_a_signal_ends_it_and_whoever_waits_for_its_end_learns_that(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", STARTED, str(tmp_path)], cwd=PROJECT)
    try:
        wait_until("the controller runs", (tmp_path / olm.RUNNING_FILE).exists)
        process.send_signal(signal.SIGTERM)
        process.wait(20)
    finally:
        process.kill()
    assert (tmp_path / olm.ENDED_FILE).exists()
