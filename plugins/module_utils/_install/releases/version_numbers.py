# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions of releases as three numbers, and the minor versions between two of them. Private.

The versions are those of cert-manager, the operator, Kubernetes and the Collector. Files of this room compare them:
`versions.py` asks whether 1.35 is from 1.33 to 1.36.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ..._otelcol.errors import Problem

# Such as v1.2.3, 1.36 or 1.36.0.
_VERSION = re.compile(r"v?(\d{1,9})\.(\d{1,9})(?:\.(\d{1,9}))?")
# A version with all three numbers, perhaps with more behind them, such as v1.2.3-rc.1.
_WHOLE_VERSION = re.compile(r"v?\d{1,9}\.\d{1,9}\.\d")


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
    """Return the version that a user wrote, such as `v1.2.3`. Raises Problem for a text that is no version.

    `subject` says in the message what the version is of, such as `cert-manager`.
    """
    parsed = parse_release_version(text)
    if parsed is None:
        raise Problem(f"'{text}' is not a version of {subject}", fix="Write it like v1.2.3.")
    return parsed


def require_whole_version(text: str, subject: str) -> Version:
    """Return the version that a user wrote, with all its numbers. Raises Problem for another text.

    YAML reads 1.20 as the number 1.2, which would be the release v1.2.0.
    """
    version = require_version(text, subject)
    if not _WHOLE_VERSION.match(text.strip()):
        wrong = f"'{text}' is not a whole version of {subject}: it has two numbers, and YAML reads 1.20 as 1.2"
        raise Problem(wrong, fix=f"Write all three numbers, such as v{version.minor_line}.0.")
    return version


def parse_release_version(text: str) -> Version | None:
    """Return the version at the start of a text; None for a text that does not begin with two numbers.

    A release has three numbers, and so has the result:

        v1.2.3 → Version(1, 2, 3)      1.36+ → Version(1, 36, 0)      0.64.0-rc.1 → Version(0, 64, 0)

    `parse_version` of _otelcol/config/collector_versions.py reads versions of the Collector, and keeps as many numbers
    as there are.
    """
    match = _VERSION.match(text.strip())
    return Version(int(match[1]), int(match[2]), int(match[3] or 0)) if match else None


def list_minor_versions(old_version: Version, new_version: Version) -> list[str]:
    """Return the minor versions after the old one up to the new one: the steps of an upgrade.

    From 1.18.2 to 1.21.0 these are 1.19, 1.20 and 1.21. Between major versions nobody knows the steps, so only the new
    one counts.
    """
    if old_version.major != new_version.major:
        return [new_version.minor_line]
    return [f"{new_version.major}.{minor}" for minor in range(old_version.minor + 1, new_version.minor + 1)]
