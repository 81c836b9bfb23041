#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return the operator's objects under the Operator Lifecycle Manager, and the packages that its catalogs offer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: olm_info
short_description: Return the operator's objects under the Operator Lifecycle Manager, and the packages of its catalogs
version_added: 1.0.0
description:
  - Called by the roles of this collection. Playbooks use the inputs of those roles instead.
  - Returns the operator's Subscriptions in all namespaces, and the OperatorGroups and ClusterServiceVersions of its
    namespace.
  - Returns the channels and versions of a package in a catalog, and whether the catalog answers.
  - RV(served) is false on a cluster without the Operator Lifecycle Manager.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._cluster]
options:
  package:
    description: The package in the catalog, such as V(opentelemetry-product) or V(opentelemetry-operator).
    type: str
    required: true
  namespace:
    description:
      - Namespace of the operator. Defaults to V(openshift-opentelemetry-operator) for V(opentelemetry-product), and to
        V(opentelemetry-operator-system) for other packages.
    type: str
    default: ""
  source: {description: Name of the CatalogSource., type: str, default: redhat-operators}
  source_namespace: {description: Namespace of the CatalogSource., type: str, default: openshift-marketplace}
  offers: {description: Whether to return RV(package)., type: bool, default: true}
  timeout_seconds: {description: How long to wait for a catalog that does not answer., type: float, default: 30}
"""

EXAMPLES = r"""
# Role otel_operator calls this module.
- name: Find the operator and what its catalog offers
  o11y.opentelemetry.olm_info:
    package: opentelemetry-product
"""

RETURN = r"""
served: {description: Whether the cluster serves the Operator Lifecycle Manager., returned: always, type: bool}
packages_served: {description: Whether it serves packages; needs O(offers=true)., returned: always, type: bool}
namespace: {description: The namespace of the operator., returned: always, type: str}
subscriptions:
  description:
    - The Subscriptions of the operator's packages in all namespaces, and all Subscriptions of its namespace, each with
      C(name), C(namespace), C(ours), C(package), C(channel), C(source), C(source_namespace), C(starting_csv),
      C(approval), C(installed_csv), C(current_csv) and C(state). C(ours) is whether this collection has applied it.
  returned: always
  type: list
  elements: dict
operator_groups: {description: The OperatorGroups of the namespace., returned: always, type: list, elements: dict}
csvs: {description: The ClusterServiceVersions of the namespace., returned: always, type: list, elements: dict}
catalogs: {description: All CatalogSources with their states., returned: always, type: list, elements: dict}
package: {description: "The package with its channels and versions, if any.", returned: always, type: dict}
packages: {description: Similar package names if it is missing., returned: always, type: list, elements: str}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.live.olm_info import (
    ARGUMENTS,
    run_info,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.connect import CLUSTER_ARG_SPEC


def main() -> None:
    run_info(AnsibleModule(argument_spec=CLUSTER_ARG_SPEC | ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
