# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A removal does not take a queue that nobody can read for an empty one."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ..test_stored_queue import CHECKSUM, META, PAGE, SEVEN, with_root
from .fake_host import FakeHost

STATE = "var/lib/private/otelcol/agent"
CONSENT = "set `otel_host_discard_unsent: true`"


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    """Return a host on which a collector runs, with a state folder."""
    host = FakeHost(tmp_path)
    host.run(host.bundle())
    (host.root / STATE).mkdir(parents=True)
    return host


def queue_file(host: FakeHost) -> Path:
    return host.root / STATE / "exporter_otlphttp__logs"


def _broken_page(host: FakeHost, _monkeypatch: pytest.MonkeyPatch) -> str:
    queue_file(host).write_bytes(with_root(SEVEN, 10**6))
    return "the database is not whole"


def _torn_descriptions(host: FakeHost, _monkeypatch: pytest.MonkeyPatch) -> str:
    torn = bytearray(SEVEN)
    for place in (META, PAGE + META):
        torn[place + CHECKSUM] ^= 1
    queue_file(host).write_bytes(torn)
    return "the database has no whole description"


def _no_description(host: FakeHost, _monkeypatch: pytest.MonkeyPatch) -> str:
    queue_file(host).write_bytes(bytes(len(SEVEN)))
    return "it is no database"


def _file_with_an_error_of_the_disk(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> str:
    queue_file(host).write_bytes(SEVEN)
    open_any = Path.open

    def refuse(path: Path, *arguments: Any, **keywords: Any) -> Any:
        if path == queue_file(host):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return open_any(path, *arguments, **keywords)

    monkeypatch.setattr(Path, "open", refuse)
    return "Input/output error"


def _folder_with_an_error_of_the_disk(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> str:
    queue_file(host).write_bytes(SEVEN)
    scan_any = os.scandir

    def refuse(place: Any) -> Any:
        if str(place) == str(host.root / STATE):
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(place))
        return scan_any(place)

    monkeypatch.setattr(os, "scandir", refuse)
    return "Input/output error"


UNREADABLE = (
    _broken_page,
    _torn_descriptions,
    _no_description,
    _file_with_an_error_of_the_disk,
    _folder_with_an_error_of_the_disk,
)
Damage = Callable[[FakeHost, pytest.MonkeyPatch], str]


@pytest.mark.parametrize("runs", [True, False])
@pytest.mark.parametrize("damage", UNREADABLE)
def test_a_queue_that_cannot_be_read_keeps_its_collector(
    host: FakeHost, damage: Damage, runs: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not runs:
        host.machine.run("systemctl", "stop", "otelcol-agent.service")
    reason = damage(host, monkeypatch)
    result = host.run({"name": "agent"}, "absent")
    assert (result["failed"], result["changed"]) == (True, False)
    assert f"{STATE}" in result["msg"] and f"({reason}), so what it has not sent is not known" in result["msg"]
    assert CONSENT in result["msg"]
    assert queue_file(host).is_file() and bool(host.machine.state()["pid"]) is runs


@pytest.mark.parametrize("damage", [_broken_page, _torn_descriptions, _no_description])
def test_consent_removes_a_queue_that_cannot_be_read_and_tells_it(
    host: FakeHost, damage: Damage, monkeypatch: pytest.MonkeyPatch
) -> None:
    reason = damage(host, monkeypatch)
    result = host.run({"name": "agent"}, "absent", discard_unsent=True)
    assert result["changed"] and not queue_file(host).exists()
    assert result["msg"] == (
        f"agent is removed; {queue_file(host)} ({reason}) of its queue on the disk cannot be read, and is lost"
    )


def test_check_mode_names_a_queue_that_cannot_be_read(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    host.machine.run("systemctl", "stop", "otelcol-agent.service")
    _broken_page(host, monkeypatch)
    message = host.run({"name": "agent"}, "absent", check=True)["msg"]
    assert f"{queue_file(host)} (the database is not whole) of its queue on the disk cannot be read" in message
    assert f"; the removal is refused, unless you {CONSENT}" in message


def test_a_queue_that_is_written_at_this_moment_is_read_after_the_stop(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    _broken_page(host, monkeypatch)
    assert "cannot be read" not in host.run({"name": "agent"}, "absent", check=True)["msg"]
    run = host.machine.run

    def write_to_the_end(*words: str) -> Any:
        if words[:2] == ("systemctl", "stop"):
            queue_file(host).write_bytes(b"")
        return run(*words)

    monkeypatch.setattr(host.machine, "run", write_to_the_end)
    assert host.run({"name": "agent"}, "absent")["msg"] == "agent is removed"


def test_what_is_no_file_of_a_queue_is_not_opened(host: FakeHost) -> None:
    (host.root / STATE / "positions").write_bytes(b"offsets" * 9000)
    os.mkfifo(str(host.root / STATE / "exporter_pipe"))
    elsewhere = host.root / "elsewhere"
    elsewhere.write_bytes(SEVEN)
    (host.root / STATE / "exporter_link").symlink_to(elsewhere)
    assert host.run({"name": "agent"}, "absent")["msg"] == "agent is removed"
    assert elsewhere.read_bytes() == SEVEN
