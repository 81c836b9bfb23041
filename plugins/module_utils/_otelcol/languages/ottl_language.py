# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of the OpenTelemetry Transformation Language: which functions, paths and enums there are. Private.

A text of OTTL is a statement, a condition or a route. It works on a context, such as span or datapoint, which says
which paths and enums the text can name. It calls editors, which change data and begin in lower case, and converters,
which return a value and begin in upper case. ottl_judge.py compares texts with the tables, and ottl_contexts.py chooses
the context of a text.

`OttlLanguage.from_rows` reads the tables from _data/catalogue/ottl.json. Its rows have these keys; rows with `place`
are read by rules/ottl_settings.py:

| key | example | meaning |
|---|---|---|
| `exact` | `"0.155.0..0.162.0"` | the versions for which the tables are exact; the last one is not among them |
| `grok` | `["BASE10NUM", "BIND9*"]` | patterns of grok; `*` ends one that has a named group |
| `function` | `"Concat"` | a function |
| `in` | `"standard"`, `"transform metric"` | where the function exists, see `OttlFunction.is_available` |
| `since`, `until` | `"0.157.0"` | the first version with the function, and the first one without it |
| `arguments` | see the next table | the arguments of the function, in order |
| `context` | `"span"` | a context |
| `sees` | `["span", "scope"]` | the contexts whose paths a text in this context may name |
| `paths` | `["name", "attributes[]"]` | the paths of the context; `[]` ends one that takes keys |
| `enums` | `["SPAN_KIND_SERVER"]` | the enums of the context |

An argument is spelled `Name KIND`, with a kind of `_TAKEN_KINDS`:

| example | meaning |
|---|---|
| `Target text` | `Target` takes what is or may become a text |
| `Vals list-of-text-like` | a list of such values |
| `Format literal-text?` | it may be left out |

`ToCase literal-text=lower|upper` takes one of these words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..config.collector_versions import parse_version
from .ottl_syntax import Value, ValueKind

# The kinds of texts.
STATEMENT = "statement"
CONDITION = "condition"
ROUTE = "route"
# The editors that the statement of a route may call.
_EDITORS_OF_ROUTES = ("route", "delete_key", "delete_matching_keys")
# Where a word begins in a name with underscores, as in `is|_root`.
_SNAKE_BOUNDARY = re.compile(r"_|(?<=\d)")

# A path, a converter and a calculation are known only at run time, so they are nearly always taken.
_KNOWN_AT_RUN_TIME = frozenset((ValueKind.PATH, ValueKind.CALL, ValueKind.MATH))
# What the Collector converts to a number or a truth value, and to bytes, when it runs.
_SCALARS = frozenset((ValueKind.STRING, ValueKind.INT, ValueKind.FLOAT, ValueKind.BOOL, ValueKind.NIL, ValueKind.ENUM))
_ANY_LITERAL = _SCALARS | {ValueKind.LIST, ValueKind.MAP, ValueKind.BYTES}
# The kinds of values that an argument takes, by its kind. Kinds with `literal-` take only what stands in the text.
_TAKEN_KINDS: dict[str, frozenset[ValueKind]] = {
    "path": frozenset((ValueKind.PATH,)),
    "any": _ANY_LITERAL | _KNOWN_AT_RUN_TIME,
    "function": frozenset((ValueKind.ENUM, ValueKind.NAME)),
    "lambda": frozenset((ValueKind.LAMBDA,)),
    "text": _KNOWN_AT_RUN_TIME | {ValueKind.STRING},
    "regex": _KNOWN_AT_RUN_TIME | {ValueKind.STRING},
    "glob": _KNOWN_AT_RUN_TIME | {ValueKind.STRING},
    "text-like": _ANY_LITERAL | _KNOWN_AT_RUN_TIME,
    "int": _KNOWN_AT_RUN_TIME | {ValueKind.INT, ValueKind.ENUM},
    "int-like": _SCALARS | _KNOWN_AT_RUN_TIME,
    "float": _KNOWN_AT_RUN_TIME | {ValueKind.FLOAT},
    "float-like": _SCALARS | _KNOWN_AT_RUN_TIME,
    "bool": _KNOWN_AT_RUN_TIME | {ValueKind.BOOL},
    "bool-like": _SCALARS | _KNOWN_AT_RUN_TIME,
    "map": _KNOWN_AT_RUN_TIME | {ValueKind.MAP},
    "list": _KNOWN_AT_RUN_TIME | {ValueKind.LIST},
    "time": _KNOWN_AT_RUN_TIME,
    "duration": _KNOWN_AT_RUN_TIME,
    "bytes-like": _SCALARS | {ValueKind.BYTES} | _KNOWN_AT_RUN_TIME,
    "literal-text": frozenset((ValueKind.STRING,)),
    "time-format": frozenset((ValueKind.STRING,)),
    "literal-int": frozenset((ValueKind.INT,)),
    "literal-float": frozenset((ValueKind.FLOAT,)),
    "literal-bool": frozenset((ValueKind.BOOL,)),
}


