# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From an AnsibleAWSModule to clients, and from what fails to a failed task. Private."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterable
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..._core.aws.answers import explain
from ..._core.errors import Problem
from ..api.library import library
from ..api.translate import SHORTEST_SECRET
from .calls import CONNECT_SECONDS, READ_SECONDS, AnsibleCallError, Calls

SECRET_OPTIONS = ("secret_key", "session_token")


class Aws:
    """Clients with the options of a module, and what it warns of."""

    def __init__(self, module: AnsibleAWSModule, *, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self.module, self.clock, self.sleep = module, clock, sleep
        self.check, self.params = module.check_mode, module.params

    def calls(self, service: str) -> Calls:
        """Return the calls to a service; no client is made yet."""

        def connect() -> Any:
            # One attempt each: the loop above it knows the time that is left. The user's aws_config comes last.
            config = library("botocore.config", "botocore").Config(
                retries={"total_max_attempts": 1}, connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS
            )
            return self.module.client(service, config=config)

        # Jitter keeps the runs of many clusters from asking in step.
        return Calls(service, connect, clock=self.clock, sleep=self.sleep, jitter=lambda: random.uniform(0.5, 1))

    def warn(self, *texts: str) -> None:
        """Warn of what is not empty."""
        for text in filter(None, texts):
            # Past amazon.aws' own list of warnings, which it returns in a way that ansible-core 2.19 deprecates.
            self.module._module.warn(text)


def run(module: AnsibleAWSModule, work: Callable[[Aws], dict[str, Any]], secrets: Iterable[str] = ()) -> None:
    """Do the work and leave the task, with its result or with what is wrong. Other options than secrets are shown."""
    hidden = {str(module.params[name]) for name in SECRET_OPTIONS if module.params.get(name)} | set(secrets)
    module._module.no_log_values = {value for value in hidden if len(value) >= SHORTEST_SECRET}
    try:
        result = work(Aws(module, clock=time.monotonic, sleep=time.sleep))
    except AnsibleCallError as error:
        answer = error.answer
        problem = explain(answer, str(error.message))
        module.fail_json(msg=str(problem), error={"code": answer.code, "message": answer.message})
    except Problem as problem:
        module.fail_json(**getattr(problem, "facts", {}), msg=str(problem))
    module.exit_json(**result)


def parsed(text: str) -> Any:
    """Return what configuration values say: JSON, or YAML where somebody else wrote them."""
    try:
        return json.loads(text or "null")
    except ValueError:
        return library("yaml", "PyYAML").safe_load(text)
