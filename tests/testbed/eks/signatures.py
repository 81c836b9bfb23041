# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks signatures of AWS (version 4): the signature that botocore computes with the secret must be the one that came.

Source: "Signature Version 4 signing process" in the IAM User Guide.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

from botocore.auth import SIGV4_TIMESTAMP, UNSIGNED_PAYLOAD, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.testbed.aws.world import AwsError

SIGNATURE_PATTERN = re.compile(r"[0-9a-f]{64}")
AUTHORIZATION_PATTERN = re.compile(
    rf"AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=({SIGNATURE_PATTERN.pattern})\Z"
)
CONTENT_HASH_HEADER = "x-amz-content-sha256"
INCOMPLETE_SIGNATURE = "IncompleteSignatureException"
SIGNATURE_MISMATCH = "SignatureDoesNotMatch"
SKEW_SECONDS = 300
"""How far clocks may be apart (docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html)."""


@dataclass(frozen=True)
class Signature:
    """The signature of a request, as the request states it."""

    access_key: str
    """The access key."""
    region: str
    service: str
    signed_at: datetime
    signed_headers: tuple[str, ...]
    """The headers that are signed, in lower case."""
    signature: str
    """64 hexadecimal digits."""
    session_token: str
    """The session token; empty for the key of a user."""
    valid_seconds: float = SKEW_SECONDS
    """How long the signature is valid."""


@dataclass(frozen=True)
class SentRequest:
    """A request as it came over the wire."""

    method: str
    url: str
    headers: Mapping[str, str]
    """By their names in lower case."""
    body: bytes = b""


def read_signature(request: SentRequest) -> Signature | None:
    """Return the signature in the Authorization header; None for a request without that header.

    Raises AwsError if the header or the date is not one of version 4.
    """
    header = request.headers.get("authorization")
    if header is None:
        return None
    match = AUTHORIZATION_PATTERN.match(header)
    if not match or "x-amz-date" not in request.headers:
        raise AwsError(INCOMPLETE_SIGNATURE, "the Authorization header or the date is not one of version 4")
    scope, names, signature = match.groups()
    token = request.headers.get("x-amz-security-token", "")
    return _parse_signature(scope, request.headers["x-amz-date"], names, signature, token)


def read_presigned(url: str) -> Signature:
    """Return the signature in the query of a URL. Raises AwsError if a part of it is missing or wrong."""
    parameters = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    try:
        scope, date = parameters["X-Amz-Credential"], parameters["X-Amz-Date"]
        names, signature = parameters["X-Amz-SignedHeaders"], parameters["X-Amz-Signature"]
        valid_seconds = float(parameters["X-Amz-Expires"])
    except (KeyError, ValueError) as error:
        raise AwsError(INCOMPLETE_SIGNATURE, f"the URL has no usable {error}") from error
    if not SIGNATURE_PATTERN.fullmatch(signature):
        raise AwsError(INCOMPLETE_SIGNATURE, "the signature of the URL is not one of version 4")
    presigned = _parse_signature(scope, date, names, signature, parameters.get("X-Amz-Security-Token", ""))
    return replace(presigned, valid_seconds=valid_seconds)


def _parse_signature(scope: str, date: str, names: str, signature: str, token: str) -> Signature:
    """Return a signature of its texts. The scope is KEY/DAY/REGION/SERVICE/aws4_request."""
    try:
        key, day, region, service, scope_end = scope.split("/")
        time = datetime.strptime(date, SIGV4_TIMESTAMP).replace(tzinfo=UTC)
    except ValueError as error:
        raise AwsError(INCOMPLETE_SIGNATURE, f"the scope {scope} or the date {date} is not one of version 4") from error
    if scope_end != "aws4_request" or day != date[:8]:
        raise AwsError(INCOMPLETE_SIGNATURE, f"the scope {scope} does not go with {date}")
    return Signature(key, region, service, time, tuple(names.split(";")), signature, token)


def check_signature(request: SentRequest, stated: Signature, secret: str, current_time: datetime) -> None:
    """Raise AwsError unless the request was signed with the secret, did not change since, and is not expired."""
    if "host" not in stated.signed_headers:
        raise AwsError(INCOMPLETE_SIGNATURE, "'Host' must be a signed header")
    age = (current_time - stated.signed_at).total_seconds()
    if not -SKEW_SECONDS <= age <= max(stated.valid_seconds, SKEW_SECONDS):
        raise AwsError(
            "RequestExpired", f"the signature is of {stated.signed_at:%H:%M:%S}, it is {current_time:%H:%M:%S}"
        )
    claimed_hash = request.headers.get(CONTENT_HASH_HEADER)
    if claimed_hash not in (None, UNSIGNED_PAYLOAD, hashlib.sha256(request.body).hexdigest()):
        raise AwsError(SIGNATURE_MISMATCH, "the body is not the one that X-Amz-Content-Sha256 is of")
    if not hmac.compare_digest(_compute_signature(request, stated, secret), stated.signature):
        raise AwsError(SIGNATURE_MISMATCH, "the signature is not the one that the secret gives for this request")


def _compute_signature(request: SentRequest, stated: Signature, secret: str) -> str:
    """Return the signature that the secret gives for a request."""
    # A proxy may have added headers to those that the sender has signed.
    headers = {name: request.headers[name] for name in stated.signed_headers if name in request.headers}
    url = re.sub(r"&X-Amz-Signature=[^&]*", "", request.url)
    aws_request = AWSRequest(request.method, url, headers, request.body)
    if CONTENT_HASH_HEADER in request.headers:
        aws_request.headers["X-Amz-Content-SHA256"] = request.headers[CONTENT_HASH_HEADER]
    aws_request.context["timestamp"] = stated.signed_at.strftime(SIGV4_TIMESTAMP)
    signer = SigV4Auth(Credentials(stated.access_key, secret), stated.service, stated.region)
    signer.headers_to_sign = lambda _request: AWSRequest(headers=headers).headers
    canonical = signer.canonical_request(aws_request)
    return str(signer.signature(signer.string_to_sign(aws_request, canonical), aws_request))
