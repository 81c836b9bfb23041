# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exception of this collection: the request, the reason, the location and the fix. Private."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# Unicode's categories of control, format and surrogate characters, and of ends of lines and paragraphs.
_HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
_SECRET_PARTS = re.compile(r"(?<=://)[^/?#]*@|[?#].*", re.DOTALL)
# How many more words `near` may compare, if limited.
_LEFT: ContextVar[list[int] | None] = ContextVar("left", default=None)


class Problem(Exception):  # noqa: N818 - what a user reads, not what a developer traces
    """An error that the user can fix. Only the edge turns it into a failed task."""

    def __init__(self, wrong: str, *, asked: str = "", where: str = "", fix: str = "") -> None:
        self.wrong = wrong
        self.asked = asked
        self.where = where
        self.fix = fix
        super().__init__(str(self))

    def __str__(self) -> str:
        """Return the message: request, reason, location, fix."""
        head = f"{self.asked}: {self.wrong}" if self.asked else self.wrong
        where = f" (at {self.where})" if self.where else ""
        text = f"{head}{where}"
        stop = "" if text.endswith((".", "!", "?")) else "."
        return printable(f"{text}{stop} {self.fix}".rstrip())


def printable(text: str) -> str:
    """Return a text of a cluster, pod or server as a terminal can show it: control and format characters escaped.

    Escape sequences change what a terminal shows, and bidirectional marks change its order. Line ends stay.
    """
    if text.isprintable():
        return text
    return "".join(
        f"\\u{ord(char):04x}" if unicodedata.category(char) in _HIDDEN and char not in "\n\t" else char for char in text
    )


def shown(where: str) -> str:
    """Return an address without user, password and query, which may be secret; a path stays as it is."""
    return _SECRET_PARTS.sub("", where) if "://" in where else where


@contextmanager
def few_suggestions(comparisons: int) -> Iterator[Callable[[], None]]:
    """Limit how many words `near` compares in this context: thousands of errors need no suggestion each.

    The yielded function resets the limit.
    """
    left = [comparisons]

    def again() -> None:
        left[0] = comparisons

    token = _LEFT.set(left)
    try:
        yield again
    finally:
        _LEFT.reset(token)


def near(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the nearest of the known words, or nothing."""
    left = _LEFT.get()
    if left is not None and left[0] <= 0:
        return ""
    words = [item for item in known if isinstance(item, str)]
    if left is not None:
        left[0] -= len(words)
    match = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    return f"; did you mean '{match[0]}'?" if match else ""
