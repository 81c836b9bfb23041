# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The trust policy of a role, and the OIDC provider of a cluster that it trusts. Private.

`role.py` uses the first part for module iam_service_account_role, and `live/oidc.py` the second part for module
iam_oidc_provider. Sources: EKS User Guide, "Assign IAM roles to Kubernetes service accounts" (audience and subject),
"Create IAM role with trust policy required by EKS Pod Identity" and "List of session tags added by EKS Pod Identity".

Two things are called provider: a provider of identities is the way in which pods get a role (`irsa` or `pod_identity`),
and an OIDC provider is the object of IAM for the issuer of a cluster's tokens, which `irsa` needs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypedDict

from .._otelcol.config.paths import list_at
from .._otelcol.errors import Problem
from .._otelcol.needs.aws_policy import (
    IRSA,
    POD_IDENTITY,
    POLICY_VERSION,
    EksCluster,
    ServiceAccount,
    Statement,
    is_same_policy,
)

# The `Sid` of the statement that this collection writes, by provider of identities.
STATEMENT_IDS = {IRSA: "O11yOpentelemetryIrsa", POD_IDENTITY: "O11yOpentelemetryPodIdentity"}
# The audience of the tokens that the EKS webhook mounts. It is the same in aws-cn, where STS has another host name.
AUDIENCE = "sts.amazonaws.com"
# Source: CreateOpenIDConnectProvider in the IAM API reference.
THUMBPRINT = re.compile(r"[0-9a-fA-F]{40}\Z")
MOST_THUMBPRINTS = 5


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


class ProviderSettings(TypedDict):
    """An OIDC provider as it is, or as it shall be. It is a part of the result of module iam_oidc_provider."""

    url: str
    """The URL of the issuer, with https://."""
    client_ids: list[str]
    """The audiences whose tokens it accepts."""
    thumbprints: list[str]
    tags: dict[str, str]


# ── The trust policy of a role ──


def irsa_statement(eks_cluster: EksCluster, account: ServiceAccount) -> Statement:
    """Return the statement that trusts the tokens which the cluster signs for a service account."""
    issuer = strip_scheme(eks_cluster.issuer)
    subject = f"system:serviceaccount:{account.namespace}:{account.name}"
    return {
        "Sid": STATEMENT_IDS[IRSA],
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:{eks_cluster.partition}:iam::{eks_cluster.account}:oidc-provider/{issuer}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {f"{issuer}:aud": AUDIENCE, f"{issuer}:sub": subject}},
    }


def pod_identity_statement(eks_cluster: EksCluster, account: ServiceAccount) -> Statement:
    """Return the statement that trusts EKS Pod Identity, if it acts for a service account of a cluster."""
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
    """Return the trust policy of a role with the wanted statement.

    A policy that means the same as before stays as it is written. `keeps_providers` keeps all other statements, also
    that of the other provider of identities. `keeps_foreign` keeps those that this collection did not write: foreign
    ones, whose `Sid` is not in STATEMENT_IDS.
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
    if live_policy and is_same_policy(live_policy, target_policy):
        return dict(live_policy)
    return target_policy


def drop_own_statements(live_policy: Mapping[str, Any]) -> dict[str, Any]:
    """Return a trust policy without the statements of this collection."""
    foreign_statements = []
    for statement in _list_statements(live_policy):
        if statement.get("Sid") not in STATEMENT_IDS.values():
            foreign_statements.append(statement)
    return {**live_policy, "Statement": foreign_statements}


def _list_statements(policy: Mapping[str, Any] | None) -> Sequence[Statement]:
    """Return the statements of a policy; a single one may stand without a list."""
    statements = (policy or {}).get("Statement") or []
    if isinstance(statements, Mapping):
        return [dict(statements)]
    return list(statements)


# ── The OIDC provider of a cluster ──


def normalize_issuer(url: str) -> str:
    """Return the URL of an issuer as IAM compares it: with https:// and without a slash at its end.

    Raises Problem for a URL that IAM does not take.
    """
    scheme, separator, url_path = url.partition("://")
    if not separator:
        scheme, url_path = "https", url
    host = url_path.split("/", 1)[0]
    has_refused_character = any(character in url_path for character in "?#@ ")
    if scheme.lower() != "https" or not host or has_refused_character or ":" in host:
        wrong = f"'{url}' is not the URL of an issuer: IAM accepts https, without port, query or user"
        fix = "Give the issuer, such as https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE."
        raise Problem(wrong, asked="Register an OIDC provider", where="url", fix=fix)
    return "https://" + url_path.rstrip("/")


def strip_scheme(url: str) -> str:
    """Return the URL of an issuer without its scheme, as ARNs and trust policies have it."""
    return url.partition("://")[2]


def find_provider_arn(arns: Iterable[str], url: str) -> str:
    """Return the ARN of an issuer's provider among the ARNs of all providers; an empty text if there is none."""
    issuer_path = strip_scheme(url)
    for arn in arns:
        if arn.partition(":oidc-provider/")[2] == issuer_path:
            return arn
    return ""


