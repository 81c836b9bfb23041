#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until service accounts have their IAM roles."""

from __future__ import annotations

DOCUMENTATION = r"""
module: identity_wait
short_description: Wait until service accounts have their IAM roles
version_added: 1.0.0
description:
  - Called by the roles of this collection. Playbooks use the inputs of those roles instead.
  - A change in IAM or EKS takes effect some seconds later.
  - With O(provider=irsa) the module assumes the role at STS, with a token of the service account from the API server.
  - With O(provider=pod_identity) it creates a pod of the service account by dry run, until EKS adds credentials.
  - RV(unproven) lists service accounts that do not exist or that the user may not read; the latter cause a warning.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._cluster]
attributes:
  check_mode: {details: "Does not wait, because nothing was applied."}
options:
  provider: {description: How pods get their role., type: str, choices: [irsa, pod_identity], required: true}
  accounts:
    description: The service accounts with their roles.
    type: list
    elements: dict
    required: true
    suboptions:
      namespace: {description: The namespace., type: str, required: true}
      service_account: {description: The name., type: str, required: true}
      role_arn: {description: The ARN of the role., type: str, required: true}
  replace_pods: {description: Whether to evict collectors that started before their role., type: bool, default: false}
  timeout_seconds: {description: How long to wait for each service account., type: float, default: 60}
"""

EXAMPLES = r"""
# Role otel_identity calls this module.
- name: Wait until the service account has its role
  o11y.opentelemetry.identity_wait:
    provider: irsa
    accounts:
      - namespace: opentelemetry
        service_account: gateway
        role_arn: arn:aws:iam::123456789012:role/gateway
"""

RETURN = r"""
proven:
  description: The service accounts whose pods get their role, as C(NAMESPACE/NAME). It is empty in check mode.
  returned: success
  type: list
  elements: str
  sample: [obs/gateway]
unproven:
  description:
    - The service accounts of which this is not known, each with C(account) and C(reason). They do not exist yet, or the
      user may not see what it takes.
  returned: success
  type: list
  elements: dict
  sample: [{account: obs/agent, reason: "this user cannot create tokens of it: ..."}]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity.live.identity_wait import (
    ARGUMENTS,
    run_wait,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.connect import CLUSTER_ARG_SPEC


def main() -> None:
    run_wait(AnsibleModule(argument_spec=CLUSTER_ARG_SPEC | ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
