# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions as numbers, and the minor versions between them. Private."""

from __future__ import annotations

import re
from typing import NamedTuple

from ..._otelcol.errors import Problem

_VERSION = re.compile(r"v?(\d{1,9})\.(\d{1,9})(?:\.(\d{1,9}))?")


class Version(NamedTuple):
    """A version of a release, without what follows its numbers, such as -rc.1."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    @property
    def tag(self) -> str:
        """The tag of the release, such as v1.2.3: both products tag with a v."""
        return f"v{self}"

    @property
    def minor_line(self) -> str:
        """The minor version without the patch, such as 1.2."""
        return f"{self.major}.{self.minor}"


def require_version(text: str, subject: str) -> Version:
    """Return the version that a user wrote. Raises Problem for another text; `subject` says there what it is of."""
    parsed = parse_version(text)
    if parsed is None:
        raise Problem(f"'{text}' is not a version of {subject}", fix="Write it like v1.2.3.")
    return parsed


def parse_version(text: str) -> Version | None:
    """Return the version at the start of a text such as v1.2.3, 1.36+ or 0.64.0-rc.1; None for another text."""
    match = _VERSION.match(text.strip())
    return Version(int(match[1]), int(match[2]), int(match[3] or 0)) if match else None


def list_minor_versions(old_version: Version, new_version: Version) -> list[str]:
    """Return the minor versions after the old one up to the new one: the steps of an upgrade.

    Between major versions nobody knows the steps, so only the new one counts.
    """
    if old_version.major != new_version.major:
        return [new_version.minor_line]
    return [f"{new_version.major}.{minor}" for minor in range(old_version.minor + 1, new_version.minor + 1)]
