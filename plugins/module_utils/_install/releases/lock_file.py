# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock of an inventory: the sum of each manifest and chart, and the digest of each image.

A lock has sums, not versions, as `.terraform.lock.hcl` has: it shows that a version is still the same content. It is
read before anything is applied, and again where a manifest is read. It is a valid inventory file, because an inventory
may be a folder, and Ansible parses every YAML file in it. Private.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from ..._otelcol.errors import Problem, strip_credentials

LOCK_FILE = "otel.lock.yml"
# The one variable in the file: an inventory folder may hold the file, and Ansible reads it as a group with variables.
LOCK_VARIABLE = "otel_lock"
LOCK_FORMAT = 1
MANIFESTS, CHARTS, IMAGES, ARCHIVES, PROGRAMS = "manifests", "charts", "images", "archives", "programs"
_SUMS = {MANIFESTS: "manifest", CHARTS: "chart", IMAGES: "image", ARCHIVES: "archive", PROGRAMS: "program"}
_SUM = re.compile(r"sha256:[0-9a-f]{64}\Z")
LOCK_COMMAND = "ansible-playbook o11y.opentelemetry.lock -i INVENTORY"
_FIXES = {CHARTS: f"Pull the chart (helm pull), give the path of its archive, and run `{LOCK_COMMAND}`."}

Rows = Mapping[str, Mapping[str, str]]
Pin = Callable[[str], str]


@dataclass(frozen=True)
class Lock:
    """What an inventory was locked to. `lock_path` is the file."""

    lock_path: str
    rows_by_part: Mapping[str, Rows] = field(default_factory=dict)
    excluded_patterns: tuple[str, ...] = ()

    def pin_image(self, image: str) -> str:
        """Return an image with its digest. Raises Problem for an image that is neither locked nor excluded."""
        pinned_image = self.add_known_digest(image)
        is_excluded = any(fnmatchcase(image, pattern) for pattern in self.excluded_patterns)
        if "@" in pinned_image or is_excluded:
            return pinned_image
        fix = f"Run `{LOCK_COMMAND}`, and compare the new lock with the old one."
        raise Problem("the lock does not have this image", asked=f"Use {image}", where=self.lock_path, fix=fix)

    def add_known_digest(self, image: str) -> str:
        """Return an image with its digest if it is locked. An image with a digest stays as it is."""
        row = self.rows_by_part.get(IMAGES, {}).get(image)
        if row and "@" not in image:
            return f"{image}@{row['sum']}"
        return image

    def list_sums(self, part: str) -> dict[str, str]:
        """Return the sums of all manifests, charts, archives or programs, by name."""
        return {name: row["sum"] for name, row in self.rows_by_part.get(part, {}).items()}

    def find_checksum(self, part: str, name: str) -> str:
        """Return the sum of a manifest, chart or archive. Raises Problem if it is not locked."""
        row = self.rows_by_part.get(part, {}).get(name)
        if row:
            return row["sum"]
        raise self.build_not_locked_problem(part, name)

    def build_not_locked_problem(self, part: str, name: str) -> Problem:
        """Return what is wrong if a manifest, chart, archive or program is not locked."""
        fix = _FIXES.get(part, f"Run `{LOCK_COMMAND}`, and compare the new lock with the old one.")
        return Problem(f"the lock does not have this {_SUMS[part]}", asked=f"Use {name}", where=self.lock_path, fix=fix)

    def verify_sum(self, part: str, name: str, checksum: str, origin: str) -> None:
        """Compare a sum with the lock. Raises Problem with both sums."""
        locked_checksum = self.find_checksum(part, name)
        if checksum != locked_checksum:
            wrong = f"the {_SUMS[part]} has {checksum}, and the lock has {locked_checksum}"
            fix = f"Find out who changed it. If the change is right, run `{LOCK_COMMAND}`."
            raise Problem(wrong, asked=f"Use {name} from {strip_credentials(origin)}", where=self.lock_path, fix=fix)


def pin_options(options: Mapping[str, Any], option_names: Iterable[str], pin: Pin) -> dict[str, Any]:
    """Return options in which every image has its digest, in the options of these names and at any depth of them."""
    pinned_options = dict(options)
    for name in option_names:
        if options.get(name):
            pinned_options[name] = _pin_value(name, options[name], pin)
    return pinned_options


