# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._isolation import (
    choice,
    contents,
    once,
    sandbox,
)

from tests.support.cases import cases

WHY = sandbox.why_unavailable()
ISOLATES = pytest.mark.skipif(bool(WHY), reason=f"this system allows no namespaces: {WHY}")
SECONDS = 20
ETHERNET_ALL = 0x0300  # ETH_P_ALL in the order of the network
DROP_FROM_BOUND, SYS_ADMIN = 24, 21


def shell(script: str, *shown: Path, environment: dict[str, str] | None = None) -> tuple[int, str]:
    return once.run_once(["/bin/sh", "-c", script], environment or {}, SECONDS, shown, True)


@ISOLATES
def test_only_what_is_shown_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI_TOKEN", "hunter2")
    hidden, shown = tmp_path / "hidden", tmp_path / "shown"
    for folder in (hidden, shown):
        folder.mkdir()
        (folder / "file").write_text("content of a file")
    (shown / "link").symlink_to(hidden / "file")
    script = f"""
    for file in {hidden}/file {shown}/link {shown}/../hidden/file /etc/shadow /etc/mtab /proc/{os.getpid()}/environ; do
      cat $file 2>/dev/null && echo "seen: $file"
    done
    cat {shown}/file; echo; env; ls /
    echo x 2>/dev/null > {shown}/new && echo written
    echo x 2>/dev/null > /usr/bin/new && echo written
    kill -0 {os.getpid()} 2>/dev/null && echo reached
    """
    code, said = shell(script, shown, environment={"GIVEN": "1"})
    lines = said.splitlines()
    assert "content of a file" in lines
    assert "GIVEN=1" in lines
    assert not [line for line in lines if line.startswith("seen") or line in ("written", "reached")]
    assert "hunter2" not in said
    assert {"root", "home", "var", "sys"}.isdisjoint(lines)
    assert code in (0, 1)


@ISOLATES
def test_its_network_is_loopback_alone_and_no_packet_leaves() -> None:
    with socket.create_server(("0.0.0.0", 0)) as outside, sandbox.open_namespaces() as box:
        sniffer = box.socket(socket.AF_PACKET, socket.SOCK_RAW, ETHERNET_ALL)
        sniffer.settimeout(0.2)
        with box.socket(socket.AF_INET, socket.SOCK_STREAM) as asking, pytest.raises(ConnectionRefusedError):
            asking.connect(("127.0.0.1", outside.getsockname()[1]))
        for address in ("192.0.2.1", "169.254.169.254", "10.0.0.1"):
            with box.socket(socket.AF_INET, socket.SOCK_STREAM) as asking, pytest.raises(OSError, match="unreachable"):
                asking.connect((address, 80))
        with box.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking, pytest.raises(OSError, match="unreachable"):
            asking.sendto(b"x", ("192.0.2.53", 53))
        heads = []
        while True:
            try:
                packet, where = sniffer.recvfrom(65536)
            except TimeoutError:
                break
            heads.append((where[0], socket.inet_ntoa(packet[30:34])))
        sniffer.close()
    assert heads
    assert set(heads) == {("lo", "127.0.0.1")}


@ISOLATES
def test_the_play_reaches_what_listens_there() -> None:
    with sandbox.open_namespaces() as box:
        listener = box.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with listener, box.socket(socket.AF_INET, socket.SOCK_STREAM) as asking:
            asking.connect(listener.getsockname())
            taken, _address = listener.accept()
            with taken:
                asking.sendall(b"hello")
                assert taken.recv(5) == b"hello"


@ISOLATES
@cases(
    "script, code",
    ("exit 3", 3),
    ("kill -9 $$", -signal.SIGKILL),
    ("kill -15 $$", -signal.SIGTERM),
    ("sleep 60 & exit 0", 0),
)
def test_it_ends_as_its_program_does(script: str, code: int) -> None:
    assert shell(script)[0] == code


@ISOLATES
@cases("script, code", ("trap 'exit 3' TERM; echo up; while :; do sleep 0.1; done", 3), ("echo up; exec sleep 60", -15))
def test_it_hears_its_signal(tmp_path: Path, script: str, code: int) -> None:
    log = tmp_path / "log"
    with log.open("wb") as output, sandbox.open_namespaces(output) as box:
        program = box.run(["/bin/sh", "-c", script], {}, [])
        within(lambda: "up" in log.read_text())
        program.terminate()
        assert program.wait(SECONDS) == code


