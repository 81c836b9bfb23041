# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures of AWS (version 4), checked as AWS does it: what botocore computes with the secret is what was sent."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

from botocore.auth import SIGV4_TIMESTAMP, UNSIGNED_PAYLOAD, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.testbed.aws.world import AwsError

HEADER = re.compile(r"AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})\Z")
SKEW_SECONDS = 300
"""How far clocks may be apart (docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html)."""


@dataclass(frozen=True)
class Signed:
    """What a request says of its own signature."""

    key: str
    region: str
    service: str
    time: datetime
    names: tuple[str, ...]
    signature: str
    token: str
    seconds: float = SKEW_SECONDS


@dataclass(frozen=True)
class Sent:
    """A request as it came over the wire; names of headers are in lower case."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""


def read(sent: Sent) -> Signed | None:
    """Return what the Authorization header says; nothing where there is none."""
    header = sent.headers.get("authorization")
    if header is None:
        return None
    match = HEADER.match(header)
    if not match or "x-amz-date" not in sent.headers:
        raise AwsError("IncompleteSignatureException", "the Authorization header or the date is not one of version 4")
    scope, names, signature = match.groups()
    token = sent.headers.get("x-amz-security-token", "")
    return _signed(scope, sent.headers["x-amz-date"], names, signature, token)


def read_presigned(url: str) -> Signed:
    """Return what a presigned URL says."""
    given = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    try:
        parts = [given[f"X-Amz-{name}"] for name in ("Credential", "Date", "SignedHeaders", "Signature")]
        seconds = float(given["X-Amz-Expires"])
    except (KeyError, ValueError) as error:
        raise AwsError("IncompleteSignatureException", f"the URL has no usable {error}") from error
    scope, date, names, signature = parts
    found = _signed(scope, date, names, signature, given.get("X-Amz-Security-Token", ""))
    return Signed(**{**vars(found), "seconds": seconds})


def _signed(scope: str, date: str, names: str, signature: str, token: str) -> Signed:
    try:
        key, day, region, service, end = scope.split("/")
        time = datetime.strptime(date, SIGV4_TIMESTAMP).replace(tzinfo=UTC)
    except ValueError as error:
        raise AwsError("IncompleteSignatureException", f"the scope {scope} or the date {date} is none") from error
    if end != "aws4_request" or day != date[:8]:
        raise AwsError("IncompleteSignatureException", f"the scope {scope} does not go with {date}")
    return Signed(key, region, service, time, tuple(names.split(";")), signature, token)


def check(sent: Sent, signed: Signed, secret: str, now: datetime) -> None:
    """Raise unless the request was signed with the secret, is what was signed, and is of today."""
    if "host" not in signed.names:
        raise AwsError("IncompleteSignatureException", "'Host' must be a signed header")
    if not -SKEW_SECONDS <= (now - signed.time).total_seconds() <= max(signed.seconds, SKEW_SECONDS):
        raise AwsError("RequestExpired", f"the signature is of {signed.time:%H:%M:%S}, it is {now:%H:%M:%S}")
    claimed = sent.headers.get("x-amz-content-sha256")
    if claimed not in (None, UNSIGNED_PAYLOAD, hashlib.sha256(sent.body).hexdigest()):
        raise AwsError("SignatureDoesNotMatch", "the body is not the one that X-Amz-Content-Sha256 is of")
    if not hmac.compare_digest(_computed(sent, signed, secret), signed.signature):
        raise AwsError("SignatureDoesNotMatch", "the signature is not the one that the secret gives for this request")


def _computed(sent: Sent, signed: Signed, secret: str) -> str:
    headers = {name: sent.headers[name] for name in signed.names if name in sent.headers}
    url = re.sub(r"&X-Amz-Signature=[^&]*", "", sent.url)
    request = AWSRequest(sent.method, url, headers, sent.body)
    if "x-amz-content-sha256" in sent.headers:
        request.headers["X-Amz-Content-SHA256"] = sent.headers["x-amz-content-sha256"]
    request.context["timestamp"] = signed.time.strftime(SIGV4_TIMESTAMP)
    signer = SigV4Auth(Credentials(signed.key, secret), signed.service, signed.region)
    # Only what the sender has signed: a proxy may have added headers since.
    signer.headers_to_sign = lambda _request: AWSRequest(headers=headers).headers
    return str(signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request))
