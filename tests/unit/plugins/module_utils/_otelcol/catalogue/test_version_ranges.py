# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ranges of versions: what is in them, and their last release."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.catalogue.version_ranges import (
    last_release_in,
    parse_ranges,
)


def last_releases(text: str) -> list[str]:
    return [last_release_in(span) for span in parse_ranges(text)]


def test_the_last_release_of_a_range_is_the_one_before_its_end() -> None:
    assert last_releases("0.110.0..0.131.0 0.152.0..0.153.0") == ["0.130.0", "0.152.0"]


def test_a_range_without_an_end_has_its_first_release_for_certain() -> None:
    assert last_releases("0.110.0..0.131.0 0.152.0..") == ["0.130.0", "0.152.0"]


def test_a_range_that_ends_with_a_patch_has_the_first_release_of_that_minor_version() -> None:
    assert last_releases("0.110.0..0.131.2") == ["0.131.0"]


def test_the_last_release_of_a_range_is_in_it() -> None:
    assert last_releases("0.131.1..0.131.2 0.140.1..0.141.0") == ["0.131.1", "0.140.1"]
