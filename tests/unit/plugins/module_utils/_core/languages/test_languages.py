# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.languages import ottl, regex
from hypothesis import given
from hypothesis import strategies as st

# What Go's regexp.Compile says of each.
ACCEPTED = (
    *(
        r"a*",
        r"(?<n>a)(?P<m>b)",
        r"a{1000}",
        r"\12",
        r"\_",
        r"x*?",
        r"(?i-s:a)",
        r"[]a]",
        r"[^]]",
        r"a{,5}",
        r"{",
        r"a{2",
    ),
    *(r"[[:^alpha:]]", r"(|a)*", r"\pL\p{Greek}", r"\x{10FFFF}", r"\Qab(", r"^*", r"", r"[a-b-c]", r"[\w-z]", r"(?i)"),
)
REFUSED = (
    ("a**", 2, "repeats a repetition"),
    ("a++", 2, "possessive"),
    ("b(?=x)", 1, "lookahead"),
    ("(?<!x)", 0, "lookbehind"),
    ("(?>x)", 0, "atomic"),
    (r"(a)\1", 3, "backreferences"),
    ("(?P<n>a)(?P<n>b)", 8, "used twice"),
    ("(?<n-a>x)", 0, "name of a group"),
    ("(?x)", 0, "`(?x`"),
    ("a{1001}", 1, "at most 1000"),
    ("a{3,2}", 1, "no valid repetition"),
    ("(a{100}){11}", 8, "nested repetitions"),
    ("[z-a]", 1, "no valid range"),
    (r"[a-\d]", 1, "no valid range"),
    (r"[\b]", 1, r"`\b`"),
    (r"\Z", 0, r"`\Z`"),
    ("[[:foo:]]", 1, "[:foo:]"),
    ("*", 0, "nothing"),
    ("a|*", 2, "nothing"),
    (r"\p{Greek", 0, "Unicode"),
    (r"\x{110000}", 0, "hexadecimal"),
    ("[a", 0, "`]`"),
    ("x(a", 1, "`)`"),
    ("a)", 1, "closes no group"),
    ("a\\", 1, "escapes nothing"),
)
HOSTILE = (
    "(" * 50_000,
    "[" * 50_000,
    "a{" * 50_000,
    "\\Q" * 50_000,
    "(?<" + "a" * 50_000,
    "{" * 50_000,
    "a and " * 20_000,
)
HOSTILE += (
    "f(" * 20_000,
    'set(a["',
    "set(a, " + "(x, " * 20_000,
    "set(a, [" + "1 " * 20_000,
    "not " * 20_000,
    "A" * 50_000,
)
HOSTILE += (
    "set(a, " + "(" * 50_000 + "a",
    "set(" + "a.a" * 20_000,
    "set(a, {" + '"a": {' * 20_000,
    '"' + "\\" * 50_001,
)


@pytest.mark.parametrize("text", ACCEPTED)
def test_what_go_compiles_is_accepted(text: str) -> None:
    assert regex.refusal(text) is None


@pytest.mark.parametrize(("text", "start", "why"), REFUSED)
def test_what_go_does_not_compile_is_refused_at_its_place(text: str, start: int, why: str) -> None:
    refusal = regex.refusal(text)
    assert refusal
    assert (refusal.start, why in refusal.why) == (start, True), refusal


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts_take_linear_time(text: str) -> None:
    start = time.process_time()
    regex.refusal(text)
    ottl.read(text, statement=True)
    ottl.read(text, statement=False)
    assert time.process_time() - start < 2


WORDS = """ "a" a A Abc set ( ) [ ] { } , . == = => 1 2.5 - * and or not true nil where 0xff : \\ ' é """


@given(st.lists(st.sampled_from(WORDS.split()), max_size=25).map(" ".join))
def test_no_text_crashes(text: str) -> None:
    for statement in (True, False):
        found = ottl.read(text, statement)
        if isinstance(found, ottl.Trouble):
            assert 0 <= found.start <= len(text)
            assert found.why
    regex.refusal(text)


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ('set(a["b"], 1', 13),
        ("set(a, 'b')", 7),
        ("set(a, 1) where b", 17),
        ('set(a, "\\d")', 8),
        ("set(a, 1) and b", 10),
    ],
)
def test_a_fault_is_where_it_stands(text: str, start: int) -> None:
    found = ottl.read(text, statement=True)
    assert isinstance(found, ottl.Trouble)
    assert found.start == start


def test_a_text_that_nests_too_deep_is_not_judged() -> None:
    assert ottl.read("(" * 100 + "true" + ")" * 100, statement=False) is None
