# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shared code of all action plugins: check the arguments, return a result or one failure. Controller only. Private."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible.errors import AnsibleActionFail

from ..module_utils._core.errors import Problem
from . import _sources
from ._render import Request

# The options that describe collectors; otel_render and pipeline_validate share them.
COLLECTOR_ARGUMENTS: dict[str, dict[str, Any]] = {
    "collectors": {"type": "list", "elements": "dict", "default": []},
    "defaults": {"type": "dict", "default": {}},
    "recipe_paths": {"type": "list", "elements": "path", "default": []},
    "platform_paths": {"type": "list", "elements": "path", "default": []},
    "identity_annotations": {"type": "dict", "default": {}},
}


def request(arguments: Mapping[str, Any]) -> Request:
    """Return the arguments of COLLECTOR_ARGUMENTS as a request."""
    return Request(**{name: arguments[name] for name in COLLECTOR_ARGUMENTS if name in arguments})


def misspelled(variables: Mapping[str, Any]) -> Iterator[str]:
    """Yield a warning for every variable that is almost, but not quite, an option of this collection's running role.

    Ansible ignores such a variable. The cutoff leaves alone what users name after the role for their own use.
    """
    if variables.get("ansible_collection_name") != "o11y.opentelemetry":
        return
    role = variables["role_name"]
    file = _sources.ROLE.with_name(role) / "meta" / "argument_specs.yml"
    known = {name.removeprefix(f"{role}_") for name in _sources.read_yaml(file)["argument_specs"]["main"]["options"]}
    for name in variables:
        word = name.removeprefix(f"{role}_")
        if word != name and word not in known and (close := difflib.get_close_matches(word, known, n=1, cutoff=0.8)):
            yield f"{name} is no option of role {role} and has no effect; did you mean {role}_{close[0]}?"


def answer(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return the result of the work. A Problem becomes a failed task."""
    try:
        return {"changed": False, **work()}
    except Problem as problem:
        raise AnsibleActionFail(str(problem)) from problem
