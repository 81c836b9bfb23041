# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turn errors of calls to AWS into the errors of amazon.aws, and tell which of them say something usual. Private.

    @CallErrors.list_error_handler("describe the add-on", None)
    def read_addon(self):  # the add-on, None if there is none, or AnsibleCallError: "Failed to describe the add-on"
        return self.calls("describe_addon", …)

The calls are made by service_calls.py.
"""

from __future__ import annotations

from ansible_collections.amazon.aws.plugins.module_utils.errors import AWSErrorHandler
from ansible_collections.amazon.aws.plugins.module_utils.exceptions import AnsibleAWSError

from ..._kube.aws_failures import BUSY_CODES, MISSING_CODES, FailedCall
from ..._kube.live.eks_access import read_failed_call


class AnsibleCallError(AnsibleAWSError):
    """A call that failed for good."""

    @property
    def answer(self) -> FailedCall:
        """What AWS or botocore said."""
        return read_failed_call(self.exception or self)


class CallErrors(AWSErrorHandler):
    """The error handlers of amazon.aws, as decorators of methods that call EKS and IAM.

    `common_error_handler` raises AnsibleCallError. `list_error_handler` returns its default for a missing object, and
    `deletion_error_handler` takes that for success.
    """

    _CUSTOM_EXCEPTION = AnsibleCallError

    @classmethod
    def _is_missing(cls) -> type[BaseException]:
        """Return what the handlers catch as a missing object. They call this method of the class of amazon.aws."""
        return exception_with_code(MISSING_CODES)


def exception_with_code(codes: frozenset[str]) -> type[BaseException]:
    """Return what `except` takes to catch the current exception if it has one of these codes."""
    from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code  # noqa: PLC0415

    exception_type: type[BaseException] = is_boto3_error_code(set(codes))
    return exception_type


def is_busy(error: AnsibleCallError) -> bool:
    """Return whether a call failed because another operation on the same object still runs."""
    return error.answer.code in BUSY_CODES
