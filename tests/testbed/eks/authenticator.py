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
from tests.testbed.eks.signatures import SKEW_SECONDS, SentRequest, Signature, read_presigned

TOKEN_PREFIX = "k8s-aws-v1."
CLUSTER_HEADER = "x-k8s-aws-id"
INVALID_TOKEN = "InvalidToken"
LIFE_SECONDS = 900
"""How long a token is valid after its signature, whatever its URL says."""

Access = Mapping[str, list[str]]
"""The access entries of a cluster: the groups of Kubernetes by the ARN of a user or a role."""


def identify_caller(token: str, cluster: str, identities: Identities, hosts: tuple[str, ...]) -> Caller:
    """Return who has made a token for a cluster; `hosts` are those of STS.

    Raises AwsError if the token is not one of EKS, is too old, or is of another cluster. The message never has the
    token.
    """
    url = _decode_url(token)
    url_parts = _check_url(url, hosts)
    signature = read_presigned(url)
    _check_signature_terms(signature)
    request = SentRequest("GET", url, {"host": url_parts.netloc, CLUSTER_HEADER: cluster})
    return identities.identify_caller(request, replace(signature, valid_seconds=LIFE_SECONDS))


def _decode_url(token: str) -> str:
    """Return the URL in a token."""
    if not token.startswith(TOKEN_PREFIX):
        raise AwsError(INVALID_TOKEN, f"the token does not begin with {TOKEN_PREFIX}")
    encoded_url = token.removeprefix(TOKEN_PREFIX)
    padding = "=" * (-len(encoded_url) % 4)
    try:
        return base64.urlsafe_b64decode(encoded_url + padding).decode()
    except ValueError as error:
        raise AwsError(INVALID_TOKEN, "the token is no URL in base64") from error


def _check_url(url: str, hosts: tuple[str, ...]) -> SplitResult:
    """Return the parts of a URL that calls GetCallerIdentity of STS."""
    try:
        url_parts = urlsplit(url)
    except ValueError as error:
        raise AwsError(INVALID_TOKEN, "the token is no URL in base64") from error
    if url_parts.scheme != "https" or url_parts.netloc not in hosts or url_parts.path not in ("", "/"):
        raise AwsError(INVALID_TOKEN, f"the URL of the token is not one of STS, but of {url_parts.netloc}")
    if parse_qs(url_parts.query).get("Action") != ["GetCallerIdentity"]:
        raise AwsError(INVALID_TOKEN, "the URL of the token does not call GetCallerIdentity")
    return url_parts


def _check_signature_terms(signature: Signature) -> None:
    """Raise AwsError if a signature leaves out the cluster, or is too old or from the future."""
    if CLUSTER_HEADER not in signature.signed_headers:
        raise AwsError(INVALID_TOKEN, f"{CLUSTER_HEADER} is not signed")
    age = (datetime.now(UTC) - signature.signed_at).total_seconds()
    if not -SKEW_SECONDS <= age <= LIFE_SECONDS:
        raise AwsError(INVALID_TOKEN, f"the token is {age:.0f} s old, the limit is {LIFE_SECONDS} s")


def answer_review(
    token_review: dict[str, Any], identities: Identities, cluster: str, hosts: tuple[str, ...], access: Access
) -> dict[str, Any]:
    """Answer a TokenReview of authentication.k8s.io/v1.

    An access entry is of a user, or of a role, whichever session of the role has made the token.
    """
    try:
        status = _authenticated_status(
            identify_caller(token_review["spec"]["token"], cluster, identities, hosts), access
        )
    except AwsError as error:
        status = {"authenticated": False, "error": f"{error.code}: {error.message}"}
    return {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": status}


def _authenticated_status(caller: Caller, access: Access) -> dict[str, Any]:
    """Return the status of a TokenReview for a caller. Raises AwsError if the caller has no access entry."""
    arn = caller.role or caller.arn
    groups = access.get(arn)
    if groups is None:
        raise AwsError("AccessDenied", f"no access entry of {arn}")
    return {"authenticated": True, "user": {"username": caller.arn, "groups": groups}}
