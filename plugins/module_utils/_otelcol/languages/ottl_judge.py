# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges texts of the OpenTelemetry Transformation Language: which names and arguments a context refuses. Private.

A context is what a text works on, such as span: it says which functions, paths and enums exist. ottl_reading.py says
what a text uses, and `OttlJudge` compares it with the tables of ottl_language.py. In context span,
`set(name, Substring(status, 1))` has the trouble `'Substring' takes 3 arguments, not 2`; ottl_arguments.py finds what
is wrong with arguments. rules/ottl_statements.py makes findings of troubles.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ..config.collector_versions import parse_version
from ..errors import suggest_word
from .ottl_arguments import ArgumentJudge, list_function_names
from .ottl_language import Context, OttlFunction, OttlLanguage
from .ottl_reading import ARGUMENT, NAME, OttlTrouble
from .ottl_syntax import PathStep, UsedNames, Value

# The path of a map that each context has of its own.
_CACHE = "cache"
# Contexts that have a second name in paths, as in `instrumentation_scope.name`.
_CONTEXT_BY_SECOND_NAME = {"instrumentation_scope": "scope"}


class _ContextPath(NamedTuple):
    """The context that has a path, and the steps of the path in it."""

    context: Context
    steps: list[PathStep]


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

    # ── Functions ──

    def _judge_call(self, call: Value) -> Iterator[OttlTrouble]:
        """Yield what is wrong with a call: a function that the context or the version lacks, or its arguments."""
        argument_judge = ArgumentJudge(self.language, self.kind, self.context.name, self.must_name_context)
        function = self._find_function(call)
        if function is None:
            yield argument_judge.report_unknown_function(call)
            return
        other_version = self._describe_other_version(function)
        if other_version:
            yield OttlTrouble(NAME, call.start, f"function '{call.text}' {other_version}")
            return
        yield from argument_judge.find_troubles(call, function)

    def _list_function_names(self, calls: Iterable[Value]) -> Iterator[Value]:
        """Yield the arguments of calls that are names of functions, as `SHA256` in `replace_pattern(…, SHA256)`."""
        for call in calls:
            function = self._find_function(call)
            if function is not None and not self._describe_other_version(function):
                yield from list_function_names(call, function)

    def _find_function(self, call: Value) -> OttlFunction | None:
        """Return the function that a call names; None if the context has none of this name."""
        return self.language.find_functions(self.kind, self.context.name).get(call.text)

    def _describe_other_version(self, function: OttlFunction) -> str:
        """Return which versions have a function, if this one has not."""
        version = parse_version(self.version)
        if function.since_version and version < parse_version(function.since_version):
            return f"exists since {function.since_version}"
        if function.until_version and version >= parse_version(function.until_version):
            return f"is gone since {function.until_version}"
        return ""

    # ── Paths and enums ──

    def _judge_path(self, path: Value) -> Iterator[OttlTrouble]:
        """Yield that a path does not name its context although it must, or what is wrong with the path there."""
        named_path = self._resolve_context(path)
        if named_path is not None:
            yield from self._judge_steps(path, named_path.steps, named_path.context)
        elif self.must_name_context:
            fix = f"Write `{self.context.name}.{path.text}`."
            yield OttlTrouble(NAME, path.start, f"path '{path.text}' does not start with a context", fix)
        else:
            yield from self._judge_steps(path, path.steps, self.context)

    def _resolve_context(self, path: Value) -> _ContextPath | None:
        """Return the context that the first word of a path names, with the steps behind it; None if it names none.

        In context span, `resource.attributes["a"]` is `attributes` of context resource, and `name` names no context.
        """
        (first_word, has_keys), *later_steps = path.steps
        if not later_steps or has_keys or first_word not in self.context.visible_contexts:
            return None
        context_name = _CONTEXT_BY_SECOND_NAME.get(first_word, first_word)
        return _ContextPath(self.language.contexts.get(context_name, self.context), later_steps)

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
        """Yield that the context has no enum of this name."""
        if enum.text in self.context.enum_names:
            return
        why = (
            f"'{enum.text}' is no enum of context {self.context.name}{suggest_word(enum.text, self.context.enum_names)}"
        )
        yield OttlTrouble(NAME, enum.start, why, "" if self.context.enum_names else "This context has no enums.")


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
