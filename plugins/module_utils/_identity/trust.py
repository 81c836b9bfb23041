# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The trust policy of a role, and the OIDC provider of the cluster that it trusts. Private.

Sources: EKS User Guide, "Assign IAM roles to Kubernetes service accounts" (audience and subject), "Create IAM role with
trust policy required by EKS Pod Identity" and "List of session tags added by EKS Pod Identity". Private.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .._otelcol.config.paths import list_at
from .._otelcol.errors import Problem
from .._otelcol.needs.aws_policy import (
    IRSA,
    POD_IDENTITY,
    POLICY_VERSION,
    Account,
    EksCluster,
    Statement,
    is_same_policy,
)

STATEMENT_IDS = {IRSA: "O11yOpentelemetryIrsa", POD_IDENTITY: "O11yOpentelemetryPodIdentity"}


def irsa_statement(eks_cluster: EksCluster, account: Account) -> Statement:
    """Return the statement for the tokens that the cluster signs for this service account."""
    issuer = strip_scheme(eks_cluster.issuer)
    subject = f"system:serviceaccount:{account.namespace}:{account.name}"
    return {
        "Sid": STATEMENT_IDS[IRSA],
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:{eks_cluster.partition}:iam::{eks_cluster.account}:oidc-provider/{issuer}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {f"{issuer}:aud": AUDIENCE, f"{issuer}:sub": subject}},
    }


def pod_identity_statement(eks_cluster: EksCluster, account: Account) -> Statement:
    """Return the statement for EKS Pod Identity. The ARN of the cluster has its account, so no other key says more."""
    tags = {
        "aws:RequestTag/eks-cluster-arn": eks_cluster.cluster_arn,
        "aws:RequestTag/kubernetes-namespace": account.namespace,
        "aws:RequestTag/kubernetes-service-account": account.name,
    }
    return {
        "Sid": STATEMENT_IDS[POD_IDENTITY],
        "Effect": "Allow",
        "Principal": {"Service": "pods.eks.amazonaws.com"},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Condition": {"StringEquals": tags},
    }


STATEMENT_BUILDERS = {IRSA: irsa_statement, POD_IDENTITY: pod_identity_statement}


def build_trust_policy(
    live_policy: Mapping[str, Any] | None, target_statement: Statement, *, keeps_providers: bool, keeps_foreign: bool
) -> dict[str, Any]:
    """Return a trust policy with the wanted statement.

    `keeps_providers` leaves that of the other provider, `keeps_foreign` others'.
    """
    kept_statements = []
    for statement in _list_statements(live_policy):
        sid = statement.get("Sid")
        if sid == target_statement["Sid"]:
            continue
        is_foreign = sid not in STATEMENT_IDS.values()
        if keeps_providers or (keeps_foreign and is_foreign):
            kept_statements.append(statement)
    target_policy = {"Version": POLICY_VERSION, "Statement": [*kept_statements, target_statement]}
    return dict(live_policy) if live_policy and is_same_policy(live_policy, target_policy) else target_policy


def drop_own_statements(live_policy: Mapping[str, Any]) -> dict[str, Any]:
    """Return the trust policy of a role that was there before us, without what we put in."""
    foreign_statements = [
        statement for statement in _list_statements(live_policy) if statement.get("Sid") not in STATEMENT_IDS.values()
    ]
    return {**live_policy, "Statement": foreign_statements}


def _list_statements(policy: Mapping[str, Any] | None) -> Sequence[Statement]:
    """Return the statements of a policy; a single one may stand without a list."""
    statements = (policy or {}).get("Statement") or []
    if isinstance(statements, Mapping):
        return [dict(statements)]
    return list(statements)


# The audience of the tokens that the EKS webhook mounts. It is the same in aws-cn, where STS has another host name.
AUDIENCE = "sts.amazonaws.com"
THUMBPRINT = re.compile(r"[0-9a-fA-F]{40}\Z")
MOST_THUMBPRINTS = 5


class Step(NamedTuple):
    """A call that changes something: the operation of IAM, and its parameters beside the provider's ARN."""

    operation: str
    parameters: dict[str, Any]


