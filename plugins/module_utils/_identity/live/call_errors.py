# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens when a call to AWS fails: errors of boto3 become errors of amazon.aws. Private.

Class AWSErrorHandler of amazon.aws makes decorators for methods that call AWS. `CallErrors` tells it which error to
raise, and which errors say that an object is missing. For example, this method returns the add-on, or None if there is
none. For another error of the call, it raises AnsibleCallError with the text `Failed to describe the add-on`:

    @CallErrors.list_error_handler("describe the add-on", None)
    def read_addon(self):
        return self.calls("describe_addon", …)

service_calls.py makes the calls.
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
    """The decorators of amazon.aws for methods that call EKS and IAM.

    | decorator | missing object | other error of boto3 |
    |---|---|---|
    | `common_error_handler(task)` | raises AnsibleCallError | raises AnsibleCallError |
    | `list_error_handler(task, default)` | returns the default | raises AnsibleCallError |
    | `deletion_error_handler(task)` | returns False: it is gone already | raises AnsibleCallError |
    """

    # AWSErrorHandler reads the next two names in its decorators. They are its way to be adapted.

    _CUSTOM_EXCEPTION = AnsibleCallError

    @classmethod
    def _is_missing(cls) -> type[BaseException]:
        """Return what a decorator catches as a missing object, by `except cls._is_missing():`.

        Python evaluates that once a call has failed. So the function of amazon.aws looks at the error that is handled
        at that moment (`sys.exc_info()`): it returns the type of the error if its code is one of these, and else a type
        that no error has.
        """
        # The file loads boto3, which nobody needs before a call has failed.
        from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code  # noqa: PLC0415

        caught_type: type[BaseException] = is_boto3_error_code(set(MISSING_CODES))
        return caught_type


def is_busy(error: AnsibleCallError) -> bool:
    """Return whether a call failed because another operation on the same object still runs."""
    return error.answer.code in BUSY_CODES
