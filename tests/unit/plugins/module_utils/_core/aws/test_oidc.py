# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Issuers, and the steps of a provider."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.aws import trust as oidc
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem
from hypothesis import given
from hypothesis import strategies as st

ISSUER = "https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"
LIVE: dict[str, Any] = {"url": ISSUER, "client_ids": ["a", "b"], "thumbprints": ["f" * 40], "tags": {"x": "1"}}


WRITTEN = [ISSUER, ISSUER + "/", ISSUER.removeprefix("https://"), ISSUER.replace("https", "HTTPS")]
WRONG = ["http://a/b", "https://", "", "https://a:8443/b", "https://a/b?c", "https://u@a", "a b"]


@pytest.mark.parametrize("given_", WRITTEN)
def test_an_issuer_is_written_in_one_way(given_: str) -> None:
    assert oidc.issuer(given_) == ISSUER
    assert oidc.bare(oidc.issuer(given_)) == "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"


@pytest.mark.parametrize("wrong", WRONG)
def test_what_iam_does_not_take_is_an_error(wrong: str) -> None:
    with pytest.raises(Problem, match="is no URL of an issuer"):
        oidc.issuer(wrong)


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov", "aws-iso"])
def test_a_provider_is_found_in_every_partition(partition: str) -> None:
    arn = f"arn:{partition}:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"
    assert oidc.find([arn + "2", arn], ISSUER) == arn
    assert oidc.find([arn + "2"], ISSUER) == ""


def test_thumbprints_are_optional_and_checked() -> None:
    assert oidc.thumbprints(None) is None
    assert oidc.thumbprints(["AA:" * 19 + "AA"]) == ["aa" * 20]
    for wrong in (["short"], [f"{number:040x}" for number in range(6)]):
        with pytest.raises(Problem, match="Leave thumbprints out"):
            oidc.thumbprints(wrong)


def names(wanted: dict[str, Any]) -> list[str]:
    return [step.operation for step in oidc.steps(LIVE, wanted)]


def test_nothing_that_differs_is_no_step() -> None:
    assert oidc.steps(LIVE, oidc.goal(LIVE, ["a"], None, None, purge=False)) == []


def test_thumbprints_of_aws_are_left_alone() -> None:
    assert names(oidc.goal(LIVE, ["a", "b"], ["e" * 40], None, purge=False)) == [
        "update_open_id_connect_provider_thumbprint"
    ]


IDS = st.lists(st.sampled_from("abcdef"), unique=True)


@given(IDS, IDS, st.booleans())
def test_audiences_come_before_others_go_and_end_as_wanted(have: list[str], want: list[str], purge: bool) -> None:
    live = LIVE | {"client_ids": sorted(have)}
    wanted = oidc.goal(live, want, None, None, purge=purge)
    now = set(have)
    for step in oidc.steps(live, wanted):
        one = step.parameters["ClientID"]
        now = now | {one} if step.operation.startswith("add") else now - {one}
        assert not set(have) & set(want) - now, "what is wanted and was there is there all the time"
        assert not step.operation.startswith("remove") or set(want) <= now
    assert now == (set(want) if purge else set(have) | set(want))


def test_tags_are_set_and_unset() -> None:
    steps = oidc.steps(LIVE, LIVE | {"tags": {"y": "2"}})
    assert [step.parameters for step in steps] == [{"Tags": [{"Key": "y", "Value": "2"}]}, {"TagKeys": ["x"]}]
