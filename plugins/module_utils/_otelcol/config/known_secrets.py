# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a text has secrets that are known, however it spells them, without taking parts of words for secrets. Private.

A mask (masking.py) knows the secrets of a config. In the text `otel-agent: login otel failed`, the password `otel`
stands once, from 18 to 22: a short secret may be a usual word, so it counts only as a word of its own that is no part
of a name. A secret of 12 characters or more counts everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from .secret_spellings import list_spellings
from .word_bounds import WORD_BEGINNING, is_own_word

# From this length on, a secret counts everywhere: no word of a message has it as a part by chance.
_LENGTH_WITHOUT_WORD_ENDS = 12
# The head of a secret is its first characters, by which the search looks for it. A shorter secret is its own head.
_HEAD_LENGTH = 3


class Span(NamedTuple):
    """Where a part of a text begins, and where it ends, in characters."""

    start: int
    end: int


class KnownSecrets:
    """Some secrets, with all spellings in which texts may have them (secret_spellings.py).

    The time to find them does not grow with their number, because the search has two stages. For example, the secrets
    are `otel` and `supersecret1`, and the text is `an old supersecret1`:

    1. A pattern guesses the places where a secret may begin. For a short secret, these are the words that begin with
       `o` or `s`. For a long one, these are all places at which `s`, `u` and `p` follow each other. The places are here
       3, of `old`, and 7, of `supersecret1`.
    2. At each of these places, the head says which lengths the secrets with this head have. No secret begins with
       `old`, and those with `sup` have 12 characters, so the 12 characters at place 7 are looked up among the secrets.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self._spellings: set[str] = set()
        for secret in secrets:
            self._spellings.update(list_spellings(secret))
        self._spellings.discard("")
        self._lengths_by_head = _group_lengths_by_head(self._spellings)
        self._beginnings = _compile_beginnings(self._spellings) if self._spellings else None

    def find_spans(self, text: str) -> Iterator[Span]:
        """Yield where secrets stand in a text, the longest at each place, none inside of another."""
        if self._beginnings is None:
            return
        end_before = 0
        for match in self._beginnings.finditer(text):
            start = match.start()
            if start < end_before:
                continue
            end = self._find_secret_end(text, start)
            if end is not None:
                yield Span(start, end)
                end_before = end

    def _find_secret_end(self, text: str, start: int) -> int | None:
        """Return where the longest secret that begins here ends; None if none begins here."""
        for length in self._list_possible_lengths(text, start):
            end = start + length
            if text[start:end] in self._spellings and _counts_as_secret(text, start, end):
                return end
        return None

    def _list_possible_lengths(self, text: str, start: int) -> Iterator[int]:
        """Yield the lengths of all secrets with the head that stands here, the longest first."""
        for head_length in range(_HEAD_LENGTH, 0, -1):
            head = text[start : start + head_length]
            yield from self._lengths_by_head.get(head, ())


def _group_lengths_by_head(spellings: Iterable[str]) -> dict[str, list[int]]:
    """Return the lengths of the spellings with the same head, the longest first.

    `abcd`, `abcde` and `xy` make `{"abc": [5, 4], "xy": [2]}`.
    """
    lengths: dict[str, set[int]] = {}
    for spelling in spellings:
        lengths.setdefault(spelling[:_HEAD_LENGTH], set()).add(len(spelling))
    return {head: sorted(head_lengths, reverse=True) for head, head_lengths in lengths.items()}


def _compile_beginnings(spellings: Collection[str]) -> re.Pattern[str]:
    """Return a pattern of the places where a secret may begin.

    `otel` and `supersecret1` make the pattern `B[os]|(?=[s][u][p])`, in which B stands for WORD_BEGINNING.
    """
    first_characters = _build_character_sets(spellings, 1)
    long_spellings = [spelling for spelling in spellings if len(spelling) >= _LENGTH_WITHOUT_WORD_ENDS]
    or_anywhere = f"|(?={_build_character_sets(long_spellings, _HEAD_LENGTH)})" if long_spellings else ""
    return re.compile(f"{WORD_BEGINNING}{first_characters}{or_anywhere}")


def _build_character_sets(spellings: Collection[str], length: int) -> str:
    """Return a pattern with a set of characters for each of the first `length` positions, which all spellings have.

    `ab` and `cd` make `[ac][bd]`.
    """
    character_sets: list[str] = []
    for position in range(length):
        characters = {spelling[position] for spelling in spellings}
        escaped_characters = sorted(re.escape(character) for character in characters)
        character_sets.append(f"[{''.join(escaped_characters)}]")
    return "".join(character_sets)


def _counts_as_secret(text: str, start: int, end: int) -> bool:
    """Whether a part of a text that is equal to a secret counts: a long one always, a short one as its own word."""
    return end - start >= _LENGTH_WITHOUT_WORD_ENDS or is_own_word(text, start, end)
