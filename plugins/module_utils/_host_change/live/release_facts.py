# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The release of a collector on this host, and the program that its unit starts. Private.

`host_facts.py` puts both into the facts of the collector. The bundle is the collector as the inventory wants it; the
release in use is what this host has (see host_plan.py). For example, `describe_release` returns
`{"number": "000006", "differs": ["config.yaml"], …}` if the wanted config is another one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from ..host_answer import ProgramFacts, ReleaseFacts
from ..host_release import CollectorBundle, list_changed_paths
from ..unit_text import list_section_lines
from .host_store import Store
from .process_files import read_text_or_empty
from .unit_state import UnitState

# The settings by which a unit loads credentials. Source: systemd.exec(5).
_CREDENTIAL_SETTINGS = ("LoadCredential", "LoadCredentialEncrypted")
# The signs before a program that mean something to systemd. Source: systemd.service(5), COMMAND LINES.
_PROGRAM_SIGNS = "-@:+!"
# What the kernel adds to the path of a program whose file is gone. Source: proc_pid_exe(5).
_DELETED_MARK = " (deleted)"


class _UnitSetting(NamedTuple):
    """A line of a unit, such as `User=otel`."""

    name: str
    value: str


def describe_release(store: Store, bundle: CollectorBundle) -> ReleaseFacts:
    """Return which release the host has, and what on it differs from the wanted one."""
    number = store.releases.find_current()
    change = store.change_record.read()
    changed_paths: list[str] = []
    wrong_links: list[str] = []
    if number:
        changed_paths = list_changed_paths(store.releases.read_files(number), bundle.files)
        wrong_links = store.links.compare(bundle.files).wrong_links
    return {
        "number": number,
        "is_own": store.is_own(),
        "differs": changed_paths,
        "links": wrong_links,
        "change": change.candidate if change else "",
        "credentials": [path for path in _list_credential_paths(store) if not Path(path).is_file()],
        "wave": store.passed_waves.find(number),
    }


def describe_program(state: UnitState, store: Store, bundle: CollectorBundle) -> ProgramFacts:
    """Return which program the unit starts, and whether its file was replaced while it runs."""
    path = _find_started_program(store) or bundle.program
    return {
        "path": path,
        "wanted": bundle.program,
        "is_there": Path(path).is_file() and os.access(path, os.X_OK),
        "is_replaced": _read_running_file(state).endswith(_DELETED_MARK),
    }


def _list_credential_paths(store: Store) -> Iterator[str]:
    """Yield the files from which the unit in use loads credentials."""
    for setting in _list_service_settings(store):
        if setting.name in _CREDENTIAL_SETTINGS:
            _name, _colon, path = setting.value.partition(":")
            yield path.strip()


def _find_started_program(store: Store) -> str:
    """Return the program of the first `ExecStart` of the unit in use; empty without one."""
    for setting in _list_service_settings(store):
        if setting.name == "ExecStart":
            command_words = setting.value.split()
            return command_words[0].lstrip(_PROGRAM_SIGNS) if command_words else ""
    return ""


def _list_service_settings(store: Store) -> list[_UnitSetting]:
    """Return the settings in section [Service] of the unit in use; none if there is no unit."""
    unit_text = read_text_or_empty(store.releases.current / store.service)
    settings = []
    for line in list_section_lines(unit_text, "Service"):
        name, _sign, value = line.partition("=")
        settings.append(_UnitSetting(name.strip(), value.strip()))
    return settings


def _read_running_file(state: UnitState) -> str:
    """Return the file of the program that runs, with `_DELETED_MARK` if it is gone; empty if none runs."""
    if not state.is_running:
        return ""
    with suppress(OSError):  # the process has ended
        # Path has `readlink` from Python 3.9 on.
        return os.readlink(f"/proc/{state.main_pid}/exe")  # noqa: PTH115
    return ""
