# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policies, pods that show their credentials, and tokens of EKS."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity.role_proofs import (
    dry_run_pod,
    has_credentials,
    is_collector_of,
    is_propagation_error,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube import eks_token
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.aws_failures import FailedCall
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.eks_token_commands import parse_token_command
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs import aws_policy
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs.aws_policy import ServiceAccount

from ..helpers import cases

PAGE = "https://example.com"


def test_actions_on_the_same_resources_are_one_statement() -> None:
    grants = [
        aws_policy.AwsGrant(("b:B", "a:A"), PAGE, ("r",)),
        aws_policy.AwsGrant(("a:A",), PAGE, ("r",)),
        aws_policy.AwsGrant(("x:X",), PAGE, region="eu-west-1"),
        aws_policy.AwsGrant(("y:Y",), PAGE, region="*"),
    ]
    found = aws_policy.build_statements(grants)
    in_region = {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}
    assert found == [
        {"Effect": "Allow", "Action": ["a:A", "b:B"], "Resource": ["r"]},
        {"Effect": "Allow", "Action": ["x:X"], "Resource": ["*"], "Condition": in_region},
        {"Effect": "Allow", "Action": ["y:Y"], "Resource": ["*"]},
    ]
    assert aws_policy.build_statements(reversed(grants)) == found, "the order of collectors means nothing"


def test_statements_of_users_are_as_they_wrote_them() -> None:
    mine = {"Sid": "Mine", "Effect": "Deny", "Action": "s3:*", "Resource": "*"}
    assert aws_policy.unite_statements([mine, mine]) == [
        {"Sid": "Mine", "Effect": "Deny", "Action": ["s3:*"], "Resource": ["*"]}
    ]


def test_what_iam_would_refuse_for_its_size_is_told() -> None:
    assert aws_policy.build_policy_document([])["Version"] == "2012-10-17"
    with pytest.raises(Problem, match="IAM takes 10240"):
        aws_policy.build_policy_document([{"Effect": "Allow", "Action": ["a:A"], "Resource": ["x" * 10240]}])


@cases(
    "one, other, equal",
    ({"Action": ["a", "b"]}, {"Action": ["b", "a"]}, True),
    ({"Action": ["a"]}, {"Action": "a"}, True),
    ({"Action": ["a"]}, {"Action": ["a", "b"]}, False),
    ({"Statement": [{"Sid": "1"}, {"Sid": "2"}]}, {"Statement": [{"Sid": "2"}, {"Sid": "1"}]}, True),
    ({}, {"Statement": []}, False),
    (None, {}, False),
)
def test_policies_are_compared_by_what_they_mean(one: object, other: object, equal: bool) -> None:
    assert aws_policy.is_same_policy(one, other) is equal


ACCOUNT = ServiceAccount("obs", "gateway")


def pod(variable: str = "", value: str = "", **status: Any) -> dict[str, Any]:
    env = [{"name": variable, "value": value}] if variable else None
    return {
        "metadata": {"labels": {"o11y.opentelemetry/collector": "a"}},
        "spec": {"serviceAccountName": "gateway", "containers": [{"name": "a", "env": env}]},
        "status": status,
    }


@cases(
    "given, provider, expected",
    (pod("AWS_ROLE_ARN", "arn:a"), "irsa", True),
    (pod("AWS_ROLE_ARN", "arn:b"), "irsa", False),
    (pod("AWS_ROLE_ARN", "arn:a"), "pod_identity", False),
    (pod("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://x"), "pod_identity", True),
    (pod(), "irsa", False),
    ({}, "irsa", False),
)
def test_variables_of_a_pod_are_its_credentials(given: dict[str, Any], provider: str, expected: bool) -> None:
    assert has_credentials(given, provider, "arn:a") is expected


def test_pods_of_others_and_those_that_end_are_left_alone() -> None:
    assert is_collector_of(pod(), ACCOUNT)
    assert not is_collector_of(pod(), ServiceAccount("obs", "other"))
    ending = {"metadata": {**pod()["metadata"], "deletionTimestamp": "now"}}
    assert not any(is_collector_of(pod() | other, ACCOUNT) for other in (pod(phase="Failed"), {"metadata": {}}, ending))


def test_the_pod_of_a_dry_run_has_the_account() -> None:
    assert dry_run_pod(ACCOUNT)["metadata"]["namespace"] == "obs"
    assert dry_run_pod(ACCOUNT)["spec"]["serviceAccountName"] == "gateway"


def test_sts_may_learn_of_a_role_but_not_of_better_requests() -> None:
    assert is_propagation_error(FailedCall("AccessDenied", ""))
    assert not is_propagation_error(FailedCall("ValidationError", ""))


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
