# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks tokens of Kubernetes' service accounts against the keys that their cluster publishes.

Tokens are JSON web tokens (RFC 7519) with an RSA signature; the keys are JSON web keys (RFC 7517).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256

from tests.testbed.aws.world import AwsError

Claims = dict[str, Any]
Keys = Callable[[], list[dict[str, str]]]
"""Returns the keys of a cluster, as /openid/v1/jwks of its API server lists them."""
ALGORITHM = "RS256"
INVALID, EXPIRED = "InvalidIdentityToken", "ExpiredTokenException"


@dataclass(frozen=True)
class Token:
    """The parts of a token, before any of them is checked."""

    header: dict[str, Any]
    claims: Claims
    signed: bytes
    """The text that the signature is of."""
    signature: bytes


def claims(token: str, keys: Keys, now: float) -> Claims:
    """Return what a token claims. The caller has to check for whom the token is (`audiences`).

    `now` is in seconds since 1970. Raises AwsError if the cluster has not signed the token, or the token is not valid
    at that time.
    """
    parsed = _parsed(token)
    public_key = _public_key(parsed.header, keys)
    try:
        public_key.verify(parsed.signature, parsed.signed, PKCS1v15(), SHA256())
    except InvalidSignature as error:
        raise AwsError(INVALID, "the cluster has not signed the token") from error
    start, end = parsed.claims.get("nbf", 0), parsed.claims["exp"]
    if now < start or now >= end:
        raise AwsError(EXPIRED, f"the token is valid from {parsed.claims.get('nbf')} until {end}, now is {now:.0f}")
    return dict(parsed.claims)


def audiences(claims: Claims) -> list[str]:
    """Return for whom a token is: the claim `aud`, which is a text or a list."""
    value = claims.get("aud", [])
    return [value] if isinstance(value, str) else list(value)


def _parsed(token: str) -> Token:
    """Return the parts of a token. Raises AwsError for a text that is no JSON web token."""
    try:
        header, body, signature = token.split(".")
        parsed = Token(
            json.loads(_decoded(header)), json.loads(_decoded(body)), f"{header}.{body}".encode(), _decoded(signature)
        )
    except ValueError as error:
        raise AwsError(INVALID, f"the token is no JSON web token: {error}") from error
    if not isinstance(parsed.header, dict) or not isinstance(parsed.claims, dict):
        raise AwsError(INVALID, "the token is no JSON web token: its header and its claims must be objects")
    return parsed


def _public_key(header: dict[str, Any], keys: Keys) -> RSAPublicKey:
    """Return the key that a token says it is signed with. Raises AwsError if the cluster has no such key."""
    key_id, algorithm = header.get("kid"), header.get("alg")
    if algorithm == ALGORITHM:
        for key in keys():
            if key.get("kid") == key_id:
                return RSAPublicNumbers(_number(key["e"]), _number(key["n"])).public_key()
    raise AwsError(INVALID, f"the cluster has no key {key_id} for {algorithm}")


def _decoded(part: str) -> bytes:
    """Return the bytes of a part of a token: base64 for URLs, whose padding is left out."""
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _number(part: str) -> int:
    return int.from_bytes(_decoded(part), "big")
