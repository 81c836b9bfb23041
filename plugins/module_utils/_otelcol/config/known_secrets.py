# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a text has secrets that are known, however it spells them, without taking parts of words for secrets. Private.

A mask (masking.py) knows the secrets of a config. In the text `otel-agent: login otel failed`, the password `otel`
stands once, from 18 to 22: a short secret may be a usual word, so it counts only as a word of its own that is no part
of a name. A secret of 12 characters or more counts everywhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from urllib.parse import quote

# From this length on, a secret counts everywhere: no word of a message has it as a part by chance.
_LENGTH_WITHOUT_WORD_ENDS = 12
# The head of a secret: its first characters, by which the search looks for it.
_HEAD = 3
_WORD = re.compile(r"\w")
# The last characters of an escape are no part of a word: a line end as JSON writes it, a code of a URL, a colour of a
# terminal.
_AFTER_ESCAPE = r"(?<=\\[nrtbf])|(?<=\\u[0-9A-Fa-f]{4})|(?<=%[0-9A-Fa-f]{2})|(?<=[\[;]\dm)|(?<=[\[;]\d\dm)"
_ESCAPE_BEFORE = re.compile(_AFTER_ESCAPE)
# What continues the name of a file, object or host: `otel-agent`, `otel/x`, `otel.example`.
_NAME_GOES_ON = re.compile(r"[-/]|\.\w")
# A character as JSON writes it, such as `\u001b`; the group is its last two digits.
_CODE_OF_JSON = re.compile(r"\\u00(..)")


class Span(NamedTuple):
    """Where a part of a text begins, and where it ends, in characters."""

    start: int
    end: int


class KnownSecrets:
    """Some secrets, with all spellings in which texts may have them: `a"b` is `a\\"b` in JSON and `a%22b` in a URL.

    The time to find them does not grow with their number. A pattern finds the places where one may begin. There, the
    first characters say which lengths secrets have that begin so, and the part of each length is looked up.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self._spellings: set[str] = set()
        for secret in secrets:
            self._spellings.update(_list_spellings(secret))
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
        for size in range(_HEAD, 0, -1):  # a secret may be shorter than a head
            for length in self._lengths_by_head.get(text[start : start + size], ()):
                end = start + length
                if text[start:end] in self._spellings and _counts_as_secret(text, start, end):
                    return end
        return None


def _list_spellings(secret: str) -> Iterator[str]:
    """Yield the spellings of a secret: in clear, in a URL, and between the quotes of YAML and JSON."""
    yield secret
    yield quote(encode_text(secret), safe="")
    yield encode_text(secret).decode(errors="replace")  # as the output of a program is read
    yield secret.replace("'", "''")
    for is_ascii in (False, True):
        json_text = json.dumps(secret, ensure_ascii=is_ascii)[1:-1]
        yield json_text
        yield _CODE_OF_JSON.sub(lambda match: rf"\x{match[1].upper()}", json_text)  # as YAML writes it


def encode_text(text: str) -> bytes:
    """Return a text in UTF-8. A variable of the environment may have other bytes, which surrogates stand for."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _group_lengths_by_head(spellings: Iterable[str]) -> dict[str, list[int]]:
    """Return the lengths of the spellings with the same head, the longest first.

    `abcd`, `abcde` and `xy` make `{"abc": [5, 4], "xy": [2]}`.
    """
    lengths: dict[str, set[int]] = {}
    for spelling in spellings:
        lengths.setdefault(spelling[:_HEAD], set()).add(len(spelling))
    return {head: sorted(head_lengths, reverse=True) for head, head_lengths in lengths.items()}


def _compile_beginnings(spellings: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern of the places where a secret may begin.

    A short one begins where a word does, a long one anywhere. The pattern also matches other places, since it has a set
    of characters for each position: `_find_secret_end` decides whether a secret stands there.
    """
    long_spellings = [spelling for spelling in spellings if len(spelling) >= _LENGTH_WITHOUT_WORD_ENDS]
    or_anywhere = f"|(?={_build_character_sets(long_spellings, _HEAD)})" if long_spellings else ""
    return re.compile(rf"(?:(?<!\w)|{_AFTER_ESCAPE}){_build_character_sets(spellings, 1)}{or_anywhere}")


def _build_character_sets(spellings: Iterable[str], length: int) -> str:
    """Return a pattern with a set of characters for each of the first `length` positions.

    `ab` and `cd` make `[ac][bd]`.
    """
    character_sets = []
    for characters_at_place in zip(*(spelling[:length] for spelling in spellings), strict=False):
        escaped_characters = sorted(re.escape(character) for character in set(characters_at_place))
        character_sets.append(f"[{''.join(escaped_characters)}]")
    return "".join(character_sets)


def _counts_as_secret(text: str, start: int, end: int) -> bool:
    """Whether a part of a text that is equal to a secret counts: a long one always, a short one as a word of its own.

    A short one does not count if it is a part of a name, such as `otel` in `otel-agent`.
    """
    if end - start >= _LENGTH_WITHOUT_WORD_ENDS:
        return True
    is_whole_word = _begins_word(text, start) and _ends_word(text, end)
    return is_whole_word and not _is_part_of_name(text, start, end)


def _begins_word(text: str, start: int) -> bool:
    """Whether no letter or digit stands before a place, or only the last one of an escape such as `\\n`."""
    if start == 0 or not _WORD.match(text, start - 1):
        return True
    return _ESCAPE_BEFORE.match(text, start) is not None


def _ends_word(text: str, end: int) -> bool:
    """Whether no letter or digit stands at a place."""
    return _WORD.match(text, end) is None


def _is_part_of_name(text: str, start: int, end: int) -> bool:
    """Whether a word of letters alone is part of the name of a file, an object or a host."""
    if not text[start:end].isalpha():
        return False
    follows_a_name = start > 0 and text[start - 1] in "-/"
    return follows_a_name or _NAME_GOES_ON.match(text, end) is not None
