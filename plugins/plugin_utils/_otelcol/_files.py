# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts in files, and atomic writes of files. Controller only. Private.

All that reads or writes files of users comes here, so that every failure is a Problem with the path, such as
`cannot read a.yaml: No such file or directory`. bounded_reads.py reads the bytes. An atomic write replaces the whole
file at once, so that no reader sees half of it.
"""

from __future__ import annotations

import codecs
import contextlib
import errno
import os
import stat
import tempfile
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...module_utils._otelcol.bounded.live.bounded_reads import read_file_bytes, read_file_head
from ...module_utils._otelcol.errors import Problem, clean_text
from ...module_utils._otelcol.yaml.yaml_errors import VAULT_FIX, VAULT_HEADER
from ._output_streams import is_replaceable, is_stream, write_to_stream

# The modes of new files: for everybody to read, and for the user alone.
_NEW_FILE_MODE = 0o644
_PRIVATE_MODE = 0o600
# The numbers of the operating system for a disk, or a share of it, that is full.
_FULL_DISK_NUMBERS = (errno.ENOSPC, errno.EDQUOT)
# The marks with which a text in UTF-16 begins.
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
SAVE_AS_UTF_8 = "Save it as UTF-8 text."
# What to do about a folder that this user may not read.
CLOSED_FOLDER_FIX = "Give this user the rights to read and to enter it."


def read_text_file(path: Path | str) -> str:
    """Return the text of a file as the Collector reads it, with its line ends. Raises Problem if it cannot be read."""
    try:
        data = read_file_bytes(path)
    except (OSError, ValueError) as error:  # a path with a NUL
        wrong = f"cannot read {path}: {getattr(error, 'strerror', None) or error}"
        raise Problem(wrong, fix="Give the path of a readable YAML file.") from error
    return decode_text(data, str(path))


def decode_text(data: bytes, path: str) -> str:
    """Return bytes as the text that the Collector reads. Raises Problem if they are encrypted or no text."""
    data = data.removeprefix(codecs.BOM_UTF8)
    check_unencrypted(data, path)
    try:
        return data.decode("utf-16" if data.startswith(_UTF_16) else "utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        detail = f"byte 0x{data[error.start]:02x} in line {line} is not valid in {error.encoding.upper()}"
        raise Problem(f"cannot read {path}: {detail}", fix=SAVE_AS_UTF_8) from error


def require_path(path: str) -> Path:
    """Return a path that a user gave. Raises Problem for an empty one, which would be the working folder."""
    if not path:
        raise Problem("a path is empty", fix="Give files or folders; `.` is the folder in which you are.")
    return Path(path)


def require_expanded_path(path: str) -> Path:
    """Return a path as `expand_path` does. Raises Problem for an empty one too."""
    require_path(path)
    return expand_path(path)


def expand_path(path: str) -> Path:
    """Return a path that a user gave, with the folder of the user in place of `~` and `~NAME`.

    Raises Problem for a user without a folder, and for a path with a NUL, which no file can have.
    """
    if "\0" in path:
        raise Problem(f"the path '{clean_text(path)}' holds a NUL", fix="Give the path of a file or folder.")
    if not path.startswith("~"):
        return Path(path)
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        user_name = path.partition("/")[0].removeprefix("~")
        unknown = f"there is no user '{user_name}'" if user_name else "the user of this run has none"
        wrong = f"the path {path} is in the folder of a user, and {unknown}"
        fix = "Correct the name behind ~, or give the path without it, such as `./~NAME`."
        raise Problem(wrong, fix=fix) from error


def check_output_is_no_input(output: str | None, inputs: Iterable[str | None], option: str) -> None:
    """Raise Problem if a file to be written is one of those that were read; `option` names the file to be written."""
    if not output or not is_path_of_kind(Path(output), Path.is_file):
        return
    for input_path in filter(None, inputs):
        if is_path_of_kind(Path(input_path), Path.is_file) and Path(output).samefile(input_path):
            raise Problem(f"`{option}` is {output}, which was read: it would be lost", fix="Give another file.")


def check_outputs_differ(path_by_option: Mapping[str, str | None]) -> None:
    """Raise Problem if two options name the same file: what is written last would replace the other."""
    option_by_file: dict[Path, str] = {}
    for option, path in path_by_option.items():
        if not path:
            continue
        if is_stream(Path(path)):  # it takes what one option writes behind what the other does
            continue
        first_option = option_by_file.setdefault(Path(path).resolve(), option)
        if first_option != option:
            wrong = f"`{first_option}` and `{option}` are both {path}: one would replace the other"
            raise Problem(wrong, fix="Give another file.")


@dataclass(frozen=True)
class Folder:
    """What a folder has, at any depth. The folder is read once."""

    path: Path
    entries: Sequence[Path]
    closed_folders: Sequence[Path] = ()
    """The folder itself, or folders below, that this user may not read: what they have is not among the entries."""

    @classmethod
    def read(cls, path: Path, excluded_names: Collection[str] = ()) -> Folder:
        """Return the files and folders below a folder; empty if there is no such folder.

        Those whose names begin with a dot, and those in folders of the excluded names, are left out.
        """
        if not is_path_of_kind(path, Path.is_dir):
            return cls(path, [])
        entries: list[Path] = []
        closed_folders: list[Path] = []
        folders_to_read = [path]
        while folders_to_read:
            folder = folders_to_read.pop()
            if not os.access(folder, os.R_OK | os.X_OK):
                closed_folders.append(folder)
                continue
            for entry in folder.iterdir():
                if _is_excluded(entry.name, excluded_names):
                    continue
                entries.append(entry)
                if entry.is_dir() and not entry.is_symlink():
                    folders_to_read.append(entry)
        return cls(path, sorted(entries), sorted(closed_folders))

    def linked_folders(self) -> list[Path]:
        """Return the links to folders outside of this folder: their files are not read."""
        own_folder = self.path.resolve()
        links = (entry for entry in self.entries if entry.is_symlink() and entry.is_dir())
        return [link for link in links if not link.resolve().is_relative_to(own_folder)]


def _is_excluded(name: str, excluded_names: Collection[str]) -> bool:
    """Whether a name begins with a dot, or is one of the excluded names."""
    return name.startswith(".") or name in excluded_names


def build_closed_folder_problem(folder: Path) -> Problem:
    """Return the problem of a folder that this user may not read."""
    return Problem(f"the folder {folder} may not be read", fix=CLOSED_FOLDER_FIX)


def read_plain(path: Path) -> str:
    """Return the text of a file; an empty one for a file that is encrypted. Raises Problem if it cannot be read."""
    try:
        is_encrypted = read_file_head(path, len(VAULT_HEADER)) == VAULT_HEADER.encode()
    except OSError:
        return ""
    return "" if is_encrypted else read_text_file(path)


def check_unencrypted(data: bytes, path: str) -> None:
    """Raise Problem for a file that ansible-vault encrypted."""
    if data.startswith(VAULT_HEADER.encode()):
        raise Problem(f"{path} is encrypted with ansible-vault", fix=VAULT_FIX)


def write_if_changed(path: Path, text: str, mode: int = _NEW_FILE_MODE) -> bool:
    """Write a text unless the file already has it; return whether it was written. `mode` is that of a new file.

    Raises Problem when it cannot be written.
    """
    return _write_bytes_if_changed(path, text.encode(), mode)


def rewrite_text(path: Path, text: str) -> bool:
    """Write a text as `write_if_changed` does, in the encoding of the file: UTF-8 with or without a mark, or UTF-16."""
    return _write_bytes_if_changed(path, _encode_with_mark(text, _read_mark(path)), _NEW_FILE_MODE)


def _read_mark(path: Path) -> bytes:
    """Return the mark with which a file begins, by which others know its encoding; empty without one or a file."""
    if not is_path_of_kind(path, Path.is_file):
        return b""
    head = read_file_head(path, len(codecs.BOM_UTF8))
    return next((mark for mark in (codecs.BOM_UTF8, *_UTF_16) if head.startswith(mark)), b"")


def _encode_with_mark(text: str, mark: bytes) -> bytes:
    """Return a text in the encoding that a mark stands for, with the mark."""
    encoding = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}.get(mark, "utf-8")
    return mark + text.encode(encoding)


def _write_bytes_if_changed(path: Path, data: bytes, mode: int) -> bool:
    """Write a file unless it has this content; return whether it was written. Raises Problem.

    A stream such as /dev/stdout gets the data; it does not count as written, since it keeps no content.
    """
    target = path.resolve()
    try:
        if is_stream(path):
            write_to_stream(path, data)
            return False
        if not is_replaceable(target):
            raise OSError(errno.EEXIST, "it is a disk or a socket")
        if _has_content(target, data):
            return False
        _replace_atomically(target, data, mode)
    except OSError as error:
        raise Problem(f"cannot write {path}: {error.strerror or error}", fix=choose_write_fix(error)) from error
    return True


def choose_write_fix(error: OSError) -> str:
    """Return what the user can do about a file that cannot be written."""
    return "Make room there, then run again." if error.errno in _FULL_DISK_NUMBERS else "Give a writable path."


def write_or_check(path: Path, text: str, check: bool) -> bool:
    """Write a text and create its folder. In check mode only return whether it would change. Raises Problem."""
    if check:
        return not is_stream(path) and not _has_content(path, text.encode())
    make_folder(path.parent)
    return write_if_changed(path, text)


def write_private(path: Path, text: str) -> bool:
    """Write a text that others shall not read, and create its folder; return whether it was written. Raises Problem."""
    make_folder(path.parent)
    return write_if_changed(path, text, _PRIVATE_MODE)


def _has_content(path: Path, data: bytes) -> bool:
    """Return whether a file has this content."""
    return path.is_file() and path.stat().st_size == len(data) and read_file_bytes(path, len(data)) == data


def is_path_of_kind(path: Path, kind: Callable[[Path], bool]) -> bool:
    """Return what a test such as `Path.is_file` says of a path; false for a path that no file can have."""
    try:
        return kind(path)
    except OSError:
        return False


def make_folder(path: Path) -> None:
    """Create a folder and its parents. Raises Problem on failure."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        wrong = f"cannot create the folder {path}: {error.strerror or error}"
        raise Problem(wrong, fix=choose_write_fix(error)) from error


def _replace_atomically(target: Path, data: bytes, mode: int) -> None:
    """Write a new file beside the target, and let it take the place of the target. `mode` is that of a first file."""
    descriptor, temporary_name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            _set_rights(file.fileno(), target, mode)
        Path(temporary_name).replace(target)
    except BaseException:  # also if the run is interrupted: no other run would remove the file
        with contextlib.suppress(OSError):
            Path(temporary_name).unlink()
        raise


def _set_rights(descriptor: int, target: Path, mode: int) -> None:
    """Give a new file the owner, the group and the mode of the file whose place it takes; without one, the mode."""
    if not target.exists():
        os.fchmod(descriptor, mode)
        return
    target_status = target.stat()
    with contextlib.suppress(PermissionError):  # only root may give a file away
        os.fchown(descriptor, target_status.st_uid, target_status.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(target_status.st_mode))
