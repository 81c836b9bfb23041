# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions as numbers, and ranges of them as text: `0.110.0..0.131.0` ends before 0.131.0, `0.152.1..` does not end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from plugins.module_utils._otelcol.catalogue.version_ranges import format_version
from plugins.module_utils._otelcol.config.collector_versions import Version

FIRST_VERSION: Version = (0, 110, 0)  # the oldest version of the Collector that the catalogue judges


def following_release(version: str) -> str:
    """Return the release of the Collector that follows one."""
    major, minor, _patch = version.split(".")
    return f"{major}.{int(minor) + 1}.0"


def describe_ranges(present_versions: Iterable[Version], known_versions: Sequence[Version]) -> str:
    """Return the ranges in which something is present, given every version in which it was looked for, in order."""
    present_set = set(present_versions)
    range_texts: list[str] = []
    since: Version | None = None
    for version in known_versions:
        if version in present_set and since is None:
            since = version
        elif version not in present_set and since is not None:
            range_texts.append(f"{format_version(since)}..{format_version(version)}")
            since = None
    if since is not None:
        range_texts.append(f"{format_version(since)}..")
    return " ".join(range_texts)
