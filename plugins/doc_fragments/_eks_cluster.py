# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option that names an EKS cluster, for every module with the connection options of kubernetes.core. Private."""

from __future__ import annotations


class ModuleDocFragment:
    """The option, said once."""

    DOCUMENTATION = r"""
options:
  eks_cluster:
    description:
      - An EKS cluster by its name, in place of a kubeconfig and of the AWS CLI.
      - AWS is asked for its endpoint and its CA, and only a server with a certificate from that CA is talked to.
        The token is made from the AWS credentials of the environment or of a profile, for this cluster only,
        and made anew during long waits.
      - It cannot stand beside options that name a cluster or an identity too. Their environment variables do not count.
      - The environment variable E(O11Y_EKS_CLUSTER) may give it, such as V(name=prod region=eu-west-1).
      - A kubeconfig of C(aws eks update-kubeconfig) needs no AWS CLI either.
    type: dict
    suboptions:
      name:
        description:
          - The name of the cluster.
        type: str
        required: true
      region:
        description:
          - The region. Without it E(AWS_REGION), or what the profile says.
        type: str
      profile:
        description:
          - The profile. Without it E(AWS_PROFILE), or the credentials of the environment.
        type: str
      role_arn:
        description:
          - The ARN of a role to assume first.
        type: str
"""
