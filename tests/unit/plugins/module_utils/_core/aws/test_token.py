# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens of EKS, and the commands of kubeconfigs that make them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.aws import token
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.aws.token import asked_by

KUBECTL_AWS = ["--region", "eu-west-1", "eks", "get-token", "--cluster-name", "prod", "--output", "json"]
PLAIN = ["eks", "get-token", "--cluster-name", "prod"]


@pytest.mark.parametrize(
    ("command", "asked"),
    [
        ({"command": "aws", "args": KUBECTL_AWS, "env": None}, {"name": "prod", "region": "eu-west-1"}),
        (
            {"command": "/usr/bin/aws", "args": ["eks", "get-token", "--cluster-name=prod", "--role-arn", "r"]},
            {"name": "prod", "role_arn": "r"},
        ),
        (
            {
                "command": "aws",
                "args": ["eks", "get-token", "--cluster-name", "prod"],
                "env": [{"name": "AWS_PROFILE", "value": "p"}],
            },
            {"name": "prod", "profile": "p"},
        ),
        (
            {"command": "aws-iam-authenticator", "args": ["token", "-i", "prod", "-r", "r"]},
            {"name": "prod", "role_arn": "r"},
        ),
        ({"command": "aws", "args": ["eks", "get-token"]}, None),
        ({"command": "aws", "args": [*KUBECTL_AWS, "--endpoint-url", "x"]}, None),
        ({"command": "aws", "args": [*KUBECTL_AWS, "--debug"]}, None),
        ({"command": "aws", "args": KUBECTL_AWS, "env": [{"name": "AWS_CONFIG_FILE", "value": "p"}]}, None),
        ({"command": "aws", "args": ["sts", "get-caller-identity"]}, None),
        ({"command": "gke-gcloud-auth-plugin"}, None),
        ({}, None),
    ],
)
def test_commands_of_kubeconfigs_are_read(command: dict[str, Any], asked: dict[str, str] | None) -> None:
    assert asked_by(command) == asked


def test_a_token_is_renewed_before_it_gets_old() -> None:
    now, made = [0.0], []

    def sign() -> str:
        made.append(now[0])
        return f"https://sts/?n={len(made)}"

    bearer = token.Renewing(sign, lambda: now[0])
    seen = set()
    for second in range(0, 3600, 30):
        now[0] = second
        seen.add(bearer())
        assert second - made[-1] < 14 * 60, "the authenticator takes it for fifteen minutes"
    assert len(seen) == len(made) == 6
    assert all(one.startswith("k8s-aws-v1.") and "=" not in one for one in seen)
