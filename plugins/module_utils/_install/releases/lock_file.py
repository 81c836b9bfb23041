# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock of an inventory: the checksum of each manifest, chart, archive and program, and the digest of each image.

A lock shows that a version still has the same content, as `.terraform.lock.hcl` does. Playbook `lock` writes it, and
actions read it before anything is applied. It is a valid inventory file, because an inventory may be a folder, and
Ansible parses every YAML file in it. Private. For example:

    all:
      vars:
        otel_lock:
          format: 1
          images:
            quay.io/jetstack/cert-manager-webhook:v1.21.2: {sum: "sha256:…", from: "docker://quay.io/jetstack/…"}
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from ..._otelcol.errors import Problem, strip_credentials

LOCK_FILE = "otel.lock.yml"
# The one variable in the file: an inventory folder may hold the file, and Ansible reads it as a group with variables.
LOCK_VARIABLE = "otel_lock"
LOCK_FORMAT = 1
# The parts of a lock. Archives are those of images, programs those of hosts.
MANIFESTS = "manifests"
CHARTS = "charts"
IMAGES = "images"
ARCHIVES = "archives"
PROGRAMS = "programs"
# The parts in the order of the file, each with the word for one of its rows.
_PART_NOUNS = {MANIFESTS: "manifest", CHARTS: "chart", IMAGES: "image", ARCHIVES: "archive", PROGRAMS: "program"}
_SUM = re.compile(r"sha256:[0-9a-f]{64}\Z")
LOCK_COMMAND = "ansible-playbook o11y.opentelemetry.lock -i INVENTORY"
LOCK_HINT = f"to lock it, run `{LOCK_COMMAND}`"
# What to do about a row that is missing, by the parts that playbook `lock` cannot fetch by itself.
_FIXES = {CHARTS: f"Pull the chart (helm pull), give the path of its archive, and run `{LOCK_COMMAND}`."}

# The rows of a part, by name. A row has `sum` (sha256:…) and `from`, the place that the content came from.
Rows = Mapping[str, Mapping[str, str]]
# A function that returns an image with its digest: `nginx:1` becomes `nginx:1@sha256:…`.
Pin = Callable[[str], str]


class Checksum(NamedTuple):
    """The checksum of something that is to be locked."""

    part: str
    """One of the parts of a lock, such as IMAGES."""
    name: str
    checksum: str
    """Such as sha256:…; empty if it could not be found."""
    origin: str
    """The place that the content came from."""


@dataclass(frozen=True)
class Lock:
    """The content of a lock file."""

    lock_path: str
    rows_by_part: Mapping[str, Rows] = field(default_factory=dict)
    excluded_patterns: tuple[str, ...] = ()
    """Patterns of images that need no digest, such as `localhost/*`."""

    def pin_image(self, image: str) -> str:
        """Return an image with its digest. Raises Problem for an image that is neither locked nor excluded."""
        pinned_image = self.add_known_digest(image)
        if "@" in pinned_image or self.excludes_image(image):
            return pinned_image
        fix = f"Run `{LOCK_COMMAND}`, and compare the new lock with the old one."
        raise Problem("the lock does not have this image", asked=f"Use {image}", where=self.lock_path, fix=fix)

    def excludes_image(self, image: str) -> bool:
        """Return whether an image needs no digest."""
        return any(fnmatchcase(image, pattern) for pattern in self.excluded_patterns)

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
        """Return the sum of a manifest, chart, archive or program. Raises Problem if it is not locked."""
        row = self.rows_by_part.get(part, {}).get(name)
        if row:
            return row["sum"]
        raise self.build_not_locked_problem(part, name)

    def build_not_locked_problem(self, part: str, name: str) -> Problem:
        """Return the problem of a manifest, chart, archive or program that is not locked."""
        fix = _FIXES.get(part, f"Run `{LOCK_COMMAND}`, and compare the new lock with the old one.")
        return Problem(
            f"the lock does not have this {_PART_NOUNS[part]}", asked=f"Use {name}", where=self.lock_path, fix=fix
        )

    def verify_sum(self, part: str, name: str, checksum: str, origin: str) -> None:
        """Compare a sum with the lock. Raises Problem with both sums if they differ."""
        locked_checksum = self.find_checksum(part, name)
        if checksum != locked_checksum:
            wrong = f"the {_PART_NOUNS[part]} has {checksum}, and the lock has {locked_checksum}"
            fix = f"Find out who changed it. If the change is right, run `{LOCK_COMMAND}`."
            raise Problem(wrong, asked=f"Use {name} from {strip_credentials(origin)}", where=self.lock_path, fix=fix)


