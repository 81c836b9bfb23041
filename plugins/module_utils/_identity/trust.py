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

from .._otelcol.config.paths import items
from .._otelcol.errors import Problem
from .._otelcol.needs.aws_policy import IRSA, POD_IDENTITY, VERSION, Account, EksCluster, Statement, same_policy

SIDS = {IRSA: "O11yOpentelemetryIrsa", POD_IDENTITY: "O11yOpentelemetryPodIdentity"}


def irsa(eks_cluster: EksCluster, account: Account) -> Statement:
    """Return the statement for the tokens that the cluster signs for this service account."""
    issuer = bare(eks_cluster.issuer)
    subject = f"system:serviceaccount:{account.namespace}:{account.name}"
    return {
        "Sid": SIDS[IRSA],
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:{eks_cluster.partition}:iam::{eks_cluster.account}:oidc-provider/{issuer}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {f"{issuer}:aud": AUDIENCE, f"{issuer}:sub": subject}},
    }


def pod_identity(eks_cluster: EksCluster, account: Account) -> Statement:
    """Return the statement for EKS Pod Identity. The ARN of the cluster has its account, so no other key says more."""
    tags = {
        "aws:RequestTag/eks-cluster-arn": eks_cluster.cluster_arn,
        "aws:RequestTag/kubernetes-namespace": account.namespace,
        "aws:RequestTag/kubernetes-service-account": account.name,
    }
    return {
        "Sid": SIDS[POD_IDENTITY],
        "Effect": "Allow",
        "Principal": {"Service": "pods.eks.amazonaws.com"},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Condition": {"StringEquals": tags},
    }


STATEMENTS = {IRSA: irsa, POD_IDENTITY: pod_identity}


def trusting(live: Mapping[str, Any] | None, wanted: Statement, *, keep: bool, foreign: bool) -> dict[str, Any]:
    """Return a trust policy with the wanted statement. `keep` leaves that of the other provider, `foreign` others'."""
    kept_statements = []
    for statement in _statements(live):
        sid = statement.get("Sid")
        if sid == wanted["Sid"]:
            continue
        is_others = sid not in SIDS.values()
        if keep or (foreign and is_others):
            kept_statements.append(statement)
    made = {"Version": VERSION, "Statement": [*kept_statements, wanted]}
    return dict(live) if live and same_policy(live, made) else made


def without_ours(live: Mapping[str, Any]) -> dict[str, Any]:
    """Return the trust policy of a role that was there before us, without what we put in."""
    others = [statement for statement in _statements(live) if statement.get("Sid") not in SIDS.values()]
    return {**live, "Statement": others}


def _statements(live: Mapping[str, Any] | None) -> Sequence[Statement]:
    """Return the statements of a policy; a single one may stand without a list."""
    given = (live or {}).get("Statement") or []
    if isinstance(given, Mapping):
        return [dict(given)]
    return list(given)


# The audience of the tokens that the EKS webhook mounts. It is the same in aws-cn, where STS has another host name.
AUDIENCE = "sts.amazonaws.com"
THUMBPRINT = re.compile(r"[0-9a-fA-F]{40}\Z")
MOST_THUMBPRINTS = 5


class Step(NamedTuple):
    """A call that changes something: the operation of IAM, and its parameters beside the provider's ARN."""

    operation: str
    parameters: dict[str, Any]


def issuer(url: str) -> str:
    """Return the URL as IAM compares it: https, no slash at the end. IAM keeps it without the scheme."""
    scheme, mark, rest = url.partition("://")
    if not mark:
        scheme, rest = "https", url
    host = rest.split("/", 1)[0]
    if scheme.lower() != "https" or not host or any(mark in rest for mark in "?#@ ") or ":" in host:
        wrong = f"'{url}' is not the URL of an issuer: IAM accepts https, without port, query or user"
        fix = "Give the issuer, such as https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE."
        raise Problem(wrong, asked="Register an OIDC provider", where="url", fix=fix)
    return "https://" + rest.rstrip("/")


def bare(url: str) -> str:
    """Return an issuer as it stands in ARNs and trust policies."""
    return url.partition("://")[2]


def find(arns: Iterable[str], url: str) -> str:
    """Return the ARN of the issuer's provider; taking it from the list needs neither account nor partition."""
    issuer_path = bare(url)
    for arn in arns:
        if arn.partition(":oidc-provider/")[2] == issuer_path:
            return arn
    return ""


def thumbprints(given: Iterable[str] | None) -> list[str] | None:
    """Return thumbprints as IAM keeps them, or nothing to leave them to AWS."""
    if given is None:
        return None
    prints = sorted({str(text).replace(":", "").lower() for text in given})
    malformed = [text for text in prints if not THUMBPRINT.match(text)]
    why = ""
    if malformed:
        why = f"'{malformed[0]}' has no 40 hexadecimal digits"
    elif len(prints) > MOST_THUMBPRINTS:
        why = f"there are more than {MOST_THUMBPRINTS}"
    if why:
        fix = "Leave thumbprints out: AWS checks issuers with public certificates by its own CAs, and fills them in."
        raise Problem(why, asked="Set thumbprints", where="thumbprints", fix=fix)
    return prints


def settings(provider: Mapping[str, Any] | None, tags: Mapping[str, str]) -> dict[str, Any]:
    """Return what GetOpenIDConnectProvider says, in our words."""
    if provider is None:
        return {}
    return {
        "url": "https://" + str(provider.get("Url", "")),
        "client_ids": sorted(items(provider, "ClientIDList")),
        "thumbprints": sorted(str(item).lower() for item in items(provider, "ThumbprintList")),
        "tags": dict(tags),
    }


def goal(
    live: Mapping[str, Any],
    client_ids: Iterable[str],
    prints: list[str] | None,
    tags: Mapping[str, str] | None,
    *,
    purge: bool,
) -> dict[str, Any]:
    """Return what the provider is to be. Without purge, the audiences that others added stay."""
    keep = set() if purge else set(live["client_ids"])
    return {
        **live,
        "client_ids": sorted({*client_ids} | keep),
        "thumbprints": live["thumbprints"] if prints is None else prints,
        "tags": live["tags"] if tags is None else dict(tags),
    }


def tag_changes(live: Mapping[str, str], wanted: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return the tags to set and the keys of those to remove."""
    fresh = {key: value for key, value in wanted.items() if live.get(key) != value}
    return fresh, sorted(set(live) - set(wanted))


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def steps(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[Step]:
    """Return the calls from the one to the other. Audiences are added before others go, so that no token is refused."""
    calls = []
    for client_id in wanted["client_ids"]:
        if client_id not in live["client_ids"]:
            calls.append(Step("add_client_id_to_open_id_connect_provider", {"ClientID": client_id}))
    for client_id in live["client_ids"]:
        if client_id not in wanted["client_ids"]:
            calls.append(Step("remove_client_id_from_open_id_connect_provider", {"ClientID": client_id}))
    if wanted["thumbprints"] != live["thumbprints"]:
        prints = {"ThumbprintList": list(wanted["thumbprints"])}
        calls.append(Step("update_open_id_connect_provider_thumbprint", prints))
    fresh, stale = tag_changes(live["tags"], wanted["tags"])
    if fresh:
        calls.append(Step("tag_open_id_connect_provider", {"Tags": tag_list(fresh)}))
    if stale:
        calls.append(Step("untag_open_id_connect_provider", {"TagKeys": stale}))
    return calls
