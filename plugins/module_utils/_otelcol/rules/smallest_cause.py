# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The setting that makes a component need something: it is found by asking again with other settings. Private.

needed_consent.py asks for the setting because of which a component needs a right. For example, the receiver k8s_objects
with these settings needs the right to read Secrets:

    {objects: [{name: pods}, {name: secrets}]}

`find_smallest_cause` asks whether it needs the right with each of the settings in this table, and goes down by a step
wherever the answer shows that the cause is there:

    asked with                      needed?     the cause is at
    {}                              no          objects
    {objects: [{name: pods}]}       no
    {objects: [{name: secrets}]}    yes         objects[1]
    {objects: [{name: other}]}      no          objects[1].name, which has no parts: this is the result
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..config.paths import Path, value_at

# Takes the place of a scalar to see whether the need ends with another value.
_OTHER_TEXT = "other"

NeedTest = Callable[[Any], bool]
"""Says whether a component with these settings needs something. They are always those of the whole component."""


def find_smallest_cause(is_needed: NeedTest, settings: Any) -> Path:
    """Return the path of the smallest setting that alone makes a component need something; empty for the whole.

    `settings` are those of the component, with which `is_needed` is true.
    """
    cause: Path = ()
    while True:
        smaller_cause = _find_smaller_cause(is_needed, settings, cause)
        if smaller_cause == cause:
            return cause
        cause = smaller_cause


def _find_smaller_cause(is_needed: NeedTest, settings: Any, cause: Path) -> Path:
    """Return the path of the part of a cause that is a cause itself; the path of the cause if no part is.

    A key of a mapping is a cause if the need ends without it; of several such keys, the last one. An item of a list is
    a cause if the need is there with this item alone.
    """
    part = value_at(settings, cause)
    if isinstance(part, dict):
        # From the end, since what a setting is about often stands before its value, and the value is what a user
        # changes: the cause in `{target_label: __metrics_path__, replacement: …/proxy/metrics}` is `replacement`,
        # though the need ends with another `target_label` too.
        for key in reversed(part):
            if not is_needed(_replace_part(settings, cause, _neutralize_key(part, key))):
                return (*cause, key)
    if isinstance(part, list):
        for index, item in enumerate(part):
            if is_needed(_replace_part(settings, cause, [item])):
                return (*cause, index)
    return cause


def _neutralize_key(mapping: dict[Any, Any], key: Any) -> dict[Any, Any]:
    """Return a mapping without a key that has a mapping or a list, or with another text as the value of the key."""
    other_items = {name: value for name, value in mapping.items() if name != key}
    return other_items if isinstance(mapping[key], (dict, list)) else {**other_items, key: _OTHER_TEXT}


def _replace_part(settings: Any, path: Path, new_part: Any) -> Any:
    """Return settings with another value at a path. Lists on the path keep only the item through which it leads.

    For example, `{name: other}` at `objects[1]` of `{objects: [{name: pods}, {name: secrets}]}` makes
    `{objects: [{name: other}]}`: `objects[0]` is not the cause, or the path would lead through it.
    """
    if not path:
        return new_part
    step, *rest = path
    new_child = _replace_part(settings[step], tuple(rest), new_part)
    return [new_child] if isinstance(settings, list) else {**settings, step: new_child}
