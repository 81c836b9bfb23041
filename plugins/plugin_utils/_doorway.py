# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shared code of all action plugins: check the arguments, return a result or one failure. Controller only. Private."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleActionFail

from ..module_utils._core.errors import Problem
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


def answer(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return the result of the work. A Problem becomes a failed task."""
    try:
        return {"changed": False, **work()}
    except Problem as problem:
        raise AnsibleActionFail(str(problem)) from problem
