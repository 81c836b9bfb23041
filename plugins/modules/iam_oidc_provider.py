#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Register an issuer of tokens, such as that of an EKS cluster, with IAM."""

from __future__ import annotations

DOCUMENTATION = r"""
module: iam_oidc_provider
short_description: Register an issuer of tokens with IAM
version_added: 1.0.0
description:
  - Creates, updates or deletes the IAM OIDC provider of an issuer, which roles for Kubernetes service accounts trust.
  - Adopts an existing provider, in every partition of AWS, and changes only what differs.
  - Leaves thumbprints to AWS, so that a new certificate of the issuer changes nothing.
  - Adds audiences before it removes others, so that tokens stay valid during a change.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._aws, o11y.opentelemetry._aws.tags]
attributes:
  diff_mode: {support: full}
options:
  url: {description: The URL of the issuer. Exactly one of O(url) and O(cluster_name) is required., type: str}
  cluster_name: {description: "An EKS cluster, to use its issuer. It must exist, also for V(absent).", type: str}
  state:
    description: Whether the provider exists. Roles that trust it stay unchanged.
    type: str
    choices: [present, absent]
    default: present
  client_ids:
    description:
      - The audiences of tokens. Defaults to V(sts.amazonaws.com), which is right for EKS in every partition, C(aws-cn)
        included.
    type: list
    elements: str
  purge_client_ids: {description: Whether to remove audiences that O(client_ids) lacks., type: bool, default: false}
  thumbprints:
    description: SHA-1 thumbprints of the issuer's CA, for a private CA. Without it AWS sets them.
    type: list
    elements: str
seealso:
  - module: o11y.opentelemetry.eks_pod_identity_association
  - module: amazon.aws.iam_role
"""

EXAMPLES = r"""
- name: Let service accounts of the cluster have IAM roles
  o11y.opentelemetry.iam_oidc_provider:
    cluster_name: prod
    region: eu-west-1
  register: oidc

- name: Register another issuer
  o11y.opentelemetry.iam_oidc_provider:
    url: https://oidc.example.com/cluster-a
    client_ids: [sts.amazonaws.com, inventory]
    purge_client_ids: true
    tags: {team: platform}
"""

RETURN = r"""
provider:
  description: The provider; empty if there is none. In check mode its state after the task.
  returned: on success
  type: dict
  contains:
    arn:
      description: The ARN, for the principal of trust policies; empty in check mode before the creation.
      type: str
      sample: arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE
    url: {description: The URL of the issuer., type: str}
    issuer: {description: "The URL without its scheme, as in conditions of trust policies.", type: str}
    client_ids: {description: The audiences., type: list, elements: str}
    thumbprints: {description: The thumbprints., type: list, elements: str}
    tags: {description: The tags., type: dict}
error: {description: The code and the message of AWS., returned: when a call failed, type: dict}
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity.live.aws_specs import MODULES
from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity.live.oidc import run_oidc


def main() -> None:
    run_oidc(AnsibleAWSModule(**MODULES["iam_oidc_provider"]))


if __name__ == "__main__":
    main()
