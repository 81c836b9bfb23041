# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a violation of an add-on's configuration schema says, without showing the value that violates it. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ..config.paths import Path, dotted
from ..errors import Problem, near

MOST = 20
KINDS = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number"}


class Violation(NamedTuple):
    """A place in the configuration, the keyword of JSON Schema that it violates with its value, and the instance."""

    path: Path
    keyword: str
    expected: Any
    instance: Any
    known: tuple[str, ...] = ()


def _kind(value: Any) -> str:
    return KINDS.get(type(value), "null")


def _unknown_keys(violation: Violation) -> str:
    keys = [str(key) for key in violation.instance if key not in violation.known]
    return ", ".join(f"'{key}' is not known here{near(key, violation.known)}" for key in keys)


def _missing(violation: Violation) -> str:
    absent = [key for key in violation.expected if key not in violation.instance]
    return "missing: " + ", ".join(absent)


# Values never stand in these texts: they may be secrets.
SAID: dict[str, Callable[[Violation], str]] = {
    "type": lambda it: f"must be {_either(it.expected)}, is {_kind(it.instance)}",
    "enum": lambda it: f"must be one of {', '.join(map(str, it.expected))}",
    "const": lambda it: f"must be {it.expected}",
    "additionalProperties": _unknown_keys,
    "required": _missing,
    "pattern": lambda it: f"must match {it.expected}",
    "format": lambda it: f"must be a {it.expected}",
    "minimum": lambda it: f"must be at least {it.expected}",
    "maximum": lambda it: f"must be at most {it.expected}",
    "minLength": lambda it: f"must have at least {it.expected} characters",
    "maxLength": lambda it: f"must have at most {it.expected} characters",
    "minItems": lambda it: f"must have at least {it.expected} items",
    "maxItems": lambda it: f"must have at most {it.expected} items",
}


def _other(violation: Violation) -> str:
    return f"does not fulfil '{violation.keyword}' of the schema"


def _either(expected: Any) -> str:
    return " or ".join(expected) if isinstance(expected, list) else str(expected)


def said(violation: Violation) -> str:
    """Return one line about one violation."""
    say = SAID.get(violation.keyword, _other)
    path = dotted(violation.path)
    return f"{path}: {say(violation)}" if path else say(violation)


def mismatch(violations: Iterable[Violation], name: str, version: str, *, ours: bool) -> Problem | None:
    """Return the problem of a configuration that the schema of this version refuses, if it does."""
    lines = sorted({said(violation) for violation in violations})
    if not lines:
        return None
    more = [f"and {len(lines) - MOST} more"] if len(lines) > MOST else []
    whose = "configuration_values" if ours else "the configuration that it has now"
    return Problem(
        f"{whose} does not fit the schema of {name} {version}: " + "; ".join([*lines[:MOST], *more]),
        asked=f"Configure the add-on {name}",
        where="configuration_values",
        fix=f"{'Correct it' if ours else 'Give configuration_values that fit this version'};"
        " eks_addon_info with configuration=true shows the schema.",
    )
