# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The OpenTelemetry Transformation Language: its functions, contexts, paths and enums, and what a text uses of them.

The tables are in _data/catalogue/ottl.json. Private.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..config.layers import parse_version
from .ottl_syntax import Parser
from .ottl_tokens import Invalid, TooDeep, Used

SYNTAX, NAME, ARGUMENT = "ottl-syntax", "ottl-name", "ottl-argument"
STATEMENT, CONDITION, ROUTE = "statement", "condition", "route"
_EDITORS_OF_ROUTES = ("route", "delete_key", "delete_matching_keys")


class Trouble(NamedTuple):
    """What is wrong in a text, by rule, and where; `gated` says that a feature gate allows it."""

    rule: str
    start: int
    why: str
    fix: str = ""
    gated: bool = False


class Argument(NamedTuple):
    """An argument of a function: its name in Go, its kind, and the words that it may be."""

    name: str
    kind: str
    several: bool
    optional: bool
    words: tuple[str, ...]


@dataclass(frozen=True)
class Function:
    """A function: where it is available, its arguments, and the version that brought it."""

    name: str
    where: str
    arguments: tuple[Argument, ...]
    since: str = ""


@dataclass(frozen=True)
class Context:
    """What texts can name: the contexts that they see, its own paths with whether these take keys, and its enums."""

    name: str
    sees: tuple[str, ...]
    paths: Mapping[str, bool]
    enums: tuple[str, ...]


@dataclass(frozen=True)
class Language:
    """The tables, and the versions for which they are exact; `grok` has the named groups in each grok pattern."""

    functions: Mapping[str, Function]
    contexts: Mapping[str, Context]
    exact: str
    grok: Mapping[str, str] = field(default_factory=dict)
    available: dict[tuple[str, str], dict[str, Function]] = field(default_factory=dict)

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, Any]]) -> Language:
        """Return the tables of _data/catalogue/ottl.json."""
        functions, contexts, exact = {}, {}, ""
        grok: dict[str, str] = {}
        for row in rows:
            if "function" in row:
                arguments = tuple(_argument(text) for text in row["arguments"])
                functions[row["function"]] = Function(row["function"], row["in"], arguments, row.get("since", ""))
            elif "context" in row:
                paths = {text.removesuffix("[]"): text.endswith("[]") for text in row["paths"]}
                contexts[row["context"]] = Context(row["context"], tuple(row["sees"]), paths, tuple(row["enums"]))
            grok |= {text.removesuffix("*"): "(?P<a>)" if text.endswith("*") else "" for text in row.get("grok", ())}
            exact = row.get("exact", exact)
        return cls(functions, contexts, exact, grok)

    def known(self, kind: str, context: str) -> dict[str, Function]:
        """Return the functions that a kind of text has in a context."""
        if (kind, context) not in self.available:
            groups = {"standard", context, f"{'transform' if kind == STATEMENT else kind} {context}", kind}
            found = {name: one for name, one in self.functions.items() if one.where in groups}
            if kind != STATEMENT:
                found = {name: one for name, one in found.items() if name[0].isupper() or name in _EDITORS_OF_ROUTES}
            self.available[kind, context] = found
        return self.available[kind, context]

    def hedge(self, version: str) -> str:
        """Return why a version may differ from the tables; empty if they are exact for it."""
        since, _dots, until = self.exact.partition("..")
        exact = parse_version(since) <= parse_version(version) < parse_version(until)
        return "" if exact else f"known for {since} to before {until}"


def _argument(text: str) -> Argument:
    name, _blank, kind = text.partition(" ")
    kind, _sign, listed = kind.removesuffix("?").partition("=")
    several = kind.startswith("list-of-")
    return Argument(
        name, kind.removeprefix("list-of-"), several, text.endswith("?"), tuple(filter(None, listed.split("|")))
    )


def read(text: str, statement: bool) -> Used | Trouble | None:
    """Return what a text uses, or why it is not in the language; None if it nests too deep to be judged."""
    try:
        return _statement(text) if statement else _condition(text)
    except Invalid as invalid:
        return Trouble(SYNTAX, invalid.start, invalid.why, invalid.fix)
    except TooDeep:
        return None


def _statement(text: str) -> Used:
    parser = Parser(text)
    first = parser.token
    if first.kind == "upper":
        raise Invalid(first.start, "a statement starts with a function in lower case", "Write `set(…)`.")
    if first.kind != "lower":
        raise parser.unexpected("a function, such as `set(…)`,")
    parser.used.calls.insert(0, parser.call())
    if parser.token.text == "where" and parser.token.kind == "lower":
        parser.next()
        parser.truth(parser.either())
    return _all_of(parser, "the end or `where`")


def _condition(text: str) -> Used:
    parser = Parser(text)
    parser.truth(parser.either())
    return _all_of(parser, "the end, `and` or `or`")


def _all_of(parser: Parser, wanted: str) -> Used:
    if parser.token.kind != "end":
        raise parser.unexpected(wanted)
    return parser.used


def infer(language: Language, kind: str, contexts: Sequence[str], texts: Iterable[Used]) -> tuple[str, str]:
    """Return the context that the Collector chooses for texts which name contexts in their paths, or why it has none.

    The first context of the table that a path names is chosen if it has the functions and enums, or one that sees it.
    """
    named, functions, enums = set(), set(), set()
    for used in texts:
        named |= {path.steps[0][0] for path in used.paths if len(path.steps) > 1 and not path.steps[0][1]}
        functions |= {call.text for call in used.calls}
        enums |= {enum.text for enum in used.enums}
    order = [name for name in language.contexts if name != "otelcol"]
    chosen = next((name for name in (*order, "otelcol") if name in named), next(iter(sorted(named)), ""))
    if chosen not in contexts:
        return "", chosen
    above = [name for name in order if name in contexts and chosen in language.contexts[name].sees and name != chosen]
    for name in (chosen, *above):
        if functions <= set(language.known(kind, name)) and enums <= set(language.contexts[name].enums):
            return name, ""
    return chosen, ""
