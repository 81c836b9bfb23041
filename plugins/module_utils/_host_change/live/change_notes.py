# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs note of the changes of a collector: the one under way, the way back, and the waves passed. Private.

Each note is a file of JSON in the folder of the collector, and is written whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..bundle_form import BEFORE_ALL
from ..host_plan import Change
from .release_folders import ReleaseFolders
from .whole_files import json_bytes, read_json, remove_file, write_file

_CHANGE_FIELDS = ("earlier", "candidate", "step", "when", "way")


class ChangeRecord:
    """The change that is under way. It is written before each step, so a killed run leaves it."""

    def __init__(self, collector_folder: Path) -> None:
        self.path = collector_folder / "change.json"

    def read(self) -> Change | None:
        """Return the change that is under way, or that a killed run left; nothing without one."""
        record = read_json(self.path)
        change_fields = {key: str(record.get(key) or "") for key in _CHANGE_FIELDS}
        return Change(**change_fields) if change_fields["step"] else None

    def write(self, change: Change) -> None:
        write_file(self.path, json_bytes(asdict(change)), 0o644)

    def remove(self) -> None:
        """Forget the change: it is done or undone."""
        remove_file(self.path)


class ReturnNote:
    """Which release is in use since a task has undone the change to a later one."""

    def __init__(self, collector_folder: Path, releases: ReleaseFolders) -> None:
        self.path, self._releases = collector_folder / "back.json", releases

    def write(self, number: str) -> None:
        write_file(self.path, json_bytes({"release": number}), 0o644)

    def is_of_current(self) -> bool:
        """Whether the release in use is there since a task has undone a later one, and not by a change of its own."""
        number = self._releases.find_current()
        return bool(number) and read_json(self.path).get("release") == number


class UndecidedChange:
    """What the last change goes back to if its wave fails, as long as no wave has decided."""

    def __init__(self, collector_folder: Path, releases: ReleaseFolders) -> None:
        self.path, self._releases = collector_folder / "undecided.json", releases

    def write(self, earlier: str) -> None:
        """Note the release to go back to. Without an earlier one, it is a first install."""
        write_file(self.path, json_bytes({"earlier": earlier or BEFORE_ALL}), 0o644)

    def read_earlier(self) -> str:
        """Return what the change that no wave has decided goes back to: a release or `nothing`; empty without one."""
        number, earlier = self._releases.find_current(), str(read_json(self.path).get("earlier") or "")
        is_there = earlier in (BEFORE_ALL, *self._releases.list_numbers())
        return earlier if number and is_there and earlier != number else ""

    def remove(self) -> None:
        """Forget what the last change goes back to: it stays, or has gone back."""
        remove_file(self.path)


class PassedWaves:
    """Which wave each release has passed. A wave has the keys `wave`, `by`, `verdict`, `when` and `sum`."""

    def __init__(self, collector_folder: Path, releases: ReleaseFolders) -> None:
        self.path, self._releases = collector_folder / "waves.json", releases

    def read_all(self) -> dict[str, Any]:
        """Return the waves by the number of the release."""
        return read_json(self.path)

    def find(self, number: str) -> dict[str, Any]:
        """Return the wave that a release has passed; empty if it has passed none, or another one of its number."""
        wave = self.read_all().get(number)
        return wave if isinstance(wave, dict) and wave.get("sum") == self._releases.compute_sum(number) else {}

    def write(self, number: str, row: Mapping[str, Any]) -> None:
        """Note that a release has passed its wave. Releases that are gone are forgotten."""
        wave_by_release = {
            release_number: wave
            for release_number, wave in self.read_all().items()
            if release_number in self._releases.list_numbers()
        }
        write_file(self.path, json_bytes({**wave_by_release, number: dict(row)}), 0o644)

    def forget(self, number: str) -> None:
        """Forget the wave of a release that goes: its number may return."""
        wave_by_release = self.read_all()
        if number in wave_by_release:
            other_waves = {
                release_number: wave for release_number, wave in wave_by_release.items() if release_number != number
            }
            with suppress(OSError):  # on a full disk, the sum of the release tells that it is another one
                write_file(self.path, json_bytes(other_waves), 0o644)
