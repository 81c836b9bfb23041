# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The token that gives access to an EKS cluster, and what a failed call of AWS means. Private.

The token is a presigned URL of STS GetCallerIdentity, which the cluster's authenticator calls. The name of the cluster
is a signed header of it, so that a token for one cluster is worth nothing at another
(github.com/kubernetes-sigs/aws-iam-authenticator, pkg/token).

AWS returns endpoint and CA, and the token is created in this process: a cluster is named, not configured, and the AWS
CLI is not run.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .._otelcol.errors import Problem


class FailedCall(NamedTuple):
    """A call of AWS that failed."""

    code: str
    """The error code of AWS, or the name of botocore's exception if AWS gave no answer."""
    message: str
    """What AWS or botocore says."""
    status: int = 0
    """The HTTP status; 0 without an answer."""
    service: str = ""
    """The service as IAM policies name it, such as `eks`; empty if it is not known."""
    action: str = ""
    """The action as IAM policies name it, such as `DescribeCluster`; empty if it is not known."""


SERVER_ERROR, TOO_MANY_REQUESTS = 500, 429
# EKS names its own; the rest is what botocore's standard mode retries, and IAM's word for parallel writers.
PASSING_CODES = frozenset(
    {
        *("Throttling", "ThrottlingException", "ThrottledException", "RequestThrottledException", "RequestThrottled"),
        *("TooManyRequestsException", "RequestLimitExceeded", "BandwidthLimitExceeded", "PriorRequestNotComplete"),
        *("SlowDown", "EC2ThrottledException"),
        *("ServerException", "ServiceUnavailableException", "ServiceUnavailable", "Unavailable", "InternalFailure"),
        *("InternalError", "InternalServerError", "InternalServerException"),
        *("ServiceFailure", "ServiceFailureException"),
        *("RequestTimeout", "RequestTimeoutException", "ConcurrentModification", "ConcurrentModificationException"),
    }
)
# botocore's names for connections that broke. An untrusted certificate or a proxy that says no will not change.
PASSING_ERRORS = frozenset(
    {
        *("EndpointConnectionError", "ConnectTimeoutError", "ReadTimeoutError", "ConnectionClosedError"),
        *("HTTPClientError", "ResponseParserError", "IncompleteReadError", "ResponseStreamingError"),
    }
)
EXPIRED_CODES = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired", "ExpiredTokenIdentityException"}
)
# Another operation on the same object is running.
BUSY_CODES = frozenset({"ResourceInUseException"})
MISSING_CODES = frozenset({"ResourceNotFoundException", "NoSuchEntity", "NoSuchEntityException", "NotFoundException"})
EXISTS_CODES = frozenset({"EntityAlreadyExists", "EntityAlreadyExistsException", "ResourceInUseException"})

_DENIED_CODES = {
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "UnauthorizedException",
    "NotAuthorized",
}
_REFUSED_CREDENTIALS = {
    *("UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId", "AuthFailure"),
    *("SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature", "MissingAuthenticationToken"),
    *("MissingAuthenticationTokenException", "OptInRequired"),
}
_NO_CREDENTIALS = {"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "TokenRetrievalError"}
_LOGIN_CODES = {"UnauthorizedSSOTokenError", "SSOTokenLoadError", "SSOError"}
_LIMIT_CODES = {
    "ResourceLimitExceededException",
    "LimitExceeded",
    "LimitExceededException",
    "ServiceQuotaExceededException",
}

RUN_AGAIN = "What AWS has begun goes on there, and the next run takes it up."
# (codes, problem, fix), tried from the top.
PROBLEM_TEXTS: tuple[tuple[frozenset[str], str, str], ...] = (
    (
        EXPIRED_CODES,
        "the AWS credentials have expired ({message})",
        f"Get fresh ones and run the task again. {RUN_AGAIN}",
    ),
    (
        frozenset(_DENIED_CODES),
        "not allowed ({message})",
        "Allow {call} to the caller, or look for a policy that denies it.",
    ),
    (
        frozenset(_REFUSED_CREDENTIALS),
        "AWS does not accept the credentials ({message})",
        "Check access_key, secret_key and session_token or the profile, the region's partition, and the clock here.",
    ),
    (
        frozenset(_NO_CREDENTIALS),
        "there are no usable AWS credentials ({message})",
        "Give profile, or access_key and secret_key, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and"
        " AWS_SECRET_ACCESS_KEY.",
    ),
    (
        frozenset(_LOGIN_CODES),
        "the login of the profile has expired ({message})",
        f"Log in anew, and run it again. {RUN_AGAIN}",
    ),
    (frozenset({"ProfileNotFound"}), "{message}", "Check profile and AWS_PROFILE."),
    (frozenset({"ParamValidationError"}), "a value is not valid ({message})", "Correct what the message names."),
    (frozenset({"NoRegionError"}), "no region is known", "Give region, or set AWS_REGION."),
    (
        frozenset({"SSLError"}),
        "no trusted TLS with AWS ({message})",
        "Give the CA of the proxy or endpoint with aws_ca_bundle.",
    ),
    (frozenset({"ProxyConnectionError"}), "the proxy does not answer ({message})", "Check HTTPS_PROXY and NO_PROXY."),
    (
        PASSING_ERRORS,
        "AWS cannot be reached ({message})",
        "Check the region, endpoint_url, DNS, proxies and VPC endpoints between this machine and AWS.",
    ),
    (frozenset(_LIMIT_CODES), "a limit is reached ({message})", "Remove what is not needed, or ask AWS for more."),
    (MISSING_CODES, "it does not exist ({message})", "Check the names, the region and the account."),
    (BUSY_CODES, "another operation is under way ({message})", "Run the task again when that is over."),
    (
        PASSING_CODES,
        "AWS is overloaded or in trouble, and stayed so ({code}: {message})",
        f"Run the task again. {RUN_AGAIN}",
    ),
    (
        frozenset({"InvalidParameterException", "InvalidRequestException", "ValidationError", "InvalidInput"}),
        "AWS refuses the request ({message})",
        "Correct what the message names.",
    ),
)


def is_passing(answer: FailedCall) -> bool:
    """Return whether the same call may well succeed in a moment."""
    is_known_code = answer.code in PASSING_CODES or answer.code in PASSING_ERRORS
    return is_known_code or answer.status >= SERVER_ERROR or answer.status == TOO_MANY_REQUESTS


def is_expired(answer: FailedCall) -> bool:
    """Return whether fresh credentials would help."""
    return answer.code in EXPIRED_CODES


def explain_failed_call(answer: FailedCall, task: str) -> Problem:
    """Return the problem of a failed call; `task` is what the task wanted of AWS."""
    call = f"{answer.service}:{answer.action}" if answer.service and answer.action else "the call"
    facts = {"message": answer.message.rstrip("."), "code": answer.code, "call": call}
    for codes, wrong, fix in PROBLEM_TEXTS:
        if answer.code in codes:
            return Problem(wrong.format(**facts), asked=task, fix=fix.format(**facts))
    wrong = f"AWS answers {answer.code or answer.status} to {call} ({facts['message']})"
    return Problem(wrong, asked=task, fix="Run the task again; if it stays, follow the message.")


TOKEN_PREFIX = "k8s-aws-v1."
CLUSTER_HEADER = "x-k8s-aws-id"
TOKEN_QUERY = "Action=GetCallerIdentity&Version=2011-06-15"
# What the URL itself says, as the AWS CLI has it. The authenticator counts fifteen minutes from the signature.
URL_SECONDS = 60
# Renewed well before these are over, since clocks differ.
LIFE_SECONDS = 600


# The commands of kubeconfigs that make such a token: the words that say so, and which part of the request a flag gives.
COMMANDS: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "aws": (
        ("eks", "get-token"),
        {"--cluster-name": "name", "--region": "region", "--profile": "profile", "--role-arn": "role_arn"},
    ),
    "aws-iam-authenticator": (
        ("token",),
        {"-i": "name", "--cluster-id": "name", "--region": "region", "-r": "role_arn", "--role": "role_arn"},
    ),
}
# Flags that change nothing about the token, and their values.
IDLE_FLAGS = {"--output": "json"}
# The variables of such commands, and which part of the request they give. One that gives no part changes nothing about
# the token.
VARIABLES = {"AWS_PROFILE": "profile", "AWS_REGION": "region", "AWS_STS_REGIONAL_ENDPOINTS": ""}


