#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Register an issuer of tokens, such as that of an EKS cluster, with IAM."""

from __future__ import annotations

DOCUMENTATION = r"""
module: iam_oidc_provider
short_description: Register an issuer of tokens with IAM
version_added: 0.1.0
description:
  - Makes the IAM OIDC provider of an issuer as it is wanted, which roles for Kubernetes service accounts trust.
  - Adopts a provider that is there, in every partition of AWS, and changes only what differs.
  - Leaves thumbprints to AWS, so that a new certificate of the issuer changes nothing.
  - Adds audiences before it removes others, so that no token is refused in between.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._attributes, o11y.opentelemetry._aws, o11y.opentelemetry._aws.tags]
attributes:
  diff_mode: {support: full}
options:
  url: {description: The URL of the issuer. Exactly one of O(url) and O(cluster_name) is needed., type: str}
  cluster_name:
    description: The name of an EKS cluster, whose issuer is meant. It has to be there, also to remove its provider.
    type: str
  state:
    description: Whether the provider is to be there. Roles that trust it are left as they are.
    type: str
    choices: [present, absent]
    default: present
  client_ids:
    description:
      - The audiences that tokens may be for. Without it V(sts.amazonaws.com), which is right for EKS in every
        partition, C(aws-cn) included.
    type: list
    elements: str
  purge_client_ids:
    description: Whether audiences that O(client_ids) does not have are removed. Without O(client_ids) none is.
    type: bool
    default: false
  thumbprints:
    description:
      - The SHA-1 thumbprints of the issuer's CA, for an issuer whose certificate no public CA has signed.
      - Without it AWS fills them in, and they stay as they are.
    type: list
    elements: str
seealso:
  - module: o11y.opentelemetry.eks_pod_identity_association
  - module: amazon.aws.iam_role
"""

EXAMPLES = r"""
- name: Service accounts of the cluster may have IAM roles
  o11y.opentelemetry.iam_oidc_provider:
    cluster_name: prod
    region: eu-west-1
  register: oidc

- name: An issuer of one's own
  o11y.opentelemetry.iam_oidc_provider:
    url: https://oidc.example.com/cluster-a
    client_ids: [sts.amazonaws.com, inventory]
    purge_client_ids: true
    tags:
      team: platform
"""

RETURN = r"""
provider:
  description: The provider, empty where there is none. In check mode as it would be.
  returned: on success
  type: dict
  contains:
    arn:
      description: The ARN, for the principal of trust policies. Empty in check mode where there is none yet.
      type: str
      sample: arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE
    url: {description: The URL of the issuer., type: str}
    issuer: {description: "The URL without its scheme, as the conditions of trust policies have it.", type: str}
    client_ids: {description: The audiences., type: list, elements: str}
    thumbprints: {description: The thumbprints., type: list, elements: str}
    tags: {description: The tags., type: dict}
error: {description: The code and the message of AWS., returned: when a call failed, type: dict}
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.aws.oidc import run_oidc
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.aws.specs import IAM_OIDC_PROVIDER


def main() -> None:
    """Do it."""
    either = [("url", "cluster_name")]
    run_oidc(
        AnsibleAWSModule(
            argument_spec=IAM_OIDC_PROVIDER, mutually_exclusive=either, required_one_of=either, supports_check_mode=True
        )
    )


if __name__ == "__main__":
    main()
