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

from ..._otelcol.errors import Problem, shown

FILE = "otel.lock.yml"
# The one variable in the file: an inventory folder may hold the file, and Ansible reads it as a group with variables.
VARIABLE = "otel_lock"
FORMAT = 1
MANIFESTS, CHARTS, IMAGES, ARCHIVES, PROGRAMS = "manifests", "charts", "images", "archives", "programs"
_SUMS = {MANIFESTS: "manifest", CHARTS: "chart", IMAGES: "image", ARCHIVES: "archive", PROGRAMS: "program"}
_SUM = re.compile(r"sha256:[0-9a-f]{64}\Z")
LOCK_IT = "ansible-playbook o11y.opentelemetry.lock -i INVENTORY"
_FIXES = {CHARTS: f"Pull the chart (helm pull), give the path of its archive, and run `{LOCK_IT}`."}

Rows = Mapping[str, Mapping[str, str]]
Pin = Callable[[str], str]


@dataclass(frozen=True)
class Lock:
    """What an inventory was locked to. `where` is the file."""

    where: str
    rows: Mapping[str, Rows] = field(default_factory=dict)
    exclude: tuple[str, ...] = ()

    def pinned(self, image: str) -> str:
        """Return an image with its digest. Raises Problem for an image that is neither locked nor excluded."""
        pinned_image = self.known(image)
        is_excluded = any(fnmatchcase(image, pattern) for pattern in self.exclude)
        if "@" in pinned_image or is_excluded:
            return pinned_image
        fix = f"Run `{LOCK_IT}`, and compare the new lock with the old one."
        raise Problem("the lock does not have this image", asked=f"Use {image}", where=self.where, fix=fix)

    def known(self, image: str) -> str:
        """Return an image with its digest if it is locked. An image with a digest stays as it is."""
        row = self.rows.get(IMAGES, {}).get(image)
        if row and "@" not in image:
            return f"{image}@{row['sum']}"
        return image

    def sums(self, part: str) -> dict[str, str]:
        """Return the sums of all manifests, charts, archives or programs, by name."""
        return {name: row["sum"] for name, row in self.rows.get(part, {}).items()}

    def expected(self, part: str, name: str) -> str:
        """Return the sum of a manifest, chart or archive. Raises Problem if it is not locked."""
        row = self.rows.get(part, {}).get(name)
        if row:
            return row["sum"]
        raise self.lacking(part, name)

    def lacking(self, part: str, name: str) -> Problem:
        """Return what is wrong if a manifest, chart, archive or program is not locked."""
        fix = _FIXES.get(part, f"Run `{LOCK_IT}`, and compare the new lock with the old one.")
        return Problem(f"the lock does not have this {_SUMS[part]}", asked=f"Use {name}", where=self.where, fix=fix)

    def verify(self, part: str, name: str, found: str, origin: str) -> None:
        """Compare a sum with the lock. Raises Problem with both sums."""
        wanted = self.expected(part, name)
        if found != wanted:
            wrong = f"the {_SUMS[part]} has {found}, and the lock has {wanted}"
            fix = f"Find out who changed it. If the change is right, run `{LOCK_IT}`."
            raise Problem(wrong, asked=f"Use {name} from {shown(origin)}", where=self.where, fix=fix)


def with_pins(options: Mapping[str, Any], names: Iterable[str], pin: Pin) -> dict[str, Any]:
    """Return options in which every image has its digest, in the options of these names and at any depth of them."""
    pinned = dict(options)
    for name in names:
        if options.get(name):
            pinned[name] = _with_pins(name, options[name], pin)
    return pinned


def _with_pins(key: Any, value: Any, pin: Pin) -> Any:
    """Return the value of a key, in which each image at any depth has its digest."""
    if isinstance(value, Mapping):
        return {name: _with_pins(name, below, pin) for name, below in value.items()}
    if isinstance(value, list):
        return [_with_pins("", element, pin) for element in value]
    is_image = key == "image" and isinstance(value, str)
    return pin(value) if is_image and value else value


def unpinned(image: str) -> str:
    """Return an image as it is, for a run without a lock."""
    return image


def joined(locks: Sequence[Lock | None]) -> Pin:
    """Return the pin of images that several inventories use. An image has to be locked if every inventory is."""
    present_locks = [lock for lock in locks if lock]
    is_needed = bool(present_locks) and len(present_locks) == len(locks)

    def pin(image: str) -> str:
        pinned_images = sorted({lock.known(image) for lock in present_locks} - {image})
        if len(pinned_images) > 1:
            wrong = f"two locks differ: {' and '.join(pinned_images)}"
            files = sorted({lock.where for lock in present_locks})
            fix = f"Run `{LOCK_IT}` for both inventories."
            raise Problem(wrong, asked=f"Use {image}", where=", ".join(files), fix=fix)
        if pinned_images:
            return pinned_images[0]
        return present_locks[0].pinned(image) if is_needed else image

    return pin


def read(data: Any, where: str) -> Lock:
    """Return the lock in a file. Raises Problem for another content."""
    fix = f"Restore it from version control, or delete it and run `{LOCK_IT}`."
    try:
        content = data["all"]["vars"][VARIABLE]
        if content["format"] != FORMAT:
            asked = "Read the lock"
            raise Problem(f"its format is {content['format']}, not {FORMAT}", asked=asked, where=where, fix=fix)
        rows = {part: _rows_of(content.get(part) or {}) for part in _SUMS}
        unusable = [name for part in _SUMS for name in _without_sum(rows[part])]
        exclude = tuple(str(pattern) for pattern in content.get("exclude") or [])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Problem("this is not a lock of this collection", asked="Read the lock", where=where, fix=fix) from error
    if unusable:
        raise Problem(f"{', '.join(unusable)} has no SHA-256 as its sum", asked="Read the lock", where=where, fix=fix)
    return Lock(where, rows, exclude)


def _rows_of(part: Mapping[Any, Any]) -> Rows:
    """Return the rows of a part of the file. Raises TypeError, ValueError or AttributeError for another form."""
    return {str(name): dict(row) for name, row in part.items()}


def _without_sum(rows: Rows) -> list[str]:
    """Return the names whose sum is no SHA-256. Raises KeyError if a row has no sum."""
    return [name for name, row in rows.items() if not _SUM.match(str(row["sum"]))]


def content(found: Iterable[tuple[str, str, str, str]], exclude: Sequence[str], old: Lock | None) -> dict[str, Any]:
    """Return the content of the file: `found` has part, name, sum and origin.

    What kept its sum keeps its origin, so that a run on another machine changes nothing.
    """
    old_rows = old.rows if old else {}
    rows: dict[str, dict[str, dict[str, str]]] = {}
    for part, name, checksum, origin in sorted(found):
        if not _SUM.match(checksum):
            fix = "Check skopeo, the registry and its credentials, or leave the image out (otel_lock_exclude)."
            wrong = f"there is no digest of {name}"
            raise Problem(wrong, asked="Lock it", where=shown(origin), fix=_FIXES.get(part, fix))
        row = {"sum": checksum, "from": shown(origin)}
        old_row = old_rows.get(part, {}).get(name)
        if old_row and old_row["sum"] == checksum:
            row = dict(old_row)
        rows.setdefault(part, {})[name] = row
    lock: dict[str, Any] = {"format": FORMAT}
    if exclude:
        lock["exclude"] = sorted(set(exclude))
    lock.update({part: rows[part] for part in _SUMS if part in rows})
    return {"all": {"vars": {VARIABLE: lock}}}
