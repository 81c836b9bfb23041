# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service accounts of collectors, what they need at AWS, and the providers that give them a role. Private.

| provider | how the pods of a service account get a role |
|---|---|
| `irsa` | the account has the annotation of the role, and the webhook of EKS gives its pods a token |
| `pod_identity` | an association at EKS; the account needs no annotation for that |
| `static` | as `irsa`, with a role that exists |

`role_names.py` names the roles, `assignment.py` says which account gets one, `carried_identity.py` what a collector
carries for it, and `role_proofs.py` whether pods have it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypedDict

from .._collector.options import Collector
from .._otelcol.errors import join_at_most
from .._otelcol.needs.aws_grants import AwsGrant
from .iam_policy import IRSA, POD_IDENTITY, ServiceAccount, Statement, build_statements

# The provider that uses existing roles.
STATIC = "static"
# The providers that create roles.
ROLE_CREATING_PROVIDERS = (IRSA, POD_IDENTITY)
# The webhook of every EKS cluster reads it. Source: aws/amazon-eks-pod-identity-webhook, pkg/handler.
ROLE_ANNOTATION = "eks.amazonaws.com/role-arn"
# No program reads it. It shows people the role, and a change of it replaces pods.
POD_ANNOTATION = "o11y.opentelemetry/pod-identity"
# The annotation of a service account that has its role, by provider.
ANNOTATIONS = {IRSA: ROLE_ANNOTATION, POD_IDENTITY: POD_ANNOTATION, STATIC: ROLE_ANNOTATION}
# So many actions are named in a warning.
_SHOWN_ACTIONS = 5
# Variables that lead the AWS SDKs to credentials. Source: their reference guide, "Standardized credential providers".
_CREDENTIAL_VARIABLES = (
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_CONFIG_FILE",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
)


class AccountNeeds(TypedDict):
    """A service account, and what its collectors need at AWS."""

    namespace: str
    service_account: str
    collectors: list[str]
    """The names of the collectors that run as this account."""
    statements: list[Statement]
    """What these need together: statements of an IAM policy."""


class CollectorGrants(NamedTuple):
    """A collector, and what it needs at AWS."""

    collector: Collector
    grants: Sequence[AwsGrant]


# ── Whose account it is ──


def has_unknown_account(collector: Collector) -> bool:
    """Return whether nobody knows the account of a collector: a sidecar runs as the account of each pod that has it.

    The account of a sidecar is known only if its option `service_account_name` names one.
    """
    return collector.is_sidecar and collector.has_own_account


def may_have_credentials(collector: Collector) -> bool:
    """Return whether the options of a collector give it AWS credentials, or an account that may have some.

    An account of another name may be one of the user's, and so may that of the pods with a sidecar.
    """
    if collector.is_sidecar or not collector.has_own_account:
        return True
    if {ROLE_ANNOTATION, POD_ANNOTATION} & set(collector.service_account_annotations):
        return True
    return any(name in collector.env for name in _CREDENTIAL_VARIABLES)


# ── What accounts need ──


def list_account_needs(members: Iterable[CollectorGrants]) -> list[AccountNeeds]:
    """Return every known service account, with what its collectors need at AWS together, which may be nothing.

    For example:

        {"namespace": "obs", "service_account": "gateway", "collectors": ["gateway"],
         "statements": [{"Effect": "Allow", "Action": ["xray:PutTraceSegments"], "Resource": ["*"]}]}
    """
    names_by_account: dict[ServiceAccount, list[str]] = {}
    grants_by_account: dict[ServiceAccount, list[AwsGrant]] = {}
    for collector, grants in members:
        if not has_unknown_account(collector):
            account = ServiceAccount(collector.namespace, collector.service_account_name)
            names_by_account.setdefault(account, []).append(collector.name)
            grants_by_account.setdefault(account, []).extend(grants)
    account_needs: list[AccountNeeds] = []
    for account, names in names_by_account.items():
        account_needs.append(
            {
                "namespace": account.namespace,
                "service_account": account.name,
                "collectors": names,
                "statements": build_statements(grants_by_account[account]),
            }
        )
    return account_needs


def list_account_warnings(members: Iterable[CollectorGrants]) -> list[str]:
    """Return a warning for each sidecar that calls AWS and whose account is not named: no role can be made for it."""
    warnings: list[str] = []
    for collector, grants in members:
        if grants and has_unknown_account(collector):
            actions = join_at_most(_SHOWN_ACTIONS, _list_actions(grants))
            warnings.append(
                f"collector '{collector.name}' is a sidecar and calls AWS ({actions}) as the account of each pod that "
                "has it. Give these accounts a role, or set `service_account_name`, run the pods with this account, "
                "and otel_identity gives it the role."
            )
    return warnings


def _list_actions(grants: Sequence[AwsGrant]) -> list[str]:
    """Return the actions of AWS in some grants, each once, in order of their names."""
    actions: set[str] = set()
    for grant in grants:
        actions.update(grant.actions)
    return sorted(actions)
