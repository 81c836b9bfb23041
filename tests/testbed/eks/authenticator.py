# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EKS' authenticator: whose a token is that was made of a signed call of STS, and what access entries give them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.testbed.aws.world import AwsError
from tests.testbed.eks.identities import Caller, Identities
from tests.testbed.eks.signatures import SKEW_SECONDS, Sent, Signed, read_presigned

PREFIX = "k8s-aws-v1."
CLUSTER_HEADER = "x-k8s-aws-id"
LIFE_SECONDS = 900
"""From the signature on, whatever the URL says (aws-iam-authenticator, pkg/token)."""


def caller(token: str, cluster: str, identities: Identities, hosts: tuple[str, ...]) -> Caller:
    """Return who has made a token for this cluster; raise where it is none."""
    if not token.startswith(PREFIX):
        raise AwsError("InvalidToken", f"the token does not begin with {PREFIX}")
    body = token.removeprefix(PREFIX)
    try:
        url = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)).decode()
    except ValueError as error:
        raise AwsError("InvalidToken", "the token is no URL in base64") from error
    parts = urlsplit(url)
    if parts.scheme != "https" or parts.netloc not in hosts or parts.path not in ("", "/"):
        raise AwsError("InvalidToken", f"the URL of the token is not one of STS, but of {parts.netloc}")
    if parse_qs(parts.query).get("Action") != ["GetCallerIdentity"]:
        raise AwsError("InvalidToken", "the URL of the token does not ask who its caller is")
    signed = read_presigned(url)
    if CLUSTER_HEADER not in signed.names:
        raise AwsError("InvalidToken", f"{CLUSTER_HEADER} is not signed")
    age = (datetime.now(UTC) - signed.time).total_seconds()
    if not -SKEW_SECONDS <= age <= LIFE_SECONDS:
        raise AwsError("InvalidToken", f"the token is {age:.0f} s old")
    sent = Sent("GET", url, {"host": parts.netloc, CLUSTER_HEADER: cluster})
    return identities.caller(sent, Signed(**{**vars(signed), "seconds": LIFE_SECONDS}))


def review(asked: dict[str, Any], identities: Identities, cluster: str, hosts: tuple[str, ...],
           access: Mapping[str, list[str]]) -> dict[str, Any]:  # fmt: skip
    """Answer a TokenReview. Access entries are of users, or of roles whichever session of them asks."""
    try:
        found = caller(asked["spec"]["token"], cluster, identities, hosts)
        groups = access.get(found.role or found.arn)
        if groups is None:
            raise AwsError("AccessDenied", f"no access entry of {found.role or found.arn}")
        status: dict[str, Any] = {"authenticated": True, "user": {"username": found.arn, "groups": groups}}
    except AwsError as error:
        status = {"authenticated": False, "error": f"{error.code}: {error.message}"}
    return {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": status}
