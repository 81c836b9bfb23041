# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens of Kubernetes' service accounts, checked against the keys that their cluster publishes."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256

from tests.testbed.aws.world import AwsError

Claims = dict[str, Any]
INVALID, EXPIRED = "InvalidIdentityToken", "ExpiredTokenException"


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _number(part: str) -> int:
    return int.from_bytes(_decoded(part), "big")


def claims(token: str, keys: Callable[[], list[dict[str, str]]], now: float) -> Claims:
    """Return what a token says, once its signature and its time are good. The audience is for the caller to judge."""
    try:
        head, body, signature = token.split(".")
        header, found = json.loads(_decoded(head)), json.loads(_decoded(body))
    except ValueError as error:
        raise AwsError(INVALID, f"the token is no JSON web token: {error}") from error
    key = next((key for key in keys() if key.get("kid") == header.get("kid")), None)
    if header.get("alg") != "RS256" or key is None:
        raise AwsError(INVALID, f"the cluster has no key {header.get('kid')} for {header.get('alg')}")
    public = RSAPublicNumbers(_number(key["e"]), _number(key["n"])).public_key()
    try:
        public.verify(_decoded(signature), f"{head}.{body}".encode(), PKCS1v15(), SHA256())
    except InvalidSignature as error:
        raise AwsError(INVALID, "the cluster has not signed the token") from error
    if now < found.get("nbf", 0) or now >= found["exp"]:
        raise AwsError(EXPIRED, f"the token holds from {found.get('nbf')} until {found['exp']}, it is {now:.0f}")
    return dict(found)


def audiences(found: Claims) -> list[str]:
    """Return whom a token is for."""
    value = found.get("aud", [])
    return [value] if isinstance(value, str) else list(value)
