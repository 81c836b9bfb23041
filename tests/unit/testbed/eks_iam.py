# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IAM with a cluster's issuer and one role, for tests of what stands before AWS."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from moto import mock_aws
from moto.eks.models import eks_backends

from tests.testbed.aws.direct import DirectClient
from tests.testbed.aws.world import ACCOUNT, World
from tests.testbed.eks.identities import AGENT_SERVICE, Identities

ISSUER = "https://issuer.test"
PLACE = "issuer.test"
PROVIDER = f"arn:aws:iam::123456789012:oidc-provider/{PLACE}"
ROLE = "arn:aws:iam::123456789012:role/collector"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SUBJECT = "system:serviceaccount:o11y:gateway"
GOOD = {"iss": ISSUER, "sub": SUBJECT, "aud": ["sts.amazonaws.com"], "nbf": 0, "exp": 4e9}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Federated": PROVIDER},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {f"{PLACE}:sub": SUBJECT, f"{PLACE}:aud": "sts.amazonaws.com"}},
        },
        {
            "Effect": "Allow",
            "Principal": {"Service": AGENT_SERVICE},
            "Action": ["sts:AssumeRole", "sts:TagSession"],
            "Condition": {
                "StringEquals": {
                    "aws:RequestTag/eks-cluster-arn": "arn:aws:eks:eu-west-1:123456789012:cluster/prod",
                    "aws:RequestTag/kubernetes-service-account": "gateway",
                }
            },
        },
    ],
}
WORKSPACE = {"Effect": "Allow", "Action": "aps:Remote*", "Resource": "arn:aws:aps:*:*:workspace/ws-1"}
POLICY = {"Version": "2012-10-17", "Statement": [WORKSPACE]}


def text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def jwt(key: rsa.RSAPrivateKey = KEY, **changes: Any) -> str:
    """Sign a token."""
    parts = [{"alg": "RS256", "kid": "one"}, GOOD | changes]
    signed = ".".join(text(json.dumps(part).encode()) for part in parts)
    return f"{signed}.{text(key.sign(signed.encode(), PKCS1v15(), SHA256()))}"


def published() -> list[dict[str, str]]:
    """Return the keys of the cluster."""
    numbers = KEY.public_key().public_numbers()
    return [{"kid": "one", "n": text(numbers.n.to_bytes(256, "big")), "e": text(numbers.e.to_bytes(3, "big"))}]


@contextmanager
def iam() -> Iterator[Identities]:
    """IAM with the cluster's issuer and one role."""
    with mock_aws():
        client = boto3.client("iam", aws_access_key_id="a", aws_secret_access_key="b")
        client.create_open_id_connect_provider(Url=ISSUER, ClientIDList=["sts.amazonaws.com"])
        client.create_role(RoleName="collector", AssumeRolePolicyDocument=json.dumps(TRUST))
        client.put_role_policy(RoleName="collector", PolicyName="p", PolicyDocument=json.dumps(POLICY))
        yield Identities(World(), published)


def associate(identities: Identities) -> None:
    """Give the pods of the account the role, and the cluster its agent."""
    eks_backends[ACCOUNT]["eu-west-1"].create_cluster("prod", f"{ROLE}-of-the-cluster", {}, "1.34")
    client = DirectClient(identities.world)
    client.create_addon(clusterName="prod", addonName="eks-pod-identity-agent", clientRequestToken="1")
    names = {"namespace": "o11y", "serviceAccount": "gateway", "roleArn": ROLE, "clientRequestToken": "2"}
    client.create_pod_identity_association(clusterName="prod", **names)


def session(identities: Identities) -> tuple[str, str, str]:
    """Return the credentials of a session of the role."""
    associate(identities)
    found = identities.issue_pod_credentials(jwt(aud=[AGENT_SERVICE]))
    return found["SecretAccessKey"], found["AccessKeyId"], found["Token"]
