# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tasks share that create or change an object of AWS: its tags, its settings, a creation that collides. Private.

service_calls.py makes the calls. For example, an object has the tags `team` and `env`, and the task gives `{team: b}`.
With `purge_tags`, the tag `env` is removed:

    merge_task_tags({"team": "a", "env": "x"}, {"tags": {"team": "b"}, "purge_tags": True})  # {"team": "b"}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.tagging import compare_aws_tags

from ..._kube.aws_failures import EXISTS_CODES
from ..iam_calls import list_tag_changes
from .call_errors import AnsibleCallError
from .service_calls import ServiceCalls

# How often a task begins anew after a collision, see `begin_anew_on_collision`, and after how many seconds.
MOST_COLLISIONS = 5
COLLISION_PAUSE_SECONDS = 2.0


def merge_task_tags(live_tags: dict[str, str], params: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the tags as they are after the task, as amazon.aws compares them; None if the task gives none."""
    if params["tags"] is None:
        return None
    added_tags, removed_keys = compare_aws_tags(live_tags, params["tags"], params["purge_tags"])
    tags = {key: value for key, value in live_tags.items() if key not in removed_keys}
    tags.update({key: str(value) for key, value in added_tags.items()})
    return tags


def list_changed_settings(live_settings: Mapping[str, Any], target_settings: Mapping[str, Any]) -> list[str]:
    """Return the names of settings that differ; settings without a wanted value stay."""
    return [name for name, value in target_settings.items() if value is not None and live_settings.get(name) != value]


def update_tags(eks: ServiceCalls, arn: str, live_tags: Mapping[str, str], target_tags: Mapping[str, str]) -> None:
    """Change the tags of an object of EKS from the live ones to the wanted ones."""
    added_tags, removed_keys = list_tag_changes(live_tags, target_tags)
    if added_tags:
        eks("tag_resource", resourceArn=arn, tags=added_tags)
    if removed_keys:
        eks("untag_resource", resourceArn=arn, tagKeys=removed_keys)


def begin_anew_on_collision(calls: ServiceCalls, ensure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return the result of `ensure`, which reads an object and creates it if it is missing.

    A collision is that AWS refuses the creation because the object exists, although the read did not find it: another
    owner has made it since, or an earlier call whose answer was lost, or reads lag behind. Then `ensure` begins anew.
    Raises AnsibleCallError for another error, and if the collision stays.
    """
    for _attempt in range(MOST_COLLISIONS):
        try:
            return ensure()
        except AnsibleCallError as error:
            is_creation = error.answer.action.startswith("Create")
            if not is_creation or error.answer.code not in EXISTS_CODES:
                raise
        calls.sleep(COLLISION_PAUSE_SECONDS)
    return ensure()
