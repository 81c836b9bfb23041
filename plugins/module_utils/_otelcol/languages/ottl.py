# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The OpenTelemetry Transformation Language: its functions, contexts, paths and enums, and what it refuses in a text.

The tables are in _data/catalogue/ottl.json. Private.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..config.layers import parse_version
from ..errors import near
from . import ottl_syntax as words
from .ottl_literals import broken_literal, refused_together
from .ottl_syntax import Invalid, Parser, TooDeep, Used, Value, text_of

SYNTAX, NAME, ARGUMENT = "ottl-syntax", "ottl-name", "ottl-argument"
STATEMENT, CONDITION, ROUTE = "statement", "condition", "route"
_EDITORS_OF_ROUTES = ("route", "delete_key", "delete_matching_keys")
_CACHE = "cache"
# The kinds of literals that an argument takes; a path, a converter and a calculation are known only at run time.
_LATER = words.PATH + words.CALL + words.MATH
_TAKES = {
    "path": words.PATH,
    "any": "sifbnlmye" + _LATER,
    "function": "eF",
    "lambda": words.LAMBDA,
    "text": "s" + _LATER,
    "regex": "s" + _LATER,
    "glob": "s" + _LATER,
    "text-like": "sifbnlmye" + _LATER,
    "int": "ie" + _LATER,
    "int-like": "sifbne" + _LATER,
    "float": "f" + _LATER,
    "float-like": "sifbne" + _LATER,
    "bool": "b" + _LATER,
    "bool-like": "sifbne" + _LATER,
    "map": "m" + _LATER,
    "list": "l" + _LATER,
    "time": _LATER,
    "duration": _LATER,
    "bytes-like": "sifbnye" + _LATER,
    "literal-text": "s",
    "time-format": "s",
    "literal-int": "i",
    "literal-float": "f",
    "literal-bool": "b",
}
_WANTED = {
    "path": "a path",
    "function": "the name of a converter, without parentheses",
    "lambda": "a lambda",
    "text": "text",
    "regex": "a regular expression in quotes",
    "glob": "text",
    "int": "a whole number",
    "float": "a number with a decimal point",
    "bool": "true or false",
    "map": "a map",
    "list": "a list",
    "time": "a time, such as `Now()`",
    "duration": 'a duration, such as `Duration("1h")`',
    "literal-text": "text in quotes",
    "time-format": "a format in quotes",
    "literal-int": "a whole number without a sign",
    "literal-float": "a number with a decimal point and without a sign",
    "literal-bool": "true or false",
}
_SHOWN = {
    words.STRING: "text",
    words.INT: "a whole number",
    words.FLOAT: "a number with a decimal point",
    words.BOOL: "true or false",
    words.NIL: "nil",
    words.BYTES: "bytes",
    words.ENUM: "an enum",
    words.LIST: "a list",
    words.MAP: "a map",
    words.PATH: "a path",
    words.CALL: "a converter",
    words.MATH: "a calculation",
    words.LAMBDA: "a lambda",
    words.NAME: "a name",
}
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


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
    """A function: where it is available, its arguments, the version that brought it, and the first one without it."""

    name: str
    where: str
    arguments: tuple[Argument, ...]
    since: str = ""
    until: str = ""


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
                versions = (row.get("since", ""), row.get("until", ""))
                functions[row["function"]] = Function(row["function"], row["in"], arguments, *versions)
            elif "context" in row:
                paths = {text.removesuffix("[]"): text.endswith("[]") for text in row["paths"]}
                contexts[row["context"]] = Context(row["context"], tuple(row["sees"]), paths, tuple(row["enums"]))
            grok |= {text.removesuffix("*"): "(?P<a>)" if text.endswith("*") else "" for text in row.get("grok", ())}
            exact = row.get("exact", exact)
        return cls(functions, contexts, exact, grok)

    def known(self, kind: str, context: str) -> dict[str, Function]:
        """Return the functions that a kind of text has in a context."""
        if (kind, context) not in self.available:
            component = "transform" if kind == STATEMENT else kind
            places = {"standard", context, f"{component} {context}", kind}
            available = {}
            for name, function in self.functions.items():
                fits = kind == STATEMENT or name[0].isupper() or name in _EDITORS_OF_ROUTES
                if function.where in places and fits:
                    available[name] = function
            self.available[kind, context] = available
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


def read_ottl(text: str, statement: bool) -> Used | Trouble | None:
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


class Inferred(NamedTuple):
    """The context that the Collector chooses; or none, and the word of a path that names no context there."""

    context: str
    unknown: str = ""


