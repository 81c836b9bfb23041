# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The OpenTelemetry Transformation Language: its functions, contexts, paths and enums, and what it refuses in a text.

The tables are in _data/catalogue/ottl.json. ottl_syntax.py reads a text; `OttlJudge` here compares the names in it with
the tables. A text is of a kind: a statement, a condition or a route (`STATEMENT`, `CONDITION`, `ROUTE`). A context is
what a text works on, such as span or datapoint: it says which paths and enums exist. An editor is a function in lower
case that changes data, a converter one in upper case that returns a value. rules/ottl_statements.py makes findings of
troubles. Private.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..config.layers import parse_version
from ..errors import suggest_word
from . import ottl_syntax as words
from .ottl_literals import find_literal_faults, find_refused_arguments
from .ottl_syntax import InvalidOttl, OttlParser, PathStep, TooDeep, UsedNames, Value, unquote_text

SYNTAX, NAME, ARGUMENT = "ottl-syntax", "ottl-name", "ottl-argument"
STATEMENT, CONDITION, ROUTE = "statement", "condition", "route"
_EDITORS_OF_ROUTES = ("route", "delete_key", "delete_matching_keys")
_CACHE = "cache"
# The kinds of values that an argument takes, by its kind; each letter is a kind of ottl_syntax.py, such as `s` for
# text. A path, a converter and a calculation are known only at run time, so they are nearly always taken.
_KNOWN_AT_RUN_TIME = words.PATH + words.CALL + words.MATH
_TAKEN_LITERALS = {
    "path": words.PATH,
    "any": "sifbnlmye" + _KNOWN_AT_RUN_TIME,
    "function": "eF",
    "lambda": words.LAMBDA,
    "text": "s" + _KNOWN_AT_RUN_TIME,
    "regex": "s" + _KNOWN_AT_RUN_TIME,
    "glob": "s" + _KNOWN_AT_RUN_TIME,
    "text-like": "sifbnlmye" + _KNOWN_AT_RUN_TIME,
    "int": "ie" + _KNOWN_AT_RUN_TIME,
    "int-like": "sifbne" + _KNOWN_AT_RUN_TIME,
    "float": "f" + _KNOWN_AT_RUN_TIME,
    "float-like": "sifbne" + _KNOWN_AT_RUN_TIME,
    "bool": "b" + _KNOWN_AT_RUN_TIME,
    "bool-like": "sifbne" + _KNOWN_AT_RUN_TIME,
    "map": "m" + _KNOWN_AT_RUN_TIME,
    "list": "l" + _KNOWN_AT_RUN_TIME,
    "time": _KNOWN_AT_RUN_TIME,
    "duration": _KNOWN_AT_RUN_TIME,
    "bytes-like": "sifbnye" + _KNOWN_AT_RUN_TIME,
    "literal-text": "s",
    "time-format": "s",
    "literal-int": "i",
    "literal-float": "f",
    "literal-bool": "b",
}
_EXPECTED_IN_WORDS = {
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
_KINDS_IN_WORDS = {
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
# Where a word begins in a name of Go, as in `Is|Root`, and in a name with underscores, as in `is|_root`.
_CAMEL_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SNAKE_BOUNDARY = re.compile(r"_|(?<=\d)")


class OttlTrouble(NamedTuple):
    """What is wrong in a text, by rule, and where; `is_gated` says that a feature gate allows it.

    `rule` is `SYNTAX`, `NAME` or `ARGUMENT`. `start` is the number of the character, from 0.
    """

    rule: str
    start: int
    why: str
    fix: str = ""
    is_gated: bool = False


class OttlArgument(NamedTuple):
    """An argument of a function: its name in Go, its kind, and the words that it may be.

    `kind` is a key of `_TAKEN_LITERALS`; for a list, that of its items. `allowed_words` are empty if any text fits.
    """

    name: str
    kind: str
    is_list: bool
    is_optional: bool
    allowed_words: tuple[str, ...]

    def may_take(self, value: Value) -> bool:
        """Whether a value is of a kind that it takes; a number that is written as a literal has no sign."""
        if value.has_sign and self.kind.startswith("literal-"):
            return False
        taken_kinds = _TAKEN_LITERALS.get(self.kind, "")
        return not taken_kinds or value.kind in taken_kinds


@dataclass(frozen=True)
class OttlFunction:
    """A function: where it is available, its arguments, the version that brought it, and the first one without it.

    `availability` is `standard`, a context, a kind of text, or a component and a context, such as `transform span`.
    `since_version` is empty if all known versions have it, `until_version` if the newest one has it.
    """

    name: str
    availability: str
    arguments: tuple[OttlArgument, ...]
    since_version: str = ""
    until_version: str = ""

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> OttlFunction:
        """Return the function of a row of the table."""
        arguments = tuple(parse_argument(text) for text in row["arguments"])
        return cls(row["function"], row["in"], arguments, row.get("since", ""), row.get("until", ""))

    def find_argument(self, index: int, name: str) -> OttlArgument | None:
        """Return the argument of this name, or without one that at a place; None if there is none."""
        if not name:
            return self.arguments[index] if index < len(self.arguments) else None
        go_name = "".join(word[:1].upper() + word[1:] for word in _SNAKE_BOUNDARY.split(name))
        for argument in self.arguments:
            if argument.name == go_name:
                return argument
        return None


@dataclass(frozen=True)
class Context:
    """What texts can name in a context: its own paths, its enums, and the contexts whose paths they may name too.

    `key_flag_by_path` says for each path whether it takes keys, as `attributes` in `attributes["a"]` does.
    """

    name: str
    visible_contexts: tuple[str, ...]
    key_flag_by_path: Mapping[str, bool]
    enum_names: tuple[str, ...]

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Context:
        """Return the context of a row of the table, in which paths that take keys end with `[]`."""
        paths = {text.removesuffix("[]"): text.endswith("[]") for text in row["paths"]}
        return cls(row["context"], tuple(row["sees"]), paths, tuple(row["enums"]))


@dataclass(frozen=True)
class OttlLanguage:
    """The tables, and the versions for which they are exact, such as `0.155.0..0.160.0`.

    `grok_groups` has for each grok pattern `(?P<a>)` if there is a named group in it, and an empty text if not.
    `functions_by_kind` is a cache by kind of text and context.
    """

    functions: Mapping[str, OttlFunction]
    contexts: Mapping[str, Context]
    exact_versions: str
    grok_groups: Mapping[str, str] = field(default_factory=dict)
    functions_by_kind: dict[tuple[str, str], dict[str, OttlFunction]] = field(default_factory=dict)

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, Any]]) -> OttlLanguage:
        """Return the tables of _data/catalogue/ottl.json."""
        functions: dict[str, OttlFunction] = {}
        contexts: dict[str, Context] = {}
        grok: dict[str, str] = {}
        exact = ""
        for row in rows:
            if "function" in row:
                functions[row["function"]] = OttlFunction.from_row(row)
            elif "context" in row:
                contexts[row["context"]] = Context.from_row(row)
            for text in row.get("grok", ()):
                has_group = text.endswith("*")
                grok[text.removesuffix("*")] = "(?P<a>)" if has_group else ""
            exact = row.get("exact", exact)
        return cls(functions, contexts, exact, grok)

    def find_functions(self, kind: str, context: str) -> dict[str, OttlFunction]:
        """Return the functions that a kind of text has in a context."""
        if (kind, context) not in self.functions_by_kind:
            component = "transform" if kind == STATEMENT else kind
            offered_in = {"standard", context, f"{component} {context}", kind}
            self.functions_by_kind[kind, context] = {
                name: function
                for name, function in self.functions.items()
                if function.availability in offered_in and may_call_function(kind, name)
            }
        return self.functions_by_kind[kind, context]

    def describe_uncertainty(self, version: str) -> str:
        """Return why a version may differ from the tables; empty if they are exact for it."""
        since, _dots, until = self.exact_versions.partition("..")
        is_exact = parse_version(since) <= parse_version(version) < parse_version(until)
        return "" if is_exact else f"known for {since} to before {until}"


