# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges texts of the OpenTelemetry Transformation Language: which names and arguments a context refuses. Private.

ottl_reading.py says what a text uses, and `OttlJudge` compares it with the tables of ottl_language.py. In context span,
`set(name, Substring(status, 1))` has the trouble `'Substring' takes 3 arguments, not 2`. rules/ottl_statements.py makes
findings of troubles. ottl_literals.py has what single functions refuse in literals.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..config.layers import parse_version
from ..errors import suggest_word
from .ottl_language import Context, OttlArgument, OttlFunction, OttlLanguage
from .ottl_literals import find_literal_faults, find_refused_arguments
from .ottl_reading import ARGUMENT, NAME, OttlTrouble
from .ottl_syntax import PathStep, UsedNames, Value, ValueKind, unquote_text

# The path of a map that each context has of its own.
_CACHE = "cache"
# Where a word begins in a name of Go, as in `Is|Root`.
_CAMEL_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
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


@dataclass(frozen=True)
class OttlJudge:
    """Judges what texts use in one context."""

    language: OttlLanguage
    context: Context
    kind: str
    """The kind of the texts: STATEMENT, CONDITION or ROUTE."""
    version: str
    must_name_context: bool = False
    """Whether each path has to name its context, as `span.name` does."""

    def find_troubles(self, used: UsedNames) -> Iterator[OttlTrouble]:
        """Yield what the context does not have or take."""
        for call in used.calls:
            yield from self._judge_call(call)
        for path in used.paths:
            yield from self._judge_path(path)
        function_names = list(self._list_function_names(used.calls))
        for enum in used.enums:
            # A function in all capitals, such as `SHA256`, looks like an enum where it is an argument.
            if not any(enum is function_name for function_name in function_names):
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
        yield from _find_count_troubles(call, function)
        given_arguments: dict[str, Value] = {}
        for index, (name, value) in enumerate(call.arguments):
            argument = function.find_argument(index, name)
            if argument is not None:
                given_arguments[argument.name] = value
                yield from self._judge_argument(call.text, argument, value)
            elif name:
                yield _report_no_argument(call, function, name, value)
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
        known_functions = self.language.find_functions(self.kind, self.context.name)
        if value.text not in known_functions:
            yield self._report_unknown_function(value, list(known_functions))
        elif self.must_name_context and value.kind == ValueKind.ENUM:  # the Collector takes the name for an enum
            fix = f"Write `context: {self.context.name}` beside the list of statements."
            yield OttlTrouble(NAME, value.start, f"function '{value.text}' as an argument needs a given context", fix)

    def _list_function_names(self, calls: Iterable[Value]) -> Iterator[Value]:
        """Yield the arguments of calls that are names of functions, as `SHA256` in `replace_pattern(…, SHA256)`."""
        for call in calls:
            function = self.language.find_functions(self.kind, self.context.name).get(call.text)
            if function is None or self._describe_other_version(function):
                continue
            for index, (name, value) in enumerate(call.arguments):
                argument = function.find_argument(index, name)
                if argument is not None and argument.kind == "function":
                    yield from _list_argument_values(argument, value)

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
            yield _report_no_path(path, context, name)
            return
        *outer_steps, (_last, ends_with_keys) = steps
        has_keys_within = any(has_keys for _step, has_keys in outer_steps)
        if has_keys_within or (ends_with_keys and not context.key_flag_by_path[name]):
            yield OttlTrouble(NAME, path.start, f"'{name}' has no keys", f"Write `{name}`.")

    def _judge_enum(self, enum: Value) -> Iterator[OttlTrouble]:
        if enum.text in self.context.enum_names:
            return
        why = (
            f"'{enum.text}' is no enum of context {self.context.name}{suggest_word(enum.text, self.context.enum_names)}"
        )
        yield OttlTrouble(NAME, enum.start, why, "" if self.context.enum_names else "This context has no enums.")


def _list_argument_values(argument: OttlArgument, value: Value) -> Iterator[Value]:
    """Yield the values that an argument gets: the value itself, or the items of a list."""
    if not argument.is_list:
        yield value
    elif value.kind == ValueKind.LIST:
        for _name, list_item in value.arguments:
            yield list_item


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


def _report_no_argument(call: Value, function: OttlFunction, name: str, value: Value) -> OttlTrouble:
    """Return that a function has no argument of this name."""
    names = [_to_snake_case(argument.name) for argument in function.arguments]
    fix = f"It has: {', '.join(names)}." if names else "It takes no arguments."
    return OttlTrouble(ARGUMENT, value.start, f"'{call.text}' has no argument '{name}'{suggest_word(name, names)}", fix)


def _report_no_path(path: Value, context: Context, name: str) -> OttlTrouble:
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


def _to_snake_case(name: str) -> str:
    """Return a name of Go as texts write it: `pattern_definitions` for `PatternDefinitions`."""
    return _CAMEL_BOUNDARY.sub("_", name).lower()
