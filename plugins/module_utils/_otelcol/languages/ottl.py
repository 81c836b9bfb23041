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
from .ottl_syntax import Invalid, Parser, Step, TooDeep, Used, Value, text_of

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
_SNAKE = re.compile(r"_|(?<=\d)")


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

    def takes(self, value: Value) -> bool:
        """Whether a value is of a kind that it takes; a number that is written as a literal has no sign."""
        if value.signed and self.kind.startswith("literal-"):
            return False
        kinds = _TAKES.get(self.kind, "")
        return not kinds or value.kind in kinds


@dataclass(frozen=True)
class Function:
    """A function: where it is available, its arguments, the version that brought it, and the first one without it."""

    name: str
    where: str
    arguments: tuple[Argument, ...]
    since: str = ""
    until: str = ""

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Function:
        """Return the function of a row of the table."""
        arguments = tuple(_argument(text) for text in row["arguments"])
        return cls(row["function"], row["in"], arguments, row.get("since", ""), row.get("until", ""))

    def argument(self, number: int, name: str) -> Argument | None:
        """Return the argument of this name, or without one that at a place; None if there is none."""
        if not name:
            return self.arguments[number] if number < len(self.arguments) else None
        camel = "".join(word[:1].upper() + word[1:] for word in _SNAKE.split(name))
        for argument in self.arguments:
            if argument.name == camel:
                return argument
        return None


@dataclass(frozen=True)
class Context:
    """What texts can name: the contexts that they see, its own paths with whether these take keys, and its enums."""

    name: str
    sees: tuple[str, ...]
    paths: Mapping[str, bool]
    enums: tuple[str, ...]

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Context:
        """Return the context of a row of the table, in which paths that take keys end with `[]`."""
        paths = {text.removesuffix("[]"): text.endswith("[]") for text in row["paths"]}
        return cls(row["context"], tuple(row["sees"]), paths, tuple(row["enums"]))


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
        functions: dict[str, Function] = {}
        contexts: dict[str, Context] = {}
        grok: dict[str, str] = {}
        exact = ""
        for row in rows:
            if "function" in row:
                functions[row["function"]] = Function.from_row(row)
            elif "context" in row:
                contexts[row["context"]] = Context.from_row(row)
            for text in row.get("grok", ()):
                has_group = text.endswith("*")
                grok[text.removesuffix("*")] = "(?P<a>)" if has_group else ""
            exact = row.get("exact", exact)
        return cls(functions, contexts, exact, grok)

    def known(self, kind: str, context: str) -> dict[str, Function]:
        """Return the functions that a kind of text has in a context."""
        if (kind, context) not in self.available:
            component = "transform" if kind == STATEMENT else kind
            places = {"standard", context, f"{component} {context}", kind}
            self.available[kind, context] = {
                name: function
                for name, function in self.functions.items()
                if function.where in places and _may_call(kind, name)
            }
        return self.available[kind, context]

    def hedge(self, version: str) -> str:
        """Return why a version may differ from the tables; empty if they are exact for it."""
        since, _dots, until = self.exact.partition("..")
        exact = parse_version(since) <= parse_version(version) < parse_version(until)
        return "" if exact else f"known for {since} to before {until}"


def _may_call(kind: str, function: str) -> bool:
    """Whether a kind of text may call a function: only statements change data by any of those in lower case."""
    return kind == STATEMENT or function[0].isupper() or function in _EDITORS_OF_ROUTES


