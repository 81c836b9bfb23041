# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which paths a glob matches, as doublestar reads it."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs.file_globs import glob_matches
from hypothesis import given
from hypothesis import strategies as st

from tests.support.cases import cases


@cases(
    "glob, path, found",
    ("/a/*.log", "/a/b.log", True),
    ("/a/*.log", "/a/b/c.log", False),
    ("/a/**/*.log", "/a/c.log", True),
    ("/a/**/*.log", "/a/b/b/c.log", True),
    ("/a/**", "/a/b/c", True),
    ("**/c", "/a/b/c", True),
    ("/a**", "/ab", True),
    ("/a**", "/ab/c", False),
    ("/a**/c", "/ab/c", True),
    ("/a**/c", "/ab/b/c", False),
    ("/a**/", "/a", False),
    ("/a/**.log", "/a/b.log", True),
    ("/a/**.log", "/a/b/c.log", False),
    ("/a/**b/c", "/a/b/b/c", False),
    ("/a/***", "/a/b/c", False),
    ("/a/***/c", "/a/b/c", True),
    ("/a/***/c", "/a/b/b/c", False),
    ("/a/{**,c}", "/a/b/c", True),
    ("/{a/**/,}c", "/a/b/b/c", True),
    ("/a/?", "/a/b", True),
    ("/a?b", "/a/b", False),
    ("/[ab]/[!c-e][^x]", "/b/fg", True),
    ("/[ab]/[!c-e]", "/b/d", False),
    ("/a[^b]c", "/a/c", False),
    ("/{a,b{c,d}}/e", "/bd/e", True),
    ("/{a,b{c,d}}/e", "/b/e", False),
    ("/a{,b}", "/a", True),
    ("/a,b", "/a,b", True),
    (r"/a\*", "/a*", True),
    (r"/a\*", "/ab", False),
    ("/a[", "/a[", True),
    ("/a{b", "/ab", False),
)
def test_globs_are_read_as_the_collector_reads_them(glob: str, path: str, found: bool) -> None:
    assert glob_matches(glob, path) is found


@given(st.text("*?{},[]^-a/\\", max_size=60), st.text("a/-", max_size=40))
def test_no_glob_is_too_much(glob: str, path: str) -> None:
    assert isinstance(glob_matches(glob, path), bool)


@pytest.mark.parametrize("glob", ["*a" * 500 + "b", "{" * 50 + "a", "{a," * 50, "{" * 10_000, "*" * 100_000])
def test_a_hostile_glob_takes_no_time(glob: str) -> None:
    assert not glob_matches(glob, "/" + "a" * 200)
