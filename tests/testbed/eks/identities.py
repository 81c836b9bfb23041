# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Knows the identities of the simulated AWS account: who signed a request, which role a pod gets, what a role may do.

Roles, policies and sessions are moto's. The administrator's key, with which tests and playbooks call AWS, is made at
the start.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from tests.testbed.aws.world import ACCOUNT, AwsError, World
from tests.testbed.eks import policies, tokens
from tests.testbed.eks.policies import Principal
from tests.testbed.eks.signatures import SentRequest, Signature, check_signature

PARTITION = "aws"
AGENT_SERVICE = "pods.eks.amazonaws.com"
"""The service that assumes a role for a pod, and the audience of the pod's token for it."""
AGENT_ADDON = "eks-pod-identity-agent"
DENIED_CODE = "AccessDenied"
SESSION_SECONDS = 6 * 3600
SESSION_NAME_LENGTH = 64
WEB_IDENTITY_ACTION = "sts:AssumeRoleWithWebIdentity"
POD_IDENTITY_ACTIONS = ("sts:AssumeRole", "sts:TagSession")
TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Caller:
    """The identity that has sent a request."""

    arn: str
    """The user, or the session of a role; empty if nobody has signed the request."""
    role: str = ""
    """The ARN of the role; empty for a user."""


@dataclass(frozen=True)
class Credentials:
    """The secrets that belong to an access key."""

    caller: Caller
    secret: str
    token: str = ""
    """The session token; empty for the key of a user."""
    expires_at: float = float("inf")
    """The time at which they expire, in seconds since 1970."""


class Identities:
    """All identities of the account. `keys` returns the keys with which the cluster signs tokens of pods."""

    def __init__(self, world: World, keys: tokens.KeyLister) -> None:
        self.world, self.keys = world, keys
        self.person = secrets.token_hex(10).upper(), secrets.token_urlsafe(30)
        """The access key and the secret of the administrator."""
        self.administrator_arn = f"arn:{PARTITION}:iam::{ACCOUNT}:user/controller"

    def identify_caller(self, request: SentRequest, signature: Signature) -> Caller:
        """Return who has signed a request. Raises AwsError if the key, the session token or the signature is wrong."""
        credentials = self._find_credentials(signature.access_key)
        if credentials is None or credentials.token != signature.session_token:
            raise AwsError("UnrecognizedClientException", "The security token included in the request is invalid")
        check_signature(request, signature, credentials.secret, datetime.now(UTC))
        if time.time() >= credentials.expires_at or signature.access_key in self.world.expired_keys:
            raise AwsError("ExpiredTokenException", "The security token included in the request is expired")
        return credentials.caller

    def _find_credentials(self, access_key: str) -> Credentials | None:
        """Return the credentials of an access key: the administrator's, or those of a session of a role."""
        person_key, person_secret = self.person
        if access_key == person_key:
            return Credentials(Caller(self.administrator_arn), person_secret)
        session = sts_backends[ACCOUNT][PARTITION].get_assumed_role_from_access_key(access_key)
        if session is None:
            return None
        expiration = session.expiration.replace(tzinfo=UTC).timestamp()
        caller = Caller(session.arn, session.role_arn)
        return Credentials(caller, session.secret_access_key, session.session_token, expiration)

    def check_web_identity(self, form: dict[str, Any]) -> None:
        """Check a call of AssumeRoleWithWebIdentity. Raises AwsError unless the role trusts the token."""
        claims = tokens.read_claims(str(form.get("WebIdentityToken", "")), self.keys, time.time())
        provider = _find_provider(str(claims["iss"]))
        if not set(tokens.list_audiences(claims)) & set(provider.client_id_list):
            raise AwsError(tokens.INVALID_TOKEN, "Incorrect token audience")
        context = {f"{provider.url}:{name}": claims[name] for name in ("sub", "aud")}
        role = _find_role(str(form.get("RoleArn", "")), WEB_IDENTITY_ACTION)
        _check_trust(role, WEB_IDENTITY_ACTION, Principal("Federated", provider.arn), context)

    def issue_pod_credentials(self, token: str) -> dict[str, Any]:
        """Return the credentials that the EKS pod identity agent gives for the token of a pod.

        Raises AwsError if the token is wrong, the agent is not installed, or the service account has no role.
        """
        association = self._find_token_association(token)
        role_arn = association["roleArn"]
        role = _find_role(role_arn, POD_IDENTITY_ACTIONS[0])
        context = _build_session_tags(association)
        for action in POD_IDENTITY_ACTIONS:
            _check_trust(role, action, Principal("Service", AGENT_SERVICE), context)
        return _open_session(role_arn, f"eks-{association['serviceAccount']}")

    def _find_token_association(self, token: str) -> dict[str, Any]:
        """Return the association of the service account that a token is of."""
        claims = tokens.read_claims(token, self.keys, time.time())
        if AGENT_SERVICE not in tokens.list_audiences(claims):
            raise AwsError(tokens.INVALID_TOKEN, "Incorrect token audience")
        _system, _kind, namespace, account = str(claims["sub"]).split(":")
        installed = {addon for _region, _cluster, addon in self.world.addons}
        if AGENT_ADDON not in installed:
            raise AwsError(DENIED_CODE, f"the add-on {AGENT_ADDON} is not installed")
        association = self.find_association(namespace, account)
        if association is None:
            raise AwsError(DENIED_CODE, f"no association of {namespace}/{account}")
        return association

    def find_association(self, namespace: str, account: str) -> dict[str, Any] | None:
        """Return the pod identity association of a service account, None if it has none.

        The cluster is not compared: the simulated AWS has one.
        """
        with self.world.lock:
            for association in self.world.associations.values():
                if (association["namespace"], association["serviceAccount"]) == (namespace, account):
                    return association
        return None

    def authorize(self, caller: Caller, action: str, resource: str, region: str) -> None:
        """Raise AwsError unless the policies of the caller's role allow the action on the resource.

        A caller without a role is the administrator, who may do everything.
        """
        if not caller.role:
            return
        role = _find_role(caller.role, action)
        managed = [_find_default_document(policy) for policy in role.managed_policies.values()]
        documents = [*role.policies.values(), *managed]
        if not policies.is_allowed(documents, action, resource, {"aws:RequestedRegion": region}):
            refusal = f"User: {caller.arn} is not authorized to perform: {action} on resource: {resource}"
            raise AwsError("AccessDeniedException", refusal)


