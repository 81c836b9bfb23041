# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a collector on a host consists of, as bytes of files, and how two releases of it differ. Private.

A bundle is what the controller sends for one collector (bundle_form.py); a release is what it becomes on the host, a
numbered folder with its files. `host_faults.py` of `live` builds the files of the wanted release, and `host_state.py`
compares them with those of the release in use. For example, `build_release_files` returns

    {"config.yaml": StoredFile(b"receivers: …"), "otelcol-agent.service": StoredFile(b"[Unit]…"),
     "credentials/token": StoredFile(b"…", 0o600)}

Runs on the host: Python 3.8, standard library.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._otelcol.errors import MASK, Problem, clean_text
from .bundle_form import CONFIG, CREDENTIALS, MANIFEST, PROGRAM_TOKEN, UNIT, unit_name
from .fitted_unit import Systemd

# A name such as `edge-agent`, of at most 48 characters.
_COLLECTOR_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])?\Z")
# A relative path such as `rules/drop.yaml`, of at most five parts. No part begins with a dot, so none is `..`.
_FILE_PATH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}(?:/[A-Za-z0-9][A-Za-z0-9._-]{0,99}){0,4}\Z")
_LARGEST_MODE = 0o777


@dataclass(frozen=True)
class StoredFile:
    """A file of a release."""

    data: bytes
    mode: int = 0o644
    shown_text: str = ""
    """The text for a difference, without secrets; empty if that is the text of the file."""

    def is_same_file(self, other: StoredFile | None) -> bool:
        """Whether another file has the same bytes and mode. How a difference shows it does not count."""
        return other is not None and (self.data, self.mode) == (other.data, other.mode)


@dataclass(frozen=True)
class OpenedPort:
    """A port that the collector opens."""

    number: int
    protocol: str = "tcp"
    address: str = ""


@dataclass(frozen=True)
class CollectorBundle:
    """One collector as it is wanted on this host."""

    name: str
    files: Mapping[str, StoredFile] = field(default_factory=dict)
    """The files of its release, by their paths in its folder."""
    program: str = ""
    """The path of the Collector's program."""
    ports: tuple[OpenedPort, ...] = ()
    metrics_url: str = ""
    """The URL of its own metrics; empty if it serves none."""
    health_url: str = ""
    """The URL that answers whether it is healthy; empty without one."""
    state: str = ""
    """The folder that it may write to; empty if it has none."""
    ready_seconds: float = 30.0
    """How long it may take to answer after a start."""
    watch_seconds: float = 0.0
    """How long a change is watched before it stays."""
    kept_release_count: int = 3
    """How many releases stay on the host."""
    awaits_wave: bool = False
    """Whether the gate of a wave decides later whether a change stays."""

    @property
    def service(self) -> str:
        """The name of its unit."""
        return unit_name(self.name)


def check_collector_name(name: str) -> str:
    """Return the name of a collector. Raises Problem if it cannot name folders and a unit."""
    if not _COLLECTOR_NAME.match(name):
        fix = "Use up to 48 lower-case letters, digits and hyphens."
        raise Problem(f"'{clean_text(name)}' is no name of a collector", where="bundle.name", fix=fix)
    return name


def build_release_files(
    bundle_options: Mapping[str, Any], secrets: Mapping[str, bytes], program: str, systemd: Systemd
) -> dict[str, StoredFile]:
    """Return the files of a release by their paths in its folder: those of the bundle, and its credentials.

    `bundle_options` is the bundle in the form of `bundle_form`, `secrets` has the credentials by name, `program` is the
    path of the Collector's program. Raises Problem for a bad path or mode, for two files that need one path, and
    without a config or a unit.
    """
    rows = bundle_options["files"] or ()
    files: dict[str, StoredFile] = {}
    for row in rows:
        stored_path = _release_path(row["path"], bundle_options["name"])
        if stored_path in files:
            wrong = f"two files of the bundle are stored as '{clean_text(stored_path)}'"
            raise Problem(wrong, where="bundle.files", fix="Remove one of the two.")
        files[stored_path] = _build_stored_file(row, program, systemd)
    _check_needed_files([row["path"] for row in rows])
    for name, secret in secrets.items():
        files[CREDENTIALS + name] = StoredFile(escape_secret(secret), 0o600)
    _check_folders([*files, MANIFEST])
    return files


def escape_secret(secret: bytes) -> bytes:
    """Return a credential as its file has it: `pa$$word` for `pa$word`.

    The Collector replaces dollar signs in the text of `${file:…}` too, so a component gets the secret itself. Measured
    with 0.158.0. Source: confmap/expand.go.
    """
    return secret.replace(b"$", b"$$")