def parse_token_command(command: Mapping[str, Any]) -> dict[str, str] | None:
    """Return what the `exec` of a kubeconfig's user asks for, if it makes a token of EKS; None for other commands.

    The keys are `name` (of the cluster, always there), `region`, `profile` and `role_arn`. A command with a variable or
    a flag that this collection does not know is another command: only the program itself knows what it does.
    """
    program = str(command.get("command")).rpartition("/")[2]
    if program not in COMMANDS:
        return None
    first_words, flags = COMMANDS[program]
    variable_request = _parse_variables(command.get("env") or [])
    arguments = _drop_first_words(first_words, command.get("args") or [])
    if variable_request is None or arguments is None:
        return None
    flag_request = _parse_flags(arguments, flags)
    if flag_request is None:
        return None
    token_request = {**variable_request, **flag_request}
    return token_request if "name" in token_request else None


def _parse_variables(variables: Iterable[Mapping[str, Any]]) -> dict[str, str] | None:
    """Return what the variables of a command ask for; None if one of them is not known."""
    token_request: dict[str, str] = {}
    for variable in variables:
        name = variable.get("name")
        if name not in VARIABLES:
            return None
        part = VARIABLES[name]
        if part:
            token_request[part] = str(variable.get("value"))
    return token_request


def _drop_first_words(first_words: Iterable[str], words: Iterable[Any]) -> list[str] | None:
    """Return the arguments of a command without the words that name what it does; None if one of those is not there.

    The words may stand behind flags, as in `aws --region eu-west-1 eks get-token`.
    """
    arguments: list[str] = []
    for word in words:
        arguments += _split_option(str(word))
    for word in first_words:
        if word not in arguments:
            return None
        arguments.remove(word)
    return arguments


def _parse_flags(arguments: Sequence[str], flags: Mapping[str, str]) -> dict[str, str] | None:
    """Return what the flags of a command ask for; None if one of them is not known, or has no value."""
    if len(arguments) % 2:
        return None
    token_request: dict[str, str] = {}
    for flag, value in zip(arguments[::2], arguments[1::2], strict=True):
        if flag in flags:
            token_request[flags[flag]] = value
        elif IDLE_FLAGS.get(flag) != value:
            return None
    return token_request


def _split_option(word: str) -> list[str]:
    """Return a flag and its value where they are one word."""
    return word.split("=", 1) if word.startswith("--") and "=" in word else [word]


def encode_token(url: str) -> str:
    """Return the token of a presigned URL: base64 for URLs, without padding."""
    return TOKEN_PREFIX + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


class RenewedToken:
    """A token that is made anew when it gets old."""

    def __init__(self, sign: Callable[[], str], clock: Callable[[], float]) -> None:
        self._sign, self._clock = sign, clock
        self._token, self._made = "", 0.0

    def __call__(self) -> str:
        """Return a token that holds for some minutes more."""
        current_time = self._clock()
        if not self._token or current_time - self._made >= LIFE_SECONDS:
            self._token, self._made = encode_token(self._sign()), current_time
        return self._token
