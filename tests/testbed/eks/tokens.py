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
KeyLister = Callable[[], list[dict[str, str]]]
"""Returns the keys of a cluster, as /openid/v1/jwks of its API server lists them."""
ALGORITHM = "RS256"
INVALID_TOKEN, EXPIRED_TOKEN = "InvalidIdentityToken", "ExpiredTokenException"


@dataclass(frozen=True)
class Token:
    """The parts of a token, before any of them is checked."""

    header: dict[str, Any]
    claims: Claims
    signed_bytes: bytes
    """The text that the signature is of."""
    signature: bytes


def read_claims(token: str, list_keys: KeyLister, current_time: float) -> Claims:
    """Return what a token claims. The caller has to check for whom the token is (`audiences`).

    `current_time` is in seconds since 1970. Raises AwsError if the cluster has not signed the token, or the token is
    not valid at that time.
    """
    parsed_token = _parse_token(token)
    public_key = _find_public_key(parsed_token.header, list_keys)
    try:
        public_key.verify(parsed_token.signature, parsed_token.signed_bytes, PKCS1v15(), SHA256())
    except InvalidSignature as error:
        raise AwsError(INVALID_TOKEN, "the cluster has not signed the token") from error
    valid_from, expiration = parsed_token.claims.get("nbf", 0), parsed_token.claims["exp"]
    if current_time < valid_from or current_time >= expiration:
        raise AwsError(
            EXPIRED_TOKEN,
            f"the token is valid from {parsed_token.claims.get('nbf')} until {expiration}, now is {current_time:.0f}",
        )
    return dict(parsed_token.claims)


def list_audiences(claims: Claims) -> list[str]:
    """Return for whom a token is: the claim `aud`, which is a text or a list."""
    value = claims.get("aud", [])
    return [value] if isinstance(value, str) else list(value)


def _parse_token(token: str) -> Token:
    """Return the parts of a token. Raises AwsError for a text that is no JSON web token."""
    try:
        header, body, signature = token.split(".")
        parsed_token = Token(
            json.loads(_decode_part(header)),
            json.loads(_decode_part(body)),
            f"{header}.{body}".encode(),
            _decode_part(signature),
        )
    except ValueError as error:
        raise AwsError(INVALID_TOKEN, f"the token is no JSON web token: {error}") from error
    if not isinstance(parsed_token.header, dict) or not isinstance(parsed_token.claims, dict):
        raise AwsError(INVALID_TOKEN, "the token is no JSON web token: its header and its claims must be objects")
    return parsed_token


def _find_public_key(header: dict[str, Any], list_keys: KeyLister) -> RSAPublicKey:
    """Return the key that a token says it is signed with. Raises AwsError if the cluster has no such key."""
    key_id, algorithm = header.get("kid"), header.get("alg")
    if algorithm == ALGORITHM:
        for key in list_keys():
            if key.get("kid") == key_id:
                return RSAPublicNumbers(_decode_number(key["e"]), _decode_number(key["n"])).public_key()
    raise AwsError(INVALID_TOKEN, f"the cluster has no key {key_id} for {algorithm}")


def _decode_part(token_part: str) -> bytes:
    """Return the bytes of a part of a token: base64 for URLs, whose padding is left out."""
    return base64.urlsafe_b64decode(token_part + "=" * (-len(token_part) % 4))


def _decode_number(token_part: str) -> int:
    return int.from_bytes(_decode_part(token_part), "big")