def infer_context(language: Language, kind: str, contexts: Sequence[str], texts: Iterable[Used]) -> Inferred:
    """Return the context that the Collector chooses for texts which name contexts in their paths.

    The first context of the table that a path names is chosen if it has the functions and enums, or one that sees it.
    """
    named: set[str] = set()
    functions: set[str] = set()
    enums: set[str] = set()
    for used in texts:
        named.update(_contexts_named_in(used))
        functions.update(call.text for call in used.calls)
        enums.update(enum.text for enum in used.enums)
    chosen = _first_named(language, named)
    if chosen not in contexts:
        return Inferred("", chosen)
    for name in (chosen, *_seeing(language, chosen, contexts)):
        if functions <= set(language.known(kind, name)) and enums <= set(language.contexts[name].enums):
            return Inferred(name)
    return Inferred(chosen)


def _contexts_named_in(used: Used) -> Iterator[str]:
    """Yield the first words of paths such as `span.name`; a word with a key, as in `attributes["a"]`, is a field."""
    for path in used.paths:
        word, keys = path.steps[0]
        if len(path.steps) > 1 and not keys:
            yield word


def _first_named(language: Language, named: set[str]) -> str:
    """Return the first context of the table that is named, `otelcol` last; else a word that is no context."""
    for name in (*_inferable(language), "otelcol"):
        if name in named:
            return name
    return min(named, default="")


def _seeing(language: Language, chosen: str, contexts: Sequence[str]) -> list[str]:
    """Return the other contexts that have the paths of a context too."""
    others = [name for name in _inferable(language) if name in contexts and name != chosen]
    return [name for name in others if chosen in language.contexts[name].sees]


def _inferable(language: Language) -> list[str]:
    return [name for name in language.contexts if name != "otelcol"]


@dataclass(frozen=True)
class Judge:
    """Judges what texts use in one context. `inferred` says that each path has to name its context."""

    language: Language
    context: Context
    kind: str
    version: str
    inferred: bool = False

    def troubles(self, used: Used) -> Iterator[Trouble]:
        """Yield what the context does not have or take."""
        for call in used.calls:
            yield from self._call(call)
        for path in used.paths:
            yield from self._path(path)
        for enum in used.enums:
            yield from self._enum(enum)
        for found in used.lambdas:
            why = "lambdas need the feature gate ottl.functions.enableLambda"
            yield Trouble(ARGUMENT, found.start, why, "Start the Collector with that gate.", gated=True)

    def _call(self, call: Value) -> Iterator[Trouble]:
        known = self.language.known(self.kind, self.context.name)
        function = known.get(call.text)
        if function is None:
            yield self._unknown(call, list(known))
            return
        if function.since and parse_version(self.version) < parse_version(function.since):
            yield Trouble(NAME, call.start, f"function '{call.text}' exists since {function.since}")
            return
        if function.until and parse_version(self.version) >= parse_version(function.until):
            yield Trouble(NAME, call.start, f"function '{call.text}' is gone since {function.until}")
            return
        yield from _count(call, function)
        given: dict[str, Value] = {}
        for number, (name, value) in enumerate(call.arguments):
            taken = _taken(function, number, name)
            if taken is None and name:
                names = [_snake(one.name) for one in function.arguments]
                fix = f"It has: {', '.join(names)}." if names else "It takes no arguments."
                yield Trouble(ARGUMENT, value.start, f"'{call.text}' has no argument '{name}'{near(name, names)}", fix)
            elif taken is not None:
                given[taken.name] = value
                yield from self._argument(call.text, taken, value)
        for value, why, fix in refused_together(self.language.grok, call, given):
            yield Trouble(ARGUMENT, value.start, why, fix)

    def _unknown(self, call: Value, known: list[str]) -> Trouble:
        elsewhere = self.language.functions.get(call.text)
        place = f"context {self.context.name}"
        if elsewhere:
            return Trouble(NAME, call.start, f"function '{call.text}' does not exist in {place} here")
        return Trouble(NAME, call.start, f"function '{call.text}' does not exist{near(call.text, known)}")

    def _argument(self, function: str, taken: Argument, value: Value) -> Iterator[Trouble]:
        if not taken.several:
            yield from self._single(function, taken, value)
        elif value.kind != words.LIST:
            yield Trouble(ARGUMENT, value.start, f"'{_snake(taken.name)}' of '{function}' is a list", "Write `[…]`.")
        else:
            for _name, item in value.arguments:
                yield from self._single(function, taken, item)

    def _single(self, function: str, taken: Argument, value: Value) -> Iterator[Trouble]:
        name = _snake(taken.name)
        takes = _TAKES.get(taken.kind, "")
        signed = value.signed and taken.kind.startswith("literal-")
        if (takes and value.kind not in takes) or signed:
            wanted = _WANTED.get(taken.kind.removesuffix("-like"), "a value")
            yield Trouble(ARGUMENT, value.start, f"'{name}' of '{function}' is {wanted}, not {_SHOWN[value.kind]}")
        elif value.kind == words.STRING:
            text = text_of(value.text) or ""
            if taken.words and text not in taken.words:
                known = f"Use one of {', '.join(taken.words)}."
                yield Trouble(ARGUMENT, value.start, f"'{text}' is unknown here{near(text, taken.words)}", known)
            yield from (Trouble(ARGUMENT, value.start, *wrong) for wrong in broken_literal(taken.kind, text))
        elif taken.kind == "function":
            yield from self._function(value)

    def _function(self, value: Value) -> Iterator[Trouble]:
        known = self.language.known(self.kind, self.context.name)
        if value.text not in known:
            yield self._unknown(value, list(known))
        elif self.inferred and value.kind == words.ENUM:  # the Collector takes the name for an enum
            fix = f"Write `context: {self.context.name}` beside the list of statements."
            yield Trouble(NAME, value.start, f"function '{value.text}' as an argument needs a given context", fix)
        value.kind = words.NAME

    def _path(self, path: Value) -> Iterator[Trouble]:
        first, keyed = path.steps[0]
        context, steps = self.context, path.steps
        if len(steps) > 1 and not keyed and first in context.sees:
            context, steps = self.language.contexts.get("scope" if "scope" in first else first, context), steps[1:]
        elif self.inferred:
            fix = f"Write `{context.name}.{path.text}`."
            yield Trouble(NAME, path.start, f"path '{path.text}' does not start with a context", fix)
            return
        yield from self._steps(path, steps, context)

    def _steps(self, path: Value, steps: list[tuple[str, bool]], context: Context) -> Iterator[Trouble]:
        """Yield what a context does not have of a path, or keys behind what takes none."""
        name = ".".join(step for step, _keys in steps)
        if name == _CACHE:
            if context is not self.context:
                fix = f"Write `{self.context.name}.cache`."
                yield Trouble(NAME, path.start, f"context {self.context.name} has only its own cache", fix)
        elif name not in context.paths:
            yield _no_path(path, context, name)
        elif any(keys for _step, keys in steps[:-1]) or (steps[-1][1] and not context.paths[name]):
            yield Trouble(NAME, path.start, f"'{name}' has no keys", f"Write `{name}`.")

    def _enum(self, enum: Value) -> Iterator[Trouble]:
        if enum.kind != words.ENUM or enum.text in self.context.enums:
            return
        why = f"'{enum.text}' is no enum of context {self.context.name}{near(enum.text, self.context.enums)}"
        yield Trouble(NAME, enum.start, why, "" if self.context.enums else "This context has no enums.")


