# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to an EKS cluster without the AWS CLI: a session, the cluster, tokens for it, and what AWS says is wrong.

`eks_options` are the options of the cluster: its `name`, and `profile`, `region` and `role_arn`, which may be empty.
Private.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from traceback import walk_tb
from typing import Any, NamedTuple

from ..._otelcol.config.masking import mask_and_clean
from ..._otelcol.errors import Problem, clean_text
from ..aws_failures import FailedCall, explain_failed_call
from ..eks_token import CLUSTER_HEADER, TOKEN_QUERY, URL_SECONDS, RenewedToken
from .libraries import import_library

SESSION_NAME = "o11y.opentelemetry"


class ClusterAccess(NamedTuple):
    """A cluster: its address, the CA that its certificate must be from, and a token for each request."""

    host: str
    ca_certificate: bytes
    make_token: Callable[[], str]


def create_session(eks_options: Mapping[str, Any]) -> Any:
    """Return a session of botocore with the requested credentials, which renew themselves if possible."""
    session = import_library("botocore.session", "botocore").Session(profile=eks_options.get("profile") or None)
    # botocore knows AWS_DEFAULT_REGION only; amazon.aws and AWS Lambda have the other name.
    region = eks_options.get("region") or os.environ.get("AWS_REGION")
    if region:
        session.set_config_variable("region", region)
    # The regional endpoint is in the partition of the cluster, and works where the global one is blocked.
    session.set_config_variable("sts_regional_endpoints", "regional")
    if eks_options.get("role_arn"):
        credentials = import_library("botocore.credentials", "botocore")
        fetcher = credentials.AssumeRoleCredentialFetcher(
            client_creator=session.create_client,
            source_credentials=_require_credentials(session),
            role_arn=eks_options["role_arn"],
            extra_args={"RoleSessionName": SESSION_NAME},
        )
        session._credentials = credentials.DeferredRefreshableCredentials(
            method="assume-role", refresh_using=fetcher.fetch_credentials
        )
    return session


def _require_credentials(session: Any) -> Any:
    """Return the credentials of a session. Raises the error of botocore if it has none."""
    credentials = session.get_credentials()
    if credentials is None:
        raise import_library("botocore.exceptions", "botocore").NoCredentialsError
    return credentials


def find_cluster_access(eks_options: Mapping[str, Any], clock: Callable[[], float]) -> ClusterAccess:
    """Return the way to the cluster that AWS knows under this name; nothing else can answer under its CA."""
    with translate_aws_errors(f"Find the EKS cluster {eks_options['name']}"):
        session = create_session(eks_options)
        eks = session.create_client("eks")
        cluster = eks.describe_cluster(name=eks_options["name"])["cluster"]
    endpoint = cluster.get("endpoint")
    ca = (cluster.get("certificateAuthority") or {}).get("data")
    if not endpoint or not ca:
        fix = "Wait until it is ACTIVE; a cluster that is only connected to EKS needs a kubeconfig."
        wrong = f"it has no endpoint yet (status {cluster.get('status')})"
        raise Problem(wrong, asked=f"Connect to the EKS cluster {eks_options['name']}", where="eks_cluster", fix=fix)
    return ClusterAccess(endpoint, base64.b64decode(ca), create_renewed_token(eks_options, clock))


def create_renewed_token(eks_options: Mapping[str, Any], clock: Callable[[], float]) -> RenewedToken:
    """Return the token for a cluster. Each new one looks for credentials anew, so that those may be renewed too."""
    return RenewedToken(lambda: presign_url(eks_options), clock)


def presign_url(eks_options: Mapping[str, Any]) -> str:
    """Return the URL of GetCallerIdentity with the cluster's name as a signed header. Raises Problem."""
    with translate_aws_errors(f"Make a token for the EKS cluster {eks_options['name']}"):
        session = create_session(eks_options)
        client = session.create_client("sts")
        region = client.meta.region_name
        signer = import_library("botocore.signers", "botocore").RequestSigner(
            client.meta.service_model.service_id,
            region,
            "sts",
            "v4",
            _require_credentials(session),
            session.get_component("event_emitter"),
        )
        request = {
            "method": "GET",
            "url": f"{client.meta.endpoint_url.rstrip('/')}/?{TOKEN_QUERY}",
            "body": {},
            "headers": {CLUSTER_HEADER: eks_options["name"]},
            "context": {},
        }
        url = signer.generate_presigned_url(request, region_name=region, expires_in=URL_SECONDS, operation_name="")
        return str(url)


@contextmanager
def translate_aws_errors(task: str) -> Iterator[None]:
    """Turn what botocore raises into a Problem; `task` is what the run wanted of AWS."""
    exceptions = import_library("botocore.exceptions", "botocore")
    try:
        yield
    except (exceptions.ClientError, exceptions.BotoCoreError) as error:
        raise explain_failed_call(read_failed_call(error), task) from error
    except (AttributeError, EOFError, ValueError) as error:
        if problem := explain_missing_terminal(error, task):
            raise problem from None
        raise


def explain_missing_terminal(error: BaseException, task: str) -> Problem | None:
    """Return the problem of a profile that asks for an MFA code; nothing for other errors."""
    # botocore asks for the code with the module getpass, whose errors are ordinary ones, such as EOFError.
    is_of_getpass = any(frame.f_globals.get("__name__") == "getpass" for frame, _line in walk_tb(error.__traceback__))
    if not is_of_getpass:
        return None
    fix = "Get session credentials first, for example with `aws sts get-session-token`, or use another profile."
    return Problem("the AWS profile asks for an MFA code, and a run has no terminal for it", asked=task, fix=fix)


class CalledAction(NamedTuple):
    """The action of AWS that a call is for, such as eks and DescribeCluster, as IAM policies name it."""

    service: str = ""
    """Empty if it is not known."""
    name: str = ""
    """Empty if it is not known."""


def note_called_action(error: BaseException, action: CalledAction) -> None:
    """Note on an exception of botocore which action it is about, for a later `read_failed_call`.

    It says itself neither the service, nor, if it is botocore's own, the action. An exception of a class of ours cannot
    take its place: the error handlers of amazon.aws know exceptions by botocore's classes and codes.
    """
    error.o11y_called = action  # type: ignore[attr-defined]


def read_failed_call(error: BaseException, action: CalledAction | None = None) -> FailedCall:
    """Return the code, the message and the call of an exception of botocore, as messages may quote them.

    Without `action`, the call is for the action that `note_called_action` has noted, if any. For example, a refused
    `describe_cluster` is `FailedCall("AccessDeniedException", "User may not", 403, "eks", "DescribeCluster")`.
    """
    response: dict[str, Any] = getattr(error, "response", None) or {}
    error_fields = response.get("Error") or {}
    status = (response.get("ResponseMetadata") or {}).get("HTTPStatusCode") or 0
    code = clean_text(str(error_fields.get("Code") or type(error).__name__))
    message = mask_and_clean(str(error_fields.get("Message") or error))
    noted_action: CalledAction = getattr(error, "o11y_called", CalledAction())
    called_action = action or noted_action
    return FailedCall(code, message, int(status), called_action.service, called_action.name)
