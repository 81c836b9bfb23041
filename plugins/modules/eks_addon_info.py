#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return the installed EKS add-ons, the available versions, and their configuration schemas."""

from __future__ import annotations

DOCUMENTATION = r"""
module: eks_addon_info
short_description: Return EKS add-ons, their versions and their configuration schemas
version_added: 1.0.0
description:
  - Returns the add-ons of a cluster, with their health issues and fixes.
  - Returns the add-ons and versions that EKS offers for a version of Kubernetes, and the default version.
  - Returns the configuration schema of a version of an add-on, and the managed policies that AWS recommends for its
    service accounts.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._aws, o11y.opentelemetry._aws.degraded]
options:
  cluster_name:
    description: The name of an EKS cluster, to return its add-ons and to use its version of Kubernetes.
    type: str
  name: {description: The name of one add-on. Without it all are returned., type: str}
  kubernetes_version:
    description: The version of Kubernetes, such as V(1.34). Without it that of the cluster; without a cluster, all.
    type: str
  available: {description: Whether to return RV(available)., type: bool, default: false}
  configuration: {description: Whether to return the RV(configuration) of O(name)., type: bool, default: false}
  version:
    description:
      - The version for RV(configuration), also V(default) or V(latest). Without it the installed one, or else the
        default one.
    type: str
  wait:
    description:
      - Whether to wait until O(name) is V(ACTIVE), whoever creates it. Fails with the health issues of the add-on, and
        fails at once for what waiting does not fix. Check mode does not wait.
    type: bool
    default: false
  wait_timeout: {description: How long to wait in seconds., type: float, default: 1200}
seealso:
  - module: o11y.opentelemetry.eks_addon
"""

EXAMPLES = r"""
- name: List the add-ons of the cluster
  o11y.opentelemetry.eks_addon_info:
    cluster_name: prod
  register: have

- name: List the versions of ADOT for a version of Kubernetes
  o11y.opentelemetry.eks_addon_info:
    name: adot
    kubernetes_version: "1.34"
    available: true

- name: Wait until the add-on that Terraform creates is healthy
  o11y.opentelemetry.eks_addon_info:
    cluster_name: prod
    name: adot
    wait: true
    wait_timeout: 600

- name: Read the schema and the recommended policies of the default version
  o11y.opentelemetry.eks_addon_info:
    cluster_name: prod
    name: adot
    configuration: true
    version: default
"""

RETURN = r"""
addons:
  description: The add-ons of the cluster as EKS describes them, with C(configuration_values) as a dictionary.
  returned: when O(cluster_name) is given
  type: list
  elements: dict
  contains:
    addon_name: {description: The name., type: str}
    addon_version: {description: The version., type: str}
    status: {description: The status., type: str}
    issues:
      description: The health issues of EKS.
      type: list
      elements: dict
      contains:
        code: {description: "The code, such as V(InsufficientNumberOfReplicas).", type: str}
        message: {description: The message of EKS., type: str}
        resource_ids: {description: The affected resources., type: list, elements: str}
        wrong: {description: "The message of EKS, or that there is none.", type: str}
        fix: {description: The fix., type: str}
    pod_identity_associations: {description: Its EKS Pod Identity roles., type: list, elements: dict}
    tags: {description: The tags., type: dict}
kubernetes_version:
  description: The version of Kubernetes in use; empty for all.
  returned: with O(available) or O(configuration)
  type: str
  sample: "1.34"
available:
  description: The add-ons that EKS offers.
  returned: with O(available)
  type: list
  elements: dict
  contains:
    name: {description: The name., type: str}
    type: {description: "The type, such as V(observability).", type: str}
    owner: {description: The owner., type: str}
    publisher: {description: The publisher., type: str}
    default_namespace: {description: The default namespace., type: str}
    product_url: {description: The page in AWS Marketplace to subscribe to a paid add-on., type: str}
    default_version: {description: The default version for C(kubernetes_version)., type: str}
    latest_version: {description: The newest version., type: str}
    versions:
      description: All versions, the newest first.
      type: list
      elements: dict
      contains:
        version: {description: The version., type: str}
        architectures: {description: The supported architectures., type: list, elements: str}
        compute_types: {description: "Compute types, such as V(ec2) or V(fargate).", type: list, elements: str}
        kubernetes_versions: {description: The supported versions of Kubernetes., type: list, elements: str}
        default_for: {description: The versions of Kubernetes with this default., type: list, elements: str}
        requires_configuration: {description: Whether it needs a configuration., type: bool}
        requires_iam_permissions: {description: Whether it needs an IAM role., type: bool}
configuration:
  description: The configuration options of the add-on.
  returned: with O(configuration)
  type: dict
  contains:
    version: {description: The version of the schema., type: str}
    schema: {description: The JSON schema of the configuration., type: dict}
    service_accounts:
      description: The service accounts that may need a role, each with C(service_account) and C(managed_policies).
      type: list
      elements: dict
status:
  description: The last status of the add-on.
  returned: when the wait failed
  type: str
  sample: DEGRADED
issues:
  description: The health issues with meaning and fix.
  returned: when the wait failed
  type: list
  elements: dict
addon:
  description: The add-on as EKS describes it.
  returned: when the wait failed
  type: dict
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity.live.aws_specs import MODULES
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.live.addon_info import (
    run_addon_info,
)


def main() -> None:
    run_addon_info(AnsibleAWSModule(**MODULES["eks_addon_info"]))


if __name__ == "__main__":
    main()
