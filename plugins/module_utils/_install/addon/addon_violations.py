# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the configuration of an EKS add-on by the JSON Schema of its version, in words. Private.

`live/addon_configuration_check.py` finds the violations with the library jsonschema. No text has a value of the
configuration, because it may be a secret.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ..._otelcol.config.paths import Path, format_path
from ..._otelcol.errors import Problem, join_at_most, suggest_word

# How many violations a message names.
MOST_VIOLATIONS = 20
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
    known_keys: tuple[str, ...] = ()
    """The keys that the schema knows at the place."""
    pattern_keys: tuple[str, ...] = ()
    """The keys of the instance that the schema allows by a pattern, such as `x-team` by `^x-`."""


def _describe_type_violation(violation: Violation) -> str:
    """Return which types the schema takes, and which one the value has."""
    expected = violation.expected
    types = " or ".join(expected) if isinstance(expected, list) else str(expected)
    return f"must be {types}, is {_TYPE_NAMES.get(type(violation.instance), 'null')}"


def _describe_enum_violation(violation: Violation) -> str:
    """Return the values that the schema takes."""
    return f"must be one of {', '.join(map(str, violation.expected))}"


def _describe_unknown_keys(violation: Violation) -> str:
    """Return which keys the schema does not know, each with the one that may be meant."""
    faults = []
    for key in violation.instance:
        if key not in (*violation.known_keys, *violation.pattern_keys):
            faults.append(f"'{key}' is not known here{suggest_word(str(key), violation.known_keys)}")
    return ", ".join(faults)


def _describe_missing_keys(violation: Violation) -> str:
    """Return which required keys the configuration does not have."""
    missing_keys = [key for key in violation.expected if key not in violation.instance]
    return "missing: " + ", ".join(missing_keys)


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
_DESCRIPTIONS: dict[str, Callable[[Violation], str]] = {
    "type": _describe_type_violation,
    "enum": _describe_enum_violation,
    "additionalProperties": _describe_unknown_keys,
    "required": _describe_missing_keys,
}


def _describe_fault(violation: Violation) -> str:
    """Return what is wrong, without the place."""
    template = _TEMPLATES.get(violation.keyword)
    if template:
        return template.format(violation.expected)
    describe = _DESCRIPTIONS.get(violation.keyword)
    if describe:
        return describe(violation)
    return f"does not fulfil '{violation.keyword}' of the schema"


def describe_violation(violation: Violation) -> str:
    """Return a violation in words, with its place."""
    path = format_path(violation.path)
    fault = _describe_fault(violation)
    return f"{path}: {fault}" if path else fault


def find_schema_mismatch(
    violations: Iterable[Violation], name: str, version: str, *, is_from_task: bool
) -> Problem | None:
    """Return the problem of a configuration that does not fit the schema of a version of an add-on; None if it fits.

    `is_from_task` says whether the task gives the configuration; otherwise the add-on has it already.
    """
    lines = sorted({describe_violation(violation) for violation in violations})
    if not lines:
        return None
    if is_from_task:
        owner_text, fix_text = "configuration_values", "Correct it"
    else:
        owner_text, fix_text = "the configuration that it has now", "Give configuration_values that fit this version"
    return Problem(
        f"{owner_text} does not fit the schema of {name} {version}: {join_at_most(MOST_VIOLATIONS, lines, '; ', '; ')}",
        asked=f"Configure the add-on {name}",
        where="configuration_values",
        fix=f"{fix_text}; eks_addon_info with configuration=true shows the schema.",
    )
