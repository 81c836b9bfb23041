# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the task of a module for AWS, and exit with its result or failure, without secrets. Private.

All modules for AWS run through `run` here. A task gets what it needs of its module as one object:

    def task(aws: Aws) -> dict[str, Any]:
        return {"changed": False, "role": aws.calls("iam")("get_role", RoleName=aws.params["name"])["Role"]}

    run(AnsibleAWSModule(…), task)

service_calls.py makes the calls, and aws_changes.py has what tasks share that create or change objects.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..._kube.aws_failures import explain_failed_call
from ..._kube.live.hidden import hide_option_secrets
from ..._kube.live.libraries import import_library
from ..._kube.option_secrets import build_secret_remover
from ..._otelcol.config.masking import conceal_secrets
from ..._otelcol.errors import Problem, escape_tree, make_printable
from .call_errors import AnsibleCallError
from .service_calls import ServiceCalls

# How long a connection, and an answer, may take.
CONNECT_SECONDS = 5
READ_SECONDS = 30
# The options with the credentials of AWS, of which these two are secret by themselves.
SECRET_OPTIONS = ("secret_key", "session_token")
CREDENTIALS = ("access_key", *SECRET_OPTIONS)


class Aws:
    """What a task for AWS needs of its module: calls to services, the clock, its options and its warnings."""

    def __init__(self, module: AnsibleAWSModule, *, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self.module, self.clock, self.sleep = module, clock, sleep
        self.check, self.params = module.check_mode, module.params
        # The module of Ansible inside of that of amazon.aws.
        self._ansible_module = module._module

    def calls(self, service: str) -> ServiceCalls:
        """Return the calls to a service; no client is made yet."""

        def connect() -> Any:
            # One attempt each: the loop above it knows the time that is left. The user's aws_config comes last.
            config = import_library("botocore.config", "botocore").Config(
                retries={"total_max_attempts": 1}, connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS
            )
            return self.module.client(service, config=config)

        # Jitter keeps the runs of many clusters from asking in step.
        return ServiceCalls(service, connect, clock=self.clock, sleep=self.sleep, jitter=lambda: random.uniform(0.5, 1))

    def warn(self, *warnings: str) -> None:
        """Show each warning that is not empty, with secrets hidden."""
        remove_secrets = build_secret_remover(self._ansible_module.no_log_values)
        for warning in filter(None, warnings):
            # Past amazon.aws' own list of warnings, which it returns in a way that ansible-core 2.19 deprecates.
            # Ansible hides no_log values in results, and not in warnings.
            self._ansible_module.warn(conceal_secrets(make_printable(remove_secrets(warning))))


def run(
    module: AnsibleAWSModule,
    task: Callable[[Aws], dict[str, Any]],
    *,
    secret_parts: Iterable[str] = (),
    partly_secret_option: Mapping[str, Any] | None = None,
) -> None:
    """Run a task, and exit with its result or failure.

    Options that are secret by themselves are hidden from all output. `partly_secret_option` is the value of an option
    such as `configuration_values`, in which only some texts are secret, and `secret_parts` are these texts.
    """
    credentials = {name: str(module.params[name]) for name in CREDENTIALS if module.params.get(name)}
    hidden_values = set(secret_parts)
    for name in SECRET_OPTIONS:
        if name in credentials:
            hidden_values.add(credentials[name])
    ansible_module = module._module
    hide_option_secrets(ansible_module, hidden_values, [partly_secret_option])
    remove_secrets = build_secret_remover(ansible_module.no_log_values)
    try:
        _refuse_spaces(credentials)
        _refuse_empty_names(module.params)
        result = task(Aws(module, clock=time.monotonic, sleep=time.sleep))
    except AnsibleCallError as error:
        answer = error.answer
        problem = explain_failed_call(answer, str(error.message))
        error_fields = {"code": answer.code, "message": answer.message}
        module.fail_json(**remove_secrets({"msg": conceal_secrets(str(problem)), "error": error_fields}))
    except Problem as problem:
        module.fail_json(**remove_secrets({**escape_tree(problem.facts), "msg": conceal_secrets(str(problem))}))
    module.exit_json(**remove_secrets(escape_tree(result)))


def _refuse_empty_names(params: Mapping[str, Any]) -> None:
    """Raise Problem for an empty name of what a task works on, such as that of an undefined variable.

    AWS would leave it out of the request, and answer about all objects: the first one would be that of a neighbour.
    """
    names = ["cluster_name", "service_account"]
    if "service_account" in params:
        names.append("namespace")  # of eks_addon it is a setting, and no name
    if "state" in params:
        names.append("name")  # of eks_addon_info it limits a list
    for option in names:
        if params.get(option) == "":
            fix = "Give the name of an object of AWS. Check the variable that it comes from."
            raise Problem(f"{option} is empty", asked="Call AWS", where=option, fix=fix)


def _refuse_spaces(credentials: Mapping[str, str]) -> None:
    """Raise Problem for a credential that cannot be sent. The message does not show it."""
    for name, value in credentials.items():
        if value.split() != [value]:
            fix = "Give it without a line end. A YAML block of `|-` has none."
            raise Problem(f"{name} has a line end or a space, so it cannot be sent", asked="Call AWS", fix=fix)
