# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the worker takes from inside ansible-core and amazon.aws, which neither documents, and the switch for it.

A release of either may change each of these. `O11Y_WORKER=false` in the environment of Ansible then lets every module
run in a process of its own, which costs 0.5 s more for a task, or 1.5 s for one for AWS (docs/many_clusters.md).
test_worker_internals.py, test_worker.py and test_worker_aws.py ask each supported ansible-core. Private.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from ansible import constants
from ansible.module_utils.common.arg_spec import ValidationResult
from ansible.module_utils.parsing.convert_bool import boolean

try:
    from ansible.module_utils.secrets import register_secrets
except ImportError:  # up to ansible-core 2.21
    register_secrets = None

SWITCH_VARIABLE = "O11Y_WORKER"


def is_worker_enabled() -> bool:
    """Whether modules may run in the worker process; only a false value in the environment turns it off."""
    return bool(boolean(os.environ.get(SWITCH_VARIABLE) or "true", strict=False))


def find_hidden_values(checked_options: ValidationResult) -> set[str]:
    """Return the values of options that are not to be logged, as AnsibleModule finds them."""
    return set(checked_options._no_log_values)


def has_remarks(checked_options: ValidationResult) -> bool:
    """Whether AnsibleModule would fail, warn or name a deprecation because of these options."""
    return bool(checked_options.error_messages or checked_options._warnings or checked_options._deprecations)


def shows_arguments(variables: Mapping[str, Any] | None) -> bool:
    """Whether a result has the arguments of the module: since ansible-core 2.21 a setting says so."""
    if not hasattr(constants, "INJECT_INVOCATION"):
        return True
    return bool(constants.config.get_config_value("INJECT_INVOCATION", variables=variables))


def register_where_possible(secrets: Callable[[], Any]) -> None:
    """Register secrets where Ansible can do so; it passes them on to modules, which log their options at once."""
    if register_secrets is not None:
        register_secrets(secrets())


def load_aws_options() -> dict[str, Any]:
    """Return the options that every module for AWS has. Raises ImportError without amazon.aws."""
    from ansible_collections.amazon.aws.plugins.module_utils.modules import aws_argument_spec  # noqa: PLC0415

    return dict(aws_argument_spec())


def wrap_as_aws_module(module: Any) -> Any:
    """Return an AnsibleAWSModule around a module that exists.

    AnsibleAWSModule makes its AnsibleModule itself, of the class in its settings: for a moment that is the one given.
    """
    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule  # noqa: PLC0415

    settings = AnsibleAWSModule.default_settings
    default_class = settings["module_class"]
    settings["module_class"] = lambda **_given: module
    try:
        return AnsibleAWSModule(argument_spec={})
    finally:
        settings["module_class"] = default_class
