# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bearer token by which EKS knows an AWS identity, and when it is to be renewed. Private.

It is a presigned URL of STS GetCallerIdentity, which the cluster's authenticator calls. The name of the cluster is a
signed header of it, so that a token for one cluster is worth nothing at another
(github.com/kubernetes-sigs/aws-iam-authenticator, pkg/token).
"""

from __future__ import annotations

import base64
from collections.abc import Callable

PREFIX = "k8s-aws-v1."
CLUSTER_HEADER = "x-k8s-aws-id"
QUERY = "Action=GetCallerIdentity&Version=2011-06-15"
# What the URL itself says, as the AWS CLI has it. The authenticator counts fifteen minutes from the signature.
URL_SECONDS = 60
# Renewed well before these are over, since clocks differ.
LIFE_SECONDS = 600


def encoded(url: str) -> str:
    """Return the token of a presigned URL: base64 for URLs, without padding."""
    return PREFIX + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


class Renewing:
    """A token that is made anew when it gets old."""

    def __init__(self, sign: Callable[[], str], clock: Callable[[], float]) -> None:
        self._sign, self._clock = sign, clock
        self._token, self._made = "", 0.0

    def __call__(self) -> str:
        """Return a token that holds for some minutes more."""
        now = self._clock()
        if not self._token or now - self._made >= LIFE_SECONDS:
            self._token, self._made = encoded(self._sign()), now
        return self._token
