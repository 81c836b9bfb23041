# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What did this collection add to a role of another owner? The role says it in tags. Private.

The removal takes away what the tags name, and leaves what the role had before. For example, a role with the managed
policy A was adopted, and got the managed policy B and a permissions boundary. Its tags are then

    {"o11y.opentelemetry/added-policies": "5b1f0c2e", "o11y.opentelemetry/added-boundary": "true"}

The tag `o11y.opentelemetry/added-association` says the same of the EKS Pod Identity association of the role.

Here `5b1f0c2e` is the digest of the ARN of B: a tag has 256 characters, and the ARNs of all policies may be longer.
Inline policies and statements of the trust policy need no such tag: they have names of this collection.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping

ADDED_POLICIES_TAG = "o11y.opentelemetry/added-policies"
# A role without the tag had its boundary before, or has none.
ADDED_BOUNDARY_TAG = "o11y.opentelemetry/added-boundary"
# The service account of a role without the tag had its association with the role before, or has none.
ADDED_ASSOCIATION_TAG = "o11y.opentelemetry/added-association"
ADDITION_TAGS = (ADDED_POLICIES_TAG, ADDED_BOUNDARY_TAG, ADDED_ASSOCIATION_TAG)
# The digests of 25 policies, which is the most that IAM attaches to a role, and the spaces between them fit into a tag.
_DIGEST_LENGTH = 8


def list_added_arns(tags: Mapping[str, str], attached_arns: Collection[str]) -> list[str]:
    """Return which of the attached managed policies the tags of the role name as added."""
    digests = tags.get(ADDED_POLICIES_TAG, "").split()
    return [arn for arn in attached_arns if _hash_arn(arn) in digests]


def plan_policy_tag(tags: Mapping[str, str], attached_arns: Collection[str], target_arns: Collection[str]) -> str:
    """Return the value of the tag for the added policies, if a role gets the managed policies of `target_arns`."""
    earlier_additions = list_added_arns(tags, target_arns)
    digests = [_hash_arn(arn) for arn in target_arns if arn in earlier_additions or arn not in attached_arns]
    return " ".join(sorted(digests))


def is_added_boundary(tags: Mapping[str, str], boundary: str) -> bool:
    """Return whether a role gets its boundary from this collection. `boundary` is that of the role before the run."""
    return not boundary or ADDED_BOUNDARY_TAG in tags


def may_remove_association(tags: Mapping[str, str]) -> bool:
    """Return whether the removal of an adopted role may delete its association.

    A role that an earlier version of this collection adopted has no tag for the policies, and none for this.
    """
    return ADDED_ASSOCIATION_TAG in tags or ADDED_POLICIES_TAG not in tags


def _hash_arn(arn: str) -> str:
    return hashlib.sha256(arn.encode()).hexdigest()[:_DIGEST_LENGTH]
