# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ranges of versions in tables, such as `0.110.0..0.131.0 0.152.0..`. Private."""

from __future__ import annotations

from functools import cache

from ..config.layers import Version, parse_version

VersionSpan = tuple[Version, Version]
"""The first version of a range, and the first one behind it; an empty one if it has no end."""


def is_in_span(span: tuple[Version, Version], version: Version) -> bool:
    """Whether a version is in a range from the first to before the second; an empty second is no end."""
    return span[0] <= version and (not span[1] or version < span[1])


def is_in_ranges(ranges: str, version: str) -> bool:
    """Whether a version is in one of the ranges, such as `0.110.0..0.131.0 0.152.0..`."""
    return any(is_in_span(span, parse_version(version)) for span in parse_ranges(ranges))


def version_as_number(version: Version) -> float:
    """Return a version as a number, so that distances can be compared."""
    return sum(part * 0.001**index for index, part in enumerate(version))


def last_release_in(span: tuple[Version, Version]) -> str:
    """Return the last release of the Collector that a range names: the first one, for a range without an end."""
    since, until = span
    if not until:
        return format_version(since)
    (major, minor, *_patch) = until
    return format_version((major, minor - 1, 0))


def format_version(version: Version) -> str:
    """Return a version as it is written."""
    return ".".join(str(part) for part in version)


@cache
def parse_ranges(ranges_text: str) -> tuple[tuple[Version, Version], ...]:
    """Return `0.110.0..0.131.0 0.152.0..` as pairs of from and before; an empty end is none."""
    spans = (part.partition("..") for part in ranges_text.split())
    return tuple((parse_version(since), parse_version(until)) for since, _dots, until in spans)
