#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell what of cert-manager or the OpenTelemetry operator is in a cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release_info
short_description: Tell what of cert-manager or the OpenTelemetry operator is in a cluster
version_added: 0.1.0
description:
  - Called by the roles of this collection. Playbooks use the inputs of those roles instead.
  - Finds the product however it was installed (from its manifest, by Helm, by the Operator Lifecycle Manager,
    as an EKS add-on), with its version, its definitions, its webhooks and the custom resources that use it.
  - Reads everything at once in a few requests, and works where nothing of it exists yet.
  - Needs the right to list Deployments in all namespaces and to read CustomResourceDefinitions.
    What else may not be read is told, not guessed.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._attributes, o11y.opentelemetry._cluster]
options:
  product: {description: What to look for., type: str, required: true, choices: [cert-manager, opentelemetry-operator]}
  objects: {description: Whether to list every object that this collection made of it., type: bool, default: false}
seealso:
  - module: o11y.opentelemetry.release_render
"""

EXAMPLES = r"""
- name: See whether cert-manager is there
  o11y.opentelemetry.release_info:
    product: cert-manager
  register: found

- name: Tell who installed it
  ansible.builtin.debug:
    msg: "{{ found.version }} in {{ found.namespace }} by {{ found.installer.by }} {{ found.installer.name }}"
  when: found.installed
"""

RETURN = r"""
product: {description: What was looked for., returned: always, type: str}
server: {description: "The API server that the module used, without user and query.", returned: always, type: str}
eks_cluster:
  description: The EKS cluster by whose name the module connected; empty if it used another connection option.
  returned: always
  type: str
installed: {description: Whether its main Deployment is there., returned: always, type: bool}
ours: {description: Whether this collection installed it., returned: always, type: bool}
version: {description: "Its version, empty when that cannot be told.", returned: always, type: str, sample: "1.21.2"}
namespace: {description: Its namespace., returned: always, type: str}
namespaces: {description: Where it is; more than one namespace is wrong., returned: always, type: list, elements: str}
installer:
  description: What installed it.
  returned: always
  type: dict
  contains:
    by: {description: "One of V(manifest), V(helm), V(olm) and V(eks_addon), or nothing.", type: str}
    name: {description: "Namespace and name of the Helm release, or the name of the ClusterServiceVersion.", type: str}
kubernetes: {description: The version of the cluster., returned: always, type: str}
cert_manager: {description: "Whether somebody serves cert-manager's API.", returned: always, type: bool}
crds:
  description: Its definitions.
  returned: always
  type: list
  elements: dict
  contains:
    name: {description: The name., type: str}
    group: {description: The group of the API., type: str}
    kind: {description: The kind., type: str}
    plural: {description: The plural., type: str}
    scope: {description: V(Namespaced) or V(Cluster)., type: str}
    storage_version: {description: The version in which objects are stored from now on., type: str}
    served_versions: {description: The versions in which objects are served., type: list, elements: str}
    stored_versions: {description: The versions in which objects may be stored., type: list, elements: str}
    ours: {description: Whether this collection made it., type: bool}
    installer: {description: What made it., type: dict}
workloads:
  description: Its Deployments, as M(o11y.opentelemetry.rollout_wait) takes them.
  returned: always
  type: list
  elements: dict
webhooks:
  description: What calls it, as M(o11y.opentelemetry.admission_wait) takes it.
  returned: always
  type: list
  elements: dict
resources:
  description:
    - The custom resources that people made of its kinds, each with C(kind), C(namespace), C(name), C(ours) and
      C(finalizers), and for collectors C(image), C(version) and C(automatic).
  returned: always
  type: list
  elements: dict
collectors:
  description: The collectors under the operator in short, as C(count), C(versions), C(images) and C(finalizers).
  returned: always
  type: dict
objects:
  description: Every object with our label of the product; an empty list without O(objects=true).
  returned: always
  type: list
  elements: dict
denied: {description: "The kinds that this user may not list, by plural.", returned: always, type: list, elements: str}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.api.connect import CLUSTER_ARG_SPEC
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.release.info import run_info


def main() -> None:
    """Look."""
    spec = {
        "product": {"required": True, "choices": ["cert-manager", "opentelemetry-operator"]},
        "objects": {"type": "bool", "default": False},
    }
    run_info(AnsibleModule(argument_spec=CLUSTER_ARG_SPEC | spec, supports_check_mode=True))


if __name__ == "__main__":
    main()
