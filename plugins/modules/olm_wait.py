#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until the Operator Lifecycle Manager has installed the operator of a Subscription."""

from __future__ import annotations

DOCUMENTATION = r"""
module: olm_wait
short_description: Wait until the Operator Lifecycle Manager has installed the operator of a Subscription
version_added: 1.0.0
description:
  - Called by the roles of this collection. Playbooks use the inputs of those roles instead.
  - Follows a Subscription, its InstallPlan and its ClusterServiceVersion until the version has succeeded.
  - With O(approval=manual) it approves the InstallPlan of exactly O(csv), and earlier plans of exactly one older
    version of the same operator. It never approves another plan; the task fails and lists the plan's versions.
  - With O(approval=automatic) it approves a waiting plan that has this operator alone.
  - Fails at once for final states, such as a failed InstallPlan, and after some seconds for states that the Operator
    Lifecycle Manager retries. The message has the problem and its fix.
  - Fails seconds after a pod of the new version cannot run, as M(o11y.opentelemetry.rollout_wait) does.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._cluster]
attributes:
  check_mode: {details: "Does not wait and approves nothing, because nothing was applied."}
options:
  namespace: {description: Namespace of the Subscription., type: str, required: true}
  subscription: {description: Name of the Subscription., type: str, required: true}
  csv:
    description:
      - The ClusterServiceVersion to wait for; required with O(approval=manual).
        O(approval=automatic) accepts a newer one, and any if this is empty.
    type: str
    default: ""
  approval:
    description: Whether the Operator Lifecycle Manager or this module approves InstallPlans.
    type: str
    choices: [automatic, manual]
    default: automatic
  timeout_seconds: {description: How long to wait., type: float, default: 300}
requirements:
  - jmespath
"""

EXAMPLES = r"""
# Role otel_operator calls this module.
- name: Wait until the operator of a Subscription is installed
  o11y.opentelemetry.olm_wait:
    namespace: openshift-opentelemetry-operator
    subscription: opentelemetry-product
    timeout_seconds: 600
"""

RETURN = r"""
msg:
  description: The installed version, and the upgrade that waits for approval, if there is one.
  returned: always
  type: str
  sample: opentelemetry-operator.v0.158.0 has succeeded
csv:
  description: The name of the installed ClusterServiceVersion.
  returned: when installed
  type: str
  sample: opentelemetry-operator.v0.158.0
waiting:
  description:
    - The ClusterServiceVersions of an InstallPlan that would change what is installed now, and that nobody has
      approved.
  returned: when installed
  type: list
  elements: str
  sample: []
seconds: {description: The duration., returned: when installed, type: float, sample: 41.2}
approved:
  description: The names of the InstallPlans that this task has approved.
  returned: always, except in check mode
  type: list
  elements: str
phases:
  description: The phases of ClusterServiceVersions that this task has seen, in their order.
  returned: always, except in check mode
  type: list
  elements: str
  sample: ["opentelemetry-operator.v0.158.0 Installing", "opentelemetry-operator.v0.158.0 Succeeded"]
brings:
  description: The ClusterServiceVersions of the InstallPlan that the task did not approve.
  returned: when the task fails because of an InstallPlan
  type: list
  elements: str
failures:
  description:
    - What keeps the operator from being installed. C(kind) and C(name) are the object that says so, C(state), C(reason)
      and C(message) what it says, C(wrong) the problem in words, and C(fix) what to do.
  returned: when the task fails
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.live.olm_wait import (
    ARGUMENTS,
    run_wait,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.connect import CLUSTER_ARG_SPEC


def main() -> None:
    run_wait(AnsibleModule(argument_spec=CLUSTER_ARG_SPEC | ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
