# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an isolated Collector finds in its root: its program, what that needs, and nothing of the user. Private."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ....module_utils._otelcol.bounded.live.bounded_reads import file_head, file_text
from ....module_utils._otelcol.errors import Problem

SIZE = "64m"
"""How much an isolated Collector may write: its root is in memory."""
# Where Go looks for certificates and time zones. Sources: crypto/x509/root_linux.go, time/zoneinfo_unix.go, Go 1.25.
_PUBLIC = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/etc/localtime",
    "/usr/share/zoneinfo",
)
# What a program needs that is a script, or is linked to libraries.
_SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib32", "/usr/lib64")
_LINKER = "/etc/ld.so.cache"
# What Go and the Collector read of a machine; processes are not there. A memory limit in percent is one of all memory.
_COPIED = ("/proc/meminfo", "/proc/cpuinfo", "/proc/stat")
_OWN = {
    "/etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "/etc/passwd": "root:x:0:0::/:/bin/sh\n",
    "/etc/group": "root:x:0:\n",
    "/proc/self/cgroup": "0::/\n",
    "/proc/self/mountinfo": "",
}
_ELF, _WIDE, _LITTLE = b"\x7fELF", 2, 1
_HEAD = 65536
_INTERPRETER = 3


def contents_request(
    root: str, command: Sequence[str], environment: dict[str, str], shown: Sequence[str | Path]
) -> dict[str, Any]:
    """Return what the helper makes: a new root that has these files and folders at their own paths.

    Without a command, nothing runs in it. The first word of a command is the path of a program.
    """
    wanted = [str(Path(item).absolute()) for item in shown] + _there(_PUBLIC)
    run = [str(Path(item).resolve()) for item in command[:1]]
    if run:
        wanted += [*run, *(_there((*_SYSTEM, _LINKER)) if needs_system(Path(run[0])) else ())]
    links = {item: str(Path(item).readlink()) for item in wanted if item in _SYSTEM and Path(item).is_symlink()}
    seen = [item for item in dict.fromkeys(wanted) if item not in links]
    return {
        "root": root,
        "size": SIZE,
        "files": {**_OWN, **{name: _text(name) for name in _there(_COPIED)}},
        "links": links,
        "shown": [[str(Path(item).resolve()), item] for item in seen if not _is_inside(item, seen)],
        "command": [*run, *command[1:]],
        "environment": environment,
    }


def _is_inside(item: str, others: Sequence[str]) -> bool:
    return any(str(folder) in others for folder in Path(item).parents)


def _there(names: Sequence[str]) -> list[str]:
    return [name for name in names if Path(name).exists()]


def _text(name: str) -> str:
    return file_text(name)


def needs_system(program: Path) -> bool:
    """Return whether a program is more than its file: a script, or one that is linked to libraries.

    Source: elf(5); the Collectors that OpenTelemetry releases are whole.
    """
    try:
        first = file_head(program, _HEAD)
        if not first.startswith(_ELF) or first[4] != _WIDE:
            return True
        order = "<" if first[5] == _LITTLE else ">"
        (start,) = struct.unpack_from(f"{order}Q", first, 32)
        size, number = struct.unpack_from(f"{order}HH", first, 54)
        kinds = (struct.unpack_from(f"{order}I", first, start + index * size)[0] for index in range(number))
        return _INTERPRETER in kinds
    except (OSError, Problem, IndexError, struct.error):
        return True
