# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a config, or of a file of tests, reaches out of the test. Private.

This is the second wall, and words for the user: the first one is that the Collector of a test runs in namespaces of its
own. Where the system allows none, more is refused: whatever nobody can read for sure, and components that read files
or ask other machines by themselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from ..config.paths import Path, dotted, leaves
from ..errors import Problem
from ..rules.expansion import expressions_in
from ..traits import Trait, traits_of

_HERE = ("env", "yaml")
"""Schemes of `${…}` whose value is in the config, or in the variables of the test."""
_SCHEME = re.compile(r"(?s)([^:{}]*):(?!-)")
# Ends of the types of operators of file_log that reach out of the pipeline. Source: docs/operators of pkg/stanza.
_EFFECTS = ("_input", "file_output")
_UNREADABLE = re.compile(r"[${}\[\]\n]|\.\.")
_KEYS_OF_FILES = ("include", "exclude")
# How the variables of the loaders of Linux and macOS begin, which add libraries to a program.
_LOADER = ("LD_", "DYLD_")
_SECTIONS_THAT_DECIDE = ("receivers", "processors", "connectors")
_TEXT = "Write that part into the config."
_VARIABLE = "Write the value itself."
_ISOLATE = "Run the tests where user namespaces are allowed; or trust them, with `isolation: none`."


def has_outside_value(text: str) -> bool:
    """Return whether a text has a `${…}` whose value is in a file, at an address, or anywhere else."""
    for location in expressions_in(text):
        scheme = _SCHEME.match(location)
        if scheme and scheme[1] not in _HERE:
            return True
    return False


def check_outreach(config: Mapping[str, Any], environment: Mapping[str, str], where: str = "") -> None:
    """Raise Problem for a config, or a variable of its test, that names a part in another place.

    `where` is the file of the test; it stands before the name of a variable.
    """
    for path, value in leaves(config):
        if isinstance(value, str) and has_outside_value(value):
            wrong = "the config takes a part of itself from another place, which a test does not read"
            raise Problem(wrong, where=dotted(path), fix=_TEXT)
        if _is_operator_with_effects(path, value):
            wrong = f"the operator '{value}' reads or writes something else than the files of the test"
            raise Problem(wrong, where=dotted(path), fix="Test a copy of the config without it.")
    for name, value in environment.items():
        if has_outside_value(value):
            wrong = "the value of this variable is in another place, which a test does not read"
            raise Problem(wrong, where=f"{where}.environment.{name}".lstrip("."), fix=_VARIABLE)


def _is_operator_with_effects(path: Path, value: Any) -> bool:
    """Whether a value is the type of a log operator that reaches out of the pipeline."""
    return path[-1] == "type" and "operators" in path and str(value).endswith(_EFFECTS)


def check_without_isolation(
    config: Mapping[str, Any], environment: Mapping[str, str], is_known: Callable[[str, str], bool]
) -> None:
    """Raise Problem for what may reach out of a test that is not isolated.

    `is_known` says whether a section has a component of a type: nobody knows what others do.
    """
    for reach in _reaching(config, environment, is_known):
        wrong = f"{reach.what}, and the system allows no namespaces that would keep it in the test"
        raise Problem(wrong, where=reach.where, fix=_ISOLATE)


class _Reach(NamedTuple):
    """A part that may reach out of the test: its place, and what is wrong with it."""

    where: str
    what: str


def _reaching(
    config: Mapping[str, Any], environment: Mapping[str, str], is_known: Callable[[str, str], bool]
) -> Iterator[_Reach]:
    """Yield each part that may reach out: variables, texts of the config, and components."""
    yield from _reaching_variables(environment)
    for path, value in leaves(config):
        if isinstance(value, str) and _is_hidden(path, value):
            yield _Reach(dotted(path), "the config decides at run time what stands here")
    for section in ("processors", "connectors"):
        yield from _reaching_components(config, section, is_known)


def _reaching_variables(environment: Mapping[str, str]) -> Iterator[_Reach]:
    """Yield the variables that may become a part of the config or of a program."""
    for name, value in environment.items():
        if _UNREADABLE.search(value):
            yield _Reach(f"environment.{name}", "this value may become a part of the config")
        if name.startswith(_LOADER):
            yield _Reach(f"environment.{name}", "this variable adds code to a program")


def _reaching_components(
    config: Mapping[str, Any], section: str, is_known: Callable[[str, str], bool]
) -> Iterator[_Reach]:
    """Yield the components of a section that read files or ask other machines, and unknown ones."""
    for component_id in _ids(config.get(section)):
        where = f"{section}.{component_id}"
        if Trait.REACHES_OUT in traits_of(section, component_id):
            yield _Reach(where, "this component reads files or asks other machines")
        elif not is_known(section, component_id):
            yield _Reach(where, "nobody knows what this component reads")


def _ids(components: Any) -> list[str]:
    """Return the ids of a section; none of one that is no mapping."""
    return [str(component_id) for component_id in components] if isinstance(components, Mapping) else []


def _is_hidden(path: Path, text: str) -> bool:
    """Return whether a variable decides which file is read, or what a whole component is."""
    if "${" not in text:
        return False
    section = path[0]
    is_whole_component = len(path) <= len(("processors", "id"))
    if is_whole_component and section in _SECTIONS_THAT_DECIDE:
        return True
    names_files = any(key in _KEYS_OF_FILES for key in path)
    if section == "receivers" and names_files:
        return True
    return any(_is_nested(location) for location in expressions_in(text))


def _is_nested(location: str) -> bool:
    """Whether the location in a `${…}` depends on another one inside, for which a NUL character may stand."""
    return "${" in location or "\0" in location
