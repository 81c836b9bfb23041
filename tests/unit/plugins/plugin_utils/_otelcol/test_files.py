# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file is replaced at once, and what is no file, such as /dev/null, is written to and stays what it is."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _files

WRITERS = [
    _files.write_if_changed,
    _files.write_private,
    _files.rewrite_text,
    lambda path, text: _files.write_or_check(path, text, check=False),
]
# More than a pipe holds, so that a writer has to wait for the reader.
LONG_TEXT = "a line of a report\n" * 20_000


@pytest.mark.parametrize("write", WRITERS)
def test_a_device_stays_a_device(write: Callable[[Path, str], bool], tmp_path: Path) -> None:
    device = tmp_path / "null"
    if os.geteuid() == 0:
        os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    else:
        device.symlink_to("/dev/null")  # its folder is closed to other users, so nothing can take its place
    assert not write(device, "a report")
    assert device.is_char_device()
    assert not _files.write_or_check(device, "a report", check=True)


def _is_written(write: Callable[[Path, str], bool], pipe: Path, text: str) -> bool:
    """Whether a text went into a pipe, which somebody reads by then."""
    try:
        assert not write(pipe, text)
    except Problem as problem:
        assert "nobody reads" in str(problem)
        return False
    return True


@pytest.mark.parametrize("write", WRITERS)
def test_the_reader_of_a_pipe_gets_all_of_a_text(write: Callable[[Path, str], bool], tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    copy = tmp_path / "copy"
    with copy.open("w") as copied, subprocess.Popen(["cat", pipe], stdout=copied) as reader:
        try:
            while not _is_written(write, pipe, LONG_TEXT):
                assert reader.poll() is None
            assert reader.wait(timeout=30) == 0
        finally:
            reader.kill()
    assert copy.read_text() == LONG_TEXT
    assert pipe.is_fifo()


@pytest.mark.parametrize("write", WRITERS)
def test_a_pipe_without_a_reader_is_not_waited_for(write: Callable[[Path, str], bool], tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(Problem, match=r"cannot write .*: it is a pipe that nobody reads"):
        write(pipe, "a report")
    assert pipe.is_fifo()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_a_file_stays_its_owners(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("before")
    file.chmod(0o640)
    os.chown(file, 1234, 2345)
    assert _files.write_if_changed(file, "after")
    status = file.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (1234, 2345, 0o640)


def test_a_full_disk_is_no_fault_of_the_path() -> None:
    with pytest.raises(Problem, match=r"No space left on device\. Make room there, then run again\."):
        _files.write_if_changed(Path("/dev/full"), "a report")


@pytest.mark.parametrize("write", WRITERS)
def test_what_is_open_gets_a_text_behind_what_it_has(write: Callable[[Path, str], bool], tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("a") as opened:
        opened.write("before\n")
        opened.flush()
        assert not write(Path(f"/dev/fd/{opened.fileno()}"), "a report\n")
        opened.write("after\n")
    assert log.read_text() == "before\na report\nafter\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a pipe of another user")
def test_a_pipe_of_another_user_gets_nothing(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    os.chown(pipe, 65534, 65534)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(Problem, match="it is a pipe of another user"):
        _files.write_private(pipe, "a report")
    assert os.read(reader, 100) == b""
    os.close(reader)


def test_a_socket_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        with pytest.raises(Problem, match="it is a disk or a socket"):
            _files.write_if_changed(path, "a report")
        assert path.is_socket()


def test_a_folder_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="Is a directory"):
        _files.write_if_changed(tmp_path, "a report")


def test_two_options_may_go_to_one_stream(tmp_path: Path) -> None:
    _files.check_outputs_differ({"a": "/dev/null", "b": "/dev/null"})
    file = str(tmp_path / "file")
    with pytest.raises(Problem, match="are both"):
        _files.check_outputs_differ({"a": file, "b": file})


def test_a_file_behind_a_link_is_replaced_and_the_link_stays(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_text("before")
    link.symlink_to(file)
    assert _files.write_if_changed(link, "after") and not _files.write_if_changed(link, "after")
    assert link.is_symlink() and file.read_text() == "after"
