# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exception of this collection, and how its texts are made fit to show: printable, short and without secrets.

    raise Problem("there is no port 99999", asked="Read config gateway", where="gateway.yml:7", fix="Use 1 to 65535.")

    Read config gateway: there is no port 99999 (at gateway.yml:7). Use 1 to 65535.

Texts of a cluster, a server or a user may have characters that forge lines or change what a terminal shows. Three
functions escape these:

| function | for | line ends | length |
|---|---|---|---|
| `clean_text` | a foreign text that becomes part of a message, or a tree of such texts | become blanks | is limited |
| `make_printable` | a whole message, as `Problem` shows it | stay | is limited for each line |
| `escape_tree` | data in a result, such as a rendered config | stay | stays |

The end of the file suggests the nearest known word for an unknown one. Private.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

# Unicode's categories of control, format and surrogate characters, and of ends of lines and paragraphs: none of them is
# shown as it is.
_HIDDEN_CATEGORIES = ("Cc", "Cf", "Cs", "Zl", "Zp")
# Characters of the longest text of others that is shown.
LONGEST_TEXT = 1_000
# Characters of the longest line of a message, which may hold several such texts.
_LONGEST_LINE = 5_000
# A text that is cut keeps its end: one of so many parts of what is left.
_END_FRACTION = 5
# What `strip_credentials` takes out of an address.
_SECRET_PARTS = re.compile(
    r"""(?sx)
    (?<=://)                                # Behind the scheme:
    (?:
        [^/?\#]*@                           # - `user:password@` and `user@`.
      |
        [^/?\#:]*:                          # - `user:`
        (?!\d*(?:[/?\#]|\Z))                #   that is no host with its port, as in `host:4317/path@2`,
        .{0,500}@                           #   with a password up to `@`. A user may write it as it is: `pa/ss?w#rd`.
    )
    | [?\#].*                               # The query and the fragment, to the end.
    """
)
# What stands in place of a secret.
MASK = "********"


@dataclass
class ComparisonLimit:
    """How many more words `suggest_word` may compare. `run_rules` sets the number anew for each rule."""

    remaining: int


# Set inside of `limit_suggestions`; None outside, where all words are compared.
_COMPARISON_LIMIT: ContextVar[ComparisonLimit | None] = ContextVar("comparison_limit", default=None)


class Problem(Exception):  # noqa: N818 - what a user reads, not what a developer traces
    """An error that the user can fix. Only the actions and modules turn it into a failed task.

    `wrong` is what is wrong, `asked` what was to be done, `where` the location, and `fix` what to do. `facts` are keys
    for the result of the task.
    """

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
        request_and_reason = f"{self.asked}: {self.wrong}" if self.asked else self.wrong
        location = f" (at {self.where})" if self.where else ""
        sentence = f"{request_and_reason}{location}"
        full_stop = "" if sentence.endswith((".", "!", "?")) else "."
        return make_printable(f"{sentence}{full_stop} {self.fix}".rstrip())


@contextmanager
def prefix_problems(subject: str) -> Iterator[None]:
    """Let each Problem of the block name whom it is about, `subject: …`, unless its text does. Its class stays.

    A name counts only as a whole: a Problem about collector `gateway-eu` does not name collector `gateway`.
    """
    try:
        yield
    except Problem as problem:
        if not re.search(rf"(?<![\w-]){re.escape(subject)}(?![\w-])", str(problem)):
            problem.asked = f"{subject}: {problem.asked}" if problem.asked else subject
        raise


class Failure(Problem):
    """A Problem of workloads that a run waits for, changes or judges."""


def clean_text(value: Any, longest: int = LONGEST_TEXT) -> Any:
    """Return text of a cluster, pod, registry or server as one line that a terminal, log or page can show.

    Control and format characters are escaped: escape sequences change what a terminal shows, bidirectional marks its
    order. Line ends, which forge lines, become blanks, and the text is cut. In a tree, all texts and keys are cleaned.

        "two\\nlines"        →    "two lines"
        "\\x1b[31mred"       →    "\\\\u001b[31mred"
    """
    if isinstance(value, str):
        return _fit_in_line(value, longest)
    if isinstance(value, Mapping):
        return {clean_text(key, longest): clean_text(child, longest) for key, child in value.items()}
    return [clean_text(child, longest) for child in value] if isinstance(value, (list, tuple)) else value


