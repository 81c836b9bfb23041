# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the configuration of an EKS add-on by the JSON Schema of its version, in words. Private.

No text has a value of the configuration, because it may be a secret.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ..._otelcol.config.paths import Path, dotted
from ..._otelcol.errors import Problem, at_most, near

# So many violations are told.
MOST = 20
# The types of Python, and what JSON Schema calls them.
_TYPE_NAMES = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number"}


class Violation(NamedTuple):
    """A place in the configuration that does not fit the schema."""

    path: Path
    """The place."""
    keyword: str
    """The keyword of JSON Schema that it violates."""
    expected: Any
    """The value of the keyword in the schema."""
    instance: Any
    """The part of the configuration at the place. No text shows it."""
    known: tuple[str, ...] = ()
    """The keys that the schema knows at the place."""


def _type_violation(violation: Violation) -> str:
    """Return which types the schema takes, and which one the value has."""
    expected = violation.expected
    types = " or ".join(expected) if isinstance(expected, list) else str(expected)
    return f"must be {types}, is {_TYPE_NAMES.get(type(violation.instance), 'null')}"


def _enum_violation(violation: Violation) -> str:
    """Return the values that the schema takes."""
    return f"must be one of {', '.join(map(str, violation.expected))}"


def _unknown_keys(violation: Violation) -> str:
    """Return which keys the schema does not know, each with the one that may be meant."""
    texts = []
    for key in violation.instance:
        if key not in violation.known:
            texts.append(f"'{key}' is not known here{near(str(key), violation.known)}")
    return ", ".join(texts)


def _missing_keys(violation: Violation) -> str:
    """Return which required keys the configuration does not have."""
    absent = [key for key in violation.expected if key not in violation.instance]
    return "missing: " + ", ".join(absent)


# Keywords whose text is made of the value in the schema alone.
_TEMPLATES = {
    "const": "must be {}",
    "pattern": "must match {}",
    "format": "must be a {}",
    "minimum": "must be at least {}",
    "maximum": "must be at most {}",
    "minLength": "must have at least {} characters",
    "maxLength": "must have at most {} characters",
    "minItems": "must have at least {} items",
    "maxItems": "must have at most {} items",
}
_TEXTS: dict[str, Callable[[Violation], str]] = {
    "type": _type_violation,
    "enum": _enum_violation,
    "additionalProperties": _unknown_keys,
    "required": _missing_keys,
}


def _without_place(violation: Violation) -> str:
    """Return what is wrong, without the place."""
    template = _TEMPLATES.get(violation.keyword)
    if template:
        return template.format(violation.expected)
    text = _TEXTS.get(violation.keyword)
    if text:
        return text(violation)
    return f"does not fulfil '{violation.keyword}' of the schema"


def said(violation: Violation) -> str:
    """Return a violation in words, with its place."""
    path = dotted(violation.path)
    text = _without_place(violation)
    return f"{path}: {text}" if path else text


def mismatch(violations: Iterable[Violation], name: str, version: str, *, ours: bool) -> Problem | None:
    """Return the problem of a configuration that does not fit the schema of a version of an add-on; None if it fits.

    `ours` says whether the task gives the configuration; otherwise the add-on has it already.
    """
    lines = sorted({said(violation) for violation in violations})
    if not lines:
        return None
    whose, correct = "the configuration that it has now", "Give configuration_values that fit this version"
    if ours:
        whose, correct = "configuration_values", "Correct it"
    return Problem(
        f"{whose} does not fit the schema of {name} {version}: {at_most(MOST, lines, '; ', '; ')}",
        asked=f"Configure the add-on {name}",
        where="configuration_values",
        fix=f"{correct}; eks_addon_info with configuration=true shows the schema.",
    )
