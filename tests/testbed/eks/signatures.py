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

SIGNATURE = re.compile(r"[0-9a-f]{64}")
HEADER = re.compile(rf"AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=({SIGNATURE.pattern})\Z")
CONTENT_HASH = "x-amz-content-sha256"
INCOMPLETE = "IncompleteSignatureException"
MISMATCH = "SignatureDoesNotMatch"
SKEW_SECONDS = 300
"""How far clocks may be apart (docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html)."""


@dataclass(frozen=True)
class Signed:
    """The signature of a request, as the request states it."""

    key: str
    """The access key."""
    region: str
    service: str
    time: datetime
    names: tuple[str, ...]
    """The headers that are signed, in lower case."""
    signature: str
    """64 hexadecimal digits."""
    token: str
    """The session token; empty for the key of a user."""
    seconds: float = SKEW_SECONDS
    """How long the signature is valid."""


@dataclass(frozen=True)
class Sent:
    """A request as it came over the wire."""

    method: str
    url: str
    headers: Mapping[str, str]
    """By their names in lower case."""
    body: bytes = b""


def read(sent: Sent) -> Signed | None:
    """Return the signature in the Authorization header; None for a request without that header.

    Raises AwsError if the header or the date is not one of version 4.
    """
    header = sent.headers.get("authorization")
    if header is None:
        return None
    match = HEADER.match(header)
    if not match or "x-amz-date" not in sent.headers:
        raise AwsError(INCOMPLETE, "the Authorization header or the date is not one of version 4")
    scope, names, signature = match.groups()
    token = sent.headers.get("x-amz-security-token", "")
    return _signed(scope, sent.headers["x-amz-date"], names, signature, token)


def read_presigned(url: str) -> Signed:
    """Return the signature in the query of a URL. Raises AwsError if a part of it is missing or wrong."""
    given = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    try:
        scope, date = given["X-Amz-Credential"], given["X-Amz-Date"]
        names, signature = given["X-Amz-SignedHeaders"], given["X-Amz-Signature"]
        seconds = float(given["X-Amz-Expires"])
    except (KeyError, ValueError) as error:
        raise AwsError(INCOMPLETE, f"the URL has no usable {error}") from error
    if not SIGNATURE.fullmatch(signature):
        raise AwsError(INCOMPLETE, "the signature of the URL is not one of version 4")
    signed = _signed(scope, date, names, signature, given.get("X-Amz-Security-Token", ""))
    return replace(signed, seconds=seconds)


def _signed(scope: str, date: str, names: str, signature: str, token: str) -> Signed:
    """Return a signature of its texts. The scope is KEY/DAY/REGION/SERVICE/aws4_request."""
    try:
        key, day, region, service, end = scope.split("/")
        time = datetime.strptime(date, SIGV4_TIMESTAMP).replace(tzinfo=UTC)
    except ValueError as error:
        raise AwsError(INCOMPLETE, f"the scope {scope} or the date {date} is not one of version 4") from error
    if end != "aws4_request" or day != date[:8]:
        raise AwsError(INCOMPLETE, f"the scope {scope} does not go with {date}")
    return Signed(key, region, service, time, tuple(names.split(";")), signature, token)


def check(sent: Sent, signed: Signed, secret: str, now: datetime) -> None:
    """Raise AwsError unless the request was signed with the secret, did not change since, and is not expired."""
    if "host" not in signed.names:
        raise AwsError(INCOMPLETE, "'Host' must be a signed header")
    age = (now - signed.time).total_seconds()
    if not -SKEW_SECONDS <= age <= max(signed.seconds, SKEW_SECONDS):
        raise AwsError("RequestExpired", f"the signature is of {signed.time:%H:%M:%S}, it is {now:%H:%M:%S}")
    claimed = sent.headers.get(CONTENT_HASH)
    if claimed not in (None, UNSIGNED_PAYLOAD, hashlib.sha256(sent.body).hexdigest()):
        raise AwsError(MISMATCH, "the body is not the one that X-Amz-Content-Sha256 is of")
    if not hmac.compare_digest(_computed(sent, signed, secret), signed.signature):
        raise AwsError(MISMATCH, "the signature is not the one that the secret gives for this request")


def _computed(sent: Sent, signed: Signed, secret: str) -> str:
    """Return the signature that the secret gives for a request."""
    # A proxy may have added headers to those that the sender has signed.
    headers = {name: sent.headers[name] for name in signed.names if name in sent.headers}
    url = re.sub(r"&X-Amz-Signature=[^&]*", "", sent.url)
    request = AWSRequest(sent.method, url, headers, sent.body)
    if CONTENT_HASH in sent.headers:
        request.headers["X-Amz-Content-SHA256"] = sent.headers[CONTENT_HASH]
    request.context["timestamp"] = signed.time.strftime(SIGV4_TIMESTAMP)
    signer = SigV4Auth(Credentials(signed.key, secret), signed.service, signed.region)
    signer.headers_to_sign = lambda _request: AWSRequest(headers=headers).headers
    canonical = signer.canonical_request(request)
    return str(signer.signature(signer.string_to_sign(request, canonical), request))
