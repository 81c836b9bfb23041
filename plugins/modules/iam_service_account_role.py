#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manage the IAM role of a Kubernetes service account of an EKS cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: iam_service_account_role
short_description: Manage the IAM role of a Kubernetes service account of an EKS cluster
version_added: 1.0.0
description:
  - Manages the IAM role of the pods of one service account. Its trust policy allows only that account of that
    cluster, by the cluster's OIDC provider (IRSA) or by EKS Pod Identity.
  - A role that this module created gets exactly the given settings. A role of another owner is used only with O(adopt);
    settings are only added, and O(state=absent) removes the added ones.
  - Applies all differences in one run, additions before removals, and reads until IAM shows them.
  - Creates no instance profile.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment:
  - o11y.opentelemetry._aws
  - o11y.opentelemetry._aws.service_account
  - o11y.opentelemetry._aws.tags
attributes:
  diff_mode: {support: full}
options:
  name:
    description:
      - The name of the role. V({region}) in it stands for the region of the cluster. A longer name than IAM takes is
        cut and ends with a hash.
    type: str
    required: true
  state:
    description: Whether the role exists. A role of another owner is never removed.
    type: str
    choices: [present, absent]
    default: present
  provider:
    description:
      - How pods get the role. V(irsa) needs the cluster's OIDC provider in IAM
        (M(o11y.opentelemetry.iam_oidc_provider)) and an annotation of the service account, V(pod_identity) an
        association (M(o11y.opentelemetry.eks_pod_identity_association)) and its agent in the cluster.
    type: str
    choices: [irsa, pod_identity]
    default: irsa
  purge_trust:
    description:
      - Whether to remove other trust, such as that of the other O(provider).
        With V(false) running pods keep their permissions during a change.
    type: bool
    default: true
  adopt:
    description:
      - Whether to use an existing role of this name. It keeps what it has, also tags that O(tags) lacks, whatever
        O(purge_tags) says. Tags say which managed policies it got, and whether it got a permissions boundary or an
        association.
    type: bool
    default: false
  collectors:
    description:
      - The collectors of this inventory that run as the service account. A tag of the role names the first of them. A
        role for another collector is not changed without O(adopt), and not removed. Empty compares nothing.
    type: list
    elements: str
    default: []
  agent:
    description:
      - With O(provider=pod_identity), whether the add-on C(eks-pod-identity-agent) or Auto Mode is V(required).
    type: str
    choices: [required, ignored]
    default: required
  statements:
    description:
      - The statements of the role's inline policy; an empty list means no policy.
      - The placeholders V(<partition>), V(<region>) and V(<account>) stand for those of the cluster.
    type: list
    elements: dict
    default: []
  managed_policies:
    description: The managed policies of the role, by ARN, or by name for those of AWS.
    type: list
    elements: str
    default: []
  path: {description: "The path of a new role, V(/) by default. It cannot be changed.", type: str}
  permissions_boundary:
    description:
      - The ARN of the role's permissions boundary; empty removes it.
      - If an adopted role had another one before, the task fails.
    type: str
  wait_seconds: {description: How long to wait until IAM shows the changes., type: float, default: 60}
seealso:
  - module: o11y.opentelemetry.iam_oidc_provider
  - module: o11y.opentelemetry.eks_pod_identity_association
"""

EXAMPLES = r"""
- name: Let the gateway send spans to X-Ray
  o11y.opentelemetry.iam_service_account_role:
    name: prod-gateway
    cluster_name: prod
    region: eu-west-1
    namespace: observability
    service_account: gateway
    statements:
      - Effect: Allow
        Action: [xray:PutTraceSegments, xray:PutTelemetryRecords]
        Resource: "*"
        Condition: {StringEquals: {"aws:RequestedRegion": "<region>"}}

- name: Remove the role
  o11y.opentelemetry.iam_service_account_role:
    name: prod-gateway
    cluster_name: prod
    namespace: observability
    service_account: gateway
    state: absent
"""

RETURN = r"""
role:
  description: The role; empty if there is none. In check mode its state after the task.
  returned: on success
  type: dict
  contains:
    arn: {description: The ARN., type: str}
    name: {description: The name., type: str}
    path: {description: The path., type: str}
    trust: {description: The trust policy., type: dict}
    policies: {description: The inline policies by their names., type: dict}
    managed_policies: {description: The ARNs of the managed policies., type: list, elements: str}
    permissions_boundary: {description: "The ARN of the permissions boundary, or an empty text.", type: str}
    tags: {description: "The tags, including those of this collection.", type: dict}
annotations: {description: Annotations of the service account by C(NAMESPACE/NAME)., returned: on success, type: dict}
identity:
  description: The C(namespace), C(service_account) and C(role_arn), as M(o11y.opentelemetry.identity_wait) takes them.
  returned: on success
  type: dict
error: {description: The code and the message of AWS., returned: when a call failed, type: dict}
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity.live.aws_specs import MODULES
from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity.live.service_account_role import (
    run_role,
)


def main() -> None:
    run_role(AnsibleAWSModule(**MODULES["iam_service_account_role"]))


if __name__ == "__main__":
    main()