def normalize_thumbprints(fingerprints: Iterable[str] | None) -> list[str] | None:
    """Return thumbprints as IAM keeps them; None leaves them to AWS. Raises Problem for invalid ones."""
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


def provider_settings(provider: Mapping[str, Any], tags: Mapping[str, str]) -> ProviderSettings:
    """Return the settings of a provider. `provider` is the answer of GetOpenIDConnectProvider."""
    return {
        "url": "https://" + str(provider.get("Url", "")),
        "client_ids": sorted(list_at(provider, "ClientIDList")),
        "thumbprints": sorted(str(thumbprint).lower() for thumbprint in list_at(provider, "ThumbprintList")),
        "tags": dict(tags),
    }


def plan_provider(
    live_provider: ProviderSettings,
    client_ids: Iterable[str],
    thumbprints_to_set: list[str] | None,
    tags: Mapping[str, str] | None,
    *,
    purges_others: bool,
) -> ProviderSettings:
    """Return the settings that the provider shall have. None leaves thumbprints or tags unchanged.

    `purges_others` removes the audiences that others added.
    """
    kept_client_ids = set() if purges_others else set(live_provider["client_ids"])
    return {
        "url": live_provider["url"],
        "client_ids": sorted({*client_ids} | kept_client_ids),
        "thumbprints": live_provider["thumbprints"] if thumbprints_to_set is None else thumbprints_to_set,
        "tags": live_provider["tags"] if tags is None else dict(tags),
    }


def list_tag_changes(live_tags: Mapping[str, str], target_tags: Mapping[str, str]) -> TagChanges:
    """Return the changes that turn the live tags into the target tags."""
    changed_tags = {key: value for key, value in target_tags.items() if live_tags.get(key) != value}
    return TagChanges(changed_tags, sorted(set(live_tags) - set(target_tags)))


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as IAM takes them."""
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def plan_steps(live_provider: ProviderSettings, target: ProviderSettings) -> list[IamCall]:
    """Return the calls that give a provider the target settings.

    Audiences are added before others are removed, so that IAM refuses no token meanwhile.
    """
    pending_steps = []
    for client_id in target["client_ids"]:
        if client_id not in live_provider["client_ids"]:
            pending_steps.append(IamCall("add_client_id_to_open_id_connect_provider", {"ClientID": client_id}))
    for client_id in live_provider["client_ids"]:
        if client_id not in target["client_ids"]:
            pending_steps.append(IamCall("remove_client_id_from_open_id_connect_provider", {"ClientID": client_id}))
    if target["thumbprints"] != live_provider["thumbprints"]:
        thumbprint_list = {"ThumbprintList": list(target["thumbprints"])}
        pending_steps.append(IamCall("update_open_id_connect_provider_thumbprint", thumbprint_list))
    changed_tags, removed_keys = list_tag_changes(live_provider["tags"], target["tags"])
    if changed_tags:
        pending_steps.append(IamCall("tag_open_id_connect_provider", {"Tags": tag_list(changed_tags)}))
    if removed_keys:
        pending_steps.append(IamCall("untag_open_id_connect_provider", {"TagKeys": removed_keys}))
    return pending_steps
