# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Do the work of a module for AWS in Ansible's worker process, see `_worker.py`. Private.

It is a file of its own, because the other modules need no boto3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ansible.module_utils.common.arg_spec import ValidationResult

from . import _worker_internals
from ._worker import Work, WorkerAction

# The keys of `module` that are no conditions between options.
_NO_CONDITIONS = ("argument_spec", "supports_check_mode")


class AwsAction(WorkerAction):
    """Does the work of a module that is an AnsibleAWSModule."""

    module: ClassVar[Mapping[str, Any]] = {}
    """What AnsibleAWSModule takes: the options, whether it supports check mode, and conditions between options."""

    def __init_subclass__(cls) -> None:
        """Set the conditions that the base class checks beside each option alone."""
        cls.conditions = {name: value for name, value in cls.module.items() if name not in _NO_CONDITIONS}
        super().__init_subclass__()

    @staticmethod
    def load_work() -> Work:
        """Import and return the work, which needs amazon.aws."""
        raise NotImplementedError

    @classmethod
    def load_options_and_work(cls) -> tuple[dict[str, Any], Work]:
        """Import and return the options of all modules for AWS with those of this one, and its work."""
        work = cls.load_work()
        options = _worker_internals.load_aws_options() | cls.module["argument_spec"]

        def work_with_aws_module(module: Any) -> None:
            work(_worker_internals.wrap_as_aws_module(module))

        return options, work_with_aws_module

    def _check_arguments(self, arguments: dict[str, Any]) -> ValidationResult | None:
        """Return the checked options; None, which starts the module in a process of its own, if it is to log calls.

        Nothing is logged in the worker process.
        """
        checked_options = super()._check_arguments(arguments)
        if checked_options and checked_options.validated_parameters["debug_botocore_endpoint_logs"]:
            return None
        return checked_options
