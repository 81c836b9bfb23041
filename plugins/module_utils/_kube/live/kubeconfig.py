# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plain ways to a cluster and to EKS, read without the Kubernetes client and the AWS CLI, which take long to load.

A token or a certificate, from the options, the environment or one kubeconfig; and the command by which `aws eks
update-kubeconfig` has tokens made, which we do ourselves. Whatever else there is (other commands, providers, proxies,
impersonation, a pod's own account) is left to the client of kubernetes.core, and errors are too.

`O11Y_PLAIN_CONNECTION=false` in the environment leaves every kubeconfig to that client, which takes about 0.9 s of CPU
to load (docs/many_clusters.md). Private.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from traceback import walk_tb
from typing import Any, NamedTuple

from ansible.module_utils.parsing.convert_bool import boolean

from ..._otelcol.bounded.live.bounded_reads import file_text
from ..._otelcol.bounded.read_limits import CREDENTIAL
from ..._otelcol.config.masking import quoted
from ..._otelcol.errors import Problem, cleaned
from ..eks_token import CLUSTER_HEADER, QUERY, URL_SECONDS, FailedCall, Renewing, asked_by, explain
from .api_errors import library

# Options and variables that mean more than a plain connection.
OTHER_OPTIONS = (
    *("username", "password", "proxy", "no_proxy", "proxy_headers", "persist_config"),
    *("impersonate_user", "impersonate_groups"),
)
OTHER_VARIABLES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")
OTHER_USER_KEYS = ("exec", "auth-provider", "username", "password", "as", "as-groups")
OTHER_CLUSTER_KEYS = ("proxy-url", "tls-server-name")
IN_CLUSTER = "KUBERNETES_SERVICE_HOST"
SWITCH = "O11Y_PLAIN_CONNECTION"

Keep = Callable[[bytes], str]


@dataclass(frozen=True)
class Plain:
    """A server, and a token or the files of a certificate for it."""

    host: str
    token: str = ""
    verify: bool = True
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    eks: Mapping[str, str] | None = None
    """The EKS cluster for which a command of the kubeconfig would make a token; we make it ourselves."""


def is_on(environ: Mapping[str, str]) -> bool:
    """Whether a connection may be made without the client; only a false value in the environment turns it off."""
    return bool(boolean(environ.get(SWITCH) or "true", strict=False))


def option(params: Mapping[str, Any], environ: Mapping[str, str], name: str, alias: str) -> Any:
    """Return an option of kubernetes.core, or its variable under either of its names."""
    if params.get(name) is not None:
        return params[name]
    value = environ.get(f"K8S_AUTH_{name.upper()}") or environ.get(f"K8S_AUTH_{alias.upper()}")
    if value and name == "validate_certs":
        return value.lower() not in ("0", "false", "no")
    return value


def plain(
    params: Mapping[str, Any], environ: Mapping[str, str], names: Mapping[str, str], load: Any, keep: Keep
) -> Plain | None:
    """Return the connection when it is a plain one, and the switch is on.

    `names` are the options by their aliases, `load` parses YAML, and `keep` writes a file and returns its path.
    """
    if not is_on(environ):
        return None
    given = {name: option(params, environ, name, alias) for alias, name in names.items()}
    given |= {name: option(params, environ, name, name) for name in OTHER_OPTIONS}
    if any(given.get(name) for name in OTHER_OPTIONS) or any(environ.get(name) for name in OTHER_VARIABLES):
        return None
    if _is_direct(given):
        return _with_options(Plain(host=""), given)
    if environ.get(IN_CLUSTER) and not given["kubeconfig"] and not given["context"]:
        return None
    from_file = _from_file(given, environ, load, keep)
    return _with_options(from_file, given) if from_file else None


def _is_direct(given: Mapping[str, Any]) -> bool:
    """Return whether the options are enough without a kubeconfig: a server, and what says who asks."""
    has_certificate = given["client_cert"] and given["client_key"]
    return bool(given["host"] and (given["api_key"] or has_certificate))


def _with_options(connection: Plain, given: Mapping[str, Any]) -> Plain:
    """Return a connection with the options that are set in place of what a kubeconfig says."""
    verify = given["validate_certs"]
    return Plain(
        host=(given["host"] or connection.host).rstrip("/"),
        token=given["api_key"] or connection.token,
        verify=connection.verify if verify is None else verify,
        ca_file=given["ca_cert"] or connection.ca_file,
        cert_file=given["client_cert"] or connection.cert_file,
        key_file=given["client_key"] or connection.key_file,
        eks=None if given["api_key"] else connection.eks,
    )


def _from_file(given: dict[str, Any], environ: Mapping[str, str], load: Any, keep: Keep) -> Plain | None:
    """Return the plain connection of a kubeconfig; None if it has another one, or cannot be read."""
    config, folder = given["kubeconfig"], Path()
    try:
        if not isinstance(config, dict):
            path = Path(config or environ.get("KUBECONFIG") or "~/.kube/config").expanduser()
            config, folder = load(file_text(path)), path.parent
        context = _named(config, "context", given["context"] or config["current-context"])
        cluster = _named(config, "cluster", context["cluster"])
        user = _named(config, "user", context["user"])
        if any(key in cluster for key in OTHER_CLUSTER_KEYS):
            return None
        eks = asked_by(user["exec"]) if list(user) == ["exec"] else None
        if eks:
            return replace(_read(cluster, {}, folder, keep), eks=eks)
        if any(key in user for key in OTHER_USER_KEYS):
            return None
        return _read(cluster, user, folder, keep)
    except (OSError, LookupError, TypeError, AttributeError, ValueError, binascii.Error):
        return None


def _named(config: dict[str, Any], kind: str, name: str) -> dict[str, Any]:
    """Return an entry of a kubeconfig; a missing one is a LookupError."""
    entries: dict[str, dict[str, Any]] = {entry["name"]: entry[kind] or {} for entry in config[f"{kind}s"]}
    return entries[name]


def _token_of(user: dict[str, Any], folder: Path) -> str:
    """Return the token of a user, which may be in a file; an empty text for a user without one."""
    if user.get("token"):
        return str(user["token"])
    token_file = user.get("tokenFile")
    return file_text(folder / token_file, CREDENTIAL).strip() if token_file else ""


def _read(cluster: dict[str, Any], user: dict[str, Any], folder: Path, keep: Keep) -> Plain:
    """Return the connection for a cluster and a user. Paths in a kubeconfig are relative to its folder."""

    def file(entry: dict[str, Any], key: str) -> str | None:
        if entry.get(f"{key}-data"):
            return keep(base64.b64decode(entry[f"{key}-data"]))
        return str(folder / entry[key]) if entry.get(key) else None

    return Plain(
        host=cluster["server"],
        token=_token_of(user, folder),
        verify=not cluster.get("insecure-skip-tls-verify"),
        ca_file=file(cluster, "certificate-authority"),
        cert_file=file(user, "client-certificate"),
        key_file=file(user, "client-key"),
    )


SESSION_NAME = "o11y.opentelemetry"


class Access(NamedTuple):
    """A cluster: its address, the CA that its certificate must be from, and a token for each request."""

    host: str
    ca: bytes
    token: Callable[[], str]


def session_of(asked: Mapping[str, Any]) -> Any:
    """Return a session of botocore with the requested credentials, which renew themselves if possible."""
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
    """Return the credentials of a session. Raises the error of botocore if it has none."""
    credentials = session.get_credentials()
    if credentials is None:
        raise library("botocore.exceptions", "botocore").NoCredentialsError
    return credentials


def access(asked: Mapping[str, Any], clock: Callable[[], float]) -> Access:
    """Return the way to the cluster that AWS knows under this name; nothing else can answer under its CA."""
    with aws_errors(f"Find the EKS cluster {asked['name']}"):
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
    with aws_errors(f"Make a token for the EKS cluster {cluster}"):
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
def aws_errors(asked: str) -> Iterator[None]:
    """Turn what botocore raises into a Problem; `asked` is what the run wanted of AWS."""
    exceptions = library("botocore.exceptions", "botocore")
    try:
        yield
    except (exceptions.ClientError, exceptions.BotoCoreError) as error:
        raise explain(answer_of(error), asked) from error
    except (AttributeError, EOFError, ValueError) as error:
        if problem := without_terminal(error, asked):
            raise problem from None
        raise


def without_terminal(error: BaseException, asked: str) -> Problem | None:
    """Return the problem of a profile that asks for an MFA code; nothing for other errors."""
    if all(frame.f_globals.get("__name__") != "getpass" for frame, _line in walk_tb(error.__traceback__)):
        return None
    fix = "Get session credentials first, for example with `aws sts get-session-token`, or use another profile."
    return Problem("the AWS profile asks for an MFA code, and a run has no terminal for it", asked=asked, fix=fix)


def answer_of(error: BaseException) -> FailedCall:
    """Return what an exception of botocore says, as messages may quote it."""
    response: dict[str, Any] = getattr(error, "response", None) or {}
    said = response.get("Error") or {}
    status = (response.get("ResponseMetadata") or {}).get("HTTPStatusCode") or 0
    code = cleaned(str(said.get("Code") or type(error).__name__))
    message = quoted(str(said.get("Message") or error))
    return FailedCall(code, message, int(status), *getattr(error, "o11y_called", ("", "")))
