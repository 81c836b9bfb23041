# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The unit that checks a candidate: the sandbox and credentials of its own unit, without what would touch the old one.

`systemd-run -p` expands no specifiers such as `%d`, so the check is a unit file of its own. Private.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# What of the section [Service] would run something else, start again, or take the state of the running collector:
# a second dynamic user would own the files of its queue.
_DROPPED_SETTING = re.compile(
    r"(?:Exec(?:Start|StartPre|StartPost|Reload|Stop|StopPost|Condition)|Restart\w*|StartLimit\w*|Type|NotifyAccess"
    r"|WatchdogSec|Timeout\w*|RemainAfterExit|PIDFile|(?:Cache|Logs|Runtime)Directory\w*|Standard(?:Output|Error)"
    r"|SyslogIdentifier|Sockets|FileDescriptorStoreMax)\s*="
)
_CONTINUATION = re.compile(r"\\\n[ \t]*")
_STATE_SETTING = re.compile(r"StateDirectory\w*\s*=")
_USER_SETTING = re.compile(r"(?:Dynamic)?User\s*=")
_NAMED_USER_SETTING = re.compile(r"User\s*=")
_START_SETTING = re.compile(r"ExecStart\s*=\s*[-@:+!]*(?P<program>\S+)(?P<arguments>.*)")
_CHECK_SECONDS = 60


@dataclass(frozen=True)
class CheckPaths:
    """Paths of a check.

    `current` is the path by which the unit names its release, and `candidate` the folder in its place. `output` is the
    file for what the program prints. `state` is the state folder of a service that runs, of which the check may only
    read. Without it the check has the state folder as the service has it, since extensions refuse to be without.
    `user` is who owns that folder, and `is_dynamic` says that systemd has made this user: it gives units that name the
    same one the same id while one of them runs, and else the id of the folder's owner. The candidate may be another
    user's: with its state folder as its own, the check would give the files of the running collector to that user.
    """

    current: str
    candidate: str
    output: str
    state: str = ""
    user: str = ""
    is_dynamic: bool = True


def read_unit_user(unit: str) -> str:
    """Return the user that a unit names; empty for one whose user systemd makes."""
    lines = [line for line in list_section_lines(unit, "Service") if _NAMED_USER_SETTING.match(line)]
    return lines[-1].partition("=")[2].strip() if lines else ""


def join_logical_lines(unit: str) -> list[str]:
    """Return the lines of a unit with continued ones joined, without comments."""
    joined_text = _CONTINUATION.sub(" ", unit)
    lines = (line.strip() for line in joined_text.splitlines())
    return [line for line in lines if line and not line.startswith(("#", ";"))]


def list_section_lines(unit: str, name: str) -> list[str]:
    """Return the lines of all sections of that name."""
    section_lines, is_inside = [], False
    for line in join_logical_lines(unit):
        if line.startswith("["):
            is_inside = line == f"[{name}]"
        elif is_inside:
            section_lines.append(line)
    return section_lines


def render_check_unit(unit: str, places: CheckPaths) -> str:
    """Return the text of the unit that checks a candidate."""
    lines = list_section_lines(unit, "Service")
    start_match = next((match for match in map(_START_SETTING.match, lines) if match), None)
    program, arguments = (start_match["program"], start_match["arguments"]) if start_match else ("/bin/false", "")
    kept_lines = _set_owner([line for line in lines if not _DROPPED_SETTING.match(line)], places)
    unit_text = "\n".join(
        [
            "[Unit]",
            "Description=Check of an OpenTelemetry Collector's config",
            "[Service]",
            *kept_lines,
            "Type=oneshot",
            f"ExecStart={program} validate {arguments.strip()}",
            f"TimeoutStartSec={_CHECK_SECONDS}",
            f"StandardOutput=truncate:{places.output}",
            f"StandardError=append:{places.output}",
            "",
        ]
    )
    return unit_text.replace(f"{places.current}/", f"{places.candidate}/")


def _set_owner(lines: list[str], places: CheckPaths) -> list[str]:
    """Return the lines of a unit with the user who may read the state folder."""
    owned_lines = _use_state_folder(lines, places) if places.state else list(lines)
    if places.user and not any(map(_NAMED_USER_SETTING.match, owned_lines)):
        owned_lines.append(f"User={places.user}")
    return owned_lines


def _use_state_folder(lines: list[str], places: CheckPaths) -> list[str]:
    """Return the lines of a unit that uses the state folder as it is, and does not make one."""
    state_lines = [line for line in lines if not _STATE_SETTING.match(line)]
    if places.user:
        state_lines = [line for line in state_lines if not _USER_SETTING.match(line)]
        if places.is_dynamic:
            state_lines.append("DynamicUser=yes")
    if places.is_dynamic:
        # A dynamic user may not pass /var/lib/private, and the unit's own state folder shows systemd a way around.
        state_lines += ["TemporaryFileSystem=/var/lib/private:ro", f"BindReadOnlyPaths={places.state}"]
    return state_lines
