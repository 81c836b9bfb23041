# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of IAM as data, and the calls that change tags. Private.

`role_calls.py` and `oidc_provider.py` plan calls, and files of `live` send them with boto3. For example, the call for
a role that gets a tag:

    IamCall("tag_role", {"Tags": [{"Key": "team", "Value": "a"}]})
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class IamCall(NamedTuple):
    """A call of IAM that changes something."""

    operation: str
    """The name of the call in boto3, such as tag_role."""
    parameters: dict[str, Any]
    """Its parameters, without the name of the role or the ARN of the provider."""


class TagChanges(NamedTuple):
    """The difference between two sets of tags."""

    changed_tags: dict[str, str]
    """The tags to set."""
    removed_keys: list[str]


def list_tag_changes(live_tags: Mapping[str, str], target_tags: Mapping[str, str]) -> TagChanges:
    """Return the changes that turn the live tags into the target tags."""
    changed_tags = {key: value for key, value in target_tags.items() if live_tags.get(key) != value}
    return TagChanges(changed_tags, sorted(set(live_tags) - set(target_tags)))


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as IAM takes them: `{"team": "a"}` becomes `[{"Key": "team", "Value": "a"}]`."""
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
