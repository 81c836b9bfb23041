# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a config, or of a file of tests, reaches out of the test. Private.

A part reaches out if it makes the Collector of a test read files, run code or ask machines that are not of the test.
Such a part is refused with a message, but the real protection is another one: the Collector of a test runs in
namespaces of its own (`_isolation` in plugin_utils).

| a part | refused |
|---|---|
| `endpoint: "${file:/etc/shadow}"` | always, by `check_outreach` |
| an operator of type `tcp_input` of file_log | always, by `check_outreach` |
| `include: ["${env:LOGS}"]` of a receiver | where the system allows no namespaces, by `check_without_isolation` |
| a processor that asks other machines, or that nobody knows | the same |

collector_setup.py in plugin_utils calls both before a run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from ..config.paths import Path, format_path, iter_leaves
from ..errors import Problem
from ..rules.expansion import find_expressions
from ..traits import Trait, traits_of

_LOCAL_SCHEMES = ("env", "yaml")
"""Schemes of `${…}` whose value is in the config, or in the variables of the test."""
# The scheme of what stands in `${…}`: `file` of `file:/etc/x`. A name with a default, as `NAME:-x`, has no scheme.
_SCHEME = re.compile(r"(?s)([^:{}]*):(?!-)")
# Ends of the types of operators of file_log that read or write by themselves, such as `tcp_input`.
# Source: docs/operators of pkg/stanza.
_OPERATORS_WITH_EFFECTS = ("_input", "file_output")
# Signs by which the value of a variable may become more than a text: `${…}`, lists, lines, and `..` of paths.
_UNREADABLE_VALUE = re.compile(r"[${}\[\]\n]|\.\.")
# Keys of receivers below which paths of files stand.
_KEYS_OF_FILES = ("include", "exclude")
# The begin of variables by which the loader of programs adds libraries, on Linux and macOS, such as `LD_PRELOAD`.
_LOADER_PREFIXES = ("LD_", "DYLD_")
# Sections whose components a test runs as the user set them.
_SECTIONS_OF_TESTS = ("receivers", "processors", "connectors")
_FIX_OF_TEXTS = "Write that part into the config."
_FIX_OF_VARIABLES = "Write the value itself."
_FIX_OF_ISOLATION = "Run the tests where user namespaces are allowed; or trust them, with `isolation: none`."


def has_outside_value(text: str) -> bool:
    """Return whether a text has a `${…}` whose value is in a file, at an address, or anywhere else."""
    for location in find_expressions(text):  # `file:/etc/x` of `${file:/etc/x}`
        scheme = _SCHEME.match(location)
        if scheme and scheme[1] not in _LOCAL_SCHEMES:
            return True
    return False


def check_outreach(config: Mapping[str, Any], environment: Mapping[str, str], test_file: str = "") -> None:
    """Raise Problem for a config, or a variable of its test, that names a part in another place.

    `test_file` is the file of the test; it stands before the name of a variable.
    """
    for path, value in iter_leaves(config):
        if isinstance(value, str) and has_outside_value(value):
            problem = "the config takes a part of itself from another place, which a test does not read"
            raise Problem(problem, where=format_path(path), fix=_FIX_OF_TEXTS)
        if _is_operator_with_effects(path, value):
            problem = f"the operator '{value}' reads or writes something else than the files of the test"
            raise Problem(problem, where=format_path(path), fix="Test a copy of the config without it.")
    for name, value in environment.items():
        if has_outside_value(value):
            problem = "the value of this variable is in another place, which a test does not read"
            raise Problem(problem, where=f"{test_file}.environment.{name}".lstrip("."), fix=_FIX_OF_VARIABLES)


def _is_operator_with_effects(path: Path, value: Any) -> bool:
    """Whether a value is the type of a log operator that reaches out of the pipeline."""
    return path[-1] == "type" and "operators" in path and str(value).endswith(_OPERATORS_WITH_EFFECTS)


def check_without_isolation(
    config: Mapping[str, Any], environment: Mapping[str, str], is_known: Callable[[str, str], bool]
) -> None:
    """Raise Problem for what may reach out of a test that is not isolated.

    `is_known` says whether a section has a component of a type: nobody knows what others do.
    """
    for reaching_part in _find_reaching_parts(config, environment, is_known):
        problem = f"{reaching_part.problem}, and the system allows no namespaces that would keep it in the test"
        raise Problem(problem, where=reaching_part.where, fix=_FIX_OF_ISOLATION)


class _ReachingPart(NamedTuple):
    """A part that may reach out of the test: its place, and what is wrong with it."""

    where: str
    problem: str


def _find_reaching_parts(
    config: Mapping[str, Any], environment: Mapping[str, str], is_known: Callable[[str, str], bool]
) -> Iterator[_ReachingPart]:
    """Yield each part that may reach out: variables, texts of the config, and components."""
    yield from _find_reaching_variables(environment)
    for path, value in iter_leaves(config):
        if isinstance(value, str) and _is_decided_at_runtime(path, value):
            yield _ReachingPart(format_path(path), "the config decides at run time what stands here")
    for section in ("processors", "connectors"):
        yield from _find_reaching_components(config, section, is_known)


def _find_reaching_variables(environment: Mapping[str, str]) -> Iterator[_ReachingPart]:
    """Yield the variables that may become a part of the config or of a program."""
    for name, value in environment.items():
        if _UNREADABLE_VALUE.search(value):
            yield _ReachingPart(f"environment.{name}", "this value may become a part of the config")
        if name.startswith(_LOADER_PREFIXES):
            yield _ReachingPart(f"environment.{name}", "this variable adds code to a program")


def _find_reaching_components(
    config: Mapping[str, Any], section: str, is_known: Callable[[str, str], bool]
) -> Iterator[_ReachingPart]:
    """Yield the components of a section that read files or ask other machines, and unknown ones."""
    for component_id in _list_component_ids(config.get(section)):
        where = f"{section}.{component_id}"
        if Trait.REACHES_OUT in traits_of(section, component_id):
            yield _ReachingPart(where, "this component reads files or asks other machines")
        elif not is_known(section, component_id):
            yield _ReachingPart(where, "nobody knows what this component reads")


def _list_component_ids(components: Any) -> list[str]:
    """Return the ids of a section; none of one that is no mapping."""
    return [str(component_id) for component_id in components] if isinstance(components, Mapping) else []


def _is_decided_at_runtime(path: Path, text: str) -> bool:
    """Return whether a variable decides which file is read, or what a whole component is."""
    if "${" not in text:
        return False
    section = path[0]
    is_whole_component = len(path) <= len(("processors", "id"))
    if is_whole_component and section in _SECTIONS_OF_TESTS:
        return True
    names_files = any(key in _KEYS_OF_FILES for key in path)
    if section == "receivers" and names_files:
        return True
    return any(_is_nested_location(location) for location in find_expressions(text))


def _is_nested_location(location: str) -> bool:
    """Whether the location in a `${…}` has another `${…}` inside; `find_expressions` puts a NUL character for it."""
    return "${" in location or "\0" in location