def unescape_secret(stored_secret: bytes) -> bytes:
    """Return the credential of a file as a component gets it: `pa$word` for `pa$$word`."""
    return stored_secret.replace(b"$$", b"$")


def _release_path(path: str, collector: str) -> str:
    """Return the path of a file of a bundle in the folder of a release. Raises Problem for a path of something else.

    The unit is stored under the name of the unit: `otelcol-agent.service` for `unit`.
    """
    if not _FILE_PATH.match(path) or path == MANIFEST or path.startswith(CREDENTIALS):
        raise Problem(f"'{clean_text(path)}' is no file of a release", where="bundle.files", fix="Use a relative path.")
    return unit_name(collector) if path == UNIT else path


def _build_stored_file(row: Mapping[str, Any], program: str, systemd: Systemd) -> StoredFile:
    """Return a file of a bundle as the host stores it: a unit names the program, and has what this systemd knows."""
    text = row["content"]
    if row["path"] == UNIT:
        text = systemd.fit_unit(text.replace(PROGRAM_TOKEN, program))
    return StoredFile(text.encode("utf-8"), _parse_mode(row["mode"]), row["shown"] or "")


def _check_folders(paths: Iterable[str]) -> None:
    """Raise Problem for a file that would have to be a folder too, as `a` beside `a/b`."""
    all_paths = set(paths)
    for path in sorted(all_paths):
        for folder in _folders_above(path):
            if folder in all_paths:
                wrong = f"'{clean_text(folder)}' is a file of the release, and the folder of '{clean_text(path)}'"
                raise Problem(wrong, where="bundle.files", fix="Rename one of the two.")


def _folders_above(path: str) -> Iterator[str]:
    """Yield the folders that a relative path needs, such as `a/b` and `a` for `a/b/c`."""
    folder, _slash, _name = path.rpartition("/")
    while folder:
        yield folder
        folder, _slash, _name = folder.rpartition("/")


def _check_needed_files(paths: Collection[str]) -> None:
    """Raise Problem for a bundle without a config or a unit."""
    for path in (CONFIG, UNIT):
        if path not in paths:
            raise Problem(f"the bundle has no file '{path}'", where="bundle.files", fix="Render it again.")


def _parse_mode(text: str) -> int:
    """Return a mode that is written as octal digits, such as `0644`. Raises Problem for other text."""
    try:
        mode = int(text, 8)
    except ValueError:
        mode = -1
    if not 0 <= mode <= _LARGEST_MODE:
        raise Problem(f"'{clean_text(text)}' is no mode of a file", where="bundle.files", fix="Use four octal digits.")
    return mode


def check_credential_name(name: str) -> str:
    """Return the name of a credential. Raises Problem if it cannot name a file."""
    if not _FILE_PATH.match(name) or "/" in name:
        raise Problem(f"'{clean_text(name)}' is no name of a credential", where="bundle.credentials", fix="Rename it.")
    return name


def list_changed_paths(old_files: Mapping[str, StoredFile], new_files: Mapping[str, StoredFile]) -> list[str]:
    """Return the paths whose bytes or modes differ, or that only one release has, in their alphabetical order."""
    changed_paths = []
    for path in sorted({*old_files, *new_files}):
        old_file = old_files.get(path)
        if old_file is None or not old_file.is_same_file(new_files.get(path)):
            changed_paths.append(path)
    return changed_paths


def build_difference(
    old_files: Mapping[str, StoredFile], new_files: Mapping[str, StoredFile], folder: str
) -> list[dict[str, str]]:
    """Return Ansible's difference of each changed file. Credentials are hidden: only that they differ is told."""
    rows = []
    for path in list_changed_paths(old_files, new_files):
        shown_path = f"{folder}/{path}"
        note = " (changed)" if path in old_files else ""
        rows.append(
            {
                "before_header": shown_path,
                "after_header": shown_path,
                "before": _shown_text(old_files, path, ""),
                "after": _shown_text(new_files, path, note),
            }
        )
    return rows


def _shown_text(files: Mapping[str, StoredFile], path: str, note: str) -> str:
    """Return the text of a file for a difference; empty without the file. A credential is a mask with a note.

    The note differs between both sides, so that a changed credential shows as a difference.
    """
    if path not in files:
        return ""
    if path.startswith(CREDENTIALS):
        return f"{MASK}{note}\n"
    return files[path].shown_text or files[path].data.decode("utf-8", "replace")