def may_call_function(kind: str, function: str) -> bool:
    """Whether a kind of text may call a function: only statements change data by any of those in lower case."""
    return kind == STATEMENT or function[0].isupper() or function in _EDITORS_OF_ROUTES


def parse_argument(text: str) -> OttlArgument:
    """Return an argument as a row of the table spells it: `Name list-of-text=a|b?`."""
    name, _blank, spelling = text.partition(" ")
    kind, _sign, words_text = spelling.removesuffix("?").partition("=")
    listed_words = tuple(word for word in words_text.split("|") if word)
    return OttlArgument(
        name,
        kind.removeprefix("list-of-"),
        is_list=kind.startswith("list-of-"),
        is_optional=text.endswith("?"),
        allowed_words=listed_words,
    )


def read_ottl(text: str, statement: bool) -> UsedNames | OttlTrouble | None:
    """Return what a text uses, or why it is not in the language; None if it nests too deep to be judged."""
    try:
        return read_statement(text) if statement else read_condition(text)
    except InvalidOttl as invalid:
        return OttlTrouble(SYNTAX, invalid.start, invalid.why, invalid.fix)
    except TooDeep:
        return None


def read_statement(text: str) -> UsedNames:
    parser = OttlParser(text)
    first_token = parser.token
    if first_token.kind == "upper":
        raise InvalidOttl(first_token.start, "a statement starts with a function in lower case", "Write `set(…)`.")
    if first_token.kind != "lower":
        raise parser.describe_unexpected("a function, such as `set(…)`,")
    parser.used.calls.insert(0, parser.call())
    if parser.token.text == "where" and parser.token.kind == "lower":
        parser.read_token()
        parser.require_truth(parser.read_value_or_condition())
    return require_end(parser, "the end or `where`")


