# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What SELinux needs on a host that enforces it: the program must have a type that systemd may start. Private.

The policy `targeted` gives files below /opt the type usr_t, and programs bin_t. Sources: selinux(8), the file contexts
of the reference policy (corecommands.fc, files.fc). Runs on the host: Python 3.8, standard library.
"""

from __future__ import annotations

# The ends of types that systemd may start.
_PROGRAM_TYPES = ("bin_t", "_exec_t")
_TYPE_PART = 2  # the part of `user:role:type:level`


def is_enforcing(enforce_text: str) -> bool:
    """Whether the kernel enforces SELinux, by the text of /sys/fs/selinux/enforce: `1` if it does, `0` if not."""
    return enforce_text.strip() == "1"


def context_type(context: bytes) -> str:
    """Return the type in a context such as `system_u:object_r:bin_t:s0`, which may end with a zero; empty without."""
    parts = context.rstrip(b"\0").decode("ascii", "replace").split(":")
    return parts[_TYPE_PART] if len(parts) > _TYPE_PART else ""


def describe_type_fix(program: str, program_type: str, is_own_program: bool) -> str:
    """Return what to do so that systemd may start a program with this type; empty if it may.

    `program_type` is empty for a program that is not there yet. `is_own_program` says that it is below /opt/otelcol.
    """
    if program_type.endswith(_PROGRAM_TYPES):
        return ""
    folder, _slash, name = program.rpartition("/")
    path_pattern = f"{folder.rpartition('/')[0]}/[^/]+/{name}" if is_own_program else program
    type_clause = f"has the type {program_type}" if program_type else "gets the type of its folder"
    return (
        f"SELinux enforces its policy here, and {program} {type_clause}, which systemd may be forbidden to start. Run"
        f" `semanage fcontext -a -t bin_t '{path_pattern}'` once on the host, then `restorecon {program}` if it is"
        " there. `ausearch -m avc -ts recent` shows what else is denied."
    )
