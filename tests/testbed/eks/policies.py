# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policy documents of IAM, as much of them as roles of collectors use. What is not known here lets nobody through."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import unquote

Statement = Mapping[str, Any]
Context = Mapping[str, str | list[str]]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _like(value: str, pattern: str) -> bool:
    # In IAM only * and ? are special.
    return fnmatchcase(value, pattern.replace("[", "[[]"))


OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": str.__eq__,
    "StringLike": _like,
    "ArnEquals": _like,
    "ArnLike": _like,
}


def statements(document: str | Mapping[str, Any]) -> list[Statement]:
    """Return the statements of a document, which may be text or quoted for a URL."""
    read = (
        json.loads(unquote(document) if document.startswith("%7B") else document)
        if isinstance(document, str)
        else document
    )
    return _list(read["Statement"])


def _holds(statement: Statement, context: Context) -> bool:
    """Whether all conditions hold: of a key's values one has to fit; a key that is not there fits nothing.

    Of an operator that is not known the worst is assumed.
    """
    known = {name.lower(): value for name, value in context.items()}
    for operator, wanted in statement.get("Condition", {}).items():
        compare = OPERATORS.get(operator.removeprefix("ForAnyValue:"))
        if compare is None:
            return bool(statement["Effect"] == "Deny")
        for key, patterns in wanted.items():
            values = _list(known.get(key.lower(), []))
            if not any(compare(value, pattern) for value in values for pattern in _list(patterns)):
                return False
    return True


def _names(statement: Statement, field: str, value: str, *, any_case: bool = False) -> bool:
    patterns = [str(item) for item in _list(statement.get(field, []))]
    if any_case:
        value, patterns = value.lower(), [pattern.lower() for pattern in patterns]
    return any(_like(value, pattern) for pattern in patterns)


def trusts(document: str, action: str, principal: tuple[str, str], context: Context) -> bool:
    """Whether a trust policy lets somebody take on its role. The principal is (Federated or Service or AWS, name)."""
    kind, name = principal
    effects = [
        statement["Effect"]
        for statement in statements(document)
        if name in _list(dict(statement["Principal"]).get(kind, []))
        and _names(statement, "Action", action, any_case=True)
        and _holds(statement, context)
    ]
    return "Allow" in effects and "Deny" not in effects


def allows(documents: Iterable[str | Mapping[str, Any]], action: str, resource: str, context: Context) -> bool:
    """Whether policies of a role allow an action on a resource."""
    effects = [
        statement["Effect"]
        for document in documents
        for statement in statements(document)
        if _names(statement, "Action", action, any_case=True)
        and _names(statement, "Resource", resource)
        and _holds(statement, context)
    ]
    return "Allow" in effects and "Deny" not in effects