def _no_path(path: Value, context: Context, name: str) -> Trouble:
    known = context.paths
    first = path.steps[0][0]
    keyed = next((text for text in known if known[text] and name.startswith(f"{text}.")), "")
    if keyed:
        rest = name.removeprefix(f"{keyed}.")
        return Trouble(NAME, path.start, f"'{keyed}' has no path '{rest}'", f'Write `{keyed}["{rest}"]`.')
    what = f"context {context.name} has no path '{name}'"
    if first != context.name and len(path.steps) > 1 and first not in {text.partition(".")[0] for text in known}:
        what = f"context {context.name} has no '{first}'"
    return Trouble(NAME, path.start, f"{what}{near(name, [*known, _CACHE])}", f"Known here: {', '.join(known)}.")


def _count(call: Value, function: Function) -> Iterator[Trouble]:
    least = sum(not one.optional for one in function.arguments)
    most, given = len(function.arguments), len(call.arguments)
    named = False
    for name, value in call.arguments:
        if named and not name:
            yield Trouble(ARGUMENT, value.start, "an argument without a name follows one with a name")
        named = named or bool(name)
    if not least <= given <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        names = ", ".join(f"{_snake(one.name)}{'?' if one.optional else ''}" for one in function.arguments)
        why = f"'{call.text}' takes {wanted} argument{'' if wanted == '1' else 's'}, not {given}"
        yield Trouble(ARGUMENT, call.start, why, f"Write `{call.text}({names})`.")


def _taken(function: Function, number: int, name: str) -> Argument | None:
    if name:
        camel = "".join(part[:1].upper() + part[1:] for part in re.split(r"_|(?<=\d)", name))
        return next((one for one in function.arguments if one.name == camel), None)
    return function.arguments[number] if number < len(function.arguments) else None


def _snake(name: str) -> str:
    return _CAMEL.sub("_", name).lower()