def _pin_value(key: Any, value: Any, pin: Pin) -> Any:
    """Return the value of a key, in which each image at any depth has its digest."""
    if isinstance(value, Mapping):
        return {name: _pin_value(name, child, pin) for name, child in value.items()}
    if isinstance(value, list):
        return [_pin_value("", element, pin) for element in value]
    is_image = key == "image" and isinstance(value, str)
    return pin(value) if is_image and value else value


def keep_unpinned(image: str) -> str:
    """Return an image as it is, for a run without a lock."""
    return image


def join_locks(locks: Sequence[Lock | None]) -> Pin:
    """Return the pin of images that several inventories use. An image has to be locked if every inventory is."""
    present_locks = [lock for lock in locks if lock]
    is_needed = bool(present_locks) and len(present_locks) == len(locks)

    def pin_image(image: str) -> str:
        pinned_images = sorted({lock.add_known_digest(image) for lock in present_locks} - {image})
        if len(pinned_images) > 1:
            wrong = f"two locks differ: {' and '.join(pinned_images)}"
            files = sorted({lock.lock_path for lock in present_locks})
            fix = f"Run `{LOCK_COMMAND}` for both inventories."
            raise Problem(wrong, asked=f"Use {image}", where=", ".join(files), fix=fix)
        if pinned_images:
            return pinned_images[0]
        return present_locks[0].pin_image(image) if is_needed else image

    return pin_image


def read_lock(data: Any, file_path: str) -> Lock:
    """Return the lock in a file. Raises Problem for another content."""
    fix = f"Restore it from version control, or delete it and run `{LOCK_COMMAND}`."
    try:
        lock_content = data["all"]["vars"][LOCK_VARIABLE]
        if lock_content["format"] != LOCK_FORMAT:
            task = "Read the lock"
            raise Problem(
                f"its format is {lock_content['format']}, not {LOCK_FORMAT}", asked=task, where=file_path, fix=fix
            )
        rows = {part: _read_rows(lock_content.get(part) or {}) for part in _SUMS}
        invalid_names = [name for part in _SUMS for name in _find_invalid_sums(rows[part])]
        exclude = tuple(str(pattern) for pattern in lock_content.get("exclude") or [])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Problem(
            "this is not a lock of this collection", asked="Read the lock", where=file_path, fix=fix
        ) from error
    if invalid_names:
        raise Problem(
            f"{', '.join(invalid_names)} has no SHA-256 as its sum", asked="Read the lock", where=file_path, fix=fix
        )
    return Lock(file_path, rows, exclude)


def _read_rows(part: Mapping[Any, Any]) -> Rows:
    """Return the rows of a part of the file. Raises TypeError, ValueError or AttributeError for another form."""
    return {str(name): dict(row) for name, row in part.items()}


def _find_invalid_sums(rows: Rows) -> list[str]:
    """Return the names whose sum is no SHA-256. Raises KeyError if a row has no sum."""
    return [name for name, row in rows.items() if not _SUM.match(str(row["sum"]))]


def build_lock_content(
    checksums: Iterable[tuple[str, str, str, str]], exclude: Sequence[str], earlier_lock: Lock | None
) -> dict[str, Any]:
    """Return the content of the file: `checksums` has part, name, sum and origin.

    What kept its sum keeps its origin, so that a run on another machine changes nothing.
    """
    earlier_rows = earlier_lock.rows_by_part if earlier_lock else {}
    rows: dict[str, dict[str, dict[str, str]]] = {}
    for part, name, checksum, origin in sorted(checksums):
        if not _SUM.match(checksum):
            fix = "Check skopeo, the registry and its credentials, or leave the image out (otel_lock_exclude)."
            wrong = f"there is no digest of {name}"
            raise Problem(wrong, asked="Lock it", where=strip_credentials(origin), fix=_FIXES.get(part, fix))
        row = {"sum": checksum, "from": strip_credentials(origin)}
        earlier_row = earlier_rows.get(part, {}).get(name)
        if earlier_row and earlier_row["sum"] == checksum:
            row = dict(earlier_row)
        rows.setdefault(part, {})[name] = row
    lock_fields: dict[str, Any] = {"format": LOCK_FORMAT}
    if exclude:
        lock_fields["exclude"] = sorted(set(exclude))
    lock_fields.update({part: rows[part] for part in _SUMS if part in rows})
    return {"all": {"vars": {LOCK_VARIABLE: lock_fields}}}