def read_condition(text: str) -> UsedNames:
    parser = OttlParser(text)
    parser.require_truth(parser.read_value_or_condition())
    return require_end(parser, "the end, `and` or `or`")


def require_end(parser: OttlParser, expected: str) -> UsedNames:
    if parser.token.kind != "end":
        raise parser.describe_unexpected(expected)
    return parser.used


@dataclass(frozen=True)
class OttlJudge:
    """Judges what texts use in one context. `must_name_context` says that each path has to name its context."""

    language: OttlLanguage
    context: Context
    kind: str
    version: str
    must_name_context: bool = False

    def find_troubles(self, used: UsedNames) -> Iterator[OttlTrouble]:
        """Yield what the context does not have or take."""
        for call in used.calls:
            yield from self._judge_call(call)
        for path in used.paths:
            yield from self._judge_path(path)
        for enum in used.enums:
            yield from self._judge_enum(enum)
        for lambda_value in used.lambdas:
            why = "lambdas need the feature gate ottl.functions.enableLambda"
            yield OttlTrouble(ARGUMENT, lambda_value.start, why, "Start the Collector with that gate.", is_gated=True)

    def _judge_call(self, call: Value) -> Iterator[OttlTrouble]:
        """Yield what is wrong with a call: a function that the context or the version lacks, or its arguments."""
        known_functions = self.language.find_functions(self.kind, self.context.name)
        function = known_functions.get(call.text)
        if function is None:
            yield self._report_unknown_function(call, list(known_functions))
            return
        other_version = self._describe_other_version(function)
        if other_version:
            yield OttlTrouble(NAME, call.start, f"function '{call.text}' {other_version}")
            return
        yield from find_count_troubles(call, function)
        given_arguments: dict[str, Value] = {}
        for index, (name, value) in enumerate(call.arguments):
            argument = function.find_argument(index, name)
            if argument is not None:
                given_arguments[argument.name] = value
                yield from self._judge_argument(call.text, argument, value)
            elif name:
                yield report_no_argument(call, function, name, value)
        for value, why, fix in find_refused_arguments(self.language.grok_groups, call, given_arguments):
            yield OttlTrouble(ARGUMENT, value.start, why, fix)

    def _describe_other_version(self, function: OttlFunction) -> str:
        """Return which versions have a function, if this one has not."""
        version = parse_version(self.version)
        if function.since_version and version < parse_version(function.since_version):
            return f"exists since {function.since_version}"
        if function.until_version and version >= parse_version(function.until_version):
            return f"is gone since {function.until_version}"
        return ""

    def _report_unknown_function(self, call: Value, known_names: list[str]) -> OttlTrouble:
        other_function = self.language.functions.get(call.text)
        context_text = f"context {self.context.name}"
        if other_function:
            return OttlTrouble(NAME, call.start, f"function '{call.text}' does not exist in {context_text} here")
        return OttlTrouble(
            NAME, call.start, f"function '{call.text}' does not exist{suggest_word(call.text, known_names)}"
        )

    def _judge_argument(self, function: str, argument: OttlArgument, value: Value) -> Iterator[OttlTrouble]:
        if not argument.is_list:
            yield from self._judge_single_value(function, argument, value)
        elif value.kind != words.LIST:
            yield OttlTrouble(
                ARGUMENT, value.start, f"'{to_snake_case(argument.name)}' of '{function}' is a list", "Write `[…]`."
            )
        else:
            for _name, list_item in value.arguments:
                yield from self._judge_single_value(function, argument, list_item)

    def _judge_single_value(self, function: str, argument: OttlArgument, value: Value) -> Iterator[OttlTrouble]:
        """Yield why a value is not one that an argument takes."""
        if not argument.may_take(value):
            expected = _EXPECTED_IN_WORDS.get(argument.kind.removesuffix("-like"), "a value")
            why = f"'{to_snake_case(argument.name)}' of '{function}' is {expected}, not {_KINDS_IN_WORDS[value.kind]}"
            yield OttlTrouble(ARGUMENT, value.start, why)
        elif value.kind == words.STRING:
            yield from find_text_troubles(argument, value)
        elif argument.kind == "function":
            yield from self._judge_function_name(value)

    def _judge_function_name(self, value: Value) -> Iterator[OttlTrouble]:
        known_functions = self.language.find_functions(self.kind, self.context.name)
        if value.text not in known_functions:
            yield self._report_unknown_function(value, list(known_functions))
        elif self.must_name_context and value.kind == words.ENUM:  # the Collector takes the name for an enum
            fix = f"Write `context: {self.context.name}` beside the list of statements."
            yield OttlTrouble(NAME, value.start, f"function '{value.text}' as an argument needs a given context", fix)
        value.kind = words.NAME

    def _judge_path(self, path: Value) -> Iterator[OttlTrouble]:
        first_word, has_keys = path.steps[0]
        context, steps = self.context, path.steps
        if len(steps) > 1 and not has_keys and first_word in context.visible_contexts:
            context, steps = (
                self.language.contexts.get("scope" if "scope" in first_word else first_word, context),
                steps[1:],
            )
        elif self.must_name_context:
            fix = f"Write `{context.name}.{path.text}`."
            yield OttlTrouble(NAME, path.start, f"path '{path.text}' does not start with a context", fix)
            return
        yield from self._judge_steps(path, steps, context)

    def _judge_steps(self, path: Value, steps: list[PathStep], context: Context) -> Iterator[OttlTrouble]:
        """Yield what a context does not have of a path, or keys behind what takes none."""
        name = ".".join(step for step, _has_keys in steps)
        if name == _CACHE:
            if context is not self.context:
                fix = f"Write `{self.context.name}.cache`."
                yield OttlTrouble(NAME, path.start, f"context {self.context.name} has only its own cache", fix)
            return
        if name not in context.key_flag_by_path:
            yield report_no_path(path, context, name)
            return
        *outer_steps, (_last, ends_with_keys) = steps
        has_keys_within = any(has_keys for _step, has_keys in outer_steps)
        if has_keys_within or (ends_with_keys and not context.key_flag_by_path[name]):
            yield OttlTrouble(NAME, path.start, f"'{name}' has no keys", f"Write `{name}`.")

    def _judge_enum(self, enum: Value) -> Iterator[OttlTrouble]:
        if enum.kind != words.ENUM or enum.text in self.context.enum_names:
            return
        why = (
            f"'{enum.text}' is no enum of context {self.context.name}{suggest_word(enum.text, self.context.enum_names)}"
        )
        yield OttlTrouble(NAME, enum.start, why, "" if self.context.enum_names else "This context has no enums.")


