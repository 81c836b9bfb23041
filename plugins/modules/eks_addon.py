#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Install, change or remove an EKS add-on, and wait for it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: eks_addon
short_description: Install, change or remove an EKS add-on, and wait for it
version_added: 1.0.0
description:
  - Creates, updates or deletes an add-on of an EKS cluster. An update contains only what differs.
    A setting without an option stays unchanged.
  - Chooses the version for the cluster's version of Kubernetes, and checks the configuration with the schema of that
    version first.
  - Waits until EKS has finished the operation. A failed one ends the task at once, with each health issue and its fix.
  - Waits for an operation that another run started, so you can repeat an interrupted task. Repeats a failed creation or
    update as an update.
  - Retries after throttling, server errors and broken connections, and reads expired credentials again.
  - Values with secret names in the configuration are shown neither in the result nor in the difference.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment:
  - o11y.opentelemetry._aws
  - o11y.opentelemetry._aws.degraded
  - o11y.opentelemetry._aws.tags
attributes:
  check_mode:
    details:
      - Reads, chooses the version and checks the configuration, and changes nothing.
        During another operation the result shows the differences of that time.
  diff_mode: {support: full}
options:
  cluster_name: {description: The name of the EKS cluster., type: str, required: true}
  name: {description: "The add-on, such as V(adot) or V(eks-pod-identity-agent).", type: str, required: true}
  state: {description: Whether the add-on exists., type: str, choices: [present, absent], default: present}
  version:
    description:
      - The version, such as V(v0.151.0-eksbuild.2); or V(default) or V(latest) for the cluster's version of
        Kubernetes, which never downgrade.
      - Without it a new add-on gets the default version, and an existing one keeps its version.
    type: str
  resolve_conflicts:
    description:
      - How EKS handles fields of other owners in the cluster. Without it EKS fails on them.
      - With V(preserve) an update keeps them; for a creation it equals V(none).
    type: str
    choices: [none, overwrite, preserve]
  configuration_values:
    description:
      - The whole configuration. An empty one removes it.
      - Without it the configuration stays, and must be valid for a new version.
    type: dict
  service_account_role_arn:
    description: The ARN of the IAM role for the add-on's service account (IRSA). An empty text removes the role.
    type: str
  pod_identity_associations:
    description: All EKS Pod Identity roles of the add-on's service accounts. An empty list removes them.
    type: list
    elements: dict
    suboptions:
      service_account: {description: The name of the service account., type: str, required: true}
      role_arn: {description: The ARN of the IAM role., type: str, required: true}
  namespace:
    description: The namespace of the add-on in the cluster. EKS sets it only at creation; a later change is an error.
    type: str
  preserve:
    description: Whether O(state=absent) keeps the add-on's objects in the cluster.
    type: bool
    default: false
  wait: {description: Whether to wait until the operation is over and the add-on is healthy., type: bool, default: true}
  create_timeout_seconds: {description: How long to wait for a creation., type: float, default: 1200}
  update_timeout_seconds:
    description: How long to wait for an update, or for the health of an unchanged add-on.
    type: float
    default: 1200
  delete_timeout_seconds: {description: How long to wait for a removal., type: float, default: 1200}
requirements:
  - jsonschema >= 4.18, for O(configuration_values)
seealso:
  - module: o11y.opentelemetry.eks_addon_info
  - module: o11y.opentelemetry.iam_oidc_provider
  - module: o11y.opentelemetry.eks_pod_identity_association
"""

EXAMPLES = r"""
- name: Install ADOT in the default version for the cluster
  o11y.opentelemetry.eks_addon:
    cluster_name: prod
    region: eu-west-1
    name: adot
    service_account_role_arn: arn:aws:iam::123456789012:role/EKS-ADOT-ServiceAccount-Role

- name: Install a version with a configuration, and overwrite fields of other owners
  o11y.opentelemetry.eks_addon:
    cluster_name: prod
    name: adot
    version: v0.151.0-eksbuild.2
    resolve_conflicts: overwrite
    configuration_values: {replicaCount: 2}
    tags: {team: observability}

- name: Remove the add-on, but keep its objects in the cluster
  o11y.opentelemetry.eks_addon:
    cluster_name: prod
    name: adot
    state: absent
    preserve: true
"""

RETURN = r"""
action: {description: "V(created), V(updated), V(deleted) or V(unchanged).", returned: on success, type: str}
status:
  description: The status of the add-on in EKS, or V(ABSENT).
  returned: on success, and when the wait failed
  type: str
  sample: ACTIVE
version:
  description: The version after the task, in check mode the chosen one; empty without an add-on.
  returned: on success
  type: str
  sample: v0.151.0-eksbuild.2
addon:
  description: The add-on as EKS describes it; empty if it does not exist. In check mode its state before the task.
  returned: on success, and when the wait failed
  type: dict
  contains:
    addon_arn: {description: The ARN., type: str}
    addon_name: {description: The name., type: str}
    addon_version: {description: The version., type: str}
    cluster_name: {description: The name of the cluster., type: str}
    configuration_values: {description: The configuration without secrets., type: dict}
    status: {description: The status., type: str}
    tags: {description: The tags., type: dict}
issues:
  description: The health issues of EKS.
  returned: when the wait failed
  type: list
  elements: dict
  contains:
    code: {description: "The code, such as V(InsufficientNumberOfReplicas).", type: str}
    message: {description: The message of EKS., type: str}
    resource_ids: {description: The affected resources., type: list, elements: str}
    wrong: {description: "The message of EKS, or that there is none.", type: str}
    fix: {description: The fix., type: str}
error: {description: The code and the message of AWS., returned: when a call failed, type: dict}
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity.live.aws_specs import MODULES
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.live.addon import run_addon


def main() -> None:
    run_addon(AnsibleAWSModule(**MODULES["eks_addon"]))


if __name__ == "__main__":
    main()
