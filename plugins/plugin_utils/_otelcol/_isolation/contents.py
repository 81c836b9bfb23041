# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an isolated Collector finds in its root: its program, what that needs, and nothing of the user. Private.

The root is the folder `/` that an isolated program sees. sandbox.py sends these contents to the helper, inside.py.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ....module_utils._otelcol.bounded.live.bounded_reads import read_file_head, read_file_text
from ....module_utils._otelcol.errors import Problem

ROOT_SIZE = "64m"
"""How much an isolated Collector may write: its root is in memory."""
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
_LINKER = "/etc/ld.so.cache"
# What Go and the Collector read of a machine; processes are not there. A memory limit in percent is one of all memory.
_COPIED_FILES = ("/proc/meminfo", "/proc/cpuinfo", "/proc/stat")
_OWN_FILES = {
    "/etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "/etc/passwd": "root:x:0:0::/:/bin/sh\n",
    "/etc/group": "root:x:0:\n",
    "/proc/self/cgroup": "0::/\n",
    "/proc/self/mountinfo": "",
}
_ELF, _ELF_64_BIT, _ELF_LITTLE_ENDIAN = b"\x7fELF", 2, 1
_HEAD = 65536
_INTERPRETER = 3


def describe_contents(
    root: str, command: Sequence[str], environment: dict[str, str], visible_paths: Sequence[str | Path]
) -> dict[str, Any]:
    """Return what the helper makes: a new root that has these files and folders at their own paths.

    Without a command, nothing runs in it. The first word of a command is the path of a program.
    """
    root_paths = [str(Path(path).absolute()) for path in visible_paths] + _list_existing(_PUBLIC_FILES)
    program_paths = [str(Path(path).resolve()) for path in command[:1]]
    if program_paths:
        root_paths += [
            *program_paths,
            *(_list_existing((*_SYSTEM_FOLDERS, _LINKER)) if needs_system(Path(program_paths[0])) else ()),
        ]
    links = {
        path: str(Path(path).readlink()) for path in root_paths if path in _SYSTEM_FOLDERS and Path(path).is_symlink()
    }
    bound_paths = [path for path in dict.fromkeys(root_paths) if path not in links]
    return {
        "root": root,
        "size": ROOT_SIZE,
        "files": {**_OWN_FILES, **{name: _read_system_file(name) for name in _list_existing(_COPIED_FILES)}},
        "links": links,
        "shown": [[str(Path(path).resolve()), path] for path in bound_paths if not _is_inside(path, bound_paths)],
        "command": [*program_paths, *command[1:]],
        "environment": environment,
    }


def _is_inside(path: str, folders: Sequence[str]) -> bool:
    return any(str(parent) in folders for parent in Path(path).parents)


def _list_existing(names: Sequence[str]) -> list[str]:
    return [name for name in names if Path(name).exists()]


def _read_system_file(name: str) -> str:
    return read_file_text(name)


def needs_system(program: Path) -> bool:
    """Return whether a program is more than its file: a script, or one that is linked to libraries.

    Source: elf(5); the Collectors that OpenTelemetry releases are whole.
    """
    try:
        head = read_file_head(program, _HEAD)
        if not head.startswith(_ELF) or head[4] != _ELF_64_BIT:
            return True
        byte_order = "<" if head[5] == _ELF_LITTLE_ENDIAN else ">"
        (table_offset,) = struct.unpack_from(f"{byte_order}Q", head, 32)
        entry_size, entry_count = struct.unpack_from(f"{byte_order}HH", head, 54)
        segment_types = (
            struct.unpack_from(f"{byte_order}I", head, table_offset + index * entry_size)[0]
            for index in range(entry_count)
        )
        return _INTERPRETER in segment_types
    except (OSError, Problem, IndexError, struct.error):
        return True
