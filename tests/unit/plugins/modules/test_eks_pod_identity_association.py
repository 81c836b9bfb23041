# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""eks_pod_identity_association from nothing to nothing, each step twice and first in check mode."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from .conftest import CLUSTER, Aws

NAME = "eks_pod_identity_association"
ROLE, OTHER = "arn:aws:iam::123456789012:role/a", "arn:aws:iam::123456789012:role/b"
BASE = {"cluster_name": CLUSTER, "namespace": "observability", "service_account": "gateway"}
CREATE, UPDATE, DELETE = (f"{verb}PodIdentityAssociation" for verb in ("Create", "Update", "Delete"))
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "aps:RemoteWrite", "Resource": "*"}]}


def step(aws: Aws, calls: dict[str, int], **options: Any) -> dict[str, Any]:
    """Run a step in check mode, for real and again, and return the real result. Its calls are counted."""
    options = BASE | options
    told = aws.run(NAME, check=True, **options)
    assert aws.changing() == {}, "check mode changes something"
    done = aws.run(NAME, **options)
    assert aws.changing() == Counter(calls), done
    assert (done["changed"], told["changed"]) == (bool(calls), bool(calls)), done
    assert told["diff"] == done["diff"]
    again = aws.run(NAME, **options)
    assert (again["changed"], aws.changing()) == (False, {})
    assert again["diff"]["before"] == again["diff"]["after"]
    return done


def test_a_life(aws: Aws) -> None:
    made = step(aws, {CREATE: 1}, role_arn=ROLE, tags={"team": "a"})
    assert made["association"]["role_arn"] == ROLE
    assert made["association"]["association_id"].startswith("a-")
    assert made["association"]["tags"] == {"team": "a"}
    step(aws, {}, role_arn=ROLE)
    assert step(aws, {UPDATE: 1}, role_arn=OTHER)["association"]["role_arn"] == OTHER
    step(aws, {UPDATE: 1}, role_arn=OTHER, target_role_arn=ROLE, disable_session_tags=True, policy=POLICY)
    step(aws, {}, role_arn=OTHER)  # what no option names stays
    step(aws, {UPDATE: 1}, role_arn=OTHER, target_role_arn="", policy={})
    step(aws, {"TagResource": 1, "UntagResource": 1}, role_arn=OTHER, tags={"stage": "dev"})
    gone = step(aws, {DELETE: 1}, state="absent")
    assert (gone["association"], gone["diff"]["after"]) == ({}, {})


def test_others_of_the_cluster_are_left_alone(aws: Aws) -> None:
    aws.run(NAME, **BASE | {"service_account": "agent"}, role_arn=ROLE)
    aws.changing()
    step(aws, {CREATE: 1}, role_arn=OTHER)
    step(aws, {DELETE: 1}, state="absent")
    assert [item["serviceAccount"] for item in aws.world.associations.values()] == ["agent"]


def test_those_of_an_addon_are_left_to_it(aws: Aws) -> None:
    identity = {"service_account": "adot", "role_arn": ROLE}
    aws.run("eks_addon", cluster_name=CLUSTER, name="adot", pod_identity_associations=[identity])
    aws.changing()
    base = {"cluster_name": CLUSTER, "namespace": "opentelemetry-operator-system", "service_account": "adot"}
    assert aws.run(NAME, **base, role_arn=ROLE)["changed"] is False
    for options in ({"role_arn": OTHER}, {"state": "absent"}):
        result = aws.run(NAME, **base, **options)
        assert "owns it" in result["msg"]
        assert "Use pod_identity_associations of eks_addon." in result["msg"]
    assert aws.changing() == {}


def test_an_answer_that_was_lost_is_no_error(aws: Aws) -> None:
    aws.world.trouble(operation=CREATE, drop="after")
    assert aws.run(NAME, **BASE, role_arn=ROLE)["association"]["role_arn"] == ROLE
    assert len(aws.world.associations) == 1


def test_somebody_who_was_quicker_is_no_error(aws: Aws) -> None:
    aws.run(NAME, **BASE, role_arn=OTHER)
    aws.changing()
    aws.world.trouble(operation="ListPodIdentityAssociations", code="ResourceNotFoundException")
    done = aws.run(NAME, **BASE, role_arn=ROLE)  # it did not see it at first
    assert (done["changed"], done["association"]["role_arn"]) == (True, ROLE)
    assert aws.changing() == {CREATE: 1, UPDATE: 1}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "state is present but all of the following are missing: role_arn"),
        ({"role_arn": ROLE, "policy": POLICY}, "EKS takes a policy only without session tags"),
        ({"role_arn": ROLE, "cluster_name": "nowhere"}, "it does not exist (No cluster found for name: nowhere)"),
    ],
)
def test_what_cannot_work_is_told(aws: Aws, options: dict[str, Any], words: str) -> None:
    result = aws.run(NAME, **(BASE | options))
    assert words in result["msg"]
    assert aws.world.associations == {}


def test_a_cluster_that_is_gone_has_no_association(aws: Aws) -> None:
    assert aws.run(NAME, **BASE | {"cluster_name": "nowhere"}, state="absent")["changed"] is False
