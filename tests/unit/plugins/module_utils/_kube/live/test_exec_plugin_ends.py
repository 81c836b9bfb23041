# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A command of the kubeconfig that hangs ends in time, with all that it has started, and with the run."""

from __future__ import annotations

import multiprocessing
import os
import select
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live import exec_credential
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from .test_exec_plugin import PRINTED, Pool, authorized, connected, credential, failed


class Alive:
    """Processes that hold the other end of a pipe: a command that hangs, and what it has started."""

    def __init__(self, folder: Path) -> None:
        os.mkfifo(folder / "alive")
        self.reader = os.open(folder / "alive", os.O_RDONLY | os.O_NONBLOCK)
        self.hangs = f"exec 3> '{folder}/alive'; echo started >&3; sleep 1000 & sleep 1000; true"

    def started(self) -> bool:
        return self._next() == b"started\n"

    def ended(self) -> bool:
        return self._next() == b""

    def _next(self) -> bytes | None:
        return os.read(self.reader, 100) if select.select([self.reader], [], [], 20)[0] else None


@pytest.fixture
def alive(tmp_path: Path) -> Iterator[Alive]:
    made = Alive(tmp_path)
    yield made
    os.close(made.reader)


def test_a_command_that_hangs_is_ended_with_all_that_it_has_started(
    tmp_path: Path, alive: Alive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exec_credential, "TIMEOUT_SECONDS", 0.5)
    problem = failed(tmp_path, f"echo {PRINTED}; echo open a browser >&2; {alive.hangs}", "sso", "--secret", PRINTED)
    assert problem.wrong.startswith("the command of the kubeconfig that makes its tokens did not end within 0.5 s")
    assert "terminal" in problem.wrong
    assert problem.where == f"{tmp_path}/plugin sso"
    assert (alive.started(), alive.ended()) == (True, True)


def test_a_command_has_no_input(tmp_path: Path) -> None:
    script = f"read -r line && exit 1\necho '{credential(token='made')}'"
    assert authorized(tmp_path, script)["authorization"] == "Bearer made"


def test_a_connection_waits_once_for_a_command_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = f"test -e '{tmp_path}/broken' && echo called >> '{tmp_path}/broken' && exec sleep 1000"
    script += f"\necho '{credential(token='made', expirationTimestamp='1970-01-02T00:00:00Z')}'"
    transport = connected(tmp_path, script)
    transport._pool = Pool(200, 200, 401)
    (tmp_path / "broken").touch()
    monkeypatch.setattr(exec_credential, "TIMEOUT_SECONDS", 0.5)
    for _ in range(2):
        assert transport("GET", "/version", {}, None).status == 200, "the token may still be valid"
    with pytest.raises(Problem, match="did not end within"):
        transport("GET", "/version", {}, None)
    assert (tmp_path / "broken").read_text() == "called\n"


def test_a_command_that_hangs_disturbs_no_other_connection(
    tmp_path: Path, alive: Alive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exec_credential, "TIMEOUT_SECONDS", 3)
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    with ThreadPoolExecutor() as pool:
        hanging = pool.submit(failed, tmp_path / "one", alive.hangs)
        assert alive.started()
        made = authorized(tmp_path / "other", f"echo '{credential(token='made')}'")
        assert (made["authorization"], hanging.done()) == ("Bearer made", False)
    assert "did not end within 3 s" in hanging.result().wrong


def test_a_command_that_hangs_ends_with_the_run(tmp_path: Path, alive: Alive) -> None:
    run = multiprocessing.get_context("fork").Process(target=connected, args=(tmp_path, alive.hangs))
    run.start()
    assert alive.started()
    run.kill()
    run.join()
    assert alive.ended()
