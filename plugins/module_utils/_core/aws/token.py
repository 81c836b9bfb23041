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
from collections.abc import Callable, Mapping
from typing import Any

PREFIX = "k8s-aws-v1."
CLUSTER_HEADER = "x-k8s-aws-id"
QUERY = "Action=GetCallerIdentity&Version=2011-06-15"
# What the URL itself says, as the AWS CLI has it. The authenticator counts fifteen minutes from the signature.
URL_SECONDS = 60
# Renewed well before these are over, since clocks differ.
LIFE_SECONDS = 600


# The commands of kubeconfigs that make such a token: the words that they begin with, and what their flags mean to us.
COMMANDS: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "aws": (
        ("eks", "get-token"),
        {"--cluster-name": "name", "--region": "region", "--profile": "profile", "--role-arn": "role_arn"},
    ),
    "aws-iam-authenticator": (
        ("token",),
        {"-i": "name", "--cluster-id": "name", "--region": "region", "-r": "role_arn", "--role": "role_arn"},
    ),
}
# Flags that change nothing about the token, and their values.
IDLE = {"--output": "json"}
VARIABLES = {"AWS_PROFILE": "profile", "AWS_REGION": "region", "AWS_STS_REGIONAL_ENDPOINTS": ""}


def asked_by(command: Mapping[str, Any]) -> dict[str, str] | None:
    """Return what a command of a kubeconfig asks for, if it makes a token of EKS and says nothing unknown to us."""
    words, flags = COMMANDS.get(str(command.get("command")).rpartition("/")[2], ((), {}))
    given = [part for word in command.get("args") or [] for part in _split(str(word))]
    found: dict[str, str] = {}
    for item in command.get("env") or []:
        if item.get("name") not in VARIABLES:
            return None
        found[VARIABLES[item["name"]]] = str(item.get("value"))
    rest = list(given)
    for word in words:
        if word not in rest:
            return None
        rest.remove(word)
    for flag, value in zip(rest[::2], rest[1::2], strict=False):
        if flag not in flags and IDLE.get(flag) != value:
            return None
        found[flags.get(flag, "")] = value
    found.pop("", None)
    return found if words and "name" in found and len(rest) % 2 == 0 else None


def _split(word: str) -> list[str]:
    """Return a flag and its value where they are one word."""
    return word.split("=", 1) if word.startswith("--") and "=" in word else [word]


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
