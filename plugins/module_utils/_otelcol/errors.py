# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exception of this collection: the request, the reason, the location and the fix. Private."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

# Unicode's categories of control, format and surrogate characters, and of ends of lines and paragraphs.
_HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
# The length of one text of others, that of a line of a message, which holds several, and the part that is the end.
LONGEST, _LONGEST_LINE, _TAIL = 1_000, 5_000, 5
# A user may write a password as it is, with signs that end a host; what is a port after a colon is none.
_SECRET_PARTS = re.compile(r"(?<=://)(?:[^/?#]*@|[^/?#:]*:(?!\d*(?:[/?#]|\Z)).{0,500}@)|[?#].*", re.DOTALL)
# What stands in place of a secret.
MASK = "********"
# How many more words `near` may compare, if limited.
_LEFT: ContextVar[list[int] | None] = ContextVar("left", default=None)


class Problem(Exception):  # noqa: N818 - what a user reads, not what a developer traces
    """An error that the user can fix, with facts for the result. Only the edge turns it into a failed task."""

    def __init__(
        self, wrong: str, *, asked: str = "", where: str = "", fix: str = "", facts: dict[str, Any] | None = None
    ) -> None:
        self.wrong = wrong
        self.asked = asked
        self.where = where
        self.fix = fix
        self.facts = facts or {}
        super().__init__(str(self))

    def __str__(self) -> str:
        """Return the message: request, reason, location, fix."""
        head = f"{self.asked}: {self.wrong}" if self.asked else self.wrong
        where = f" (at {self.where})" if self.where else ""
        text = f"{head}{where}"
        stop = "" if text.endswith((".", "!", "?")) else "."
        return printable(f"{text}{stop} {self.fix}".rstrip())


@contextmanager
def about(who: str) -> Iterator[None]:
    """Let a Problem name whom it is about, unless it does. Its class and its facts stay.

    A name counts only as a whole: a Problem about collector `gateway-eu` does not name collector `gateway`.
    """
    try:
        yield
    except Problem as problem:
        if not re.search(rf"(?<![\w-]){re.escape(who)}(?![\w-])", str(problem)):
            problem.asked = f"{who}: {problem.asked}" if problem.asked else who
        raise


class Failure(Problem):
    """A Problem of workloads that a run waits for, changes or judges."""


def cleaned(value: Any, longest: int = LONGEST) -> Any:
    """Return text of a cluster, pod, registry or server as one line that a terminal, log or page can show.

    Control and format characters are escaped: escape sequences change what a terminal shows, bidirectional marks its
    order. Line ends, which forge lines, become blanks, and the text is cut. In a tree, all texts and keys are cleaned.
    """
    if isinstance(value, str):
        return _line(value, longest)
    if isinstance(value, Mapping):
        return {cleaned(key, longest): cleaned(item, longest) for key, item in value.items()}
    return [cleaned(item, longest) for item in value] if isinstance(value, (list, tuple)) else value


def printable(text: str) -> str:
    """Return a message of several lines, each of them as `cleaned` returns it, with more room."""
    if len(text) <= _LONGEST_LINE and text.isprintable():  # a line end is not printable
        return text
    return "\n".join(_line(line, _LONGEST_LINE) for line in text.split("\n"))


def escaped_tree(value: Any) -> Any:
    """Return a tree of results with control and format characters escaped; line ends and lengths stay."""
    if isinstance(value, str):
        lines = value.split("\n")
        return value if all(map(str.isprintable, lines)) else "\n".join(map(_escaped, lines))
    if isinstance(value, Mapping):
        return {escaped_tree(key): escaped_tree(item) for key, item in value.items()}
    return [escaped_tree(item) for item in value] if isinstance(value, (list, tuple)) else value


def _line(text: str, longest: int) -> str:
    """Return a text in one line. What is wrong with a long value often stands after it, so the end is kept too."""
    if len(text) > longest:
        tail = longest // _TAIL
        text = f"{text[: longest - tail]}… ({len(text) - longest} more characters) …{text[-tail:]}"
    return text if text.isprintable() else _escaped(" ".join(text.splitlines()))


def _escaped(line: str) -> str:
    return "".join(
        f"\\u{ord(sign):04x}" if sign != "\t" and unicodedata.category(sign) in _HIDDEN else sign for sign in line
    )


def shown(where: str) -> str:
    """Return an address without user, password and query, which may be secret; a path stays as it is."""
    return _SECRET_PARTS.sub("", where) if "://" in where else where


def at_most(number: int, items: Iterable[Any], between: str = ", ", last: str = " ") -> str:
    """Return the first items as one text, and how many more there are."""
    found = list(map(str, items))
    more = f"{last}and {len(found) - number} more" if len(found) > number else ""
    return f"{between.join(found[:number])}{more}"


@contextmanager
def few_suggestions(comparisons: int) -> Iterator[list[int]]:
    """Limit how many words `near` compares in this context: thousands of errors need no suggestion each.

    The yielded list has how many are left.
    """
    left = [comparisons]
    token = _LEFT.set(left)
    try:
        yield left
    finally:
        _LEFT.reset(token)


def may_suggest() -> bool:
    """Whether `near` may still compare words in this context."""
    left = _LEFT.get()
    return left is None or left[0] > 0


def near(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the nearest of the known words, or nothing."""
    match = nearest(word, known)
    return f"; did you mean '{match}'?" if match else ""


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Return the nearest of the known words, or an empty string."""
    if not may_suggest():
        return ""
    left = _LEFT.get()
    words = tuple(item for item in known if isinstance(item, str))
    if left is not None:
        left[0] -= len(words)
    return _closest(word, words, cutoff)


@lru_cache(maxsize=1024)
def _closest(word: str, words: tuple[str, ...], cutoff: float) -> str:
    """Return the nearest of some words; many configs have the same mistake."""
    return next(iter(difflib.get_close_matches(word, words, n=1, cutoff=cutoff)), "")
