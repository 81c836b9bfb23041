# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to an EKS cluster without the AWS CLI: where it is, and a token that is renewed. Private."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from ..._core.aws.access import CLUSTER_HEADER, QUERY, URL_SECONDS, FailedCall, Renewing, explain
from ..._core.errors import Problem
from .explain import library

SESSION_NAME = "o11y.opentelemetry"


class Access(NamedTuple):
    """A cluster: its address, the CA that its certificate must be from, and a token for each request."""

    host: str
    ca: bytes
    token: Callable[[], str]


def session_of(asked: Mapping[str, Any]) -> Any:
    """Return a session of botocore with the credentials that are asked for; they renew themselves where they can."""
    session = library("botocore.session", "botocore").Session(profile=asked.get("profile") or None)
    # botocore knows AWS_DEFAULT_REGION only; amazon.aws and AWS Lambda have the other name.
    region = asked.get("region") or os.environ.get("AWS_REGION")
    if region:
        session.set_config_variable("region", region)
    # The regional endpoint is in the partition of the cluster, and works where the global one is blocked.
    session.set_config_variable("sts_regional_endpoints", "regional")
    if asked.get("role_arn"):
        credentials = library("botocore.credentials", "botocore")
        fetcher = credentials.AssumeRoleCredentialFetcher(
            client_creator=session.create_client,
            source_credentials=_credentials(session),
            role_arn=asked["role_arn"],
            extra_args={"RoleSessionName": SESSION_NAME},
        )
        session._credentials = credentials.DeferredRefreshableCredentials(
            method="assume-role", refresh_using=fetcher.fetch_credentials
        )
    return session


def _credentials(session: Any) -> Any:
    found = session.get_credentials()
    if found is None:
        raise library("botocore.exceptions", "botocore").NoCredentialsError
    return found


def access(asked: Mapping[str, Any], clock: Callable[[], float]) -> Access:
    """Return the way to the cluster that AWS knows under this name; nothing else can answer under its CA."""
    with _told(f"Find the EKS cluster {asked['name']}"):
        session = session_of(asked)
        eks = session.create_client("eks")
        cluster = eks.describe_cluster(name=asked["name"])["cluster"]
    endpoint, ca = cluster.get("endpoint"), (cluster.get("certificateAuthority") or {}).get("data")
    if not endpoint or not ca:
        fix = "Wait until it is ACTIVE; a cluster that is only connected to EKS needs a kubeconfig."
        wrong = f"it has no endpoint yet (status {cluster.get('status')})"
        raise Problem(wrong, asked=f"Connect to the EKS cluster {asked['name']}", where="eks_cluster", fix=fix)
    return Access(endpoint, base64.b64decode(ca), renewing(asked, clock))


def renewing(asked: Mapping[str, Any], clock: Callable[[], float]) -> Renewing:
    """Return the token for a cluster. Each new one looks for credentials anew, so that those may be renewed too."""
    return Renewing(lambda: presigned(session_of(asked), asked["name"]), clock)


def presigned(session: Any, cluster: str) -> str:
    """Return the URL of GetCallerIdentity with the cluster's name as a signed header."""
    with _told(f"Make a token for the EKS cluster {cluster}"):
        client = session.create_client("sts")
        signer = library("botocore.signers", "botocore").RequestSigner(
            client.meta.service_model.service_id,
            client.meta.region_name,
            "sts",
            "v4",
            _credentials(session),
            session.get_component("event_emitter"),
        )
        request = {
            "method": "GET",
            "url": f"{client.meta.endpoint_url.rstrip('/')}/?{QUERY}",
            "body": {},
            "headers": {CLUSTER_HEADER: cluster},
            "context": {},
        }
        return str(
            signer.generate_presigned_url(
                request, region_name=client.meta.region_name, expires_in=URL_SECONDS, operation_name=""
            )
        )


@contextmanager
def _told(asked: str) -> Iterator[None]:
    """Turn what botocore raises into a Problem."""
    exceptions = library("botocore.exceptions", "botocore")
    try:
        yield
    except (exceptions.ClientError, exceptions.BotoCoreError) as error:
        raise explain(answer_of(error), asked) from error


def answer_of(error: BaseException) -> FailedCall:
    """Return what an exception of botocore says."""
    response: dict[str, Any] = getattr(error, "response", None) or {}
    said = response.get("Error") or {}
    status = (response.get("ResponseMetadata") or {}).get("HTTPStatusCode") or 0
    return FailedCall(
        str(said.get("Code") or type(error).__name__),
        str(said.get("Message") or error),
        int(status),
        *getattr(error, "o11y_called", ("", "")),
    )
