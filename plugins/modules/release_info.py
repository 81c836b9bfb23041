#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return how cert-manager or the OpenTelemetry operator is installed in a cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release_info
short_description: Return how cert-manager or the OpenTelemetry operator is installed in a cluster
version_added: 1.0.0
description:
  - Called by the roles of this collection. Playbooks use the inputs of those roles instead.
  - Finds the product by any installer (manifest, Helm, Operator Lifecycle Manager, EKS add-on), with its version,
    CustomResourceDefinitions, webhooks and the custom resources that use it.
  - Needs permission to list Deployments in all namespaces and to read CustomResourceDefinitions. RV(denied) lists other
    kinds that the user may not list.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._cluster]
options:
  product: {description: The product., type: str, required: true, choices: [cert-manager, opentelemetry-operator]}
  objects: {description: Whether to return RV(objects)., type: bool, default: false}
"""

EXAMPLES = r"""
# Roles cert_manager and otel_operator call this module.
- name: Find the operator
  o11y.opentelemetry.release_info:
    product: opentelemetry-operator
  register: found
"""

RETURN = r"""
product: {description: The product., returned: always, type: str}
server: {description: "The API server that the module used, without user and query.", returned: always, type: str}
eks_cluster: {description: The EKS cluster of the connection; otherwise empty., returned: always, type: str}
installed: {description: Whether the main Deployment exists., returned: always, type: bool}
ours: {description: Whether this collection installed the product., returned: always, type: bool}
version: {description: "The version; empty if unknown.", returned: always, type: str, sample: "1.21.2"}
namespace: {description: The namespace., returned: always, type: str}
namespaces: {description: All namespaces; more than one is an error., returned: always, type: list, elements: str}
installer: {description: C(by) and C(name) of the installer., returned: always, type: dict}
kubernetes: {description: The version of the cluster., returned: always, type: str}
cert_manager: {description: Whether the cluster serves the API of cert-manager., returned: always, type: bool}
crds: {description: The CustomResourceDefinitions., returned: always, type: list, elements: dict}
workloads: {description: The Deployments., returned: always, type: list, elements: dict}
webhooks: {description: The webhook configurations., returned: always, type: list, elements: dict}
resources: {description: The custom resources of these kinds., returned: always, type: list, elements: dict}
collectors: {description: A summary of the collectors under the operator., returned: always, type: dict}
objects: {description: All objects with the product's release label., returned: always, type: list, elements: dict}
denied: {description: "Kinds that the user may not list, by plural.", returned: always, type: list, elements: str}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.live.release_info import (
    ARGUMENTS,
    run_info,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.connect import CLUSTER_ARG_SPEC


def main() -> None:
    run_info(AnsibleModule(argument_spec=CLUSTER_ARG_SPEC | ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
