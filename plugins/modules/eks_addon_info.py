#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell which EKS add-ons are installed, which versions there are, and what they can be configured to."""

from __future__ import annotations

DOCUMENTATION = r"""
module: eks_addon_info
short_description: Tell what there is of EKS add-ons
version_added: 0.1.0
description:
  - Tells which add-ons a cluster has, with their health issues and what to do about them.
  - Tells which add-ons and versions EKS offers for a version of Kubernetes, and which is the default.
  - Tells what a version of an add-on can be configured to, and which managed policies AWS recommends for its service
    accounts.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._attributes, o11y.opentelemetry._aws]
options:
  cluster_name:
    description: The name of an EKS cluster. Its add-ons are told, and its version of Kubernetes counts.
    type: str
  name: {description: The name of one add-on. Without it all are told., type: str}
  kubernetes_version:
    description:
      - The version of Kubernetes that versions are to be for, such as V(1.34). Without it that of the cluster,
        and without a cluster all versions are told.
    type: str
  available: {description: Whether to tell what EKS offers., type: bool, default: false}
  configuration: {description: Whether to tell what O(name) can be configured to., type: bool, default: false}
  version:
    description:
      - The version whose configuration to tell; also V(default) or V(latest). Without it the one that is installed,
        or else the default one.
    type: str
seealso:
  - module: o11y.opentelemetry.eks_addon
"""

EXAMPLES = r"""
- name: What the cluster has
  o11y.opentelemetry.eks_addon_info:
    cluster_name: prod
  register: have

- name: Versions of ADOT for a version of Kubernetes
  o11y.opentelemetry.eks_addon_info:
    name: adot
    kubernetes_version: "1.34"
    available: true

- name: Schema and recommended policies of the default version
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
    issues: {description: "What EKS says is wrong, what that means, and what to do.", type: list, elements: dict}
    pod_identity_associations:
      description: The roles of its service accounts by EKS Pod Identity.
      type: list
      elements: dict
    tags: {description: The tags., type: dict}
kubernetes_version:
  description: The version of Kubernetes that counted, empty for all.
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
    owner: {description: Who makes it., type: str}
    publisher: {description: Who publishes it., type: str}
    default_namespace: {description: The namespace that it goes to., type: str}
    product_url: {description: "The page in AWS Marketplace to subscribe on, if it is sold there.", type: str}
    default_version: {description: The default version for C(kubernetes_version)., type: str}
    latest_version: {description: The newest version., type: str}
    versions:
      description: All versions, the newest first.
      type: list
      elements: dict
      contains:
        version: {description: The version., type: str}
        architectures: {description: The architectures that it runs on., type: list, elements: str}
        compute_types: {description: "Where it runs, such as V(ec2) or V(fargate).", type: list, elements: str}
        kubernetes_versions: {description: The versions of Kubernetes that it is for., type: list, elements: str}
        default_for: {description: The versions of Kubernetes that it is the default for., type: list, elements: str}
        requires_configuration: {description: Whether it needs a configuration., type: bool}
        requires_iam_permissions: {description: Whether it needs an IAM role., type: bool}
configuration:
  description: What the add-on can be configured to.
  returned: with O(configuration)
  type: dict
  contains:
    version: {description: The version that this is about., type: str}
    schema: {description: The JSON schema of the configuration., type: dict}
    service_accounts:
      description: The service accounts that may need a role, each with C(service_account) and C(managed_policies).
      type: list
      elements: dict
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.aws.addon_info import run_addon_info
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.aws.specs import EKS_ADDON_INFO


def main() -> None:
    """Tell it."""
    needs = [("configuration", True, ["name"])]
    run_addon_info(AnsibleAWSModule(argument_spec=EKS_ADDON_INFO, required_if=needs, supports_check_mode=True))


if __name__ == "__main__":
    main()
