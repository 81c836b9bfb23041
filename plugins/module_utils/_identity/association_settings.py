# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a pod identity association is set to: the words of the API of EKS, and those of our module, for each setting.

The module `eks_pod_identity_association` has the settings `role_arn`, `target_role_arn`, `disable_session_tags`,
`policy` and `tags`. Private.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from .._otelcol.errors import Problem

# The field of each setting that a call of the API takes. Tags have calls of their own.
# Source: https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdatePodIdentityAssociation.html
API_FIELDS = {
    "role_arn": "roleArn",
    "target_role_arn": "targetRoleArn",
    "disable_session_tags": "disableSessionTags",
    "policy": "policy",
}


def association_settings(association: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the settings of an association as DescribePodIdentityAssociation returns it; none without one."""
    if not association:
        return {}
    return {
        "role_arn": association.get("roleArn") or "",
        "target_role_arn": association.get("targetRoleArn") or "",
        "disable_session_tags": bool(association.get("disableSessionTags")),
        "policy": json.loads(association.get("policy") or "{}"),
        "tags": dict(association.get("tags") or {}),
    }


def build_association_request(settings: Mapping[str, Any], setting_names: Sequence[str]) -> dict[str, Any]:
    """Return the named settings as a call of the API takes them, without tags.

    Empty text takes a target role or a policy away, so an empty setting stays in the request.
    """
    fields = {API_FIELDS[name]: settings[name] for name in setting_names if name in API_FIELDS}
    if "policy" in fields:
        policy = fields["policy"]
        fields["policy"] = json.dumps(policy, sort_keys=True) if policy else ""
    return fields


def find_impossible_change(association: Mapping[str, Any] | None, wanted_settings: Mapping[str, Any]) -> Problem | None:
    """Return why an association cannot get the wanted settings; None if it can.

    An association may belong to an add-on, and EKS takes a policy only without session tags. A wanted setting that is
    None stays as it is.
    """
    owner = (association or {}).get("ownerArn")
    if owner:
        wrong = f"the add-on {owner} owns it"
        fix = "Use pod_identity_associations of eks_addon."
        return Problem(wrong, asked="Change a pod identity association", where="service_account", fix=fix)
    changed_settings = {name: value for name, value in wanted_settings.items() if value is not None}
    target_settings = association_settings(association) | changed_settings
    if target_settings.get("policy") and not target_settings.get("disable_session_tags"):
        wrong = "EKS takes a policy only without session tags"
        fix = "Set disable_session_tags to true."
        return Problem(wrong, asked="Restrict a pod identity association", where="policy", fix=fix)
    return None
