# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hide the secrets in a module's options, without hiding the other words of these options. Private.

A manifest, a kubeconfig and HTTP headers hold secrets among other words. Ansible's own `no_log` hides an option as
a whole, and too much in two ways:

- Up to ansible-core 2.21, every text of the option is hidden in the result of this module: `default` of the manifest
  `{metadata: {namespace: default}, stringData: {token: hush-hush}}` too. But a module may take texts out again.
- Since ansible-core 2.22, every text of the option is hidden in the output of every task that follows. Nothing takes
  it back.

So such an option has `**PARTLY_SECRET` in its argument spec: `no_log` up to 2.21, and nothing since. When the task
starts, it calls `hide_option_secrets`. That takes the plain words out again, or registers the secrets one by one.

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
"""Part of the argument spec of an option with secrets among other words: `{"type": "dict", **PARTLY_SECRET}`."""


def hide_option_secrets(module: AnsibleModule, secrets: Iterable[str], trees: Iterable[Any]) -> None:
    """Let Ansible hide the secrets of a module, and show the other texts of its options.

    `trees` are the values of the options with PARTLY_SECRET, and `secrets` are the secrets in them and elsewhere. For
    example, a manifest has the namespace `default` and the token `hush-hush`: a result shows `default`, and stars for
    the token.
    """
    if register_secrets is not None:
        register_secrets(list_option_secrets(module.params, parse_foreign_yaml))
    texts_of_trees: set[str] = set()
    for tree in trees:
        texts_of_trees.update(str(value) for _path, value in iter_leaves(tree))
    # Ansible has put all texts of these options into no_log_values. Those that are secret come back.
    module.no_log_values = (module.no_log_values - texts_of_trees) | select_hideable(secrets)
