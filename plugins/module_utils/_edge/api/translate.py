# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place where a Problem becomes a failed task, and where secrets are kept from what a task prints. Private."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._core.errors import Problem
from .cluster import LostError
from .explain import lost

# What is secret in the connection options; a whole kubeconfig would take words like 'default' out of every message.
SECRET_OPTIONS = ("api_key", "password")
SECRET_KEYS = ("token", "password", "client-key-data", "id-token", "refresh-token", "client-secret", "access-token")
# The environment of a command that a kubeconfig gets its token from.
SECRET_VARIABLE = re.compile("SECRET|TOKEN|PASSWORD|KEY")
# Shorter ones are words that occur by chance, so hiding them garbles text and hides nothing.
SHORTEST_SECRET = 6


class Failure(Problem):
    """A Problem with facts for the result of the task."""

    def __init__(self, wrong: str, *, facts: dict[str, Any], asked: str = "", where: str = "", fix: str = "") -> None:
        super().__init__(wrong, asked=asked, where=where, fix=fix)
        self.facts = facts


def run(
    module: AnsibleModule,
    work: Callable[[], dict[str, Any]],
    secrets: Iterable[str] = (),
    shown: dict[str, Any] | None = None,
) -> None:
    """Do the work and leave the task, with its result or with what is wrong.

    `shown` are the options as the result shows them, when not all of them are to be seen.
    """
    protect(module, secrets)
    invocation = {"invocation": {"module_args": shown}} if shown else {}
    try:
        result = work()
    except Problem as problem:
        facts = _warned(module, getattr(problem, "facts", {}))
        module.fail_json(**facts | invocation | {"msg": str(problem)})
    except LostError as error:
        module.fail_json(msg=str(lost(error)), **invocation)
    module.exit_json(**_warned(module, result), **invocation)


def _warned(module: AnsibleModule, result: dict[str, Any]) -> dict[str, Any]:
    for warning in result.pop("warnings", []):
        module.warn(warning)
    return result


def protect(module: AnsibleModule, secrets: Iterable[str]) -> None:
    """Replace Ansible's list of every string in a secret option by the few that are secret."""
    hidden = {str(module.params[name]) for name in SECRET_OPTIONS if module.params.get(name)}
    hidden |= {str(value) for value in (module.params.get("proxy_headers") or {}).values() if value}
    hidden |= set(_secrets_in(module.params.get("kubeconfig"))) | set(secrets)
    module.no_log_values = {value for value in hidden if len(value) >= SHORTEST_SECRET}


def _secrets_in(tree: Any) -> Iterable[str]:
    if isinstance(tree, dict):
        for key, value in tree.items():
            secret = key in SECRET_KEYS or (key == "value" and SECRET_VARIABLE.search(str(tree.get("name"))))
            if secret and isinstance(value, str):
                yield value
            else:
                yield from _secrets_in(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _secrets_in(value)
