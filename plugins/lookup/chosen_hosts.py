# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lookup chosen_hosts: the hosts of a play of this collection, as patterns."""

from __future__ import annotations

DOCUMENTATION = """
name: chosen_hosts
short_description: The hosts on which a play of this collection runs
description:
  - Returns the patterns for C(hosts) of a play, by RV(ignore:otel_hosts), or else for all hosts of the inventory. An
    inventory without hosts has localhost.
  - Fails if they match no host of the run, since a run that does nothing would end as one that has done all.
author: The o11y.opentelemetry maintainers (@o11y)
version_added: 1.1.0
options:
  _terms:
    description: >-
      Of which kind the hosts are: V(clusters), V(linux) for those of the group C(otel_linux), or V(all).
    type: list
    elements: str
    choices: [clusters, linux, all]
    required: true
  needed:
    description: Whether the lookup also fails if no host of that kind matches, because the playbook does nothing else.
    type: bool
    default: false
"""

EXAMPLES = """
- hosts: "{{ query('o11y.opentelemetry.chosen_hosts', 'clusters') }}"
"""

RETURN = """
_raw:
  description: The patterns.
  type: list
  elements: str
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.inventory.manager import InventoryManager
from ansible.plugins.loader import lookup_loader
from ansible.plugins.lookup import LookupBase

from ..plugin_utils._chosen_hosts import asked_patterns, patterns_of_kind, why_nothing

_VARIABLE = "otel_hosts"


class LookupModule(LookupBase):  # type: ignore[misc]
    """Reads the variable otel_hosts and the groups of the inventory."""

    def run(self, terms: list[str], variables: Any = None, **given: Any) -> list[str]:
        """Return the patterns. Raises AnsibleLookupError if they match no host."""
        self.set_options(var_options=variables, direct=given)
        (kind,) = terms
        groups = variables["groups"]
        asked = asked_patterns(self._value(variables), groups)
        patterns = patterns_of_kind(asked, kind, groups)
        inventory = self._inventory(groups, variables.get("ansible_limit"))
        must_match = patterns if self.get_option("needed") else asked
        if not inventory.list_hosts(must_match):
            raise AnsibleLookupError(why_nothing(asked, kind, is_asked=bool(inventory.list_hosts(asked))))
        return patterns

    def _value(self, variables: Mapping[str, Any]) -> Any:
        """Return the variable as Ansible templates it; None if it is not given."""
        if _VARIABLE not in variables:
            return None
        reader = lookup_loader.get("ansible.builtin.vars", loader=self._loader, templar=self._templar)
        return reader.run([_VARIABLE], variables)[0]

    def _inventory(self, groups: Mapping[str, Sequence[str]], limit: str | None) -> InventoryManager:
        """Return the inventory as far as a play may use it."""
        inventory = InventoryManager(self._loader, parse=False)
        for group, hosts in groups.items():
            inventory.add_group(group)
            for host in hosts:
                inventory.add_host(host, group=group)
        inventory.subset(limit)
        return inventory
