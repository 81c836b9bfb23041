# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""iam_oidc_provider from nothing to nothing, each step twice and first in check mode."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from moto.iam.models import iam_backends

from .conftest import CLUSTER, Aws

ISSUER = "https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"
ADD, REMOVE = "AddClientIDToOpenIDConnectProvider", "RemoveClientIDFromOpenIDConnectProvider"
CREATE, DELETE = "CreateOpenIDConnectProvider", "DeleteOpenIDConnectProvider"


def step(aws: Aws, calls: dict[str, int], **options: Any) -> dict[str, Any]:
    """Run a step in check mode, for real and again, and return the real result. Its calls are counted."""
    options = {"url": ISSUER} | options
    told = aws.run("iam_oidc_provider", check=True, **options)
    assert aws.changing() == {}, "check mode changes something"
    done = aws.run("iam_oidc_provider", **options)
    assert aws.changing() == Counter(calls), done
    assert (done["changed"], told["changed"]) == (bool(calls), bool(calls)), done
    assert told["diff"] == done["diff"]
    again = aws.run("iam_oidc_provider", **options)
    assert (again["changed"], aws.changing()) == (False, {})
    return done


def test_a_life(aws: Aws) -> None:
    made = step(aws, {CREATE: 1}, tags={"team": "a"})["provider"]
    assert made["arn"] == "arn:aws:iam::123456789012:oidc-provider/" + ISSUER.removeprefix("https://")
    assert (made["client_ids"], made["tags"], made["url"]) == (["sts.amazonaws.com"], {"team": "a"}, ISSUER)
    assert made["issuer"] == "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"

    step(aws, {}, url=ISSUER + "/")
    step(aws, {ADD: 1}, client_ids=["inventory"])
    swapped = step(aws, {ADD: 1, REMOVE: 2}, client_ids=["other"], purge_client_ids=True)
    assert swapped["provider"]["client_ids"] == ["other"]
    step(aws, {ADD: 1}, client_ids=["sts.amazonaws.com"])
    step(aws, {"TagOpenIDConnectProvider": 1, "UntagOpenIDConnectProvider": 1}, tags={"stage": "dev"})
    step(aws, {"UpdateOpenIDConnectProviderThumbprint": 1}, thumbprints=["AA" * 20])
    gone = step(aws, {DELETE: 1}, state="absent")
    assert (gone["provider"], gone["diff"]["after"]) == ({}, {})


def test_a_provider_of_somebody_else_is_adopted_as_it_is(aws: Aws) -> None:
    iam_backends["123456789012"]["aws"].create_open_id_connect_provider(
        url=ISSUER, thumbprint_list=["9e99a48a9960b14926bb7f3b02e22da2b0ab7280"], client_id_list=["theirs"], tags=[]
    )
    adopted = step(aws, {ADD: 1})["provider"]
    assert adopted["client_ids"] == ["sts.amazonaws.com", "theirs"]
    assert adopted["thumbprints"] == ["9e99a48a9960b14926bb7f3b02e22da2b0ab7280"]


@pytest.mark.parametrize(
    ("region", "partition"), [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")]
)
def test_every_partition(aws: Aws, region: str, partition: str) -> None:
    suffix = ".cn" if partition == "aws-cn" else ""
    issuer = f"https://oidc.eks.{region}.amazonaws.com{suffix}/id/EXAMPLE"
    aws.cluster(region=region, issuer=issuer)
    done = step(aws, {CREATE: 1}, url=None, cluster_name=CLUSTER, region=region)["provider"]
    assert done["arn"].startswith(f"arn:{partition}:iam::123456789012:oidc-provider/oidc.eks.{region}.")
    assert done["client_ids"] == ["sts.amazonaws.com"]  # in China too
    step(aws, {DELETE: 1}, url=None, cluster_name=CLUSTER, region=region, state="absent")


def test_an_answer_that_was_lost_is_no_error(aws: Aws) -> None:
    aws.world.trouble(operation=CREATE, drop="after")
    done = aws.run("iam_oidc_provider", url=ISSUER)
    assert done["provider"]["client_ids"] == ["sts.amazonaws.com"]
    assert aws.changing() == {CREATE: 2}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"url": "http://a"}, "is no URL of an issuer"),
        ({"url": ISSUER, "thumbprints": ["short"]}, "has no 40 hexadecimal digits"),
        ({"cluster_name": "nowhere"}, "Failed to describe the cluster: it does not exist"),
        ({"url": ISSUER, "cluster_name": CLUSTER}, "mutually exclusive"),
        ({}, "one of the following is required: url, cluster_name"),
    ],
)
def test_what_cannot_work_is_told(aws: Aws, options: dict[str, Any], words: str) -> None:
    result = aws.run("iam_oidc_provider", **options)
    assert result["failed"]
    assert words in result["msg"]
    assert aws.changing() == {}


def test_what_is_not_allowed_names_the_right(aws: Aws) -> None:
    aws.world.trouble(operation=CREATE, code="AccessDenied", status=403, message="User may not")
    result = aws.run("iam_oidc_provider", url=ISSUER)
    assert "Allow iam:CreateOpenIDConnectProvider to the caller" in result["msg"]
    assert result["error"] == {"code": "AccessDenied", "message": "User may not"}
