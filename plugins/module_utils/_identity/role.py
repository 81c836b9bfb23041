# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IAM role of a service account: its settings, what a task requests, and the tags of this collection. Private.

`live/role_reader.py` reads a role as `RoleSettings`, `role_owner.py` says whether a task may use it, and `role_plan.py`
what it shall be. The origin of a role is a tag:

| ORIGIN_TAG | the role | gets | at the removal |
|---|---|---|---|
| `created` | this collection made it | exactly what the request says | is deleted |
| `adopted` | others made it, and the user set option `adopt` | that in addition | loses the additions |

For example, a new role for the service account obs/gateway of the cluster production has the tags

    {"o11y.opentelemetry/cluster": "arn:aws:eks:eu-west-1:123456789012:cluster/production",
     "o11y.opentelemetry/service-account": "obs/gateway", "o11y.opentelemetry/origin": "created"}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict, TypeVar

from .iam_policy import EksCluster, ServiceAccount, Statement
from .role_additions import ADDITION_TAGS

# The name of the inline policy that this collection writes.
INLINE_POLICY = "o11y-opentelemetry"
# Tags by which this collection knows its roles: the ARN of the cluster,
CLUSTER_TAG = "o11y.opentelemetry/cluster"
# the service account as NAMESPACE/NAME,
ACCOUNT_TAG = "o11y.opentelemetry/service-account"
# the name of the first collector that uses the role,
COLLECTOR_TAG = "o11y.opentelemetry/collector"
# and who made the role, see the table above. A role without the tag is an adopted one.
ORIGIN_TAG = "o11y.opentelemetry/origin"
ORIGIN_CREATED = "created"
ORIGIN_ADOPTED = "adopted"
OWN_TAG_KEYS = (CLUSTER_TAG, ACCOUNT_TAG, COLLECTOR_TAG, ORIGIN_TAG, *ADDITION_TAGS)
_Value = TypeVar("_Value")
# A policy of IAM: a mapping with `Version` and `Statement`.
PolicyDocument = dict[str, Any]


class RoleSettings(TypedDict):
    """A role as it is, or as it shall be. It is a part of the result of module iam_service_account_role."""

    path: str
    """Such as /o11y/."""
    trust: PolicyDocument
    policies: dict[str, PolicyDocument]
    """The inline policies, by name."""
    managed_policies: list[str]
    """The ARNs of the managed policies."""
    permissions_boundary: str
    """The ARN of the permissions boundary, or an empty text."""
    tags: dict[str, str]


@dataclass(frozen=True)
class RoleRequest:
    """The role that a task of module iam_service_account_role wants."""

    service_account: ServiceAccount
    eks_cluster: EksCluster
    trust: Statement = field(default_factory=dict)
    """The statement by which the role trusts the service account."""
    statements: list[Statement] = field(default_factory=list)
    """The statements of the inline policy."""
    managed_policies: tuple[str, ...] = ()
    """Names of managed policies of AWS, or ARNs of any."""
    path: str | None = None
    """None for the path that the role has, or else `/`."""
    permissions_boundary: str | None = None
    """None leaves the boundary of the role unchanged; an empty text takes it away."""
    keep_trust: bool = False
    """Whether the role goes on to trust the other provider of identities: IRSA or Pod Identity."""
    is_associated: bool = False
    """Whether the role has an EKS Pod Identity association when the task is done."""
    was_associated: bool = False
    """Whether it has that association already."""
    may_adopt: bool = False
    """Whether a role that this collection did not make, or that is of another collector of the account, may be used."""
    collectors: tuple[str, ...] = ()
    """The names of the collectors that use the role. If there are none, their tag is not compared."""


def policy_arn(name: str, partition: str) -> str:
    """Return the ARN of a managed policy. A name without `arn:` is that of a policy of AWS."""
    return name if name.startswith("arn:") else f"arn:{partition}:iam::aws:policy/{name}"


def role_settings(
    role: Mapping[str, Any],
    policies: Mapping[str, PolicyDocument],
    attached_arns: Iterable[str],
    tags: Mapping[str, str],
) -> RoleSettings:
    """Return the settings of a role: `role` is the answer of GetRole, and the other answers of IAM are separate."""
    boundary = role.get("PermissionsBoundary") or {}
    return {
        "path": role.get("Path") or "/",
        "trust": role.get("AssumeRolePolicyDocument") or {},
        "policies": dict(policies),
        "managed_policies": sorted(attached_arns),
        "permissions_boundary": boundary.get("PermissionsBoundaryArn") or "",
        "tags": dict(tags),
    }


def drop_keys(values: Mapping[str, _Value], dropped_keys: Sequence[str]) -> dict[str, _Value]:
    """Return a mapping without some of its keys."""
    return {key: value for key, value in values.items() if key not in dropped_keys}
