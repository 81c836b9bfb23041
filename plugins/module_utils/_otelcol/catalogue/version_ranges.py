# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ranges of versions in the tables of the catalogue: which versions a text such as `0.110.0..0.131.0` means. Private.

A range has spans with blanks between them. A span begins with its first version and ends before its second one; a span
without a second version has no end. So `0.110.0..0.131.0 0.152.0..` has 0.110.0 and 0.130.9, and all versions from
0.152.0 on, but not 0.131.0. `Catalogue` and its tables ask here which row is that of a version.
"""

from __future__ import annotations

from functools import cache

from ..config.collector_versions import Version, parse_version

VersionSpan = tuple[Version, Version]
"""The first version in a span, and the first version after it; an empty version if the span has no end."""


def is_in_span(span: VersionSpan, version: Version) -> bool:
    """Whether a version is in a span."""
    since, until = span
    return since <= version and (not until or version < until)


def is_in_ranges(ranges: str, version: str) -> bool:
    """Whether a version is in one of the ranges, such as `0.110.0..0.131.0 0.152.0..`."""
    return any(is_in_span(span, parse_version(version)) for span in parse_ranges(ranges))


def version_as_number(version: Version) -> float:
    """Return a version as a number, so that distances can be compared: (0, 152, 1) is 0.152001."""
    return sum(part * 0.001**index for index, part in enumerate(version))


def last_release_in(span: VersionSpan) -> str:
    """Return the last release of the Collector that is surely in a span; the first version if the span has no end.

    Every minor version has a release with patch number 0, and few have others: 0.130.0 is the last release before
    0.131.0, and 0.131.0 the last one before 0.131.2 that is known to exist.
    """
    since, until = span
    if not until:
        return format_version(since)
    (major, minor, *patch_numbers) = until
    is_first_of_minor = not any(patch_numbers)
    release_before_end = (major, minor - 1, 0) if is_first_of_minor else (major, minor, 0)
    return format_version(max(release_before_end, since))


def format_version(version: Version) -> str:
    """Return a version as it is written: `0.152.1` for (0, 152, 1)."""
    return ".".join(str(part) for part in version)


@cache
def parse_ranges(ranges_text: str) -> tuple[VersionSpan, ...]:
    """Return the spans in a text such as `0.110.0..0.131.0 0.152.0..`."""
    spans: list[VersionSpan] = []
    for span_text in ranges_text.split():
        since, _dots, until = span_text.partition("..")
        spans.append((parse_version(since), parse_version(until)))
    return tuple(spans)
