# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The notes of runs about changes of a collector, each a file of JSON in the collector's folder. Private.

They are the change under way (`change.json`), a return to an earlier release (`back.json`), a change that no wave has
decided (`undecided.json`), and the waves that releases have passed (`waves.json`). `Store` has one object of each.
host_plan.py explains releases and the steps of a change; a wave is a group of hosts whose gate judges them together
(docs/waves.md). In other rooms, the way back is the same thing as here: the release or config to return to.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..bundle_form import BEFORE_ALL
from ..host_plan import OngoingChange
from .atomic_files import json_bytes, read_json, remove_file, write_file
from .release_folders import ReleaseFolders

_CHANGE_FIELDS = ("earlier", "candidate", "step", "when", "way")


class ChangeRecord:
    """The note of the change under way. It is written before each step, so a killed run leaves it."""

    def __init__(self, collector_folder: Path) -> None:
        self.path = collector_folder / "change.json"

    def read(self) -> OngoingChange | None:
        """Return the change that is under way, or that a killed run left; None without one."""
        record = read_json(self.path)
        change_fields = {key: str(record.get(key) or "") for key in _CHANGE_FIELDS}
        return OngoingChange(**change_fields) if change_fields["step"] else None

    def write(self, change: OngoingChange) -> None:
        write_file(self.path, json_bytes(asdict(change)), 0o644)

    def remove(self) -> None:
        """Forget the change: it is done or undone."""
        remove_file(self.path)


class RollbackNote:
    """The note of the release to which a task has gone back, because it has undone a later release."""

    def __init__(self, collector_folder: Path, releases: ReleaseFolders) -> None:
        self.path, self._releases = collector_folder / "back.json", releases

    def write(self, number: str) -> None:
        write_file(self.path, json_bytes({"release": number}), 0o644)

    def is_of_current(self) -> bool:
        """Return whether the release in use is the one to which a task has gone back."""
        number = self._releases.find_current()
        return bool(number) and read_json(self.path).get("release") == number


class UndecidedChange:
    """The note of the release to which the last change goes back if its wave fails. It stays until a wave decides."""

    def __init__(self, collector_folder: Path, releases: ReleaseFolders) -> None:
        self.path, self._releases = collector_folder / "undecided.json", releases

    def write(self, earlier: str) -> None:
        """Note the release to go back to. `earlier` is empty for a first install."""
        write_file(self.path, json_bytes({"earlier": earlier or BEFORE_ALL}), 0o644)

    def read_earlier(self) -> str:
        """Return the release to go back to, or `nothing` for a first install; empty if there is no way back.

        There is none without a note, without a release in use, and if the release of the note is in use or gone.
        """
        current = self._releases.find_current()
        earlier = str(read_json(self.path).get("earlier") or "")
        is_kept = earlier in (BEFORE_ALL, *self._releases.list_numbers())
        has_way_back = bool(current) and is_kept and earlier != current
        return earlier if has_way_back else ""

    def remove(self) -> None:
        """Forget the way back: the last change stays, or is undone."""
        remove_file(self.path)


class PassedWaves:
    """The notes of the waves that releases have passed, by the number of the release.

    A wave has the keys `wave`, `by` (who ran it), `verdict`, `when`, and `sum`, the sum of the release's files. Another
    release may get the same number later, but has another sum.
    """

    def __init__(self, collector_folder: Path, releases: ReleaseFolders) -> None:
        self.path, self._releases = collector_folder / "waves.json", releases

    def read_all(self) -> dict[str, Any]:
        """Return the waves by the number of the release."""
        return read_json(self.path)

    def find(self, number: str) -> dict[str, Any]:
        """Return the wave that a release has passed; empty if it has passed none."""
        wave = self.read_all().get(number)
        return wave if isinstance(wave, dict) and wave.get("sum") == self._releases.compute_sum(number) else {}

    def write(self, number: str, row: Mapping[str, Any]) -> None:
        """Note the wave that a release has passed. Notes of releases that are gone are dropped."""
        kept_numbers = self._releases.list_numbers()
        wave_by_release = {name: wave for name, wave in self.read_all().items() if name in kept_numbers}
        write_file(self.path, json_bytes({**wave_by_release, number: dict(row)}), 0o644)

    def forget(self, number: str) -> None:
        """Forget the wave of a release that goes: its number may return."""
        wave_by_release = self.read_all()
        if number in wave_by_release:
            other_waves = {
                release_number: wave for release_number, wave in wave_by_release.items() if release_number != number
            }
            with suppress(OSError):  # the note may stay on a full disk: the sum in it fits no other release
                write_file(self.path, json_bytes(other_waves), 0o644)
