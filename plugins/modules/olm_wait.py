#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Follow a Subscription of the Operator Lifecycle Manager until its operator is there, or tell why it will not be."""

from __future__ import annotations

DOCUMENTATION = r"""
module: olm_wait
short_description: Follow a Subscription of the Operator Lifecycle Manager until its operator is there
version_added: 0.1.0
description:
  - Called by the roles of this collection. Playbooks use the inputs of those roles instead.
  - Follows a Subscription, its InstallPlan and its ClusterServiceVersion until the version has succeeded.
  - With O(approval=manual) it approves the InstallPlan that brings exactly O(csv), and plans on the way that bring
    exactly one older version of the same operator. A plan that brings anything else, or goes past O(csv), is never
    approved; the task fails and tells what it would have brought.
  - With O(approval=automatic) a plan that waits all the same is approved when it brings this operator alone.
  - Fails at once where waiting cannot help, such as an InstallPlan that has failed, and after
    some seconds where the Operator Lifecycle Manager tries again by itself. Says what is wrong and what to do.
  - Fails seconds after a pod of the version that is being installed cannot work, as M(o11y.opentelemetry.rollout_wait)
    does.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._attributes, o11y.opentelemetry._cluster]
attributes:
  check_mode: {details: "Does not wait and approves nothing, since nothing was applied."}
options:
  namespace: {description: Namespace of the Subscription., type: str, required: true}
  subscription: {description: Name of the Subscription., type: str, required: true}
  csv:
    description:
      - The ClusterServiceVersion to wait for. With O(approval=automatic) a newer one will do, and with none any.
      - Needed with O(approval=manual).
    type: str
    default: ""
  approval:
    description:
      - Whether InstallPlans are approved by the Operator Lifecycle Manager itself, or by this module.
    type: str
    choices: [automatic, manual]
    default: automatic
  timeout_seconds: {description: For how long to wait., type: float, default: 300}
requirements:
  - jmespath
seealso:
  - module: o11y.opentelemetry.olm_info
  - module: o11y.opentelemetry.rollout_wait
"""

EXAMPLES = r"""
- name: The operator is there, in the newest version of its channel
  o11y.opentelemetry.olm_wait:
    namespace: openshift-opentelemetry-operator
    subscription: opentelemetry-product

- name: Approve this version and nothing else
  o11y.opentelemetry.olm_wait:
    namespace: openshift-opentelemetry-operator
    subscription: opentelemetry-product
    csv: opentelemetry-operator.v0.140.0-2
    approval: manual
    timeout_seconds: 600
"""

RETURN = r"""
msg:
  description: What is there, and which upgrade waits for approval.
  returned: always
  type: str
  sample: opentelemetry-operator.v0.140.0-2 has succeeded
csv: {description: The ClusterServiceVersion that is installed., returned: when it is there, type: str}
waiting:
  description: What an InstallPlan beyond O(csv) would bring.
  returned: when it is there
  type: list
  elements: str
seconds: {description: How long that took., returned: when it is there, type: float}
approved:
  description: The InstallPlans that were approved.
  returned: always, except in check mode
  type: list
  elements: str
phases:
  description: The phases of ClusterServiceVersions as they were seen.
  returned: always, except in check mode
  type: list
  elements: str
brings:
  description: What the InstallPlan that was refused would have brought.
  returned: when a plan is refused
  type: list
  elements: str
failures:
  description:
    - What is in the way, each with C(kind), C(name), C(state), C(reason), C(message), C(wrong) and C(fix); for pods of
      the operator in the form of M(o11y.opentelemetry.rollout_wait).
  returned: when the task fails
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.api.connect import CLUSTER_ARG_SPEC
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.olm.wait import run_wait


def main() -> None:
    """Wait."""
    spec = {
        "namespace": {"required": True},
        "subscription": {"required": True},
        "csv": {"default": ""},
        "approval": {"choices": ["automatic", "manual"], "default": "automatic"},
        "timeout_seconds": {"type": "float", "default": 300},
    }
    needed = [("approval", "manual", ["csv"])]
    run_wait(AnsibleModule(argument_spec=CLUSTER_ARG_SPEC | spec, required_if=needed, supports_check_mode=True))


if __name__ == "__main__":
    main()
