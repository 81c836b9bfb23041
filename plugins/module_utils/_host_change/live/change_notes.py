# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The notes of runs about changes of a collector, each a file of JSON in the collector's folder. Private.

`Store` has one object of each class here. host_plan.py explains releases and the steps of a change; a wave is a group
of hosts whose gate judges them together (docs/waves.md).

| file | what it notes | example |
|---|---|---|
| `change.json` | the change under way | `{"earlier": "000006", "candidate": "000007", "step": "switch", …}` |
| `back.json` | the release that a task has rolled back to | `{"release": "000006", "undone": "000007"}` |
| `undecided.json` | what to roll back to until a wave has judged the last change | `{"earlier": "000006"}` |
| `waves.json` | the waves that releases have passed | `{"000006": {"wave": "canary", "verdict": "passed", …}}` |
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..bundle_form import BEFORE_ALL
from ..host_plan import OngoingChange
from .atomic_files import json_bytes, read_json, remove_file, write_file
from .release_folders import ReleaseFolders


class ChangeRecord:
    """The note of the change under way. It is written before each step, so a killed run leaves it."""

    def __init__(self, collector_folder: Path) -> None:
        self.path = collector_folder / "change.json"

    def read(self) -> OngoingChange | None:
        """Return the change that is under way, or that a killed run left; None without one."""
        record = read_json(self.path)
        change = OngoingChange(
            earlier=str(record.get("earlier") or ""),
            candidate=str(record.get("candidate") or ""),
            step=str(record.get("step") or ""),
            when=str(record.get("when") or ""),
            activation=str(record.get("way") or ""),
        )
        return change if change.step else None

    def write(self, change: OngoingChange) -> None:
        """Note the step that a change begins."""
        record = {
            "earlier": change.earlier,
            "candidate": change.candidate,
            "step": change.step,
            "when": change.when,
            "way": change.activation,
        }
        write_file(self.path, json_bytes(record), 0o644)

    def remove(self) -> None:
        """Forget the change: it is done or undone."""
        remove_file(self.path)


class RollbackNote:
    """The note of the release to which a task has rolled back, and of the newest release that tasks have undone."""

    def __init__(self, collector_folder: Path, releases: ReleaseFolders) -> None:
        self.path, self._releases = collector_folder / "back.json", releases

    def write(self, number: str, undone_number: str) -> None:
        """Note the release that is in use again, and the one that was in use before."""
        newest_undone = max([undone_number, *self.list_undone()])
        write_file(self.path, json_bytes({"release": number, "undone": newest_undone}), 0o644)

    def list_undone(self) -> list[str]:
        """Return the number of the newest undone release, up to which no release gets a number; empty without the note.

        The run that deployed it may still mean to undo it, and knows it by its number.
        """
        undone_number = str(read_json(self.path).get("undone") or "")
        return [undone_number] if undone_number.isdigit() else []

    def is_of_current(self) -> bool:
        """Return whether the release in use is the one to which a task has rolled back."""
        number = self._releases.find_current()
        return bool(number) and read_json(self.path).get("release") == number


class UndecidedChange:
    """The note of what the last change is rolled back to if its wave fails. It stays until the wave has decided."""

    def __init__(self, collector_folder: Path, releases: ReleaseFolders) -> None:
        self.path, self._releases = collector_folder / "undecided.json", releases

    def write(self, earlier: str) -> None:
        """Note the release to roll back to. `earlier` is empty for a first install."""
        write_file(self.path, json_bytes({"earlier": earlier or BEFORE_ALL}), 0o644)

    def read_earlier(self) -> str:
        """Return the release to roll back to, BEFORE_ALL to undo a first install, or nothing if that is not possible.

        It is not possible without a note, without a release in use, and if the release of the note is in use or gone.
        """
        current = self._releases.find_current()
        earlier = str(read_json(self.path).get("earlier") or "")
        is_kept = earlier in (BEFORE_ALL, *self._releases.list_numbers())
        can_roll_back = bool(current) and is_kept and earlier != current
        return earlier if can_roll_back else ""

    def remove(self) -> None:
        """Remove the note: the last change stays, or has been undone."""
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
        """Note the wave `row` that a release has passed. Notes of releases that are gone are dropped."""
        kept_numbers = self._releases.list_numbers()
        wave_by_release = {name: wave for name, wave in self.read_all().items() if name in kept_numbers}
        write_file(self.path, json_bytes({**wave_by_release, number: dict(row)}), 0o644)

    def forget(self, number: str) -> None:
        """Forget the wave of a release that goes. The number of a candidate that was discarded returns."""
        wave_by_release = self.read_all()
        if number in wave_by_release:
            other_waves = {
                release_number: wave for release_number, wave in wave_by_release.items() if release_number != number
            }
            with suppress(OSError):  # the note may stay on a full disk: the sum in it fits no other release
                write_file(self.path, json_bytes(other_waves), 0o644)
