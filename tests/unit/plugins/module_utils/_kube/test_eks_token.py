# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens of EKS, and the commands of kubeconfigs that get them."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube import eks_token
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.eks_token_commands import parse_token_command

from ..helpers import cases

KUBECTL_AWS = "--region eu-west-1 eks get-token --cluster-name prod --output json"


@cases(
    "command, env, asked",
    (f"aws {KUBECTL_AWS}", None, {"name": "prod", "region": "eu-west-1"}),
    ("/usr/bin/aws eks get-token --cluster-name=prod --role-arn r", None, {"name": "prod", "role_arn": "r"}),
    ("aws eks get-token --cluster-name prod", "AWS_PROFILE", {"name": "prod", "profile": "p"}),
    ("aws-iam-authenticator token -i prod -r r", None, {"name": "prod", "role_arn": "r"}),
    ("aws eks get-token", None, None),
    (f"aws {KUBECTL_AWS} --endpoint-url x", None, None),
    (f"aws {KUBECTL_AWS} --debug", None, None),
    (f"aws {KUBECTL_AWS}", "AWS_CONFIG_FILE", None),
    ("aws sts get-caller-identity", None, None),
    ("gke-gcloud-auth-plugin", None, None),
    ("", None, None),
)
def test_commands_of_kubeconfigs_are_read(command: str, env: str | None, asked: dict[str, str] | None) -> None:
    program, *args = command.split() or [""]
    given = {"command": program, "args": args or None, "env": env and [{"name": env, "value": "p"}]}
    assert parse_token_command(given if program else {}) == asked


def test_a_token_is_renewed_before_it_gets_old() -> None:
    now, made = [0.0], []

    def sign() -> str:
        made.append(now[0])
        return f"https://sts/?n={len(made)}"

    bearer = eks_token.RenewedToken(sign, lambda: now[0])
    seen = set()
    for second in range(0, 3600, 30):
        now[0] = second
        seen.add(bearer())
        assert second - made[-1] < 14 * 60, "the authenticator takes it for fifteen minutes"
    assert len(seen) == len(made) == 6
    assert all(one.startswith("k8s-aws-v1.") and "=" not in one for one in seen)
