# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a collector on a host consists of, as bytes of files, and how two releases of it differ.

Runs on the host: Python 3.8, standard library. Private.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .._otelcol.errors import MASK, Problem, cleaned
from .bundle_form import CONFIG, CREDENTIALS, PROGRAM_TOKEN, UNIT, service_name
from .fitted_unit import Systemd

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])?\Z")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}(?:/[A-Za-z0-9][A-Za-z0-9._-]{0,99}){0,4}\Z")
_MOST_MODE = 0o777


@dataclass(frozen=True)
class StoredFile:
    """A file of a release. `shown` is the text for a difference; without it, that of the file."""

    data: bytes
    mode: int = 0o644
    shown: str = ""


@dataclass(frozen=True)
class Port:
    """A port that the collector opens."""

    number: int
    protocol: str = "tcp"
    address: str = ""


@dataclass(frozen=True)
class Bundle:
    """One collector as it is wanted on this host."""

    name: str
    files: Mapping[str, StoredFile] = field(default_factory=dict)
    program: str = ""
    ports: tuple[Port, ...] = ()
    metrics: str = ""
    health: str = ""
    state: str = ""
    ready_seconds: float = 30.0
    watch_seconds: float = 0.0
    keep: int = 3
    # Whether the gate of a wave decides later whether a change stays.
    awaits_wave: bool = False

    @property
    def service(self) -> str:
        return service_name(self.name)


def checked_name(name: str) -> str:
    """Return the name of a collector. Raises Problem if it cannot name folders and a unit."""
    if not _NAME.match(name):
        fix = "Use up to 48 lower-case letters, digits and hyphens."
        raise Problem(f"'{cleaned(name)}' is no name of a collector", where="bundle.name", fix=fix)
    return name


def _checked_path(path: str) -> str:
    if not _FILE.match(path) or path == "manifest.json" or path.startswith(CREDENTIALS):
        raise Problem(f"'{cleaned(path)}' is no file of a release", where="bundle.files", fix="Use a relative path.")
    return path


def release_files(
    given: Mapping[str, Any], secrets: Mapping[str, bytes], program: str, systemd: Systemd
) -> dict[str, StoredFile]:
    """Return the files of a release: those of the bundle and its credentials. Raises Problem for a bad path or mode."""
    found: dict[str, StoredFile] = {}
    for item in given["files"] or ():
        path = _checked_path(item["path"])
        is_unit = path == UNIT
        text = systemd.fitted(item["content"].replace(PROGRAM_TOKEN, program)) if is_unit else item["content"]
        stored = service_name(given["name"]) if is_unit else path
        found[stored] = StoredFile(text.encode("utf-8"), _mode(item["mode"]), item["shown"] or "")
    for name, data in secrets.items():
        found[CREDENTIALS + name] = StoredFile(data, 0o600)
    given_paths = [item["path"] for item in given["files"] or ()]
    missing = next((path for path in (CONFIG, UNIT) if path not in given_paths), "")
    if missing:
        raise Problem(f"the bundle has no file '{missing}'", where="bundle.files", fix="Render it again.")
    return found


def _mode(text: str) -> int:
    try:
        mode = int(text, 8)
    except ValueError:
        mode = -1
    if not 0 <= mode <= _MOST_MODE:
        raise Problem(f"'{cleaned(text)}' is no mode of a file", where="bundle.files", fix="Use four octal digits.")
    return mode


def credential_name(name: str) -> str:
    """Return the name of a credential. Raises Problem if it cannot name a file."""
    if not _FILE.match(name) or "/" in name:
        raise Problem(f"'{cleaned(name)}' is no name of a credential", where="bundle.credentials", fix="Rename it.")
    return name


def changed_paths(before: Mapping[str, StoredFile], after: Mapping[str, StoredFile]) -> list[str]:
    """Return the files whose bytes or modes differ, or that only one release has."""

    def identity(files: Mapping[str, StoredFile], path: str) -> Any:
        return (files[path].data, files[path].mode) if path in files else None

    return [path for path in sorted({*before, *after}) if identity(before, path) != identity(after, path)]


def difference(before: Mapping[str, StoredFile], after: Mapping[str, StoredFile], folder: str) -> list[dict[str, str]]:
    """Return Ansible's difference of each changed file. Credentials are hidden: only that they differ is told."""
    rows = []
    for path in changed_paths(before, after):
        where = f"{folder}/{path}"
        sides = {
            "before": _shown(before, path, ""),
            "after": _shown(after, path, " (changed)" if path in before else ""),
        }
        rows.append({"before_header": where, "after_header": where, **sides})
    return rows


def _shown(files: Mapping[str, StoredFile], path: str, note: str) -> str:
    if path not in files:
        return ""
    if path.startswith(CREDENTIALS):
        return f"{MASK}{note}\n"
    return files[path].shown or files[path].data.decode("utf-8", "replace")
