#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IAM role of a Kubernetes service account of an EKS cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: iam_service_account_role
short_description: The IAM role of a Kubernetes service account of an EKS cluster
version_added: 0.1.0
description:
  - Makes the IAM role that the pods of one service account take on, with a trust policy for that account of that
    cluster alone, by the cluster's OIDC provider (IRSA) or by EKS Pod Identity.
  - A role that this module has made is exactly what is asked for. One that was there before is used only with O(adopt),
    and only gets more; O(state=absent) then takes away what was added.
  - What differs is changed in one run, what is new before what goes, and read until IAM shows it.
  - There is no instance profile.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment:
  - o11y.opentelemetry._attributes
  - o11y.opentelemetry._aws
  - o11y.opentelemetry._aws.service_account
  - o11y.opentelemetry._aws.tags
attributes:
  diff_mode: {support: full}
options:
  name: {description: The name of the role., type: str, required: true}
  state:
    description: Whether the role is to be there. A role that is not ours is never removed.
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
      - Whether the trust that nothing asks for is taken away, such as that of the other O(provider).
        Without it pods that run keep their rights during a change.
    type: bool
    default: true
  adopt: {description: Whether a role of this name that was there before may be used., type: bool, default: false}
  agent:
    description:
      - With O(provider=pod_identity), whether the add-on C(eks-pod-identity-agent) or Auto Mode is V(required).
    type: str
    choices: [required, ignored]
    default: required
  statements:
    description:
      - The statements of the role's inline policy; no statement means no such policy.
      - V(<partition>), V(<region>) and V(<account>) in them are those of the cluster.
    type: list
    elements: dict
    default: []
  managed_policies:
    description: The managed policies of the role, by ARN; a name alone is one of AWS.
    type: list
    elements: str
    default: []
  path: {description: "The path of a role that is made, V(/) by default. It cannot be changed.", type: str}
  permissions_boundary:
    description: The ARN of the policy that is the role's permissions boundary. An empty text takes it away.
    type: str
  wait_seconds: {description: How long to wait until IAM shows what was written., type: float, default: 60}
seealso:
  - module: o11y.opentelemetry.iam_oidc_provider
  - module: o11y.opentelemetry.eks_pod_identity_association
"""

EXAMPLES = r"""
- name: The gateway may send spans to X-Ray
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

- name: No role any more
  o11y.opentelemetry.iam_service_account_role:
    name: prod-gateway
    cluster_name: prod
    namespace: observability
    service_account: gateway
    state: absent
"""

RETURN = r"""
role:
  description: The role, empty where there is none. In check mode as it would be.
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
    tags: {description: The tags; three of them are ours., type: dict}
annotations: {description: "What the service account carries, by C(NAMESPACE/NAME).", returned: on success, type: dict}
identity:
  description: The service account and its role, as M(o11y.opentelemetry.identity_wait) takes them.
  returned: on success
  type: dict
  contains:
    namespace: {description: The namespace., type: str}
    service_account: {description: The name., type: str}
    role_arn: {description: The ARN of the role., type: str}
error: {description: The code and the message of AWS., returned: when a call failed, type: dict}
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.aws.service_account_role import run_role
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.aws.specs import ROLE


def main() -> None:
    """Do it."""
    run_role(AnsibleAWSModule(argument_spec=ROLE, supports_check_mode=True))


if __name__ == "__main__":
    main()
