# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pod gets the role that IAM lets it have, and no other; a policy allows what it names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.testbed.aws.world import AwsError
from tests.testbed.eks import policies
from tests.testbed.eks.identities import AGENT, Identities
from tests.unit.testbed.eks_iam import ROLE, associate, iam, jwt


@pytest.fixture
def identities() -> Iterator[Identities]:
    with iam() as found:
        yield found


def test_a_pod_of_the_role_takes_it_on(identities: Identities) -> None:
    identities.web_identity({"WebIdentityToken": jwt(), "RoleArn": ROLE})


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"sub": "system:serviceaccount:o11y:other"}, "AccessDenied"),
        ({"aud": ["https://kubernetes.default.svc"]}, "InvalidIdentityToken"),
        ({"iss": "https://other.test"}, "InvalidIdentityToken"),
        ({"exp": 1}, "ExpiredTokenException"),
        ({"nbf": 4e9}, "ExpiredTokenException"),
        ({"key": rsa.generate_private_key(public_exponent=65537, key_size=2048)}, "InvalidIdentityToken"),
    ],
)
def test_every_other_token_is_refused(identities: Identities, changes: dict[str, Any], code: str) -> None:
    with pytest.raises(AwsError) as caught:
        identities.web_identity({"WebIdentityToken": jwt(**changes), "RoleArn": ROLE})
    assert caught.value.code == code


@pytest.mark.parametrize("given", [{"RoleArn": ROLE, "WebIdentityToken": "x"}, {"RoleArn": ROLE}])
def test_what_is_no_token_is_refused(identities: Identities, given: dict[str, str]) -> None:
    with pytest.raises(AwsError, match="no JSON web token"):
        identities.web_identity(given)


def test_a_role_that_is_not_there_is_refused(identities: Identities) -> None:
    with pytest.raises(AwsError, match="Not authorized"):
        identities.web_identity({"WebIdentityToken": jwt(), "RoleArn": f"{ROLE}-2"})


def test_the_agent_gives_credentials_to_pods_with_an_association(identities: Identities) -> None:
    token = jwt(aud=[AGENT])
    with pytest.raises(AwsError, match="eks-pod-identity-agent is not installed"):
        identities.pod_identity(token)
    associate(identities)
    with pytest.raises(AwsError, match="no association of o11y/other"):
        identities.pod_identity(jwt(aud=[AGENT], sub="system:serviceaccount:o11y:other"))
    assert identities.pod_identity(token)["AccessKeyId"].startswith("ASIA")
    with pytest.raises(AwsError, match="audience"):
        identities.pod_identity(jwt())


@pytest.mark.parametrize(
    ("statement", "action", "resource", "allowed"),
    [
        ({"Effect": "Allow", "Action": "logs:*", "Resource": "*"}, "logs:PutLogEvents", "x", True),
        ({"Effect": "Allow", "Action": ["LOGS:putlogevents"], "Resource": ["x", "y"]}, "logs:PutLogEvents", "y", True),
        ({"Effect": "Allow", "Action": "logs:Put*", "Resource": "x"}, "logs:PutLogEvents", "y", False),
        ({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, "logs:PutLogEvents", "x", False),
        ({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": {"a": "b"}}}, "a:b", "x", False),
        ({"Effect": "Deny", "Action": "*", "Resource": "*"}, "logs:PutLogEvents", "x", False),
    ],
)
def test_policies_allow_what_they_name(statement: dict[str, Any], action: str, resource: str, allowed: bool) -> None:
    assert policies.allows([{"Statement": statement}], action, resource, {}) is allowed
    denied = [{"Statement": statement}, {"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}]
    assert not policies.allows(denied, action, resource, {})
