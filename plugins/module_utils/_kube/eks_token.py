# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The token that gives access to an EKS cluster, and the commands of kubeconfigs that make one. Private.

The token is a presigned URL of STS GetCallerIdentity, which the cluster's authenticator calls. The name of the cluster
is a signed header of it, so that a token for one cluster is worth nothing at another
(github.com/kubernetes-sigs/aws-iam-authenticator, pkg/token).

AWS returns endpoint and CA, and the token is created in this process: a cluster is named, not configured, and the AWS
CLI is not run.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

TOKEN_PREFIX = "k8s-aws-v1."
CLUSTER_HEADER = "x-k8s-aws-id"
TOKEN_QUERY = "Action=GetCallerIdentity&Version=2011-06-15"
# What the URL itself says, as the AWS CLI has it. The authenticator counts fifteen minutes from the signature.
URL_SECONDS = 60
# Renewed well before these are over, since clocks differ.
LIFE_SECONDS = 600


class TokenCommand(NamedTuple):
    """A command that makes such a token: the words that say so, and which part of the request each flag gives."""

    first_words: tuple[str, ...]
    parts_by_flag: dict[str, str]


# By the name of the program.
COMMANDS = {
    "aws": TokenCommand(
        ("eks", "get-token"),
        {"--cluster-name": "name", "--region": "region", "--profile": "profile", "--role-arn": "role_arn"},
    ),
    "aws-iam-authenticator": TokenCommand(
        ("token",),
        {"-i": "name", "--cluster-id": "name", "--region": "region", "-r": "role_arn", "--role": "role_arn"},
    ),
}
# Flags that change nothing about the token, and their values.
IDLE_FLAGS = {"--output": "json"}
# The variables of such commands, and which part of the request they give. One that gives no part changes nothing about
# the token.
VARIABLES = {"AWS_PROFILE": "profile", "AWS_REGION": "region", "AWS_STS_REGIONAL_ENDPOINTS": ""}


def parse_token_command(command: Mapping[str, Any]) -> dict[str, str] | None:
    """Return what the `exec` of a kubeconfig's user asks for, if it makes a token of EKS; None for other commands.

    The keys are `name` (of the cluster, always there), `region`, `profile` and `role_arn`. A command with a variable or
    a flag that this collection does not know is another command: only the program itself knows what it does.
    """
    program = str(command.get("command")).rpartition("/")[2]
    if program not in COMMANDS:
        return None
    token_command = COMMANDS[program]
    variable_request = _parse_variables(command.get("env") or [])
    arguments = _drop_first_words(token_command.first_words, command.get("args") or [])
    if variable_request is None or arguments is None:
        return None
    flag_request = _parse_flags(arguments, token_command.parts_by_flag)
    if flag_request is None:
        return None
    token_request = {**variable_request, **flag_request}
    return token_request if "name" in token_request else None


def _parse_variables(variables: Iterable[Mapping[str, Any]]) -> dict[str, str] | None:
    """Return the options of the cluster that the variables of a command give; None if one of them is not known."""
    token_request: dict[str, str] = {}
    for variable in variables:
        name = variable.get("name")
        if name not in VARIABLES:
            return None
        part = VARIABLES[name]
        if part:
            token_request[part] = str(variable.get("value"))
    return token_request


def _drop_first_words(first_words: Iterable[str], words: Iterable[Any]) -> list[str] | None:
    """Return the arguments of a command without the words that name what it does; None if one of those is not there.

    The words may stand behind flags, as in `aws --region eu-west-1 eks get-token`.
    """
    arguments: list[str] = []
    for word in words:
        arguments += _split_option(str(word))
    for word in first_words:
        if word not in arguments:
            return None
        arguments.remove(word)
    return arguments


def _parse_flags(arguments: Sequence[str], parts_by_flag: Mapping[str, str]) -> dict[str, str] | None:
    """Return the options of the cluster that flags give; None if one of them is not known, or has no value."""
    if len(arguments) % 2:
        return None
    token_request: dict[str, str] = {}
    for flag, value in zip(arguments[::2], arguments[1::2], strict=True):
        if flag in parts_by_flag:
            token_request[parts_by_flag[flag]] = value
        elif IDLE_FLAGS.get(flag) != value:
            return None
    return token_request


def _split_option(word: str) -> list[str]:
    """Return a flag and its value where they are one word."""
    return word.split("=", 1) if word.startswith("--") and "=" in word else [word]


def encode_token(url: str) -> str:
    """Return the token of a presigned URL: base64 for URLs, without padding."""
    return TOKEN_PREFIX + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


class RenewedToken:
    """A token that is made anew when it gets old.

    `sign` returns a presigned URL of STS, and `clock` the time in seconds.
    """

    def __init__(self, sign: Callable[[], str], clock: Callable[[], float]) -> None:
        self._sign, self._clock = sign, clock
        self._token, self._made_at = "", 0.0

    def __call__(self) -> str:
        """Return a token that holds for some minutes more."""
        current_time = self._clock()
        if not self._token or current_time - self._made_at >= LIFE_SECONDS:
            self._token, self._made_at = encode_token(self._sign()), current_time
        return self._token
