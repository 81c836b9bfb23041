# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of module host_apply: as Ansible's argument spec has them, and as typed values. Private.

`host_task.py` reads them once, before the task begins. plugins/modules/host_apply.py documents each of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..bundle_form import BUNDLE_OPTIONS

# The options of the module, as Ansible's argument specs have them.
ARGUMENTS: dict[str, Any] = {
    "bundle": {"type": "dict", "required": True, "options": BUNDLE_OPTIONS},
    "state": {"choices": ["present", "absent", "earlier", "settled"], "default": "present"},
    "awaits_wave": {"type": "bool", "default": False},
    "differences": {"type": "bool", "default": False},
    "release": {},
    "undoes": {},
    "written": {},
    "listed": {"type": "list", "elements": "str"},
    "discard_unsent": {"type": "bool", "default": False},
    "stage": {"type": "int"},
    "receivers": {"type": "dict", "default": {}},
    "controller_time": {"type": "float"},
}
REQUIRED_IF = [("state", "earlier", ("release", "undoes"))]


@dataclass(frozen=True)
class HostTaskOptions:
    """The options of module host_apply."""

    bundle: Mapping[str, Any]
    """The collector as it is wanted, in the form of `bundle_form`."""
    state: str
    """`present`, `absent`, `earlier` or `settled`."""
    awaits_wave: bool
    """Whether the gate of a wave decides later whether the change stays."""
    returns_differences: bool
    """Whether the result has the differences in a key of its own, and not as Ansible's diff."""
    wanted_release: str
    """The release to roll back to; BEFORE_ALL to undo a first install. Empty for other states than `earlier`."""
    undone_release: str
    """The release that state `earlier` undoes, or that state `settled` lets stay; empty if the task does not say."""
    undone_mark: str
    """When the undone release was written, as the earlier task returned it; empty if the task does not say."""
    listed_names: list[str] | None
    """The collectors that the inventory lists for this host; None if the task does not say."""
    discards_unsent: bool
    """Whether the user consents to the loss of unsent data in queues."""
    controller_time: float
    """The time of day of the controller, in seconds since 1970; 0 if it is not known."""

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> HostTaskOptions:
        """Return the options of a task by the parameters of its module."""
        return cls(
            bundle=params["bundle"],
            state=params["state"],
            awaits_wave=bool(params.get("awaits_wave")),
            returns_differences=bool(params.get("differences")),
            wanted_release=params.get("release") or "",
            undone_release=params.get("undoes") or "",
            undone_mark=params.get("written") or "",
            listed_names=params.get("listed"),
            discards_unsent=bool(params.get("discard_unsent")),
            controller_time=params.get("controller_time") or 0.0,
        )