def _open_session(role_arn: str, name: str) -> dict[str, Any]:
    """Let moto open a session of a role, and return its credentials as the agent answers them."""
    session = sts_backends[ACCOUNT][PARTITION].assume_role(
        region_name="us-east-1",
        role_session_name=name[:SESSION_NAME_LENGTH],
        role_arn=role_arn,
        policy="",
        duration=SESSION_SECONDS,
        external_id="",
    )
    return {
        "AccessKeyId": session.access_key_id,
        "SecretAccessKey": session.secret_access_key,
        "Token": session.session_token,
        "AccountId": ACCOUNT,
        "Expiration": session.expiration.strftime(TIME_FORMAT),
    }


def _build_session_tags(association: dict[str, Any]) -> dict[str, str]:
    """Return the keys of conditions that EKS sets when it assumes the role of a pod.

    Source: "List of session tags added by EKS Pod Identity" in the EKS User Guide.
    """
    prefixed_arn = association["associationArn"].replace(":podidentityassociation/", ":cluster/")
    cluster_arn = prefixed_arn.rpartition("/")[0]
    return {
        "aws:SourceArn": cluster_arn,
        "aws:SourceAccount": ACCOUNT,
        "aws:RequestTag/eks-cluster-arn": cluster_arn,
        "aws:RequestTag/eks-cluster-name": association["clusterName"],
        "aws:RequestTag/kubernetes-namespace": association["namespace"],
        "aws:RequestTag/kubernetes-service-account": association["serviceAccount"],
    }


def _check_trust(role: Any, action: str, principal: Principal, context: policies.Context) -> None:
    """Raise AwsError unless the trust policy of a role allows the action to a principal."""
    if not policies.may_assume_role(role.assume_role_policy_document, action, principal, context):
        raise AwsError(DENIED_CODE, f"Not authorized to perform {action}")


def _find_provider(issuer: str) -> Any:
    """Return moto's OpenID Connect provider of an issuer."""
    url = issuer.removeprefix("https://")
    for provider in iam_backends[ACCOUNT][PARTITION].open_id_providers.values():
        if provider.url == url:
            return provider
    raise AwsError(tokens.INVALID_TOKEN, f"No OpenIDConnect provider found in your account for {issuer}")


def _find_role(arn: str, action: str) -> Any:
    """Return moto's role of an ARN. AWS answers for a role that does not exist as for one that may not be assumed."""
    for role in iam_backends[ACCOUNT][PARTITION].roles.values():
        if role.arn == arn:
            return role
    raise AwsError(DENIED_CODE, f"Not authorized to perform {action}")


def _find_default_document(policy: Any) -> str:
    """Return the document of the default version of a managed policy."""
    for version in policy.versions:
        if version.version_id == policy.default_version_id:
            return str(version.document)
    raise LookupError(f"the policy {policy.arn} has no version {policy.default_version_id}")
