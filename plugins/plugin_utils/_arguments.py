# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options as Ansible documents them: their argument specs, and values in their types. Controller only. Private."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator, ValidationResult

from ..module_utils._collector.option_values import TEXT_MAPS
from ..module_utils._otelcol.config.paths import dotted, leaves
from ..module_utils._otelcol.errors import Problem, near
from ..module_utils._otelcol.kube.names import text
from ._option_values import HOLDS, held_by
from ._shape_checks import check_shapes
from ._spelling_checks import SURROGATE
from ._value_shapes import mappings_in, suboptions

# Keys of an argument spec that only documentation or the role's entry point uses.
# `range` and `needs` are of recipes, whose options _collector/recipes.py checks.
_PROSE = {
    "description",
    "short_description",
    "version_added",
    "author",
    "seealso",
    "range",
    "needs",
    "instead_of",
    HOLDS,
}
# What pods and the official Helm chart call options of a collector, where the nearest name is another one.
_ELSEWHERE = {
    "resources": ("memory_limit", "memory_request", "cpu_request", "cpu_limit"),
    "extraEnvs": ("env",),
    "extraVolumes": ("volumes",),
    "volumeMounts": ("volumes",),
    "presets": ("recipes",),
    "ports": ("recipes", "service"),
}


class Options:
    """Documented options with their argument spec, built once for all values."""

    def __init__(self, documented: Mapping[str, Any]) -> None:
        self.documented = documented
        spec = argument_spec(documented)
        self._validator = ArgumentSpecValidator(spec)
        self._defaults: dict[str, Any] = {}
        for name, option in spec.items():
            if isinstance(option.get("default"), (dict, list)):
                self._defaults[name] = option["default"]

    def validate(self, values: Mapping[str, Any]) -> ValidationResult:
        """Return values validated by Ansible, which copies the values but fills the defaults of a spec in place."""
        return self._validator.validate({**self._defaults, **values})


def checked(
    values: Mapping[str, Any], options: Options | Mapping[str, Any], what: str, *, one_line: bool = True
) -> dict[str, Any]:
    """Return values in the types of documented options, with their defaults. Raises Problem naming every fault.

    With `one_line`, no text may have a line end or a character that nothing shows.
    """
    known = options if isinstance(options, Options) else Options(options)
    _check_names(values, known.documented, what, "")
    check_shapes(values, known.documented, what, one_line=one_line)
    result = _validated(values, known, what)
    if result.error_messages:
        fix = "Write a value of the type or the list that the message names."
        if any("missing" in message for message in result.error_messages):
            fix = "Give what is missing."
        raise Problem("; ".join(result.error_messages), asked=what, fix=fix)
    validated: dict[str, Any] = result.validated_parameters
    _check_text(validated, what)
    _make_text(validated, known.documented)
    return validated


def named(values: Mapping[str, Any]) -> str:
    """Return the name of a collector or an Instrumentation in a message, whatever was given as its name."""
    name = values.get("name")
    shown = isinstance(name, (str, int)) and name and str(name).isprintable()
    return str(name) if shown else "without a name"


# ── Names ──


def _check_names(values: Mapping[str, Any], spec: Mapping[str, Any], what: str, path: str) -> None:
    """Reject unknown options at any depth; Ansible's validator suggests no similar name."""
    for key, value in values.items():
        if key not in spec:
            wrong = f"{what} has no option '{path}{key}'{_meant_names(str(key), spec)}"
            raise Problem(wrong, fix=f"Options: {', '.join(sorted(spec)) or 'none'}.")
        inner = suboptions(spec[key])
        if inner:
            for options in mappings_in(value):
                _check_names(options, inner, what, f"{path}{key}.")


def _meant_names(key: str, spec: Mapping[str, Any]) -> str:
    """Return which options an unknown one may mean, as the end of a sentence."""
    others = [name for name in _ELSEWHERE.get(key, ()) if name in spec]
    return f"; use {', '.join(others)}" if others else near(key, spec)


# ── Ansible's validator ──


def _validated(values: Mapping[str, Any], known: Options, what: str) -> ValidationResult:
    """Return what Ansible's validator says of values; it fails on some, such as infinity for a whole number."""
    try:
        return known.validate(values)
    except Exception:
        for name, value in values.items():
            _validated_alone(name, value, known, what)
        raise


def _validated_alone(name: str, value: Any, known: Options, what: str) -> None:
    try:
        known.validate({name: value})
    except Exception as error:
        wrong = f"option '{name}' of {what} has a value that is not valid: {error}"
        raise Problem(wrong, fix="Correct the value.") from error


def argument_spec(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return documented options as the argument spec that Ansible's validator takes, which fills in its defaults."""
    spec = {}
    for name, option in options.items():
        facts = {key: deepcopy(value) for key, value in (option or {}).items() if key not in _PROSE}
        inner = facts.pop("options", None) or facts.pop("suboptions", None)  # as documentation of modules calls them
        if inner:
            facts["options"] = argument_spec(inner)
        spec[name] = facts
    return spec


# ── Texts ──


def _check_text(values: Mapping[str, Any], what: str) -> None:
    """Reject half of a surrogate pair, which JSON can write and no file can hold."""
    for path, value in leaves(values):
        for part in (value, *path):
            if isinstance(part, str) and SURROGATE.search(part):
                wrong = f"option '{dotted(path)}' of {what} has text that is not valid Unicode: {part!r}"
                raise Problem(wrong, fix="Remove the character.")


def _make_text(values: dict[str, Any], spec: Mapping[str, Any]) -> None:
    """Make text of numbers and switches in mappings of text. Only templates give those whose text differs."""
    for name, value in values.items():
        option = spec.get(name) or {}
        if isinstance(value, dict) and held_by(name, option) in TEXT_MAPS:
            values[name] = {key: _as_text(entry) for key, entry in value.items()}
        inner = suboptions(option)
        if inner:
            for options in mappings_in(value):
                _make_text(options, inner)


def _as_text(entry: Any) -> Any:
    return text(entry) if isinstance(entry, (int, float)) else entry
