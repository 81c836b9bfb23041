# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Render the unit in which the Collector's program checks the config of a new release, the candidate. Private.

`live/candidate_check.py` starts the unit beside the service. It has the sandbox and the credentials of the candidate's
unit, and none of the settings that would touch the running collector. It needs a unit file, because `systemd-run -p`
expands no specifiers such as `%d`. For example, of the candidate's unit with

    ExecStart=/opt/otelcol/…/otelcol --config=/etc/otelcol/agent/current/config.yaml

the unit of the check has

    ExecStart=/opt/otelcol/…/otelcol validate --config=/etc/otelcol/agent/releases/000007/config.yaml

Runs on the host: Python 3.8.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .unit_text import list_section_lines

# Settings of the section [Service] that the check does not have, as names or as patterns of names.
# They would run other programs.
_COMMAND_SETTINGS = (
    "ExecStart",
    "ExecStartPre",
    "ExecStartPost",
    "ExecReload",
    "ExecStop",
    "ExecStopPost",
    "ExecCondition",
)
# They would start the check again, or wait for what it never says or does.
_LIFECYCLE_SETTINGS = (
    r"Restart\w*",
    r"StartLimit\w*",
    "Type",
    "NotifyAccess",
    "WatchdogSec",
    r"Timeout\w*",
    "RemainAfterExit",
    "PIDFile",
)
# They would take folders, sockets or the log of the running collector.
_RESOURCE_SETTINGS = (
    r"CacheDirectory\w*",
    r"LogsDirectory\w*",
    r"RuntimeDirectory\w*",
    "StandardOutput",
    "StandardError",
    "SyslogIdentifier",
    "Sockets",
    "FileDescriptorStoreMax",
)
# For example `RestartSec = 5`.
_DROPPED_SETTING = re.compile(rf"(?:{'|'.join((*_COMMAND_SETTINGS, *_LIFECYCLE_SETTINGS, *_RESOURCE_SETTINGS))})\s*=")
# `StateDirectory=` and `StateDirectoryMode=`.
_STATE_SETTING = re.compile(r"StateDirectory\w*\s*=")
# `User=` and `DynamicUser=`. The next pattern is for `User=` alone: `match` begins at the start of the line.
_USER_SETTING = re.compile(r"(?:Dynamic)?User\s*=")
_NAMED_USER_SETTING = re.compile(r"User\s*=")
# `ExecStart=-/opt/otelcol/…/otelcol --config=…`: the characters before the program change how systemd starts it.
_START_SETTING = re.compile(r"ExecStart\s*=\s*[-@:+!]*(?P<program>\S+)(?P<arguments>.*)")
_CHECK_SECONDS = 60


@dataclass(frozen=True)
class CheckPaths:
    """The paths of a check, and the user who runs it.

    The check must not own the state folder of a running service: systemd would give the files of the queue to the user
    of the candidate. So if `state` is set, the check only reads that folder. Otherwise it has the state folder as the
    service has it, because extensions fail without one.
    """

    current: str
    """The path by which the unit names the release in use."""
    candidate: str
    """The folder of the candidate, which takes the place of `current`."""
    output: str
    """The file for what the program prints."""
    state: str = ""
    """The state folder of the running service; empty if the check may use it as the service does."""
    user: str = ""
    """The owner of the state folder; empty if there is no such folder."""
    is_dynamic: bool = True
    """Whether systemd has made this user. Units that name the same dynamic user share its id while one of them runs."""


def read_unit_user(unit: str) -> str:
    """Return the user that a unit names; empty for a unit with a dynamic user."""
    lines = [line for line in list_section_lines(unit, "Service") if _NAMED_USER_SETTING.match(line)]
    return lines[-1].partition("=")[2].strip() if lines else ""


def render_check_unit(unit: str, paths: CheckPaths) -> str:
    """Return the text of the unit that checks a candidate. `unit` is the text of the candidate's own unit."""
    service_lines = list_section_lines(unit, "Service")
    kept_lines = [line for line in service_lines if not _DROPPED_SETTING.match(line)]
    lines = [
        "[Unit]",
        "Description=Check of an OpenTelemetry Collector's config",
        "[Service]",
        *_adapt_state_settings(kept_lines, paths),
        "Type=oneshot",
        f"ExecStart={_build_check_command(service_lines)}",
        f"TimeoutStartSec={_CHECK_SECONDS}",
        f"StandardOutput=truncate:{paths.output}",
        f"StandardError=append:{paths.output}",
        "",
    ]
    # The unit names all files of a release, such as its config and its credentials, by the path of the release in use
    # (systemd_unit.py of the room _host renders it).
    return "\n".join(lines).replace(f"{paths.current}/", f"{paths.candidate}/")


def _build_check_command(service_lines: list[str]) -> str:
    """Return the command of the unit, with the subcommand `validate`; one that fails if the unit has no command.

    The characters before the program are left out: with `-`, a check that fails would succeed, and with `+`, the check
    would run outside of the sandbox. Source: systemd.service(5), COMMAND LINES.
    """
    for line in service_lines:
        start_match = _START_SETTING.match(line)
        if start_match:
            return f"{start_match['program']} validate {start_match['arguments'].strip()}"
    return "/bin/false validate "


def _adapt_state_settings(lines: list[str], paths: CheckPaths) -> list[str]:
    """Return the settings in which the check may read the state folder, and never owns that of a running service.

    How the lines about user and state folder differ from those of the candidate's unit (see CheckPaths):

    | `state` | `user` | `is_dynamic` | lines of the check |
    |---|---|---|---|
    | empty | empty | any | the same |
    | empty | set | any | with `User=`, if it has no such line |
    | set | empty | yes | without `StateDirectory…=`, with `TemporaryFileSystem=` and `BindReadOnlyPaths=` |
    | set | empty | no | without `StateDirectory…=` |
    | set | set | yes | as with an empty user, with `DynamicUser=yes` and `User=` in place of its own |
    | set | set | no | as with an empty user, with `User=` in place of its own |

    A user that the unit itself names stays, unless the state folder belongs to another one.
    """
    adapted_lines = _read_state_folder(lines, paths) if paths.state else list(lines)
    names_user = any(_NAMED_USER_SETTING.match(line) for line in adapted_lines)
    if paths.user and not names_user:
        adapted_lines.append(f"User={paths.user}")
    return adapted_lines


def _read_state_folder(lines: list[str], paths: CheckPaths) -> list[str]:
    """Return the settings without those that make a state folder; the check reads the folder that is there."""
    state_lines = [line for line in lines if not _STATE_SETTING.match(line)]
    if paths.user:
        state_lines = [line for line in state_lines if not _USER_SETTING.match(line)]
        if paths.is_dynamic:
            state_lines.append("DynamicUser=yes")
    if paths.is_dynamic:
        # A dynamic user may not pass /var/lib/private, and the unit's own state folder lets systemd mount it elsewhere.
        state_lines += ["TemporaryFileSystem=/var/lib/private:ro", f"BindReadOnlyPaths={paths.state}"]
    return state_lines
