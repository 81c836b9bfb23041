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
product: {description: The product., returned: always, type: str, sample: opentelemetry-operator}
server: {description: "The API server that the module used, without user and query.", returned: always, type: str}
eks_cluster: {description: The name of the EKS cluster of the connection; otherwise empty., returned: always, type: str}
installed: {description: Whether the main Deployment of the product exists., returned: always, type: bool}
ours: {description: Whether this collection installed the product., returned: always, type: bool}
version:
  description: The installed version. It is empty if the product is not installed, or if the version is not known.
  returned: always
  type: str
  sample: "1.21.2"
namespace: {description: The namespace of the main Deployment; empty without one., returned: always, type: str}
namespaces:
  description: The namespaces of all main Deployments. More than one is an error, since the product runs once.
  returned: always
  type: list
  elements: str
  sample: [cert-manager]
installer:
  description:
    - What installed the product. C(by) is V(manifest), V(helm), V(olm) or V(eks_addon), and empty if it is not
      installed. C(name) is the Helm release as C(NAMESPACE/NAME), or the ClusterServiceVersion of the Operator
      Lifecycle Manager.
  returned: always
  type: dict
  sample: {by: helm, name: cert-manager/cert-manager}
kubernetes: {description: The version of the API server., returned: always, type: str, sample: v1.34.4}
cert_manager: {description: Whether the cluster serves the API of cert-manager., returned: always, type: bool}
crds:
  description:
    - The CustomResourceDefinitions of the product, each with C(name), C(group), C(kind), C(plural), C(scope), C(ours)
      and C(installer). C(served_versions) are those that clients can use, C(storage_version) the one in which new
      objects are stored, and C(stored_versions) those in which objects may still be stored.
  returned: always
  type: list
  elements: dict
workloads:
  description: The Deployments of the product, as M(o11y.opentelemetry.rollout_wait) takes them.
  returned: always
  type: list
  elements: dict
  sample: [{kind: Deployment, namespace: cert-manager, name: cert-manager-webhook}]
webhooks:
  description:
    - The webhook configurations and CustomResourceDefinitions that call a Service of the product, as
      M(o11y.opentelemetry.admission_wait) takes them.
  returned: always
  type: list
  elements: dict
  sample: [{kind: ValidatingWebhookConfiguration, name: cert-manager-webhook}]
resources:
  description:
    - The custom resources of the product's kinds in all namespaces, such as each OpenTelemetryCollector. Each has
      C(kind), C(api_version), C(namespace), C(name), C(ours), C(image), C(version), C(finalizers), C(release), which is
      whether it is a part of the product itself, and C(automatic), which is whether the operator upgrades it.
  returned: always
  type: list
  elements: dict
collectors:
  description:
    - How many collectors run under the operator (C(count)), and their C(versions), C(images) and C(finalizers).
  returned: always
  type: dict
  sample: {count: 2, versions: [0.158.0], images: ["otel/opentelemetry-collector-contrib:0.158.0"], finalizers: []}
objects:
  description:
    - All objects that this collection has applied for the product, each with C(api_version), C(kind), C(namespace) and
      C(name). It is empty without O(objects).
  returned: always
  type: list
  elements: dict
denied:
  description: The kinds of custom resources that the user may not list, by plural. RV(resources) lacks them.
  returned: always
  type: list
  elements: str
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
