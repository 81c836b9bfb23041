#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of identity_render; the work is done on the controller, by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: identity_render
short_description: Decide which service accounts get which IAM role and permissions
version_added: 1.0.0
description:
  - Called by the roles of this collection. Playbooks use the inputs of those roles instead.
  - Takes the service accounts of M(o11y.opentelemetry.otel_render), and names a role for each that needs one.
  - Reads nothing and calls nothing.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._controller]
options:
  service_accounts:
    description: RV(o11y.opentelemetry.otel_render#module:service_accounts) of M(o11y.opentelemetry.otel_render).
    type: list
    elements: dict
    required: true
  provider: {description: How pods get their role., type: str, choices: [irsa, pod_identity, static], required: true}
  policies:
    description: V(derived) grants what each config needs, V(managed) grants O(managed_policies) to all.
    type: str
    choices: [derived, managed]
    default: derived
  managed_policies: {description: "Managed policies, by name or ARN.", type: list, elements: str, default: []}
  statements: {description: Additional statements for every role., type: list, elements: dict, default: []}
  cluster_name: {description: Name of the EKS cluster; required unless O(provider=static)., type: str, default: ""}
  role_name:
    description:
      - Name of the role, with the placeholders V({cluster}), V({region}), V({namespace}) and V({service_account}).
        Empty means all four. M(o11y.opentelemetry.iam_service_account_role) fills in the region.
    type: str
    default: ""
  role_arns: {description: "With O(provider=static), the role ARN by C(NAMESPACE/NAME).", type: dict, default: {}}
  only:
    description: Service accounts that get a role, by C(NAMESPACE/NAME). If empty, O(policies) decides.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
# Role otel_identity calls this module.
- name: Decide which service accounts get which role
  o11y.opentelemetry.identity_render:
    service_accounts: "{{ rendered.service_accounts }}"
    provider: pod_identity
    cluster_name: production
  register: planned
"""

RETURN = r"""
accounts:
  description:
    - The service accounts that get an IAM role. C(role_name) is the name of the role, in which a later task fills in
      the region; it is empty if the role exists already. C(statements) and C(managed_policies) are what the role may
      do, and C(collectors) the collectors that run as the account.
  returned: success
  type: list
  elements: dict
  sample:
    - namespace: obs
      service_account: gateway
      role_name: production-{region}-obs-gateway
      collectors: [gateway]
      statements: [{Effect: Allow, Action: [xray:PutTraceSegments], Resource: "*"}]
      managed_policies: []
      annotations: {}
unneeded:
  description:
    - The service accounts that get no role. C(role_name) is the name that their role would have, so that one of an
      earlier run can be removed.
  returned: success
  type: list
  elements: dict
  sample: [{namespace: obs, service_account: agent, role_name: "production-{region}-obs-agent", collectors: [agent]}]
annotations:
  description: With O(provider=static), the annotations of the service accounts, by C(NAMESPACE/NAME). Otherwise empty.
  returned: success
  type: dict
  sample: {obs/gateway: {eks.amazonaws.com/role-arn: "arn:aws:iam::123456789012:role/gateway"}}
"""
