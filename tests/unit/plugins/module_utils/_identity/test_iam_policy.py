# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Grants become statements, statements become policies, and policies are compared."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity import iam_policy
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.needs import aws_grants

from ..helpers import cases

PAGE = "https://example.com"


def test_actions_on_the_same_resources_are_one_statement() -> None:
    grants = [
        aws_grants.AwsGrant(("b:B", "a:A"), PAGE, ("r",)),
        aws_grants.AwsGrant(("a:A",), PAGE, ("r",)),
        aws_grants.AwsGrant(("x:X",), PAGE, region="eu-west-1"),
        aws_grants.AwsGrant(("y:Y",), PAGE, region="*"),
    ]
    found = iam_policy.build_statements(grants)
    in_region = {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}
    assert found == [
        {"Effect": "Allow", "Action": ["a:A", "b:B"], "Resource": ["r"]},
        {"Effect": "Allow", "Action": ["x:X"], "Resource": ["*"], "Condition": in_region},
        {"Effect": "Allow", "Action": ["y:Y"], "Resource": ["*"]},
    ]
    assert iam_policy.build_statements(reversed(grants)) == found, "the order of collectors means nothing"


def test_statements_of_users_are_as_they_wrote_them() -> None:
    mine = {"Sid": "Mine", "Effect": "Deny", "Action": "s3:*", "Resource": "*"}
    assert iam_policy.unite_statements([mine, mine]) == [
        {"Sid": "Mine", "Effect": "Deny", "Action": ["s3:*"], "Resource": ["*"]}
    ]


def test_what_iam_would_refuse_for_its_size_is_told() -> None:
    assert iam_policy.build_policy_document([])["Version"] == "2012-10-17"
    with pytest.raises(Problem, match="IAM takes 10240"):
        iam_policy.build_policy_document([{"Effect": "Allow", "Action": ["a:A"], "Resource": ["x" * 10240]}])


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
    assert iam_policy.is_same_policy(one, other) is equal
