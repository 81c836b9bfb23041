# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Selectors of requests to a Kubernetes API, such as `spec.nodeName=node-1` and `app=cart,tier!=test`.

kubernetes_answers.py in plugin_utils answers with the objects that they select. A selector has terms with a comma
between them, and an object must meet all: `app=cart,tier!=test` selects those with the label `app: cart` whose label
`tier` is not `test`.
Source: "Field Selectors" and "Labels and Selectors" of kubernetes.io. Private.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..config.paths import Path, value_at


def select_objects(
    objects: Sequence[Mapping[str, Any]], field_selector: str, label_selector: str, namespace: str = ""
) -> list[Mapping[str, Any]]:
    """Return the objects of Kubernetes in a namespace that both selectors of a request select.

    No namespace stands for all, and an empty selector selects all. So does a selector of labels with sets, such as
    `app in (cart, shop)`, which this function does not know.
    """
    terms: list[_SelectorTerm] = []
    for key, value, is_equal in map(_parse_term, _split_selector(field_selector)):
        terms.append(_SelectorTerm(tuple(key.split(".")), value, is_equal))
    for key, value, is_equal in map(_parse_term, _split_selector(label_selector)):
        terms.append(_SelectorTerm(("metadata", "labels", key), value, is_equal))
    selected_objects: list[Mapping[str, Any]] = []
    for kubernetes_object in objects:
        is_in_namespace = not namespace or kubernetes_object["metadata"].get("namespace") == namespace
        if is_in_namespace and all(term.selects_object(kubernetes_object) for term in terms):
            selected_objects.append(kubernetes_object)
    return selected_objects


class _SelectorTerm(NamedTuple):
    """A term of a selector: it selects objects by the value at a path."""

    path: Path
    value: str
    is_equal: bool
    """Whether it selects objects with this value, or else all others."""

    def selects_object(self, kubernetes_object: Mapping[str, Any]) -> bool:
        """Whether the term selects an object."""
        has_value = str(value_at(kubernetes_object, self.path, "")) == self.value
        return has_value is self.is_equal


def _split_selector(selector: str) -> list[str]:
    """Return the terms of a selector; none if it has sets, or a key that must be absent (`!key`)."""
    if "(" in selector or "!" in selector.replace("!=", ""):
        return []
    return [term for term in selector.split(",") if term]


class _ParsedTerm(NamedTuple):
    """The parts of a term: `a!=b` is `a`, `b` and False."""

    key: str
    value: str
    is_equal: bool


def _parse_term(term_text: str) -> _ParsedTerm:
    """Return the parts of a term such as `a=b`, `a==b` or `a!=b`."""
    if "!=" in term_text:
        key, _sign, value = term_text.partition("!=")
        return _ParsedTerm(key, value, is_equal=False)
    key, _sign, value = term_text.replace("==", "=").partition("=")
    return _ParsedTerm(key, value, is_equal=True)
