# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What SELinux needs on a host that enforces it: the program must have a type that systemd may start.

The policy `targeted` gives files below /opt the type usr_t, and programs bin_t. Sources: selinux(8), the file contexts
of the reference policy (corecommands.fc, files.fc). Runs on the host: Python 3.8, standard library. Private.
"""

from __future__ import annotations

_OF_PROGRAMS = ("bin_t", "_exec_t")
_TYPE = 2  # the part of `user:role:type:level`


def is_enforcing(said: str) -> bool:
    """Whether the kernel enforces SELinux, by the text of /sys/fs/selinux/enforce: `1` if it does, `0` if not."""
    return said.strip() == "1"


def type_of(context: bytes) -> str:
    """Return the type in a context such as `system_u:object_r:bin_t:s0`, which may end with a zero; empty without."""
    parts = context.rstrip(b"\0").decode("ascii", "replace").split(":")
    return parts[_TYPE] if len(parts) > _TYPE else ""


def program_words(program: str, found: str, is_own: bool) -> str:
    """Return what to do so that systemd may start a program with this type; empty if it may.

    `found` is empty for a program that is not there yet. `is_own` says that it is below /opt/otelcol.
    """
    if found.endswith(_OF_PROGRAMS):
        return ""
    folder, _slash, name = program.rpartition("/")
    everywhere = f"{folder.rpartition('/')[0]}/[^/]+/{name}" if is_own else program
    has = f"has the type {found}" if found else "gets the type of its folder"
    return (
        f"SELinux enforces its policy here, and {program} {has}, which systemd may be forbidden to start. Run "
        f"`semanage fcontext -a -t bin_t '{everywhere}'` once on the host, then `restorecon {program}` if it is there. "
        "`ausearch -m avc -ts recent` shows what else is denied."
    )
