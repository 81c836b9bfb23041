# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Do the work of a module for AWS in Ansible's worker process. Apart from others, which need no boto3. Private."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ansible.module_utils.common.arg_spec import ValidationResult

from . import _worker_internals
from ._worker import Work, WorkerAction


class AwsAction(WorkerAction):
    """Does the work of a module that is an AnsibleAWSModule."""

    module: ClassVar[Mapping[str, Any]] = {}
    """What AnsibleAWSModule takes."""

    def __init_subclass__(cls) -> None:
        cls.conditions = {
            name: value for name, value in cls.module.items() if name not in ("argument_spec", "supports_check_mode")
        }
        super().__init_subclass__()

    @staticmethod
    def work() -> Work:
        """Import and return the work, which needs amazon.aws."""
        raise NotImplementedError

    @classmethod
    def load(cls) -> tuple[dict[str, Any], Work]:
        work = cls.work()
        options = _worker_internals.aws_options()

        def run(module: Any) -> None:
            work(_worker_internals.aws_module(module))

        return options | cls.module["argument_spec"], run

    def _checked(self, arguments: dict[str, Any]) -> ValidationResult | None:
        """Leave it to the module to log the calls: nothing is logged here."""
        checked = super()._checked(arguments)
        return None if checked and checked.validated_parameters["debug_botocore_endpoint_logs"] else checked
