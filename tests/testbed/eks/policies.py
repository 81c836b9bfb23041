# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides by IAM policy documents, as far as roles of collectors use them: Action, Resource, Principal and Condition.

A statement with something else in it (NotAction, NotResource, NotPrincipal, another operator of conditions) is taken at
its worst: it allows nothing, and denies everything. A test cannot pass by a statement that is not understood.
Source: "IAM JSON policy elements reference" and "Policy evaluation logic" in the IAM User Guide.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import unquote

Document = str | Mapping[str, Any]
"""A policy document: JSON, JSON quoted for a URL as IAM returns it, or the object."""
Statement = Mapping[str, Any]
Context = Mapping[str, str | list[str]]
"""The values that a request has for the keys of conditions. IAM ignores the case of keys."""

UNSUPPORTED_ELEMENTS = ("NotAction", "NotResource", "NotPrincipal")
EVERYBODY = "*"


def _is_like(value: str, pattern: str) -> bool:
    """Whether a value fits a pattern of IAM, in which only * and ? are special."""
    return fnmatchcase(value, pattern.replace("[", "[[]"))


OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": str.__eq__,
    "StringLike": _is_like,
    "ArnEquals": _is_like,
    "ArnLike": _is_like,
}
"""Whether a value of the request fits a value of the condition, by operator."""


@dataclass(frozen=True)
class Principal:
    """The identity that wants to assume a role."""

    kind: str
    """The key of `Principal` in a trust policy: Federated, Service or AWS."""
    name: str


def may_assume_role(document: Document, action: str, principal: Principal, context: Context) -> bool:
    """Whether a trust policy lets a principal assume its role."""
    fitting_statements = []
    for statement in list_statements(document):
        if _is_about_principal(statement, principal) and _is_about_action(statement, action):
            fitting_statements.append(statement)
    return _is_allowed_by(fitting_statements, context)


def is_allowed(documents: Iterable[Document], action: str, resource: str, context: Context) -> bool:
    """Whether the policies of a role allow an action on a resource."""
    fitting_statements = []
    for document in documents:
        for statement in list_statements(document):
            if _is_about_action(statement, action) and _is_about_resource(statement, resource):
                fitting_statements.append(statement)
    return _is_allowed_by(fitting_statements, context)


def list_statements(document: Document) -> list[Statement]:
    """Return the statements of a policy document. Raises ValueError if the document is text and not JSON."""
    return _as_list(_parse_document(document)["Statement"])


def _parse_document(document: Document) -> Mapping[str, Any]:
    if not isinstance(document, str):
        return document
    is_quoted = document.startswith("%7B")
    parsed_document: dict[str, Any] = json.loads(unquote(document) if is_quoted else document)
    return parsed_document


def _is_allowed_by(fitting_statements: Iterable[Statement], context: Context) -> bool:
    """Whether statements allow together what they fit: one has to allow it, and none may deny it."""
    effects = {statement["Effect"] for statement in fitting_statements if _is_in_effect(statement, context)}
    return "Allow" in effects and "Deny" not in effects


def _is_in_effect(statement: Statement, context: Context) -> bool:
    """Whether a statement applies to a request: all its conditions hold."""
    if any(element in statement for element in UNSUPPORTED_ELEMENTS):
        return _is_assumed_to_apply(statement)
    values_by_key = {key.lower(): _as_list(value) for key, value in context.items()}
    for operator, condition in statement.get("Condition", {}).items():
        compare = OPERATORS.get(operator.removeprefix("ForAnyValue:"))
        if compare is None:
            return _is_assumed_to_apply(statement)
        for key, patterns in condition.items():
            if not _has_match(compare, values_by_key.get(key.lower(), []), _as_list(patterns)):
                return False
    return True


def _is_assumed_to_apply(statement: Statement) -> bool:
    """Whether a statement that is not understood applies: one that denies does, one that allows does not."""
    return bool(statement["Effect"] == "Deny")


def _has_match(compare: Callable[[str, str], bool], values: list[str], patterns: list[str]) -> bool:
    """Whether one value fits one pattern. No value, which is a key that the request lacks, fits nothing."""
    return any(compare(value, pattern) for value in values for pattern in patterns)


def _is_about_action(statement: Statement, action: str) -> bool:
    """Whether a statement is about an action. IAM ignores the case of actions."""
    patterns = [str(pattern).lower() for pattern in _as_list(statement.get("Action", []))]
    return "NotAction" in statement or _matches_any(action.lower(), patterns)


def _is_about_resource(statement: Statement, resource: str) -> bool:
    patterns = [str(pattern) for pattern in _as_list(statement.get("Resource", []))]
    return "NotResource" in statement or _matches_any(resource, patterns)


def _is_about_principal(statement: Statement, principal: Principal) -> bool:
    """Whether a statement of a trust policy is about a principal: by its name, or about everybody."""
    if "NotPrincipal" in statement:
        return True
    named_principals = statement.get("Principal", {})
    if not isinstance(named_principals, Mapping):
        return bool(named_principals == EVERYBODY)
    return principal.name in _as_list(named_principals.get(principal.kind, []))


def _matches_any(value: str, patterns: Iterable[str]) -> bool:
    return any(_is_like(value, pattern) for pattern in patterns)


def _as_list(value: Any) -> list[Any]:
    """Return the values of an element that may be one value or a list."""
    return value if isinstance(value, list) else [value]
