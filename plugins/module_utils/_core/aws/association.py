# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pod identity association: what it is set to, what is wanted of it, and what cannot be. Private."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..errors import Problem

# Our names for the fields that UpdatePodIdentityAssociation takes.
FIELDS = {
    "role_arn": "roleArn",
    "target_role_arn": "targetRoleArn",
    "disable_session_tags": "disableSessionTags",
    "policy": "policy",
}


def settings(association: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what DescribePodIdentityAssociation says, in our words."""
    if not association:
        return {}
    return {
        "role_arn": association.get("roleArn") or "",
        "target_role_arn": association.get("targetRoleArn") or "",
        "disable_session_tags": bool(association.get("disableSessionTags")),
        "policy": json.loads(association.get("policy") or "{}"),
        "tags": dict(association.get("tags") or {}),
    }


def request(wanted: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    """Return these settings as the API takes them; empty ones take a target role or a policy away."""
    found = {FIELDS[name]: wanted[name] for name in names if name in FIELDS}
    if "policy" in found:
        found["policy"] = json.dumps(found["policy"], sort_keys=True) if found["policy"] else ""
    return found


def impossible(association: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> Problem | None:
    """Return the problem of an association that belongs to an add-on, or of settings that exclude each other."""
    live = settings(association)
    owner = (association or {}).get("ownerArn")
    if owner:
        return Problem(
            f"the add-on {owner} owns it",
            asked="Change a pod identity association",
            where="service_account",
            fix="Use pod_identity_associations of eks_addon.",
        )
    after = live | {name: value for name, value in wanted.items() if value is not None}
    if after.get("policy") and not after.get("disable_session_tags"):
        return Problem(
            "EKS takes a policy only without session tags",
            asked="Restrict a pod identity association",
            where="policy",
            fix="Set disable_session_tags to true.",
        )
    return None
