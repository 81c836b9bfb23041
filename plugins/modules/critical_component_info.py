#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the critical components of a cluster, such as CoreDNS and cert-manager."""

from __future__ import annotations

DOCUMENTATION = r"""
module: critical_component_info
short_description: Find the critical components of a cluster
version_added: 1.1.0
description:
  - Finds which components of recipe C(critical_components) of role otel_collector the cluster has, by the labels of the
    pods that its workloads make.
  - Lists the DaemonSets, Deployments and StatefulSets of all namespaces, and the pods of the control plane in
    C(kube-system). The role does it if a collector has C(components=detect).
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._cluster]
seealso:
  - module: o11y.opentelemetry.otel_render
"""

EXAMPLES = r"""
- name: Find the critical components
  o11y.opentelemetry.critical_component_info:
  register: found

- name: Show them
  ansible.builtin.debug:
    msg: "{{ found.msg }}"
"""

RETURN = r"""
components:
  description: The names of the components that the cluster has, as the recipe takes them.
  returned: success
  type: list
  elements: str
  sample: [coredns, apiserver, cert_manager]
msg:
  description: Which components the cluster has, and which it has not.
  returned: success
  type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.live.find_critical import (
    run_critical_component_info,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.connect import CLUSTER_ARG_SPEC


def main() -> None:
    run_critical_component_info(AnsibleModule(argument_spec=CLUSTER_ARG_SPEC, supports_check_mode=True))


if __name__ == "__main__":
    main()