def _argument(text: str) -> Argument:
    """Return an argument as a row of the table spells it: `Name list-of-text=a|b?`."""
    name, _blank, spelled = text.partition(" ")
    kind, _sign, listed = spelled.removesuffix("?").partition("=")
    listed_words = tuple(word for word in listed.split("|") if word)
    return Argument(
        name,
        kind.removeprefix("list-of-"),
        several=kind.startswith("list-of-"),
        optional=text.endswith("?"),
        words=listed_words,
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
        parser.advance()
        parser.require_truth(parser.value_or_condition())
    return _all_of(parser, "the end or `where`")


def _condition(text: str) -> Used:
    parser = Parser(text)
    parser.require_truth(parser.value_or_condition())
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
        """Yield what is wrong with a call: a function that the context or the version lacks, or its arguments."""
        known = self.language.known(self.kind, self.context.name)
        function = known.get(call.text)
        if function is None:
            yield self._unknown(call, list(known))
            return
        other_version = self._of_other_version(function)
        if other_version:
            yield Trouble(NAME, call.start, f"function '{call.text}' {other_version}")
            return
        yield from _wrong_count(call, function)
        given: dict[str, Value] = {}
        for number, (name, value) in enumerate(call.arguments):
            argument = function.argument(number, name)
            if argument is not None:
                given[argument.name] = value
                yield from self._argument(call.text, argument, value)
            elif name:
                yield _no_argument(call, function, name, value)
        for value, why, fix in refused_together(self.language.grok, call, given):
            yield Trouble(ARGUMENT, value.start, why, fix)

    def _of_other_version(self, function: Function) -> str:
        """Return which versions have a function, if this one has not."""
        version = parse_version(self.version)
        if function.since and version < parse_version(function.since):
            return f"exists since {function.since}"
        if function.until and version >= parse_version(function.until):
            return f"is gone since {function.until}"
        return ""

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

    def _single(self, function: str, argument: Argument, value: Value) -> Iterator[Trouble]:
        """Yield why a value is not one that an argument takes."""
        if not argument.takes(value):
            expected = _WANTED.get(argument.kind.removesuffix("-like"), "a value")
            why = f"'{_snake(argument.name)}' of '{function}' is {expected}, not {_SHOWN[value.kind]}"
            yield Trouble(ARGUMENT, value.start, why)
        elif value.kind == words.STRING:
            yield from _wrong_text(argument, value)
        elif argument.kind == "function":
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

    def _steps(self, path: Value, steps: list[Step], context: Context) -> Iterator[Trouble]:
        """Yield what a context does not have of a path, or keys behind what takes none."""
        name = ".".join(step for step, _has_keys in steps)
        if name == _CACHE:
            if context is not self.context:
                fix = f"Write `{self.context.name}.cache`."
                yield Trouble(NAME, path.start, f"context {self.context.name} has only its own cache", fix)
            return
        if name not in context.paths:
            yield _no_path(path, context, name)
            return
        *around, (_last, ends_with_keys) = steps
        has_keys_within = any(has_keys for _step, has_keys in around)
        if has_keys_within or (ends_with_keys and not context.paths[name]):
            yield Trouble(NAME, path.start, f"'{name}' has no keys", f"Write `{name}`.")

    def _enum(self, enum: Value) -> Iterator[Trouble]:
        if enum.kind != words.ENUM or enum.text in self.context.enums:
            return
        why = f"'{enum.text}' is no enum of context {self.context.name}{near(enum.text, self.context.enums)}"
        yield Trouble(NAME, enum.start, why, "" if self.context.enums else "This context has no enums.")


def _wrong_text(argument: Argument, value: Value) -> Iterator[Trouble]:
    """Yield why a text in quotes is not one that an argument takes."""
    text = text_of(value.text) or ""
    if argument.words and text not in argument.words:
        known = f"Use one of {', '.join(argument.words)}."
        yield Trouble(ARGUMENT, value.start, f"'{text}' is unknown here{near(text, argument.words)}", known)
    for why, fix in broken_literal(argument.kind, text):
        yield Trouble(ARGUMENT, value.start, why, fix)


def _no_argument(call: Value, function: Function, name: str, value: Value) -> Trouble:
    """Return that a function has no argument of this name."""
    names = [_snake(argument.name) for argument in function.arguments]
    fix = f"It has: {', '.join(names)}." if names else "It takes no arguments."
    return Trouble(ARGUMENT, value.start, f"'{call.text}' has no argument '{name}'{near(name, names)}", fix)


def _no_path(path: Value, context: Context, name: str) -> Trouble:
    """Return that a context has no path, with what takes its last names as a key, or with the nearest path."""
    known = context.paths
    for text, takes_keys in known.items():
        if takes_keys and name.startswith(f"{text}."):
            rest = name.removeprefix(f"{text}.")
            return Trouble(NAME, path.start, f"'{text}' has no path '{rest}'", f'Write `{text}["{rest}"]`.')
    first = path.steps[0][0]
    first_names = {text.partition(".")[0] for text in known}
    is_unknown_begin = len(path.steps) > 1 and first != context.name and first not in first_names
    what = f"'{first}'" if is_unknown_begin else f"path '{name}'"
    hint = near(name, [*known, _CACHE])
    return Trouble(NAME, path.start, f"context {context.name} has no {what}{hint}", f"Known here: {', '.join(known)}.")


def _wrong_count(call: Value, function: Function) -> Iterator[Trouble]:
    """Yield arguments without a name behind one with a name, and that there are too few or too many."""
    is_named = False
    for name, value in call.arguments:
        if is_named and not name:
            yield Trouble(ARGUMENT, value.start, "an argument without a name follows one with a name")
        is_named = is_named or bool(name)
    least = sum(not argument.optional for argument in function.arguments)
    most, given = len(function.arguments), len(call.arguments)
    if not least <= given <= most:
        expected = str(least) if least == most else f"{least} to {most}"
        noun = "argument" if expected == "1" else "arguments"
        names = ", ".join(_snake(argument.name) + "?" * argument.optional for argument in function.arguments)
        why = f"'{call.text}' takes {expected} {noun}, not {given}"
        yield Trouble(ARGUMENT, call.start, why, f"Write `{call.text}({names})`.")


def _snake(name: str) -> str:
    return _CAMEL.sub("_", name).lower()
