#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return the roles of an account that applies a bundle of Kubernetes objects."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rights_render
short_description: Return the roles of an account that applies Kubernetes objects
version_added: 1.0.0
description:
  - Returns a Role for each namespace of the objects, and a ClusterRole, with exactly the rights that an account needs
    to apply, wait for, verify and remove them with this collection.
  - The ClusterRole also has the rights that the objects give to others, because Kubernetes lets nobody give more rights
    than they have.
  - The namespaces come first, since a Role needs its namespace. This collection uses a namespace of another owner
    unchanged.
  - Kinds that this collection does not make are left out. The module talks to no cluster.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: []
attributes:
  check_mode: {description: Runs without changes., support: full}
  diff_mode: {description: Shows what changes., support: none, details: Nothing changes.}
  platform: {description: Supported operating systems., support: full, platforms: posix}
options:
  manifests:
    description: The objects, as M(o11y.opentelemetry.otel_render) returns them.
    type: list
    elements: dict
    required: true
  probes:
    description: The probes of the verification, as M(o11y.opentelemetry.otel_render) returns them.
    type: list
    elements: dict
    default: []
  changes:
    description: How the collectors change, as M(o11y.opentelemetry.otel_render) returns it.
    type: dict
    default: {}
  account:
    description:
      - The user that the roles are bound to, as C(kubectl auth whoami) shows it, for example
        C(system:serviceaccount:ci:deployer). Without it nothing is bound.
    type: str
    default: ''
  name: {description: The name of the roles and bindings., type: str, default: otel-deployer}
seealso:
  - module: o11y.opentelemetry.bundle_apply
"""

EXAMPLES = r"""
- name: Render the roles to hand to an administrator
  o11y.opentelemetry.rights_render:
    manifests: "{{ rendered.manifests }}"
    probes: "{{ rendered.probes }}"
    account: system:serviceaccount:ci:deployer
  register: rights
"""

RETURN = r"""
roles:
  description: The objects of the kinds Namespace, ClusterRole, Role, ClusterRoleBinding and RoleBinding.
  returned: success
  type: list
  elements: dict
msg: {description: How many rights the roles give., returned: always, type: str, sample: 74 rights}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.live.rights_task import run_rights
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.hidden import PARTLY_SECRET


def main() -> None:
    argument_spec = {
        "manifests": {"type": "list", "elements": "dict", "required": True, **PARTLY_SECRET},
        "probes": {"type": "list", "elements": "dict", "default": []},
        "changes": {"type": "dict", "default": {}, **PARTLY_SECRET},
        "account": {"default": ""},
        "name": {"default": "otel-deployer"},
    }
    run_rights(AnsibleModule(argument_spec=argument_spec, supports_check_mode=True))


if __name__ == "__main__":
    main()
