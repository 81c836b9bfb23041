# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The token that gives access to an EKS cluster. Private.

`live/eks_access.py` signs the URL and makes the token in this process; the AWS CLI is not run. The token is a presigned
URL of STS GetCallerIdentity, which the cluster's authenticator calls. The name of the cluster is a signed header of it,
so that a token for one cluster is worth nothing at another:

    k8s-aws-v1.aHR0cHM6Ly9zdHMuZXUtd2VzdC0xLmFtYXpvbmF3cy5jb20v…

Source: github.com/kubernetes-sigs/aws-iam-authenticator, pkg/token.
"""

from __future__ import annotations

import base64
from collections.abc import Callable

TOKEN_PREFIX = "k8s-aws-v1."
# The signed header with the name of the cluster.
CLUSTER_HEADER = "x-k8s-aws-id"
TOKEN_QUERY = "Action=GetCallerIdentity&Version=2011-06-15"
# For how long the URL says that it is valid, as that of the AWS CLI does. The authenticator does not go by it, but
# accepts a token for fifteen minutes from its signature.
URL_SECONDS = 60
# A token is made anew after these seconds, well before the fifteen minutes are over, since clocks differ.
LIFE_SECONDS = 600


class RenewedToken:
    """A token that is made anew when it gets old.

    `sign` returns a presigned URL of STS, and `clock` the time in seconds.
    """

    def __init__(self, sign: Callable[[], str], clock: Callable[[], float]) -> None:
        self._sign, self._clock = sign, clock
        self._token, self._made_at = "", 0.0

    def __call__(self) -> str:
        """Return a token that is valid for some minutes more."""
        current_time = self._clock()
        if not self._token or current_time - self._made_at >= LIFE_SECONDS:
            self._token, self._made_at = encode_token(self._sign()), current_time
        return self._token


def encode_token(url: str) -> str:
    """Return the token of a presigned URL: base64 for URLs, without padding."""
    return TOKEN_PREFIX + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")
