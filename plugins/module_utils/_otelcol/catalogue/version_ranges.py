# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ranges of versions in the tables of the catalogue: `0.110.0..0.131.0 0.152.0..` are two spans.

A span begins with its first version and ends before its second; one without a second version has no end. Private.
"""

from __future__ import annotations

from functools import cache

from ..config.layers import Version, parse_version

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
    """Return the last release of the Collector in a span; the first one if the span has no end."""
    since, until = span
    if not until:
        return format_version(since)
    (major, minor, *_patch) = until
    return format_version((major, minor - 1, 0))


def format_version(version: Version) -> str:
    """Return a version as it is written."""
    return ".".join(str(part) for part in version)


@cache
def parse_ranges(ranges_text: str) -> tuple[VersionSpan, ...]:
    """Return the spans in a text such as `0.110.0..0.131.0 0.152.0..`."""
    spans: list[VersionSpan] = []
    for span_text in ranges_text.split():
        since, _dots, until = span_text.partition("..")
        spans.append((parse_version(since), parse_version(until)))
    return tuple(spans)
