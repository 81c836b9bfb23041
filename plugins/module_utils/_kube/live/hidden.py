# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which texts of a module's options Ansible hides, for each ansible-core.

Up to ansible-core 2.21, `no_log` hides every text of an option in the result of that module alone, and a module may
take texts out again. Since 2.22, `no_log` makes each of these texts a secret of the whole run: a kind, a name or `1`
of a manifest is then hidden in the output of every task that follows, and nothing takes it back. So an option that
holds secrets among other words has no `no_log` there: the values that are secrets are registered one by one. Private.

Source: ansible/module_utils/secrets.py and ansible/module_utils/common/arg_spec.py of ansible-core 2.22.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._otelcol.config.paths import iter_leaves
from ..option_secrets import list_option_secrets, select_hideable
from .libraries import parse_foreign_yaml

try:
    from ansible.module_utils.secrets import register_secrets
except ImportError:  # up to ansible-core 2.21
    register_secrets = None

PARTLY_SECRET: dict[str, Any] = {"no_log": register_secrets is None}
"""The part of an option's argument spec that says that it holds secrets among other words."""


def hide_option_secrets(module: AnsibleModule, secrets: Iterable[str], trees: Iterable[Any]) -> None:
    """Add secrets to the texts that the result of a module does not show, and register those of its options.

    Up to ansible-core 2.21 Ansible has each text of an option with `no_log`, so `default` in a manifest would be
    hidden in all messages. Take out the texts of trees that are secret only in part.
    """
    if register_secrets is not None:
        register_secrets(list_option_secrets(module.params, parse_foreign_yaml))
    plain_texts = {str(value) for tree in trees for _path, value in iter_leaves(tree)}
    module.no_log_values = (module.no_log_values - plain_texts) | select_hideable(secrets)
