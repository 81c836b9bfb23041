# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check that a run which removes collectors names the hosts. Private.

Ansible takes an empty pattern, such as that of `-e otel_hosts=,` or of a list without names, for all hosts. So a slip
would remove the collectors of all hosts. A pattern is a name of hosts for Ansible, such as `web*` or `group1:!host2`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from ansible.errors import AnsibleError
from ansible.inventory.manager import split_host_pattern

from ..module_utils._otelcol.errors import Problem
from ._role_options import list_roles

HOSTS_VARIABLE = "otel_hosts"
# Playbook remove sets it for its tasks.
REMOVAL_VARIABLE = "__otel_removes"
_ABSENT_STATE = "absent"


def check_removal_hosts(variables: Mapping[str, Any], render_template: Callable[[Any], Any]) -> None:
    """Raise Problem for a run that removes, if the pattern of its hosts is empty.

    `render_template` renders a variable. A pattern that matches no host is not empty, and such a run removes nothing.
    """
    if has_empty_host_pattern(variables, render_template) and is_removal(variables, render_template):
        raise Problem(
            f"{HOSTS_VARIABLE} names no host, and Ansible takes that for all hosts",
            asked="Remove collectors",
            fix=f"Name hosts or groups with `{HOSTS_VARIABLE}`, or leave it out for all hosts. Nothing was removed.",
        )


def has_empty_host_pattern(variables: Mapping[str, Any], render_template: Callable[[Any], Any]) -> bool:
    """Whether `otel_hosts` is given without a name, and `--limit` does not name hosts either."""
    if HOSTS_VARIABLE not in variables or variables.get("ansible_limit"):
        return False
    return not _split_patterns(render_template(variables[HOSTS_VARIABLE]))


def is_removal(variables: Mapping[str, Any], render_template: Callable[[Any], Any]) -> bool:
    """Whether a run removes: it is that of playbook remove, or the state of a role is `absent`."""
    if variables.get(REMOVAL_VARIABLE):
        return True
    for role in list_roles():
        # The value may need a variable that is not defined here. The role tells the user of that.
        with suppress(AnsibleError):
            if render_template(variables.get(f"{role}_state")) == _ABSENT_STATE:
                return True
    return False


def _split_patterns(host_pattern: Any) -> list[str]:
    """Return the patterns that Ansible sees in a text or in a list of texts."""
    if host_pattern is None:
        return []
    return list(
        split_host_pattern(
            [str(pattern) for pattern in host_pattern] if isinstance(host_pattern, list) else str(host_pattern)
        )
    )
