# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Globs of files, as receiver file_log reads them in `include` and `exclude`: which paths a glob matches. Private.

Rules on loops ask whether a receiver reads the log of its own collector: `/var/log/pods/*/{app,otel}/*.log` matches
`/var/log/pods/obs_agent_1/otel/0.log`. Two stars match
folders only as a whole name between slashes: `/a/**.log` is `/a/*.log`. Source: match.go of bmatcuk/doublestar.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

# Longer globs, and those with more braces, match nothing here: no text of others takes long.
_LONGEST_GLOB = 2000
_MOST_BRACES = 50
# The tokens of a glob: `**/`, `**` at the end of the glob or of an alternative, other stars, which are one, a set in
# brackets such as `[!a-z]`, or one character, which `\` may escape.
_TOKEN = re.compile(r"\*\*/|\*\*(?=[,}]|\Z)|(?P<name_stars>\*+)|\[[!^]?[^\]]{1,64}\]|\\?.", re.DOTALL)
# A member of a set: a character, or a range such as `a-z`. Groups: the first character, the last one of a range.
_CHARACTER_RANGE = re.compile(r"(.)(?:-(.))?", re.DOTALL)


class _Braces(NamedTuple):
    """Alternatives in braces: `{a,b*}` has the alternatives `["a"]` and `["b", "*"]`."""

    alternatives: list[list[str | _Braces]]


class _OpenBraces(NamedTuple):
    """Braces that are not closed yet, and the elements in which they stand."""

    braces: _Braces
    elements_around: list[str | _Braces]


def glob_matches(glob: str, path: str) -> bool:
    """Whether a glob of file_log matches a path, in steps that grow with their lengths alone."""
    if len(glob) > _LONGEST_GLOB or glob.count("{") > _MOST_BRACES:
        return False
    return len(path) in _find_ends(_parse_glob(glob), {0}, path)


def _parse_glob(glob: str) -> list[str | _Braces]:
    """Return the elements of a glob: tokens, and braces with elements in them.

    `/a/{b,c*}` becomes `/`, `a`, `/` and braces with the alternatives `["b"]` and `["c", "*"]`. An alternative that no
    comma or brace ends is left out.
    """
    elements: list[str | _Braces] = []
    whole_glob = elements
    open_braces: list[_OpenBraces] = []
    for match in _TOKEN.finditer(glob):
        token = "*" if match["name_stars"] else match[0]
        if token == "{":
            braces = _Braces([])
            elements.append(braces)
            open_braces.append(_OpenBraces(braces, elements))
            elements = []
        elif open_braces and token in (",", "}"):
            open_braces[-1].braces.alternatives.append(elements)
            elements = [] if token == "," else open_braces.pop().elements_around
        else:
            elements.append(token)
    return whole_glob


def _find_ends(elements: Iterable[str | _Braces], starts: set[int], path: str) -> set[int]:
    """Return where in a path a match of all elements can end, if it begins at one of these places.

    Places are numbers of characters: `*` in `/a/b`, from 1 on, may end at 1 and 2.
    """
    places = starts
    for element in elements:
        ends: set[int] = set()
        if isinstance(element, _Braces):
            for alternative in element.alternatives:
                ends |= _find_ends(alternative, places, path)
        else:
            for place in places:
                ends.update(_find_token_ends(element, place, path))
        places = ends
    return places


def _find_token_ends(token: str, start: int, path: str) -> Iterable[int]:
    """Return where a token of a glob may end in a path that it begins to match at a place."""
    begins_name = start == 0 or path[start - 1] == "/"
    if token in ("**", "**/") and begins_name:
        return _find_folder_ends(token, start, path)
    slash = path.find("/", start)
    if token == "**/":
        return [] if slash < 0 else [slash + 1]
    if token in ("*", "**"):
        name_end = len(path) if slash < 0 else slash
        return range(start, name_end + 1)
    if start < len(path) and _matches_character(token, path[start]):
        return [start + 1]
    return []


def _find_folder_ends(token: str, start: int, path: str) -> Iterable[int]:
    """Return where two stars that are a whole name may end: they match any number of folders, and at the end a file."""
    if token == "**":
        return range(start, len(path) + 1)
    slashes = [index for index in range(start, len(path)) if path[index] == "/"]
    return [start, *(index + 1 for index in slashes)]


def _matches_character(token: str, character: str) -> bool:
    """Whether a token for one character matches it: itself, `?` or a set in brackets, neither of which has slashes."""
    if token == "?":
        return character != "/"
    if token[0] == "[" and len(token) > 1:
        return character != "/" and _is_in_set(token, character)
    return token[-1] == character


def _is_in_set(token: str, character: str) -> bool:
    """Whether a set in brackets has a character: `[a-c]` has b, and `[!a-c]` or `[^a-c]` all but a, b and c."""
    is_negated = token[1:2] in ("!", "^")
    members = token[2:-1] if is_negated else token[1:-1]
    for first_character, last_character in _CHARACTER_RANGE.findall(members):
        if first_character <= character <= (last_character or first_character):
            return not is_negated
    return is_negated