@ISOLATES
def test_nothing_of_it_is_left() -> None:
    with sandbox.open_namespaces() as box:
        pid = box.run(["/bin/sh", "-c", "trap '' TERM; sleep 60 & sleep 60"], {}, []).pid
        assert Path("/proc", str(pid)).exists()
    within(lambda: not Path("/proc", str(pid)).exists())


@ISOLATES
def test_it_ends_with_a_play_that_is_killed(tmp_path: Path) -> None:
    play = (
        "from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._isolation import sandbox\n"
        "import time\n"
        "with sandbox.open_namespaces() as box:\n"
        "    print(box.run(['/bin/sh', '-c', 'sleep 60'], {}, []).pid, flush=True)\n"
        "    time.sleep(60)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", play], env=environment, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        pid = running.stdout.readline().strip()
        assert Path("/proc", pid).exists()
        running.send_signal(signal.SIGKILL)
    within(lambda: not Path("/proc", pid).exists())


@ISOLATES
def test_the_program_has_no_rights() -> None:
    with sandbox.open_namespaces() as box:
        pid = box.run(["/bin/sh", "-c", "exec sleep 60"], {}, []).pid
        status = Path("/proc", str(pid), "status")
        within(lambda: "Name:\tsleep" in status.read_text())
        rights = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if line.startswith("Cap"))
    assert {int(value, 16) for value in rights.values()} == {0}


@ISOLATES
def test_an_account_without_rights_is_isolated_too(tmp_path: Path) -> None:
    """Root of a container has no right to make namespaces but in a user namespace, as all other accounts."""
    (tmp_path / "file").write_text("content of a file")
    play = (
        "from pathlib import Path\n"
        "from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._isolation import once, sandbox\n"
        "print(repr(sandbox.why_unavailable()))\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "print(once.run_once(['/bin/sh', '-c', f'cat {folder}/file /etc/shadow'], {}, 20, [folder], True))\n"
        "print(once.run_once(['/bin/sh', '-c', f'cat {folder}/file'], {}, 20, [], True))\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

    def weaken() -> None:
        ctypes.CDLL(None).prctl(DROP_FROM_BOUND, SYS_ADMIN, 0, 0, 0)

    command = [sys.executable, "-c", play]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, preexec_fn=weaken)
    available, own, other = done.stdout.splitlines()
    assert available == "''"
    assert "/etc/shadow: No such file" in own
    assert "No such file" in other
    assert "content" not in other


def test_what_a_system_does_not_allow_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper = tmp_path / "helper.py"
    helper.write_text(
        'import socket, sys\nsocket.socket(fileno=int(sys.argv[1])).send(b\'{"failed": "make namespaces: no"}\')'
    )
    monkeypatch.setattr(sandbox, "_HELPER", helper)
    sandbox.why_unavailable.cache_clear()
    said: list[str] = []
    try:
        assert choice.choose_isolation("auto", said.append) == choice.Isolation(
            is_isolated=False, refuses_outreach=True
        )
        with pytest.raises(Problem, match="allows no namespaces"):
            choice.choose_isolation("required", said.append)
        assert choice.choose_isolation("none", said.append) == choice.Isolation(
            is_isolated=False, refuses_outreach=False
        )
    finally:
        sandbox.why_unavailable.cache_clear()
    assert len(said) == 1
    assert "make namespaces: no" in said[0]


def test_a_program_that_is_not_there_says_so() -> None:
    assert once.run_once(["/nowhere/otelcol"], {}, SECONDS, [], False) == (
        1,
        "it does not start: No such file or directory",
    )


def test_a_program_that_is_whole_needs_nothing_of_the_system(tmp_path: Path) -> None:
    script, other = tmp_path / "script", tmp_path / "other"
    script.write_text("#!/bin/sh\n")
    other.write_bytes(b"\x7fELF\x02\x01")
    assert contents.needs_system(Path(sys.executable).resolve())
    assert all(contents.needs_system(path) for path in (script, other, tmp_path / "none"))
    whole = bytearray(64)
    whole[:6], whole[54:58] = b"\x7fELF\x02\x01", b"\x38\x00\x00\x00"
    other.write_bytes(whole)
    assert not contents.needs_system(other)


def within(done: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not done():
        assert time.monotonic() < end
        time.sleep(0.02)
