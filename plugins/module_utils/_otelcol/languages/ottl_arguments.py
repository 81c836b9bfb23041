# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges the arguments of a call in the OpenTelemetry Transformation Language: their number, names and values. Private.

`OttlJudge` of ottl_judge.py asks here for each call of a function that exists. For example, a function with the
arguments `target`, `start` and `length`:

    Substring(status, 1)         → 'Substring' takes 3 arguments, not 2
    Substring(status, 1, "2")    → 'length' of 'Substring' is a whole number, not text

ottl_literals.py has what single functions refuse in literals.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import suggest_word
from .ottl_language import OttlArgument, OttlFunction, OttlLanguage
from .ottl_literals import find_argument_faults, find_literal_faults
from .ottl_reading import ARGUMENT, NAME, OttlTrouble
from .ottl_syntax import Value, ValueKind, unquote_text

# Where a word begins in a name of Go, as in `Is|Root`.
_CAMEL_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@dataclass(frozen=True)
class ArgumentJudge:
    """Judges the arguments of calls in texts of one kind and context."""

    language: OttlLanguage
    kind: str
    """The kind of the texts: STATEMENT, CONDITION or ROUTE."""
    context_name: str
    """The context of the texts, such as `span`."""
    must_name_context: bool
    """Whether each path has to name its context, as `span.name` does."""

    def find_troubles(self, call: Value, function: OttlFunction) -> Iterator[OttlTrouble]:
        """Yield what is wrong with the arguments of a call of `function`."""
        yield from _find_count_troubles(call, function)
        given_arguments: dict[str, Value] = {}
        for index, (name, value) in enumerate(call.arguments):
            argument = function.find_argument(index, name)
            if argument is not None:
                given_arguments[argument.name] = value
                yield from self._judge_argument(call.text, argument, value)
            elif name:
                yield _report_no_argument(call, function, name, value)
        for value, why, fix in find_argument_faults(self.language.grok_groups, call, given_arguments):
            yield OttlTrouble(ARGUMENT, value.start, why, fix)

    def report_unknown_function(self, value: Value) -> OttlTrouble:
        """Return that the texts cannot call a function. `value` is a call, or an argument that names a function."""
        name = value.text
        if name in self.language.functions:
            why = f"function '{name}' does not exist in context {self.context_name} here"
        else:
            known_names = list(self.language.find_functions(self.kind, self.context_name))
            why = f"function '{name}' does not exist{suggest_word(name, known_names)}"
        return OttlTrouble(NAME, value.start, why)

    def _judge_argument(self, function: str, argument: OttlArgument, value: Value) -> Iterator[OttlTrouble]:
        """Yield why a value does not fit an argument; for a list, each of its items is judged."""
        if not argument.is_list:
            yield from self._judge_single_value(function, argument, value)
        elif value.kind != ValueKind.LIST:
            yield OttlTrouble(
                ARGUMENT, value.start, f"'{_to_snake_case(argument.name)}' of '{function}' is a list", "Write `[…]`."
            )
        else:
            for _name, list_item in value.arguments:
                yield from self._judge_single_value(function, argument, list_item)

    def _judge_single_value(self, function: str, argument: OttlArgument, value: Value) -> Iterator[OttlTrouble]:
        """Yield why a value is not one that an argument takes."""
        if not argument.may_take(value):
            expected = _EXPECTED_IN_WORDS.get(argument.kind.removesuffix("-like"), "a value")
            why = f"'{_to_snake_case(argument.name)}' of '{function}' is {expected}, not {value.kind.value}"
            yield OttlTrouble(ARGUMENT, value.start, why)
        elif value.kind == ValueKind.STRING:
            yield from _find_text_troubles(argument, value)
        elif argument.kind == "function":
            yield from self._judge_function_name(value)

    def _judge_function_name(self, value: Value) -> Iterator[OttlTrouble]:
        """Yield why an argument names no function that the texts can call."""
        if value.text not in self.language.find_functions(self.kind, self.context_name):
            yield self.report_unknown_function(value)
        elif self.must_name_context and value.kind == ValueKind.ENUM:  # the Collector takes the name for an enum
            fix = f"Write `context: {self.context_name}` beside the list of statements."
            yield OttlTrouble(NAME, value.start, f"function '{value.text}' as an argument needs a given context", fix)


def list_function_names(call: Value, function: OttlFunction) -> Iterator[Value]:
    """Yield the arguments of a call that are names of functions, as `SHA256` in `replace_pattern(…, SHA256)`."""
    for index, (name, value) in enumerate(call.arguments):
        argument = function.find_argument(index, name)
        if argument is not None and argument.kind == "function":
            yield from _list_argument_values(argument, value)


def _list_argument_values(argument: OttlArgument, value: Value) -> Iterator[Value]:
    """Yield the values that an argument gets: the value itself, or the items of a list."""
    if not argument.is_list:
        yield value
    elif value.kind == ValueKind.LIST:
        for _name, list_item in value.arguments:
            yield list_item


def _find_count_troubles(call: Value, function: OttlFunction) -> Iterator[OttlTrouble]:
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
        names = ", ".join(_to_snake_case(argument.name) + "?" * argument.is_optional for argument in function.arguments)
        why = f"'{call.text}' takes {expected} {noun}, not {given_count}"
        yield OttlTrouble(ARGUMENT, call.start, why, f"Write `{call.text}({names})`.")


def _report_no_argument(call: Value, function: OttlFunction, name: str, value: Value) -> OttlTrouble:
    """Return that a function has no argument of this name."""
    names = [_to_snake_case(argument.name) for argument in function.arguments]
    fix = f"It has: {', '.join(names)}." if names else "It takes no arguments."
    return OttlTrouble(ARGUMENT, value.start, f"'{call.text}' has no argument '{name}'{suggest_word(name, names)}", fix)


def _find_text_troubles(argument: OttlArgument, value: Value) -> Iterator[OttlTrouble]:
    """Yield why a text in quotes is not one that an argument takes."""
    text = unquote_text(value.text) or ""
    if argument.allowed_words and text not in argument.allowed_words:
        known_words = f"Use one of {', '.join(argument.allowed_words)}."
        yield OttlTrouble(
            ARGUMENT, value.start, f"'{text}' is unknown here{suggest_word(text, argument.allowed_words)}", known_words
        )
    for why, fix in find_literal_faults(argument.kind, text):
        yield OttlTrouble(ARGUMENT, value.start, why, fix)


def _to_snake_case(name: str) -> str:
    """Return a name of Go as texts write it: `pattern_definitions` for `PatternDefinitions`."""
    return _CAMEL_BOUNDARY.sub("_", name).lower()


# What an argument takes, in words, by its kind.
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