class OttlArgument(NamedTuple):
    """An argument of a function."""

    name: str
    """Its name in Go, such as `PatternDefinitions`."""
    kind: str
    """A key of `_TAKEN_KINDS`, such as `text`; for a list, that of its items."""
    is_list: bool
    is_optional: bool
    allowed_words: tuple[str, ...]
    """The words that a text may be; empty if any text fits."""

    def may_take(self, value: Value) -> bool:
        """Whether a value is of a kind that it takes; a number that is written as a literal has no sign."""
        if value.has_sign and self.kind.startswith("literal-"):
            return False
        taken_kinds = _TAKEN_KINDS.get(self.kind)
        return taken_kinds is None or value.kind in taken_kinds


@dataclass(frozen=True)
class OttlFunction:
    """A function of the language."""

    name: str
    availability: str
    """Where it exists, as the table spells it: `standard`, `span`, `route` or `transform span`, see `is_available`."""
    arguments: tuple[OttlArgument, ...]
    since_version: str = ""
    """The version that brought it; empty if all known versions have it."""
    until_version: str = ""
    """The first version without it; empty if the newest one has it."""

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> OttlFunction:
        """Return the function of a row of the table."""
        arguments = tuple(parse_argument(text) for text in row["arguments"])
        return cls(row["function"], row["in"], arguments, row.get("since", ""), row.get("until", ""))

    def is_available(self, kind: str, context: str) -> bool:
        """Return whether the function exists for a kind of text in a context.

        | availability | function | exists for |
        |---|---|---|
        | `standard` | `Concat` | all texts |
        | `span` | `IsRootSpan` | all texts in this context |
        | `route` | `route` | all texts of this kind |
        | `transform metric` | `copy_metric` | statements in this context; only processor transform has statements |
        | `condition metric` | `HasAttrKeyOnDatapoint` | texts of this kind in this context |
        """
        component = "transform" if kind == STATEMENT else kind
        return self.availability in ("standard", context, kind, f"{component} {context}")

    def find_argument(self, index: int, name: str) -> OttlArgument | None:
        """Return the argument with a name as texts write it, or without a name the one at an index.

        `pattern_definitions` in a text is the argument `PatternDefinitions`. None if there is no such argument.
        """
        if not name:
            return self.arguments[index] if index < len(self.arguments) else None
        go_name = "".join(word[:1].upper() + word[1:] for word in _SNAKE_BOUNDARY.split(name))
        for argument in self.arguments:
            if argument.name == go_name:
                return argument
        return None


@dataclass(frozen=True)
class Context:
    """What texts can name in a context."""

    name: str
    visible_contexts: tuple[str, ...]
    """The contexts whose paths they may name too."""
    key_flag_by_path: Mapping[str, bool]
    """Its own paths, each with whether it takes keys, as `attributes` in `attributes["a"]` does."""
    enum_names: tuple[str, ...]

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Context:
        """Return the context of a row of the table, in which paths that take keys end with `[]`."""
        paths = {text.removesuffix("[]"): text.endswith("[]") for text in row["paths"]}
        return cls(row["context"], tuple(row["sees"]), paths, tuple(row["enums"]))


@dataclass(frozen=True)
class OttlLanguage:
    """The tables of the language."""

    functions: Mapping[str, OttlFunction]
    contexts: Mapping[str, Context]
    exact_versions: str
    """The versions for which the tables are exact, such as `0.155.0..0.160.0` for 0.155.0 to before 0.160.0."""
    grok_groups: Mapping[str, str] = field(default_factory=dict)
    """For each grok pattern `(?P<a>)` if there is a named group in it, and an empty text if not."""
    functions_by_kind: dict[tuple[str, str], dict[str, OttlFunction]] = field(default_factory=dict)
    """A cache of `find_functions`, by kind of text and context."""

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
            functions = {}
            for name, function in self.functions.items():
                if function.is_available(kind, context) and may_call_function(kind, name):
                    functions[name] = function
            self.functions_by_kind[kind, context] = functions
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
    """Return the argument that a row of the table spells.

    `Names list-of-text=a|b?` has the name `Names` and the kind `text`. It is an optional list of the words `a` and `b`.
    """
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
