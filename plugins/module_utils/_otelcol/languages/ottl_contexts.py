# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which context the Collector chooses for OTTL that names contexts in its paths.

A context is what a statement runs for, such as `span` or `resource`. It has functions and enums, and it sees the paths
of the contexts around it:

    set(span.name, "x")                                               →    span
    set(span.name, resource.attributes["a"])                          →    span, which sees resource
    set(resource.attributes["a"], "x")                                →    resource

Source: pkg/ottl/context_inferrer.go of OpenTelemetry Collector Contrib.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from .ottl_language import OttlLanguage
from .ottl_syntax import UsedNames


class Inferred(NamedTuple):
    """The context that the Collector chooses; else it is empty, and `unknown` is the word that names no context."""

    context: str
    unknown: str = ""


def infer_context(language: OttlLanguage, kind: str, contexts: Sequence[str], texts: Iterable[UsedNames]) -> Inferred:
    """Return the context that the Collector chooses for texts which name contexts in their paths.

    `kind` is a kind of text, such as STATEMENT of ottl_language.py, and `contexts` are those that the setting allows.
    The first context of the table that a path names is chosen, if it has all functions and enums of the texts; else the
    first other one that has these and sees it, which means that it has the paths of that context too.
    """
    named_contexts: set[str] = set()
    functions: set[str] = set()
    enums: set[str] = set()
    for used in texts:
        named_contexts.update(find_named_contexts(used))
        functions.update(call.text for call in used.calls)
        enums.update(enum.text for enum in used.enums)
    chosen_name = choose_first_context(language, named_contexts)
    if chosen_name not in contexts:
        return Inferred("", chosen_name)
    for name in (chosen_name, *list_contexts_seeing(language, chosen_name, contexts)):
        if functions <= set(language.find_functions(kind, name)) and enums <= set(language.contexts[name].enum_names):
            return Inferred(name)
    return Inferred(chosen_name)


def find_named_contexts(used: UsedNames) -> Iterator[str]:
    """Yield the first words of paths such as `span.name`; a word with a key, as in `attributes["a"]`, is a field."""
    for path in used.paths:
        first_word, keys = path.steps[0]
        if len(path.steps) > 1 and not keys:
            yield first_word


def choose_first_context(language: OttlLanguage, named_contexts: set[str]) -> str:
    """Return the first context of the table that is named, `otelcol` last; else a word that names no context."""
    for name in (*list_inferable_contexts(language), "otelcol"):
        if name in named_contexts:
            return name
    return min(named_contexts, default="")


def list_contexts_seeing(language: OttlLanguage, chosen_name: str, contexts: Sequence[str]) -> list[str]:
    """Return the other contexts that have the paths of a context too."""
    other_names = [name for name in list_inferable_contexts(language) if name in contexts and name != chosen_name]
    return [name for name in other_names if chosen_name in language.contexts[name].visible_contexts]


def list_inferable_contexts(language: OttlLanguage) -> list[str]:
    """Return the contexts of the table, in its order, but `otelcol`, which has no place in it."""
    return [name for name in language.contexts if name != "otelcol"]
