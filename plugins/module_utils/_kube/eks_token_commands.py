# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands of kubeconfigs that make a token for an EKS cluster, read without running them. Private.

`live/kubeconfig.py` asks whether the command of a user is one of these: then this collection makes the token itself
(eks_token.py), and the AWS CLI is not run. For example, what `aws eks update-kubeconfig` writes:

    {command: aws, args: [--region, eu-west-1, eks, get-token, --cluster-name, production]}
    → {"region": "eu-west-1", "name": "production"}

A command with a variable or a flag that this collection does not know is another command: only the program itself knows
what it does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple


class TokenCommand(NamedTuple):
    """A command that makes a token of EKS."""

    first_words: tuple[str, ...]
    """The words that say so, such as `eks get-token`."""
    options_by_flag: dict[str, str]
    """Which option of the cluster each flag gives."""


# By the name of the program.
COMMANDS = {
    "aws": TokenCommand(
        first_words=("eks", "get-token"),
        options_by_flag={
            "--cluster-name": "name",
            "--region": "region",
            "--profile": "profile",
            "--role-arn": "role_arn",
        },
    ),
    "aws-iam-authenticator": TokenCommand(
        first_words=("token",),
        options_by_flag={
            "-i": "name",
            "--cluster-id": "name",
            "--region": "region",
            "-r": "role_arn",
            "--role": "role_arn",
        },
    ),
}
# Flags that change nothing about the token, and their values.
IDLE_FLAGS = {"--output": "json"}
# The variables of such commands, and which option of the cluster they give.
OPTIONS_BY_VARIABLE = {"AWS_PROFILE": "profile", "AWS_REGION": "region"}
# Variables that change nothing about the token.
IDLE_VARIABLES = ("AWS_STS_REGIONAL_ENDPOINTS",)


class _OtherCommandError(Exception):
    """A command does something that this collection does not know."""


def parse_token_command(command: Mapping[str, Any]) -> dict[str, str] | None:
    """Return what the `exec` of a kubeconfig's user asks for, if it makes a token of EKS; None for other commands.

    The keys are `name` (of the cluster, always there), `region`, `profile` and `role_arn`.
    """
    program = str(command.get("command")).rpartition("/")[2]
    if program not in COMMANDS:
        return None
    token_command = COMMANDS[program]
    try:
        variable_options = _parse_variables(command.get("env") or [])
        arguments = _drop_first_words(token_command.first_words, command.get("args") or [])
        flag_options = _parse_flags(arguments, token_command.options_by_flag)
    except _OtherCommandError:
        return None
    cluster_options = {**variable_options, **flag_options}
    return cluster_options if "name" in cluster_options else None


def _parse_variables(variables: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the options of the cluster that the variables of a command give. Raises _OtherCommandError."""
    cluster_options: dict[str, str] = {}
    for variable in variables:
        name = variable.get("name")
        if name in OPTIONS_BY_VARIABLE:
            cluster_options[OPTIONS_BY_VARIABLE[name]] = str(variable.get("value"))
        elif name not in IDLE_VARIABLES:
            raise _OtherCommandError
    return cluster_options


def _drop_first_words(first_words: Iterable[str], words: Iterable[Any]) -> list[str]:
    """Return the arguments of a command without the words that name what it does. Raises _OtherCommandError.

    The words may stand behind flags, as in `aws --region eu-west-1 eks get-token`.
    """
    arguments: list[str] = []
    for word in words:
        arguments += _split_option(str(word))
    for word in first_words:
        if word not in arguments:
            raise _OtherCommandError
        arguments.remove(word)
    return arguments


def _split_option(word: str) -> list[str]:
    """Return a flag and its value where they are one word: `--region=eu-west-1` makes `--region` and `eu-west-1`."""
    return word.split("=", 1) if word.startswith("--") and "=" in word else [word]


def _parse_flags(arguments: Sequence[str], options_by_flag: Mapping[str, str]) -> dict[str, str]:
    """Return the options of the cluster that flags give. Raises _OtherCommandError for others, and without a value."""
    if len(arguments) % 2:
        raise _OtherCommandError
    cluster_options: dict[str, str] = {}
    for flag, value in zip(arguments[::2], arguments[1::2], strict=True):
        if flag in options_by_flag:
            cluster_options[options_by_flag[flag]] = value
        elif IDLE_FLAGS.get(flag) != value:
            raise _OtherCommandError
    return cluster_options