def find_text_troubles(argument: OttlArgument, value: Value) -> Iterator[OttlTrouble]:
    """Yield why a text in quotes is not one that an argument takes."""
    text = unquote_text(value.text) or ""
    if argument.allowed_words and text not in argument.allowed_words:
        known_words = f"Use one of {', '.join(argument.allowed_words)}."
        yield OttlTrouble(
            ARGUMENT, value.start, f"'{text}' is unknown here{suggest_word(text, argument.allowed_words)}", known_words
        )
    for why, fix in find_literal_faults(argument.kind, text):
        yield OttlTrouble(ARGUMENT, value.start, why, fix)


def report_no_argument(call: Value, function: OttlFunction, name: str, value: Value) -> OttlTrouble:
    """Return that a function has no argument of this name."""
    names = [to_snake_case(argument.name) for argument in function.arguments]
    fix = f"It has: {', '.join(names)}." if names else "It takes no arguments."
    return OttlTrouble(ARGUMENT, value.start, f"'{call.text}' has no argument '{name}'{suggest_word(name, names)}", fix)


def report_no_path(path: Value, context: Context, name: str) -> OttlTrouble:
    """Return that a context has no path, with what takes its last names as a key, or with the nearest path."""
    known_paths = context.key_flag_by_path
    for text, takes_keys in known_paths.items():
        if takes_keys and name.startswith(f"{text}."):
            remainder = name.removeprefix(f"{text}.")
            return OttlTrouble(
                NAME, path.start, f"'{text}' has no path '{remainder}'", f'Write `{text}["{remainder}"]`.'
            )
    first_word = path.steps[0][0]
    first_names = {text.partition(".")[0] for text in known_paths}
    is_unknown_begin = len(path.steps) > 1 and first_word != context.name and first_word not in first_names
    missing_part = f"'{first_word}'" if is_unknown_begin else f"path '{name}'"
    hint = suggest_word(name, [*known_paths, _CACHE])
    return OttlTrouble(
        NAME,
        path.start,
        f"context {context.name} has no {missing_part}{hint}",
        f"Known here: {', '.join(known_paths)}.",
    )


def find_count_troubles(call: Value, function: OttlFunction) -> Iterator[OttlTrouble]:
    """Yield arguments without a name behind one with a name, and that there are too few or too many."""
    is_named = False
    for name, value in call.arguments:
        if is_named and not name:
            yield OttlTrouble(ARGUMENT, value.start, "an argument without a name follows one with a name")
        is_named = is_named or bool(name)
    least_count = sum(not argument.is_optional for argument in function.arguments)
    most_count, given_count = len(function.arguments), len(call.arguments)
    if not least_count <= given_count <= most_count:
        expected = str(least_count) if least_count == most_count else f"{least_count} to {most_count}"
        noun = "argument" if expected == "1" else "arguments"
        names = ", ".join(to_snake_case(argument.name) + "?" * argument.is_optional for argument in function.arguments)
        why = f"'{call.text}' takes {expected} {noun}, not {given_count}"
        yield OttlTrouble(ARGUMENT, call.start, why, f"Write `{call.text}({names})`.")


def to_snake_case(name: str) -> str:
    return _CAMEL_BOUNDARY.sub("_", name).lower()
