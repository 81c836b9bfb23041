# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may do what: the keys that were given out, the roles that pods get by their tokens, and what policies allow."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from tests.testbed.aws.world import ACCOUNT, AwsError, World
from tests.testbed.eks import policies, tokens
from tests.testbed.eks.signatures import Sent, Signed, check

PARTITION = "aws"
AGENT = "pods.eks.amazonaws.com"
AGENT_ADDON = "eks-pod-identity-agent"
DENIED = "AccessDenied"
SESSION_SECONDS = 6 * 3600


@dataclass(frozen=True)
class Caller:
    """An identity: who it is, and its role where it has one."""

    arn: str
    role: str = ""


@dataclass(frozen=True)
class Given:
    """A key that was given out."""

    caller: Caller
    secret: str
    token: str = ""
    until: float = float("inf")


class Identities:
    """All of them. `keys` returns the keys by which the cluster signs its tokens."""

    def __init__(self, world: World, keys: Callable[[], list[dict[str, str]]]) -> None:
        self.world, self.keys = world, keys
        self.person = secrets.token_hex(10).upper(), secrets.token_urlsafe(30)
        self.person_arn = f"arn:{PARTITION}:iam::{ACCOUNT}:user/controller"

    def caller(self, sent: Sent, signed: Signed) -> Caller:
        """Return who has signed a request; raise where nobody has, or not this request."""
        given = self._given(signed.key)
        if given is None or given.token != signed.token:
            raise AwsError("UnrecognizedClientException", "The security token included in the request is invalid")
        check(sent, signed, given.secret, datetime.now(UTC))
        if time.time() >= given.until or signed.key in self.world.expired_keys:
            raise AwsError("ExpiredTokenException", "The security token included in the request is expired")
        return given.caller

    def _given(self, key: str) -> Given | None:
        if key == self.person[0]:
            return Given(Caller(self.person_arn), self.person[1])
        session = sts_backends[ACCOUNT][PARTITION].get_assumed_role_from_access_key(key)
        if session is None:
            return None
        until = session.expiration.replace(tzinfo=UTC).timestamp()
        return Given(Caller(session.arn, session.role_arn), session.secret_access_key, session.session_token, until)

    def web_identity(self, form: dict[str, Any]) -> None:
        """Raise unless the token of AssumeRoleWithWebIdentity leads to the role."""
        claims = tokens.claims(str(form.get("WebIdentityToken", "")), self.keys, time.time())
        provider = _provider(str(claims["iss"]))
        if not set(tokens.audiences(claims)) & set(provider.client_id_list):
            raise AwsError(tokens.INVALID, "Incorrect token audience")
        context = {f"{provider.url}:{name}": claims[name] for name in ("sub", "aud")}
        action = "sts:AssumeRoleWithWebIdentity"
        role = _role(str(form.get("RoleArn", "")), action)
        if not policies.trusts(role.assume_role_policy_document, action, ("Federated", provider.arn), context):
            raise AwsError(DENIED, f"Not authorized to perform {action}")

    def pod_identity(self, token: str) -> dict[str, Any]:
        """Return the credentials that EKS' agent gives for a token of a pod."""
        claims = tokens.claims(token, self.keys, time.time())
        if AGENT not in tokens.audiences(claims):
            raise AwsError(tokens.INVALID, "Incorrect token audience")
        _system, _kind, namespace, account = str(claims["sub"]).split(":")
        if not any(name == AGENT_ADDON for _region, _cluster, name in self.world.addons):
            raise AwsError(DENIED, f"the add-on {AGENT_ADDON} is not installed")
        association = self.association(namespace, account)
        if association is None:
            raise AwsError(DENIED, f"no association of {namespace}/{account}")
        role = _role(association["roleArn"], "sts:AssumeRole")
        context = _session_tags(association)
        for action in ("sts:AssumeRole", "sts:TagSession"):
            if not policies.trusts(role.assume_role_policy_document, action, ("Service", AGENT), context):
                raise AwsError(DENIED, f"Not authorized to perform {action}")
        session = sts_backends[ACCOUNT][PARTITION].assume_role(
            "us-east-1", f"eks-{account}"[:64], association["roleArn"], "", SESSION_SECONDS, ""
        )
        return {
            "AccessKeyId": session.access_key_id,
            "SecretAccessKey": session.secret_access_key,
            "Token": session.session_token,
            "AccountId": ACCOUNT,
            "Expiration": session.expiration.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    def association(self, namespace: str, account: str) -> dict[str, Any] | None:
        """Return the pod identity association of a service account. There is one cluster here."""
        wanted = {"namespace": namespace, "serviceAccount": account}
        with self.world.lock:
            return next((item for item in self.world.associations.values() if wanted.items() <= item.items()), None)

    def authorize(self, caller: Caller, action: str, resource: str, region: str) -> None:
        """Raise unless the policies of the caller's role allow it. Who has no role is the administrator."""
        if caller.role:
            role = _role(caller.role, action)
            managed = [_document(policy) for policy in role.managed_policies.values()]
            if not policies.allows(
                [*role.policies.values(), *managed], action, resource, {"aws:RequestedRegion": region}
            ):
                text = f"User: {caller.arn} is not authorized to perform: {action} on resource: {resource}"
                raise AwsError("AccessDeniedException", text)


def _session_tags(association: dict[str, Any]) -> dict[str, str]:
    """Return what EKS says of a pod when it takes on its role ("List of session tags added by EKS Pod Identity")."""
    cluster = association["associationArn"].replace(":podidentityassociation/", ":cluster/").rpartition("/")[0]
    tags = {
        "eks-cluster-arn": cluster,
        "eks-cluster-name": association["clusterName"],
        "kubernetes-namespace": association["namespace"],
        "kubernetes-service-account": association["serviceAccount"],
    }
    return {"aws:SourceArn": cluster, "aws:SourceAccount": ACCOUNT} | {
        f"aws:RequestTag/{name}": value for name, value in tags.items()
    }


def _provider(issuer: str) -> Any:
    found = iam_backends[ACCOUNT][PARTITION].open_id_providers.values()
    url = issuer.removeprefix("https://")
    provider = next((item for item in found if item.url == url), None)
    if provider is None:
        raise AwsError(tokens.INVALID, f"No OpenIDConnect provider found in your account for {issuer}")
    return provider


def _role(arn: str, action: str) -> Any:
    roles = iam_backends[ACCOUNT][PARTITION].roles.values()
    role = next((role for role in roles if role.arn == arn), None)
    if role is None:
        raise AwsError(DENIED, f"Not authorized to perform {action}")
    return role


def _document(policy: Any) -> str:
    return str(next(item.document for item in policy.versions if item.version_id == policy.default_version_id))
