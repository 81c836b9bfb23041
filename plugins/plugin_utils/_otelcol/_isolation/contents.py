# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an isolated Collector finds in its root: its program, what that needs, and nothing of the user. Private.

The root is the folder `/` that an isolated program sees. sandbox.py writes a `RootRequest` to a file, and the helper
(inside.py) makes the root of it. For a Collector that is linked to nothing, with its config in /tmp/x, it is about ::

    {"root": "/tmp/y/root", "size": "64m",
     "files": {"/etc/hosts": "127.0.0.1 localhost\\n…", …}, "links": {},
     "shown": [["/tmp/x", "/tmp/x"], ["/usr/share/zoneinfo", "/usr/share/zoneinfo"], ["/opt/otelcol", "/opt/otelcol"]],
     "command": ["/opt/otelcol", "--config=/tmp/x/config.yaml"], "environment": {"HOME": "/"}}
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypedDict

from ....module_utils._otelcol.bounded.live.bounded_reads import read_file_head, read_file_text
from ....module_utils._otelcol.errors import Problem

# How much an isolated Collector may write: its root is in memory.
ROOT_SIZE = "64m"
# Where Go looks for certificates and time zones. Sources: crypto/x509/root_linux.go, time/zoneinfo_unix.go, Go 1.25.
_PUBLIC_FILES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/etc/localtime",
    "/usr/share/zoneinfo",
)
# What a program needs that is a script, or is linked to libraries.
_SYSTEM_FOLDERS = (
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/usr/bin",
    "/usr/sbin",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
)
_LINKER_CACHE = "/etc/ld.so.cache"
# What Go and the Collector read of a machine; processes are not there. A memory limit in percent is one of all memory.
_COPIED_FILES = ("/proc/meminfo", "/proc/cpuinfo", "/proc/stat")
_OWN_FILES = {
    "/etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "/etc/passwd": "root:x:0:0::/:/bin/sh\n",
    "/etc/group": "root:x:0:\n",
    "/proc/self/cgroup": "0::/\n",
    "/proc/self/mountinfo": "",
}
# What a program of Linux begins with.
_ELF_MAGIC = b"\x7fELF"
# The byte that says whether it has 64 bits.
_ELF_CLASS_OFFSET = 4
_ELF_64_BIT = 2
# The byte that says in which order the bytes of its numbers stand.
_ELF_BYTE_ORDER_OFFSET = 5
_ELF_LITTLE_ENDIAN = 1
# Where the header of a 64-bit program says where its table of segments is, and how large that is.
_ELF_TABLE_OFFSET = 32
_ELF_TABLE_SIZES_OFFSET = 54
# The type of the segment that names the loader of libraries.
_INTERPRETER_SEGMENT = 3
# How many bytes of a program are read.
_HEAD_SIZE = 65536


class RootRequest(TypedDict):
    """What the helper makes, and runs in it."""

    root: str
    """The folder that becomes the root."""
    size: str
    """How much the root may hold, as the filesystem tmpfs takes it."""
    files: dict[str, str]
    """Files with their texts, by their paths in the root."""
    links: dict[str, str]
    """Symbolic links with their targets, by their paths in the root."""
    shown: list[list[str]]
    """Pairs of a file or folder of the machine, and the path at which the root has it, to read only."""
    command: list[str]
    """The program with its arguments; empty to run nothing."""
    environment: dict[str, str]
    """The variables of the program."""


def describe_contents(
    root: str, command: Sequence[str], environment: dict[str, str], visible_paths: Sequence[str | Path]
) -> RootRequest:
    """Return what the helper makes: a new root that has these files and folders at their own paths.

    Without a command, nothing runs in it. The first word of a command is the path of a program.
    """
    program = Path(command[0]).resolve() if command else None
    root_paths = _list_root_paths(program, visible_paths)
    links = _read_folder_links(root_paths)
    bound_paths = [path for path in dict.fromkeys(root_paths) if path not in links]
    # A folder shows all that is below it.
    outer_paths = [path for path in bound_paths if not _is_inside(path, bound_paths)]
    copied_files = {name: read_file_text(name) for name in _list_existing(_COPIED_FILES)}
    return {
        "root": root,
        "size": ROOT_SIZE,
        "files": {**_OWN_FILES, **copied_files},
        "links": links,
        "shown": [[str(Path(path).resolve()), path] for path in outer_paths],
        "command": [str(program), *command[1:]] if program else [],
        "environment": environment,
    }


def _list_root_paths(program: Path | None, visible_paths: Sequence[str | Path]) -> list[str]:
    """Return the paths of all that the root has of the machine, of which one may be inside of another."""
    root_paths = [str(Path(path).absolute()) for path in visible_paths]
    root_paths += _list_existing(_PUBLIC_FILES)
    if program:
        root_paths.append(str(program))
        if needs_system(program):
            root_paths += _list_existing((*_SYSTEM_FOLDERS, _LINKER_CACHE))
    return root_paths


def _read_folder_links(paths: Iterable[str]) -> dict[str, str]:
    """Return the target of each path that is a system folder and a link, as `/bin` is one to `usr/bin`."""
    links = {}
    for path in paths:
        if path in _SYSTEM_FOLDERS and Path(path).is_symlink():
            links[path] = str(Path(path).readlink())
    return links


def _is_inside(path: str, folders: Sequence[str]) -> bool:
    """Whether a path is below one of some folders."""
    return any(str(parent) in folders for parent in Path(path).parents)


def _list_existing(names: Sequence[str]) -> list[str]:
    """Return the paths at which the machine has something."""
    return [name for name in names if Path(name).exists()]


def needs_system(program: Path) -> bool:
    """Return whether a program is more than its file: a script, or one that is linked to libraries.

    Source: elf(5); the Collectors that OpenTelemetry releases are whole.
    """
    try:
        head = read_file_head(program, _HEAD_SIZE)
        if not head.startswith(_ELF_MAGIC) or head[_ELF_CLASS_OFFSET] != _ELF_64_BIT:
            return True
        return _INTERPRETER_SEGMENT in _read_segment_types(head)
    except (OSError, Problem, IndexError, struct.error):
        return True


def _read_segment_types(head: bytes) -> list[int]:
    """Return the types of the segments of a 64-bit program. Raises struct.error if the table is not in its head."""
    byte_order = "<" if head[_ELF_BYTE_ORDER_OFFSET] == _ELF_LITTLE_ENDIAN else ">"
    (table_offset,) = struct.unpack_from(f"{byte_order}Q", head, _ELF_TABLE_OFFSET)
    entry_size, entry_count = struct.unpack_from(f"{byte_order}HH", head, _ELF_TABLE_SIZES_OFFSET)
    segment_types = []
    for index in range(entry_count):
        (segment_type,) = struct.unpack_from(f"{byte_order}I", head, table_offset + index * entry_size)
        segment_types.append(segment_type)
    return segment_types