def normalize_issuer(url: str) -> str:
    """Return the URL as IAM compares it: https, no slash at the end. IAM keeps it without the scheme."""
    scheme, separator, url_path = url.partition("://")
    if not separator:
        scheme, url_path = "https", url
    host = url_path.split("/", 1)[0]
    if scheme.lower() != "https" or not host or any(separator in url_path for separator in "?#@ ") or ":" in host:
        wrong = f"'{url}' is not the URL of an issuer: IAM accepts https, without port, query or user"
        fix = "Give the issuer, such as https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE."
        raise Problem(wrong, asked="Register an OIDC provider", where="url", fix=fix)
    return "https://" + url_path.rstrip("/")


def strip_scheme(url: str) -> str:
    """Return an issuer as it stands in ARNs and trust policies."""
    return url.partition("://")[2]


def find_provider_arn(arns: Iterable[str], url: str) -> str:
    """Return the ARN of the issuer's provider; taking it from the list needs neither account nor partition."""
    issuer_path = strip_scheme(url)
    for arn in arns:
        if arn.partition(":oidc-provider/")[2] == issuer_path:
            return arn
    return ""


def normalize_thumbprints(fingerprints: Iterable[str] | None) -> list[str] | None:
    """Return thumbprints as IAM keeps them, or nothing to leave them to AWS."""
    if fingerprints is None:
        return None
    normalized = sorted({str(fingerprint).replace(":", "").lower() for fingerprint in fingerprints})
    malformed = [fingerprint for fingerprint in normalized if not THUMBPRINT.match(fingerprint)]
    fault = ""
    if malformed:
        fault = f"'{malformed[0]}' has no 40 hexadecimal digits"
    elif len(normalized) > MOST_THUMBPRINTS:
        fault = f"there are more than {MOST_THUMBPRINTS}"
    if fault:
        fix = "Leave thumbprints out: AWS checks issuers with public certificates by its own CAs, and fills them in."
        raise Problem(fault, asked="Set thumbprints", where="thumbprints", fix=fix)
    return normalized


def provider_settings(provider: Mapping[str, Any] | None, tags: Mapping[str, str]) -> dict[str, Any]:
    """Return what GetOpenIDConnectProvider says, in our words."""
    if provider is None:
        return {}
    return {
        "url": "https://" + str(provider.get("Url", "")),
        "client_ids": sorted(list_at(provider, "ClientIDList")),
        "thumbprints": sorted(str(thumbprint).lower() for thumbprint in list_at(provider, "ThumbprintList")),
        "tags": dict(tags),
    }


def plan_provider(
    live_provider: Mapping[str, Any],
    client_ids: Iterable[str],
    thumbprints_to_set: list[str] | None,
    tags: Mapping[str, str] | None,
    *,
    purges_others: bool,
) -> dict[str, Any]:
    """Return what the provider is to be. Without purge, the audiences that others added stay."""
    kept_client_ids = set() if purges_others else set(live_provider["client_ids"])
    return {
        **live_provider,
        "client_ids": sorted({*client_ids} | kept_client_ids),
        "thumbprints": live_provider["thumbprints"] if thumbprints_to_set is None else thumbprints_to_set,
        "tags": live_provider["tags"] if tags is None else dict(tags),
    }


def list_tag_changes(live_tags: Mapping[str, str], target_tags: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return the tags to set and the keys of those to remove."""
    changed_tags = {key: value for key, value in target_tags.items() if live_tags.get(key) != value}
    return changed_tags, sorted(set(live_tags) - set(target_tags))


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def plan_steps(live_provider: Mapping[str, Any], target: Mapping[str, Any]) -> list[Step]:
    """Return the calls from the one to the other. Audiences are added before others go, so that no token is refused."""
    pending_steps = []
    for client_id in target["client_ids"]:
        if client_id not in live_provider["client_ids"]:
            pending_steps.append(Step("add_client_id_to_open_id_connect_provider", {"ClientID": client_id}))
    for client_id in live_provider["client_ids"]:
        if client_id not in target["client_ids"]:
            pending_steps.append(Step("remove_client_id_from_open_id_connect_provider", {"ClientID": client_id}))
    if target["thumbprints"] != live_provider["thumbprints"]:
        thumbprint_list = {"ThumbprintList": list(target["thumbprints"])}
        pending_steps.append(Step("update_open_id_connect_provider_thumbprint", thumbprint_list))
    changed_tags, removed_keys = list_tag_changes(live_provider["tags"], target["tags"])
    if changed_tags:
        pending_steps.append(Step("tag_open_id_connect_provider", {"Tags": tag_list(changed_tags)}))
    if removed_keys:
        pending_steps.append(Step("untag_open_id_connect_provider", {"TagKeys": removed_keys}))
    return pending_steps
