# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.aws.policy import (
    Grant,
    document,
    same,
    statements,
    united,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem

PAGE = "https://example.com"


def test_actions_on_the_same_resources_are_one_statement() -> None:
    grants = [
        Grant(("b:B", "a:A"), PAGE, ("r",)),
        Grant(("a:A",), PAGE, ("r",)),
        Grant(("x:X",), PAGE, region="eu-west-1"),
        Grant(("y:Y",), PAGE, region="*"),
    ]
    found = statements(grants)
    assert found == [
        {"Effect": "Allow", "Action": ["a:A", "b:B"], "Resource": ["r"]},
        {
            "Effect": "Allow",
            "Action": ["x:X"],
            "Resource": ["*"],
            "Condition": {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}},
        },
        {"Effect": "Allow", "Action": ["y:Y"], "Resource": ["*"]},
    ]
    assert statements(reversed(grants)) == found, "the order of collectors means nothing"


def test_statements_of_users_are_as_they_wrote_them() -> None:
    mine = {"Sid": "Mine", "Effect": "Deny", "Action": "s3:*", "Resource": "*"}
    assert united([mine, mine]) == [{"Sid": "Mine", "Effect": "Deny", "Action": ["s3:*"], "Resource": ["*"]}]


def test_what_iam_would_refuse_for_its_size_is_told() -> None:
    assert document([])["Version"] == "2012-10-17"
    with pytest.raises(Problem, match="IAM takes 10240"):
        document([{"Effect": "Allow", "Action": ["a:A"], "Resource": ["x" * 10240]}])


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ({"Action": ["a", "b"]}, {"Action": ["b", "a"]}, True),
        ({"Action": ["a"]}, {"Action": "a"}, True),
        ({"Action": ["a"]}, {"Action": ["a", "b"]}, False),
        ({"Statement": [{"Sid": "1"}, {"Sid": "2"}]}, {"Statement": [{"Sid": "2"}, {"Sid": "1"}]}, True),
        ({}, {"Statement": []}, False),
        (None, {}, False),
    ],
)
def test_policies_are_compared_by_what_they_mean(one: object, other: object, equal: bool) -> None:
    assert same(one, other) is equal