def pin_options(options: Mapping[str, Any], option_names: Iterable[str], pin: Pin) -> dict[str, Any]:
    """Return options in which each image has its digest. Only the options of these names are searched, at any depth."""
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
    """Return the function that pins images which several inventories use. None stands for an inventory without a lock.

    An image must be locked if every inventory has a lock, and none of the locks excludes the image. One lock that has
    its digest is enough. The function raises Problem for an image that must be locked and is not, and for an image of
    which two locks have different digests.
    """
    present_locks = [lock for lock in locks if lock]
    has_every_lock = bool(present_locks) and len(present_locks) == len(locks)

    def pin_image(image: str) -> str:
        pinned_images = sorted({lock.add_known_digest(image) for lock in present_locks} - {image})
        if len(pinned_images) > 1:
            wrong = f"two locks differ: {' and '.join(pinned_images)}"
            files = sorted({lock.lock_path for lock in present_locks})
            fix = f"Run `{LOCK_COMMAND}` for each inventory."
            raise Problem(wrong, asked=f"Use {image}", where=", ".join(files), fix=fix)
        if pinned_images:
            return pinned_images[0]
        is_excluded = any(lock.excludes_image(image) for lock in present_locks)
        if is_excluded or not has_every_lock:
            return image
        return present_locks[0].pin_image(image)  # raises Problem, unless the inventory gives the image with a digest

    return pin_image


def read_lock(data: Any, file_path: str) -> Lock:
    """Return the lock in the content of a file. Raises Problem for another content."""
    try:
        lock_content = data["all"]["vars"][LOCK_VARIABLE]
        if lock_content["format"] != LOCK_FORMAT:
            raise _build_unreadable_problem(f"its format is {lock_content['format']}, not {LOCK_FORMAT}", file_path)
        rows_by_part = {part: _read_rows(lock_content.get(part) or {}) for part in _PART_NOUNS}
        exclude = lock_content.get("exclude") or []
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _build_unreadable_problem("this is not a lock of this collection", file_path) from error
    fault = _find_row_fault(rows_by_part) or _find_exclude_fault(exclude)
    if fault:
        raise _build_unreadable_problem(fault, file_path)
    return Lock(file_path, rows_by_part, tuple(exclude))


def _build_unreadable_problem(wrong: str, file_path: str) -> Problem:
    """Return the problem of a file that is no lock."""
    fix = f"Restore it from version control, or delete it and run `{LOCK_COMMAND}`."
    return Problem(wrong, asked="Read the lock", where=file_path, fix=fix)


def _read_rows(part: Mapping[Any, Any]) -> Rows:
    """Return the rows of a part of the file.

    Raises TypeError, ValueError or AttributeError for another form, and KeyError for a row without a sum.
    """
    rows = {str(name): dict(row) for name, row in part.items()}
    for name, row in rows.items():
        if "sum" not in row:
            raise KeyError(name)
    return rows


def _find_row_fault(rows_by_part: Mapping[str, Rows]) -> str:
    """Return which rows have no SHA-256 as their sum, else which have no text as their origin; empty without such."""
    names_without_sum = []
    names_without_origin = []
    for rows in rows_by_part.values():
        for name, row in rows.items():
            if not _SUM.match(str(row["sum"])):
                names_without_sum.append(name)
            if not isinstance(row.get("from", ""), str):  # a row may have none
                names_without_origin.append(name)
    if names_without_sum:
        return f"{', '.join(names_without_sum)} has no SHA-256 as its sum"
    if names_without_origin:
        return f"{', '.join(names_without_origin)} has no text as its origin (from)"
    return ""


def _find_exclude_fault(exclude: Any) -> str:
    """Return what is wrong with the patterns of images that need no digest; empty if nothing is.

    Each letter of a text would be a pattern, and the `*` in it would leave out every image.
    """
    if isinstance(exclude, list) and all(isinstance(pattern, str) for pattern in exclude):
        return ""
    return "its `exclude` is no list of patterns"


def build_lock_content(
    checksums: Iterable[Checksum], exclude: Sequence[str], earlier_lock: Lock | None
) -> dict[str, Any]:
    """Return the content of a lock file. Raises Problem for a row without a checksum.

    A row whose checksum has not changed keeps its origin, so that a run on another machine changes nothing.
    """
    earlier_rows = earlier_lock.rows_by_part if earlier_lock else {}
    rows: dict[str, dict[str, dict[str, str]]] = {}
    for found in sorted(checksums):
        if not _SUM.match(found.checksum):
            raise _build_missing_digest_problem(found)
        row = {"sum": found.checksum, "from": strip_credentials(found.origin)}
        earlier_row = earlier_rows.get(found.part, {}).get(found.name)
        if earlier_row and earlier_row["sum"] == found.checksum:
            row = dict(earlier_row)
        rows.setdefault(found.part, {})[found.name] = row
    lock_fields: dict[str, Any] = {"format": LOCK_FORMAT}
    if exclude:
        lock_fields["exclude"] = sorted(set(exclude))
    for part in _PART_NOUNS:
        if part in rows:
            lock_fields[part] = rows[part]
    return {"all": {"vars": {LOCK_VARIABLE: lock_fields}}}


def _build_missing_digest_problem(found: Checksum) -> Problem:
    """Return the problem of something whose checksum could not be found."""
    fix = "Check skopeo, the registry and its credentials, or leave the image out (otel_lock_exclude)."
    return Problem(
        f"there is no digest of {found.name}",
        asked="Lock it",
        where=strip_credentials(found.origin),
        fix=_FIXES.get(found.part, fix),
    )
