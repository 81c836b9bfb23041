#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say which cluster a run goes to."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_check
short_description: Show which cluster a run goes to, and refuse any other than the expected one
version_added: 1.0.0
description:
  - Connects as all modules of this collection do, and returns the server, the context and the name of the cluster.
  - With O(expected), the task fails if the connection leads to another cluster. Nothing is changed.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._cluster]
options:
  expected:
    description:
      - The name of the cluster in the kubeconfig, the name of the EKS cluster, or the uid of namespace C(kube-system).
        A name is that of one kubeconfig; only the uid is the same everywhere. Empty compares nothing.
    type: str
    default: ""
  roles:
    description:
      - The connections of roles that differ from this one, as the names and values of their variables, such as
        C(cert_manager_kube_context). What a role does not set is as the other options say.
      - Each is shown and compared with O(expected). A role with another cluster than this one is warned of.
    type: dict
    default: {}
  inputs:
    description:
      - The roles of this collection that run later. Before the task asks the cluster, it checks the variables of each
        against the options that the role documents, so that nothing is applied if one is invalid.
    type: list
    elements: str
    default: []
    version_added: 1.1.0
  switches:
    description: Variables of the run that must be booleans, by name. They are checked before the task asks the cluster.
    type: dict
    default: {}
    version_added: 1.1.0
  inventory:
    description:
      - Whether to check the inventory of the run before the task asks the cluster.
      - The task fails without hosts, for a file that is no YAML, for a key that stands twice, and for a variable that
        is almost one of this collection.
      - A run that removes also fails if C(otel_hosts) is empty, which Ansible takes for all hosts.
    type: bool
    default: false
    version_added: 1.1.0
seealso:
  - module: o11y.opentelemetry.bundle_apply
"""

EXAMPLES = r"""
- name: Check that this is the production cluster
  o11y.opentelemetry.cluster_check:
    context: prod-admin
    expected: 5c0ba2a7-7c2c-4c52-9d0c-4a54a2ca4c0e
"""

RETURN = r"""
server: {description: "The API server, without user and query.", returned: always, type: str}
context: {description: The context; empty without a kubeconfig., returned: always, type: str}
name: {description: The name of the cluster; empty if the options give an address alone., returned: always, type: str}
uid:
  description: The uid of namespace C(kube-system); empty if the user may not read the namespace.
  returned: always
  type: str
roles:
  description: The same of each role whose connection differs, by the name of the role.
  returned: success
  type: dict
refused: {description: Whether another cluster is expected., returned: if another cluster is expected, type: bool}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.connect import CLUSTER_ARG_SPEC
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.expected_cluster import ARGUMENTS, run_check


def main() -> None:
    run_check(AnsibleModule(argument_spec=CLUSTER_ARG_SPEC | ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
