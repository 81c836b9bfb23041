# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of this host that a pattern of receiver file_log matches, such as `/var/log/**/*.log`. Private.

`file_facts.py` tells for the diagnosis how many files a collector reads, and which of them it may not read.

The receiver matches with the Go package doublestar (bmatcuk/doublestar v4, README): `*` and `?` match no `/`, a part
`**` matches any folders, `[a-c]` a character, `[^a]` or `[!a]` another one, and `{a,b}` one of several texts. A
backslash takes the next character as it is. Unlike in Python's glob and in a shell, hidden files match too.
"""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path

# The part of a pattern that matches any folders.
_ANY_FOLDERS = "**"
# Of one pattern with braces, so many without braces are looked up.
_MOST_PATTERNS = 1_000
# Braces without others in them, such as `{a,b}`, and no backslash before them.
_INNER_BRACES = re.compile(r"(?<!\\)\{([^{}]*)\}")
# A backslash with the character that it takes as it is.
_ESCAPED = re.compile(r"\\(.)")
# The characters with which a part of a pattern matches several names.
_SPECIAL = "*?["


def find_matching_files(pattern: str) -> list[str]:
    """Return the files, not the folders, that an absolute pattern matches, sorted by path."""
    files: set[str] = set()
    for plain_pattern in islice(_expand_braces(pattern), _MOST_PATTERNS):
        parts = tuple(part for part in plain_pattern.split("/") if part)
        files.update(path for path in _find_matches("/", parts) if os.path.isfile(path))  # noqa: PTH113 - of many paths
    return sorted(files)


def _expand_braces(pattern: str) -> Iterator[str]:
    """Yield the patterns that one with braces stands for: `ac` and `bc` for `{a,b}c`."""
    braces = _INNER_BRACES.search(pattern)
    if braces is None:
        yield pattern
        return
    prefix, suffix = pattern[: braces.start()], pattern[braces.end() :]
    for choice in braces[1].split(","):
        yield from _expand_braces(prefix + choice + suffix)


def _find_matches(folder: str, parts: tuple[str, ...]) -> Iterator[str]:
    """Yield the paths below a folder that the parts of a pattern match."""
    if not parts:
        yield folder
        return
    part, later_parts = parts[0], parts[1:]
    if part == _ANY_FOLDERS:
        yield from _find_at_any_depth(folder, later_parts)
        return
    if not any(character in part for character in (*_SPECIAL, "\\")):
        yield from _find_matches(os.path.join(folder, part), later_parts)  # noqa: PTH118 - of many paths
        return
    names_pattern = _to_fnmatch_pattern(part)
    for name in _list_names(folder):
        if fnmatchcase(name, names_pattern):
            yield from _find_matches(os.path.join(folder, name), later_parts)  # noqa: PTH118


def _find_at_any_depth(top: str, parts: tuple[str, ...]) -> Iterator[str]:
    """Yield what the parts match below a folder, and below each folder in it; with no parts, all that is there."""
    for folder in _walk_folders(top):
        if parts:
            yield from _find_matches(folder, parts)
            continue
        for name in _list_names(folder):
            path = os.path.join(folder, name)  # noqa: PTH118
            if not os.path.isdir(path):  # noqa: PTH112 - of many paths
                yield path


def _walk_folders(top: str) -> Iterator[str]:
    """Yield a folder and all folders below it, those behind links too, but none that it lies in.

    Each is walked once, so that the walk has an end where folders link to each other. Links come last: a folder that
    lies here has its own path.
    """
    seen = {str(parent) for parent in Path(os.path.realpath(top)).parents}
    waiting = deque([top])
    while waiting:
        folder = waiting.popleft()
        real_folder = os.path.realpath(folder)
        if real_folder in seen:
            continue
        seen.add(real_folder)
        yield folder
        for name in _list_names(folder):
            path = os.path.join(folder, name)  # noqa: PTH118
            if not os.path.isdir(path):  # noqa: PTH112
                continue
            if os.path.islink(path):  # noqa: PTH114
                waiting.append(path)
            else:
                waiting.appendleft(path)


def _list_names(folder: str) -> list[str]:
    """Return the names in a folder; none if it cannot be read or is none."""
    try:
        return os.listdir(folder)  # noqa: PTH208 - names alone
    except OSError:
        return []


def _to_fnmatch_pattern(part: str) -> str:
    """Return a part of a pattern as Python's fnmatch writes it, which has no backslash and no `[^a]`."""
    return _ESCAPED.sub(_quote_character, part).replace("[^", "[!")


def _quote_character(escaped: re.Match[str]) -> str:
    character = escaped[1]
    return f"[{character}]" if character in _SPECIAL else character
