# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a failed call of AWS means: whether to repeat it, whether fresh credentials help, and what to tell. Private.

Modules for AWS and the connection to EKS clusters ask here about each failed call. The codes are error codes of AWS and
names of botocore's exceptions. For example, `FailedCall("AccessDenied", "no", 403, "eks", "ListAddons")` becomes

    not allowed (no). Allow eks:ListAddons to the caller, or look for a policy that denies it.
"""

from __future__ import annotations

from typing import NamedTuple

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


# HTTP statuses. From the first one on, the server has failed.
SERVER_ERROR = 500
TOO_MANY_REQUESTS = 429
# EKS names its own; the rest is what botocore's standard mode retries, and IAM's word for parallel writers.
PASSING_CODES = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottledException",
        "RequestThrottled",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "BandwidthLimitExceeded",
        "PriorRequestNotComplete",
        "SlowDown",
        "EC2ThrottledException",
        "ServerException",
        "ServiceUnavailableException",
        "ServiceUnavailable",
        "Unavailable",
        "InternalFailure",
        "InternalError",
        "InternalServerError",
        "InternalServerException",
        "ServiceFailure",
        "ServiceFailureException",
        "RequestTimeout",
        "RequestTimeoutException",
        "ConcurrentModification",
        "ConcurrentModificationException",
    }
)
# botocore's names for connections that broke. An untrusted certificate or a proxy that says no will not change.
PASSING_ERRORS = frozenset(
    {
        "EndpointConnectionError",
        "ConnectTimeoutError",
        "ReadTimeoutError",
        "ConnectionClosedError",
        "HTTPClientError",
        "ResponseParserError",
        "IncompleteReadError",
        "ResponseStreamingError",
    }
)
# Fresh credentials would help.
EXPIRED_CODES = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired", "ExpiredTokenIdentityException"}
)
# Another operation on the same object is running. EKS says so with the same code as that an object exists already: of
# a call that creates, the code means the latter, see `begin_anew_on_collision` of _identity.
BUSY_CODES = frozenset({"ResourceInUseException"})
# An object does not exist.
MISSING_CODES = frozenset({"ResourceNotFoundException", "NoSuchEntity", "NoSuchEntityException", "NotFoundException"})
# An object exists already.
EXISTS_CODES = frozenset({"EntityAlreadyExists", "EntityAlreadyExistsException", "ResourceInUseException"})

# The caller lacks a right.
_DENIED_CODES = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "UnauthorizedOperation",
        "UnauthorizedException",
        "NotAuthorized",
    }
)
# AWS does not accept the credentials.
_REFUSED_CREDENTIALS = frozenset(
    {
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidAccessKeyId",
        "AuthFailure",
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
        "IncompleteSignature",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "OptInRequired",
    }
)
# botocore finds no credentials.
_NO_CREDENTIALS = frozenset(
    {"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "TokenRetrievalError"}
)
# The login of a profile (SSO) has expired.
_LOGIN_CODES = frozenset({"UnauthorizedSSOTokenError", "SSOTokenLoadError", "SSOError"})
# A quota is used up.
_LIMIT_CODES = frozenset(
    {
        "ResourceLimitExceededException",
        "LimitExceeded",
        "LimitExceededException",
        "ServiceQuotaExceededException",
    }
)

RUN_AGAIN = "What AWS has begun goes on there, and the next run takes it up."


class AwsFailureRow(NamedTuple):
    """Codes of failed calls that mean the same, what is wrong then, and what to do.

    {message} and {code} are those of the call, {call} is its action as a policy names it, such as `eks:ListAddons`.
    """

    codes: frozenset[str]
    wrong: str
    fix: str


# No code is in two rows, so their order means nothing.
FAILURE_ROWS = (
    AwsFailureRow(
        EXPIRED_CODES,
        "the AWS credentials have expired ({message})",
        f"Get fresh ones and run the task again. {RUN_AGAIN}",
    ),
    AwsFailureRow(
        _DENIED_CODES,
        "not allowed ({message})",
        "Allow {call} to the caller, or look for a policy that denies it.",
    ),
    AwsFailureRow(
        _REFUSED_CREDENTIALS,
        "AWS does not accept the credentials ({message})",
        "Check access_key, secret_key and session_token or the profile, the region's partition, and the clock here.",
    ),
    AwsFailureRow(
        _NO_CREDENTIALS,
        "there are no usable AWS credentials ({message})",
        "Give profile, or access_key and secret_key, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and"
        " AWS_SECRET_ACCESS_KEY.",
    ),
    AwsFailureRow(
        _LOGIN_CODES,
        "the login of the profile has expired ({message})",
        f"Log in anew, and run it again. {RUN_AGAIN}",
    ),
    AwsFailureRow(
        frozenset({"ProfileNotFound"}),
        "{message}",
        "Check profile and AWS_PROFILE.",
    ),
    AwsFailureRow(
        frozenset({"ParamValidationError"}),
        "a value is not valid ({message})",
        "Correct what the message names.",
    ),
    AwsFailureRow(
        frozenset({"NoRegionError"}),
        "no region is known",
        "Give region, or set AWS_REGION.",
    ),
    AwsFailureRow(
        frozenset({"SSLError"}),
        "no trusted TLS with AWS ({message})",
        "Give the CA of the proxy or endpoint with aws_ca_bundle.",
    ),
    AwsFailureRow(
        frozenset({"ProxyConnectionError"}),
        "the proxy does not answer ({message})",
        "Check HTTPS_PROXY and NO_PROXY.",
    ),
    AwsFailureRow(
        PASSING_ERRORS,
        "AWS cannot be reached ({message})",
        "Check the region, endpoint_url, DNS, proxies and VPC endpoints between this machine and AWS.",
    ),
    AwsFailureRow(
        _LIMIT_CODES,
        "a limit is reached ({message})",
        "Remove what is not needed, or ask AWS for more.",
    ),
    AwsFailureRow(
        MISSING_CODES,
        "it does not exist ({message})",
        "Check the names, the region and the account.",
    ),
    AwsFailureRow(
        BUSY_CODES,
        "another operation is under way ({message})",
        "Run the task again when that is over.",
    ),
    AwsFailureRow(
        PASSING_CODES,
        "AWS is overloaded or in trouble, and stayed so ({code}: {message})",
        f"Run the task again. {RUN_AGAIN}",
    ),
    AwsFailureRow(
        frozenset({"InvalidParameterException", "InvalidRequestException", "ValidationError", "InvalidInput"}),
        "AWS refuses the request ({message})",
        "Correct what the message names.",
    ),
)


def is_passing(failed_call: FailedCall) -> bool:
    """Return whether the same call may well succeed in a moment."""
    is_known_code = failed_call.code in PASSING_CODES or failed_call.code in PASSING_ERRORS
    return is_known_code or failed_call.status >= SERVER_ERROR or failed_call.status == TOO_MANY_REQUESTS


def is_expired(failed_call: FailedCall) -> bool:
    """Return whether fresh credentials would help."""
    return failed_call.code in EXPIRED_CODES


def explain_failed_call(failed_call: FailedCall, task: str) -> Problem:
    """Return the problem of a failed call; `task` is what the task wanted of AWS."""
    call = f"{failed_call.service}:{failed_call.action}" if failed_call.service and failed_call.action else "the call"
    facts = {"message": failed_call.message.rstrip("."), "code": failed_call.code, "call": call}
    for row in FAILURE_ROWS:
        if failed_call.code in row.codes:
            return Problem(row.wrong.format(**facts), asked=task, fix=row.fix.format(**facts))
    wrong = f"AWS answers {failed_call.code or failed_call.status} to {call} ({facts['message']})"
    return Problem(wrong, asked=task, fix="Run the task again; if it stays, follow the message.")
