# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EKS' authenticator: answers the API server whose a token is, and which groups access entries give to its caller.

A token is a presigned URL of STS' GetCallerIdentity, in base64. It is signed for one cluster, by its name in a header.
Source: pkg/token of github.com/kubernetes-sigs/aws-iam-authenticator.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

from tests.testbed.aws.world import AwsError
from tests.testbed.eks.identities import Caller, Identities
from tests.testbed.eks.signatures import SKEW_SECONDS, Sent, Signed, read_presigned

PREFIX = "k8s-aws-v1."
CLUSTER_HEADER = "x-k8s-aws-id"
INVALID = "InvalidToken"
LIFE_SECONDS = 900
"""How long a token is valid after its signature, whatever its URL says."""

Access = Mapping[str, list[str]]
"""The access entries of a cluster: the groups of Kubernetes by the ARN of a user or a role."""


def caller(token: str, cluster: str, identities: Identities, hosts: tuple[str, ...]) -> Caller:
    """Return who has made a token for a cluster; `hosts` are those of STS.

    Raises AwsError if the token is not one of EKS, is too old, or is of another cluster. The message never has the
    token.
    """
    url = _url(token)
    parts = _checked_parts(url, hosts)
    signed = read_presigned(url)
    _check_signature_terms(signed)
    sent = Sent("GET", url, {"host": parts.netloc, CLUSTER_HEADER: cluster})
    return identities.caller(sent, replace(signed, seconds=LIFE_SECONDS))


def _url(token: str) -> str:
    """Return the URL in a token."""
    if not token.startswith(PREFIX):
        raise AwsError(INVALID, f"the token does not begin with {PREFIX}")
    body = token.removeprefix(PREFIX)
    padding = "=" * (-len(body) % 4)
    try:
        return base64.urlsafe_b64decode(body + padding).decode()
    except ValueError as error:
        raise AwsError(INVALID, "the token is no URL in base64") from error


def _checked_parts(url: str, hosts: tuple[str, ...]) -> SplitResult:
    """Return the parts of a URL that calls GetCallerIdentity of STS."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise AwsError(INVALID, "the token is no URL in base64") from error
    if parts.scheme != "https" or parts.netloc not in hosts or parts.path not in ("", "/"):
        raise AwsError(INVALID, f"the URL of the token is not one of STS, but of {parts.netloc}")
    if parse_qs(parts.query).get("Action") != ["GetCallerIdentity"]:
        raise AwsError(INVALID, "the URL of the token does not call GetCallerIdentity")
    return parts


def _check_signature_terms(signed: Signed) -> None:
    """Raise AwsError if a signature leaves out the cluster, or is too old or from the future."""
    if CLUSTER_HEADER not in signed.names:
        raise AwsError(INVALID, f"{CLUSTER_HEADER} is not signed")
    age = (datetime.now(UTC) - signed.time).total_seconds()
    if not -SKEW_SECONDS <= age <= LIFE_SECONDS:
        raise AwsError(INVALID, f"the token is {age:.0f} s old, the limit is {LIFE_SECONDS} s")


def review(
    token_review: dict[str, Any], identities: Identities, cluster: str, hosts: tuple[str, ...], access: Access
) -> dict[str, Any]:
    """Answer a TokenReview of authentication.k8s.io/v1.

    An access entry is of a user, or of a role, whichever session of the role has made the token.
    """
    try:
        status = _authenticated(caller(token_review["spec"]["token"], cluster, identities, hosts), access)
    except AwsError as error:
        status = {"authenticated": False, "error": f"{error.code}: {error.message}"}
    return {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": status}


def _authenticated(found: Caller, access: Access) -> dict[str, Any]:
    """Return the status of a TokenReview for a caller. Raises AwsError if the caller has no access entry."""
    arn = found.role or found.arn
    groups = access.get(arn)
    if groups is None:
        raise AwsError("AccessDenied", f"no access entry of {arn}")
    return {"authenticated": True, "user": {"username": found.arn, "groups": groups}}
