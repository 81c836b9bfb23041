#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Give a Kubernetes service account an IAM role by EKS Pod Identity."""

from __future__ import annotations

DOCUMENTATION = r"""
module: eks_pod_identity_association
short_description: Give a Kubernetes service account an IAM role by EKS Pod Identity
version_added: 1.0.0
description:
  - Creates, updates or deletes the pod identity association of a service account. An update contains only what differs.
    A setting without an option stays unchanged.
  - The role must trust C(pods.eks.amazonaws.com) with C(sts:AssumeRole) and C(sts:TagSession), and the cluster must
    have the add-on C(eks-pod-identity-agent) or Auto Mode. Pods get the role when they start.
  - M(o11y.opentelemetry.eks_addon) manages associations of an add-on.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment:
  - o11y.opentelemetry._aws
  - o11y.opentelemetry._aws.service_account
  - o11y.opentelemetry._aws.tags
attributes:
  diff_mode: {support: full}
options:
  state: {description: Whether the association exists., type: str, choices: [present, absent], default: present}
  role_arn:
    description:
      - The ARN of the IAM role. Required with O(state=present).
      - With O(state=absent) the task fails if the association has another role. Without it, the association is deleted
        whatever role it has.
    type: str
  target_role_arn:
    description: The ARN of a role, also of another account, that O(role_arn) assumes. An empty text removes it.
    type: str
  disable_session_tags:
    description: Whether EKS omits the session tags for cluster, namespace and service account.
    type: bool
  policy:
    description: An IAM policy that restricts the role. It needs O(disable_session_tags=true). An empty one removes it.
    type: dict
seealso:
  - module: o11y.opentelemetry.eks_addon
  - module: amazon.aws.iam_role
"""

EXAMPLES = r"""
- name: Let the collector write to Amazon Managed Service for Prometheus
  o11y.opentelemetry.eks_pod_identity_association:
    cluster_name: prod
    region: eu-west-1
    namespace: observability
    service_account: gateway
    role_arn: arn:aws:iam::123456789012:role/otel-gateway

- name: Remove the association
  o11y.opentelemetry.eks_pod_identity_association:
    cluster_name: prod
    namespace: observability
    service_account: gateway
    role_arn: arn:aws:iam::123456789012:role/otel-gateway
    state: absent
"""

RETURN = r"""
association:
  description: The association as EKS describes it; empty if there is none. In check mode its state before the task.
  returned: on success
  type: dict
  contains:
    association_arn: {description: The ARN., type: str}
    association_id: {description: The id., type: str}
    cluster_name: {description: The name of the cluster., type: str}
    namespace: {description: The namespace., type: str}
    service_account: {description: The service account., type: str}
    role_arn: {description: The role., type: str}
    tags: {description: The tags., type: dict, returned: if not empty}
error: {description: The code and the message of AWS., returned: when a call failed, type: dict}
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity.live.association import (
    run_association,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity.live.aws_specs import MODULES


def main() -> None:
    run_association(AnsibleAWSModule(**MODULES["eks_pod_identity_association"]))


if __name__ == "__main__":
    main()
