#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell what the Operator Lifecycle Manager has of the OpenTelemetry operator, and what its catalogs offer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: olm_info
short_description: Tell what the Operator Lifecycle Manager has of the operator, and what its catalogs offer
version_added: 0.1.0
description:
  - Called by the roles of this collection. Playbooks use the inputs of those roles instead.
  - Tells the Subscriptions that bring the operator, wherever they are, and the OperatorGroups and versions of its
    namespace.
  - Tells which channels and versions a catalog offers of a package, and whether the catalog answers.
  - Works on a cluster without the Operator Lifecycle Manager, and says that it is not there.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._attributes, o11y.opentelemetry._cluster]
options:
  package:
    description: The package in the catalog, such as V(opentelemetry-product) or V(opentelemetry-operator).
    type: str
    required: true
  namespace:
    description:
      - Namespace of the operator. Without it V(openshift-opentelemetry-operator) for V(opentelemetry-product), and
        V(opentelemetry-operator-system) for others.
    type: str
    default: ""
  source: {description: Name of the CatalogSource., type: str, default: redhat-operators}
  source_namespace: {description: Namespace of the CatalogSource., type: str, default: openshift-marketplace}
  offers: {description: Whether to tell what the catalog offers., type: bool, default: true}
  timeout_seconds: {description: For how long to wait for a catalog that does not answer., type: float, default: 30}
seealso:
  - module: o11y.opentelemetry.olm_wait
  - module: o11y.opentelemetry.release_render
"""

EXAMPLES = r"""
- name: See what OLM has, and what Red Hat's catalog offers
  o11y.opentelemetry.olm_info:
    package: opentelemetry-product
  register: olm

- name: Show the channels
  ansible.builtin.debug:
    msg: "{{ olm.package.channels | map(attribute='name') }}"
  when: olm.package
"""

RETURN = r"""
served: {description: Whether the Operator Lifecycle Manager is in the cluster., returned: always, type: bool}
packages_served:
  description: Whether its package server is there; V(false) without O(offers=true).
  returned: always
  type: bool
namespace: {description: The namespace of the operator., returned: always, type: str}
subscriptions:
  description:
    - The Subscriptions of the operator's packages in all namespaces, and all Subscriptions of its namespace, each with
      C(name), C(namespace), C(ours), C(package), C(channel), C(source), C(source_namespace), C(starting_csv),
      C(approval), C(installed_csv), C(current_csv) and C(state).
  returned: always
  type: list
  elements: dict
operator_groups:
  description: The OperatorGroups of the namespace, each with C(name), C(ours), C(targets) and C(all).
  returned: always
  type: list
  elements: dict
csvs:
  description:
    - The ClusterServiceVersions of the namespace without copies of others, each with C(name), C(namespace), C(phase),
      C(reason), C(message), and C(product) for those of the operator.
  returned: always
  type: list
  elements: dict
catalogs:
  description: All CatalogSources, each with C(name), C(namespace), C(state) and C(message).
  returned: always
  type: list
  elements: dict
package:
  description: What the catalog offers of the package; empty when it does not have it.
  returned: always
  type: dict
  contains:
    name: {description: The package., type: str}
    default_channel: {description: The channel for who names none., type: str}
    channels:
      description: >-
        The channels, each with C(name), C(csv) (its newest version), C(csvs) (all that are known, the newest first),
        C(min_kubernetes) and C(all_namespaces).
      type: list
      elements: dict
packages: {description: Packages with a name like the one that is missing., returned: always, type: list, elements: str}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.api.connect import CLUSTER_ARG_SPEC
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.olm.info import run_info


def main() -> None:
    """Look."""
    spec = {
        "package": {"required": True},
        "namespace": {"default": ""},
        "source": {"default": "redhat-operators"},
        "source_namespace": {"default": "openshift-marketplace"},
        "offers": {"type": "bool", "default": True},
        "timeout_seconds": {"type": "float", "default": 30},
    }
    run_info(AnsibleModule(argument_spec=CLUSTER_ARG_SPEC | spec, supports_check_mode=True))


if __name__ == "__main__":
    main()