def make_printable(text: str) -> str:
    """Return a message of several lines, each of them as `clean_text` returns it, with more room."""
    if len(text) <= _LONGEST_LINE and text.isprintable():  # a line end is not printable
        return text
    return "\n".join(_fit_in_line(line, _LONGEST_LINE) for line in text.split("\n"))


def escape_tree(value: Any) -> Any:
    """Return a tree of results with control and format characters escaped; line ends and lengths stay."""
    if isinstance(value, str):
        lines = value.split("\n")
        return value if all(map(str.isprintable, lines)) else "\n".join(map(_escape_line, lines))
    if isinstance(value, Mapping):
        return {escape_tree(key): escape_tree(child) for key, child in value.items()}
    return [escape_tree(child) for child in value] if isinstance(value, (list, tuple)) else value


def _fit_in_line(text: str, longest: int) -> str:
    """Return a text in one line, cut in the middle if it is too long.

    The end is kept, since messages often say there what is wrong with a long value before it.
    """
    if len(text) > longest:
        end_length = longest // _END_FRACTION
        text = f"{text[: longest - end_length]}… ({len(text) - longest} more characters) …{text[-end_length:]}"
    return text if text.isprintable() else _escape_line(" ".join(text.splitlines()))


def _is_hidden(character: str) -> bool:
    """Whether a character is escaped: one that nobody sees. A tab is a control character too, but changes nothing."""
    return character != "\t" and unicodedata.category(character) in _HIDDEN_CATEGORIES


def _escape_line(line: str) -> str:
    """Return a line with its hidden characters as `\\u001b`."""
    return "".join(f"\\u{ord(character):04x}" if _is_hidden(character) else character for character in line)


def strip_credentials(address: str) -> str:
    """Return an address without user, password and query, which may be secret; a path stays as it is.

    https://me:pass@backend:4318/v1?key=abc    →    https://backend:4318/v1
    """
    return _SECRET_PARTS.sub("", address) if "://" in address else address


def join_at_most(limit: int, values: Iterable[Any], between: str = ", ", last: str = " ") -> str:
    """Return the first items as one text, and how many more there are.

    With limit 2, [a, b, c, d] becomes `a, b and 2 more`. `last` stands before `and`.
    """
    texts = list(map(str, values))
    remainder = f"{last}and {len(texts) - limit} more" if len(texts) > limit else ""
    return f"{between.join(texts[:limit])}{remainder}"


# ── The nearest known word ──


@contextmanager
def limit_suggestions(comparisons: int) -> Iterator[ComparisonLimit]:
    """Limit how many words `suggest_word` compares in this context: thousands of errors need no suggestion each."""
    limit = ComparisonLimit(comparisons)
    token = _COMPARISON_LIMIT.set(limit)
    try:
        yield limit
    finally:
        _COMPARISON_LIMIT.reset(token)


def may_suggest() -> bool:
    """Whether `suggest_word` may still compare words in this context."""
    limit = _COMPARISON_LIMIT.get()
    return limit is None or limit.remaining > 0


def suggest_word(word: str, known_words: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the nearest of the known words, or nothing."""
    nearest_word = find_nearest(word, known_words)
    return f"; did you mean '{nearest_word}'?" if nearest_word else ""


def find_nearest(word: str, known_words: Iterable[str], cutoff: float = 0.6) -> str:
    """Return the nearest of the known words, or an empty string."""
    if not may_suggest():
        return ""
    words = tuple(candidate for candidate in known_words if isinstance(candidate, str))
    limit = _COMPARISON_LIMIT.get()
    if limit is not None:
        limit.remaining -= len(words)
    return _find_closest(word, words, cutoff)


@lru_cache(maxsize=1024)
def _find_closest(word: str, words: tuple[str, ...], cutoff: float) -> str:
    """Return the nearest of some words; many configs have the same mistake."""
    return next(iter(difflib.get_close_matches(word, words, n=1, cutoff=cutoff)), "")
