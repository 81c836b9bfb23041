# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts and trees without secrets: without those that are known, and without what has the shape of one. Private."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from ..errors import LONGEST, MASK, cleaned
from .literal_values import scalar_text
from .secret_shapes import secrets_of

Replace = Callable[[str], str]
"""Returns what stands in place of a secret."""

# So many characters of a secret are looked for; then it is compared.
_HEAD = 3
_UNMISTAKABLE = 12  # characters: no part of a word in a message; a shorter secret is one only as a word of its own
_WORD = re.compile(r"\w")
# The last characters of an escape end no word: a line end as JSON writes it, a code of a URL, a colour of a terminal.
_AFTER_ESCAPE = r"(?<=\\[nrtbf])|(?<=\\u[0-9A-Fa-f]{4})|(?<=%[0-9A-Fa-f]{2})|(?<=[\[;]\dm)|(?<=[\[;]\d\dm)"
_ESCAPE_BEFORE = re.compile(_AFTER_ESCAPE)
_NAME_GOES_ON = re.compile(r"[-/]|\.\w")
_CODE_OF_JSON = re.compile(r"\\u00(..)")


def _mask_only(_secret: str) -> str:
    return MASK


def salted(salt: str) -> Replace:
    """Return what hides a secret so that equal ones stay equal; the salt protects short ones from guessing."""

    def replace(secret: str) -> str:
        digest = hashlib.sha256(_bytes_of(f"{salt}{secret}")).hexdigest()
        return f"***{digest[:8]}"

    return replace


def concealed(text: str, replace: Replace = _mask_only) -> str:
    """Return a text, such as a line of a log, in which what has the shape of a secret is replaced."""
    secrets = sorted(secrets_of(text))
    if not secrets:  # as most texts
        return text
    return _with_replaced(text, [(start, end) for start, end, _what in secrets], replace)


def _with_replaced(text: str, spans: Iterable[tuple[int, int]], replace: Replace) -> str:
    """Return a text in which spans of characters, in the order in which they begin, are replaced."""
    parts = []
    end_before = 0
    for start, end in spans:
        if end > end_before:
            rest = max(start, end_before)  # of a span that begins inside of the one before
            parts += [text[end_before:rest], replace(text[rest:end])]
            end_before = end
    return "".join((*parts, text[end_before:]))


def masker(secrets: Iterable[str], replace: Replace = _mask_only) -> Callable[[str], str]:
    """Return what replaces these secrets, the longest first, and what has the shape of one."""
    known = _KnownSecrets(secrets)

    @lru_cache(maxsize=1024)
    def mask(text: str) -> str:
        """Many findings have the same fix."""
        return concealed(_with_replaced(text, known.places(text), replace), replace)

    return mask


def quoted(value: Any, longest: int = LONGEST, mask: Callable[[str], str] = concealed) -> Any:
    """Return text of others, or a tree of it, as `cleaned` does, masked before: a cut secret is not recognised."""
    return cleaned(masked_tree(value, mask), longest)


def masked_tree(tree: Any, mask: Callable[[str], str]) -> Any:
    """Return a tree in which each scalar is masked; one that the mask leaves as it is keeps its type."""
    if isinstance(tree, dict):
        return {key: masked_tree(value, mask) for key, value in tree.items()}
    if isinstance(tree, list):
        return [masked_tree(value, mask) for value in tree]
    if tree is None or isinstance(tree, bool):
        return tree
    text = scalar_text(tree)
    shown = mask(text)
    return tree if shown == text else shown


class _KnownSecrets:
    """Secrets that are known, found by how they begin: the time does not grow with their number."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._spellings: set[str] = set()
        for secret in secrets:
            self._spellings.update(_spellings(secret))
        self._spellings.discard("")
        self._lengths_by_head = _lengths_by_head(self._spellings)
        self._starts = self._pattern_of_starts() if self._spellings else None

    def _pattern_of_starts(self) -> re.Pattern[str]:
        """Return where a secret may begin: at the begin of a word, or anywhere for one that is unmistakable."""
        unmistakable = [spelling for spelling in self._spellings if len(spelling) >= _UNMISTAKABLE]
        or_anywhere = f"|(?={_heads(unmistakable, _HEAD)})" if unmistakable else ""
        return re.compile(rf"(?:(?<!\w)|{_AFTER_ESCAPE}){_heads(self._spellings, 1)}{or_anywhere}")

    def places(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where secrets begin and end in a text, the longest at each place, none inside of another."""
        if self._starts is None:
            return
        end_before = 0
        for match in self._starts.finditer(text):
            if match.start() < end_before:
                continue
            end = self._end(text, match.start())
            if end:
                yield match.start(), end
                end_before = end

    def _end(self, text: str, start: int) -> int:
        """Return where the longest secret that begins here ends, 0 if none does."""
        for size in range(_HEAD, 0, -1):  # a secret may be shorter than a head
            for length in self._lengths_by_head.get(text[start : start + size], ()):
                end = start + length
                if text[start:end] in self._spellings and _stands_alone(text, start, end):
                    return end
        return 0


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether a secret there is no part of a word or of a name; a long one is a secret everywhere."""
    if end - start >= _UNMISTAKABLE:
        return True
    follows_sign = start > 0 and _WORD.match(text, start - 1) and not _ESCAPE_BEFORE.match(text, start)
    if follows_sign or _WORD.match(text, end):
        return False
    return not _is_part_of_a_name(text, start, end)


def _is_part_of_a_name(text: str, start: int, end: int) -> bool:
    """Whether a short word, such as the password `otel`, is part of the name of a file, an object or a host there."""
    if not text[start:end].isalpha():
        return False
    follows_a_name = start > 0 and text[start - 1] in "-/"
    return follows_a_name or bool(_NAME_GOES_ON.match(text, end))


def _spellings(secret: str) -> Iterator[str]:
    """Yield a secret as texts hold it: in clear, in a URL, and between the quotes of YAML and JSON."""
    yield secret
    yield quote(_bytes_of(secret), safe="")
    yield _bytes_of(secret).decode(errors="replace")  # as the output of a program is read
    yield secret.replace("'", "''")
    for is_ascii in (False, True):
        in_json = json.dumps(secret, ensure_ascii=is_ascii)[1:-1]
        yield in_json
        yield _CODE_OF_JSON.sub(lambda match: rf"\x{match[1].upper()}", in_json)  # as YAML writes it


def _bytes_of(text: str) -> bytes:
    """Return a text in UTF-8. A variable of the environment may have other bytes, which surrogates stand for."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _lengths_by_head(secrets: Iterable[str]) -> dict[str, list[int]]:
    """Return the lengths of the secrets with the same head, the longest first."""
    lengths: dict[str, set[int]] = {}
    for secret in secrets:
        lengths.setdefault(secret[:_HEAD], set()).add(len(secret))
    return {head: sorted(of_head, reverse=True) for head, of_head in lengths.items()}


def _heads(secrets: Iterable[str], length: int) -> str:
    """Return a pattern of how secrets begin: for each of the first places, a set of the signs that stand there."""
    columns = zip(*(secret[:length] for secret in secrets), strict=False)
    sets = []
    for column in columns:
        signs = sorted(re.escape(sign) for sign in set(column))
        sets.append(f"[{''.join(signs)}]")
    return "".join(sets)
