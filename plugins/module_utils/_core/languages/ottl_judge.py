# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the OpenTelemetry Transformation Language refuses in a text: functions, arguments, paths and enums. Private."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..config.layers import parse_version
from ..errors import near
from . import ottl_tokens as words
from .ottl import ARGUMENT, NAME, Argument, Context, Function, Language, Trouble
from .ottl_literals import inside, together
from .ottl_tokens import Used, Value, text_of

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
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


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
        yield from together(self.language, call, given)

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
            yield from inside(taken.kind, text, value)
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
