# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.aws.assignment import IdentityRequest, assigned
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.aws.identity import ROLE_ANNOTATION
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem

XRAY = {"Effect": "Allow", "Action": ["xray:PutSpans"], "Resource": ["*"]}
OWN = {"Effect": "Allow", "Action": ["kms:Decrypt"], "Resource": ["key"]}
GATEWAY = {"namespace": "obs", "service_account": "gateway", "collectors": ["gateway"], "statements": [XRAY]}
AGENT = {"namespace": "obs", "service_account": "agent", "collectors": ["agent"], "statements": []}


def decided(*found: Any, **inputs: Any) -> dict[str, Any]:
    return assigned(
        found or (GATEWAY, AGENT), IdentityRequest(**{"provider": "irsa", "cluster_name": "prod", **inputs})
    )


def names(result: dict[str, Any], which: str = "accounts") -> list[str]:
    return [item["role_name"] for item in result[which]]


def test_who_calls_aws_gets_a_role_and_who_does_not_gets_none() -> None:
    found = decided()
    assert (names(found), names(found, "unneeded")) == (["prod-obs-gateway"], ["prod-obs-agent"])
    assert found["accounts"][0]["statements"] == [XRAY]
    assert found["accounts"][0]["managed_policies"] == []


def test_managed_policies_are_for_all_since_nobody_can_derive_what_they_are_for() -> None:
    found = decided(policies="managed", managed_policies=("A",))
    assert names(found) == ["prod-obs-gateway", "prod-obs-agent"]
    assert [(item["statements"], item["managed_policies"]) for item in found["accounts"]] == [([], ["A"])] * 2


def test_a_list_says_who() -> None:
    found = decided(service_accounts=("obs/agent",), statements=(OWN,))
    assert names(found) == ["prod-obs-agent"]
    assert found["accounts"][0]["statements"] == [OWN]


def test_a_name_has_placeholders_and_is_cut_to_what_iam_takes() -> None:
    assert names(decided(GATEWAY, role_name="EKS-ADOT-ServiceAccount-Role")) == ["EKS-ADOT-ServiceAccount-Role"]
    assert names(decided(GATEWAY, role_name="{service_account}@{cluster}")) == ["gateway@prod"]
    one, other = (names(decided(GATEWAY, cluster_name="x" * 60 + end))[0] for end in ("a", "b"))
    assert len(one) == len(other) == 64
    assert one != other
    assert one[:55] == other[:55] == "x" * 55


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"cluster_name": ""}, "the cluster has no name"),
        ({"policies": "managed"}, "no policy is named"),
        ({"role_name": "{account}"}, "no such placeholder as {account}; did you mean 'service_account'"),
        ({"service_accounts": ("obs/gatewya",)}, "no collector runs as 'obs/gatewya'; did you mean 'obs/gateway'"),
        ({"provider": "static", "role_arns": {"obs/a": "x"}}, "no collector runs as 'obs/a'"),
        ({"provider": "static"}, "obs/gateway has no role, and its collectors call xray:PutSpans"),
        (
            {"role_name": "one", "policies": "managed", "managed_policies": ("A",)},
            "2 service accounts would have the role 'one'",
        ),
    ],
)
def test_what_cannot_be_is_told(inputs: dict[str, Any], words: str) -> None:
    with pytest.raises(Problem) as told:
        decided(**inputs)
    assert words in str(told.value)


def test_a_static_role_is_handed_over_as_it_is() -> None:
    found = decided(provider="static", cluster_name="", role_arns={"obs/gateway": "arn:a"})
    assert found["annotations"] == {"obs/gateway": {ROLE_ANNOTATION: "arn:a"}}
    assert (names(found), found["unneeded"]) == ([""], [])


def test_a_role_that_one_account_has_is_no_leftover_of_another() -> None:
    assert decided(role_name="one")["unneeded"] == []
