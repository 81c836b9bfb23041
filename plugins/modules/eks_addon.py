#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Install, change or remove an EKS add-on, and wait for it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: eks_addon
short_description: Install, change or remove an EKS add-on, and wait for it
version_added: 0.1.0
description:
  - Makes an add-on of an EKS cluster as it is wanted, by an update of only what differs.
    What no option names stays as it is, and where nothing differs nothing is called that changes anything.
  - Chooses the version by the cluster's version of Kubernetes, and holds the configuration against the schema of that
    version before anything is sent.
  - Waits until EKS says that the operation is over. A failed one ends the task at once, with each health issue and what
    to do about it.
  - An operation that another run or somebody else has begun is waited for and taken up, so a task that was interrupted
    can simply run again. A failed creation or update is tried again by an update.
  - Throttling, errors of the server and broken connections are waited out. Credentials that expire are looked for anew.
  - Values in the configuration that look secret by their name are shown neither in the result nor in the difference.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._attributes, o11y.opentelemetry._aws, o11y.opentelemetry._aws.tags]
attributes:
  check_mode:
    details:
      - Reads, chooses the version and checks the configuration, and changes nothing.
        While another operation is under way it tells what differs now.
  diff_mode: {support: full}
options:
  cluster_name: {description: The name of the EKS cluster., type: str, required: true}
  name:
    description: The name of the add-on, such as V(adot) or V(eks-pod-identity-agent).
    type: str
    required: true
  state: {description: Whether the add-on is to be there., type: str, choices: [present, absent], default: present}
  version:
    description:
      - The version, such as V(v0.151.0-eksbuild.2); or V(default), or V(latest), of those for the cluster's version of
        Kubernetes. These two never go back to an older version than the one that is installed.
      - Without it a new add-on gets the default version, and one that is there keeps its version.
    type: str
  resolve_conflicts:
    description:
      - What EKS does about fields that somebody else owns in the cluster. Without it EKS fails over them.
      - With V(preserve) an update leaves them alone; in a creation it is the same as V(none).
    type: str
    choices: [none, overwrite, preserve]
  configuration_values:
    description:
      - The configuration, which replaces the one that is there. An empty one takes it away.
      - Without it the configuration stays, and has to fit a new version.
    type: dict
  service_account_role_arn:
    description:
      - The ARN of the IAM role for the add-on's service account, by IAM roles for service accounts.
      - An empty text takes the role away. Without it the role stays.
    type: str
  pod_identity_associations:
    description:
      - The IAM roles of the add-on's service accounts, by EKS Pod Identity, and no others.
      - An empty list takes them away. Without it they stay.
    type: list
    elements: dict
    suboptions:
      service_account: {description: The name of the service account., type: str, required: true}
      role_arn: {description: The ARN of the IAM role., type: str, required: true}
  namespace:
    description:
      - The namespace of the add-on in the cluster. EKS takes it at creation only; another one later is an error.
    type: str
  preserve:
    description: Whether O(state=absent) leaves the add-on's objects in the cluster, so that EKS only forgets it.
    type: bool
    default: false
  wait: {description: Whether to wait until the operation is over and the add-on is healthy., type: bool, default: true}
  create_timeout_seconds: {description: For how long to wait for a creation., type: float, default: 1200}
  update_timeout_seconds:
    description: For how long to wait for an update, or for an unchanged add-on to be healthy.
    type: float
    default: 1200
  delete_timeout_seconds: {description: For how long to wait for a removal., type: float, default: 1200}
  degraded:
    description:
      - What to do when the add-on is V(DEGRADED), as it often is while its pods start.
      - V(wait) waits for O(degraded_seconds), or fails at once over an issue that time does not mend,
        such as a configuration conflict or a missing subscription.
      - V(fail) fails at once, V(accept) takes it for success and warns.
    type: str
    choices: [wait, fail, accept]
    default: wait
  degraded_seconds: {description: For how long an add-on may be V(DEGRADED) without a break., type: float, default: 300}
requirements:
  - jsonschema >= 4.18, for O(configuration_values)
seealso:
  - module: o11y.opentelemetry.eks_addon_info
  - module: o11y.opentelemetry.iam_oidc_provider
  - module: o11y.opentelemetry.eks_pod_identity_association
"""

EXAMPLES = r"""
- name: ADOT, in the default version for the cluster
  o11y.opentelemetry.eks_addon:
    cluster_name: prod
    region: eu-west-1
    name: adot
    service_account_role_arn: arn:aws:iam::123456789012:role/EKS-ADOT-ServiceAccount-Role

- name: A version of one's own choice, configured, over what is there
  o11y.opentelemetry.eks_addon:
    cluster_name: prod
    name: adot
    version: v0.151.0-eksbuild.2
    resolve_conflicts: overwrite
    configuration_values:
      replicaCount: 2
    tags:
      team: observability

- name: Forget the add-on, and leave its objects in the cluster
  o11y.opentelemetry.eks_addon:
    cluster_name: prod
    name: adot
    state: absent
    preserve: true
"""

RETURN = r"""
action:
  description: What was done, one of V(created), V(updated), V(deleted) and V(unchanged).
  returned: on success
  type: str
  sample: created
status:
  description: The status of the add-on as EKS names it, V(ABSENT) where there is none.
  returned: on success, and when the wait failed
  type: str
  sample: ACTIVE
version:
  description: The version that the add-on has then, in check mode the one that was chosen; empty where there is none.
  returned: on success
  type: str
  sample: v0.151.0-eksbuild.2
addon:
  description: The add-on as EKS describes it, empty where there is none. In check mode as it was before.
  returned: on success, and when the wait failed
  type: dict
  contains:
    addon_arn: {description: The ARN., type: str}
    addon_name: {description: The name., type: str}
    addon_version: {description: The version., type: str}
    cluster_name: {description: The name of the cluster., type: str}
    configuration_values: {description: "The configuration, without what is secret.", type: dict}
    status: {description: The status., type: str}
    tags: {description: The tags., type: dict}
issues:
  description: What EKS says is wrong.
  returned: when the wait failed
  type: list
  elements: dict
  contains:
    code: {description: "The code, such as V(InsufficientNumberOfReplicas).", type: str}
    message: {description: The message of EKS., type: str}
    resource_ids: {description: What it is about., type: list, elements: str}
    wrong: {description: What the code means., type: str}
    fix: {description: What to do., type: str}
error: {description: The code and the message of AWS., returned: when a call failed, type: dict}
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.aws.addon import run_addon
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.aws.specs import EKS_ADDON


def main() -> None:
    """Do it."""
    run_addon(AnsibleAWSModule(argument_spec=EKS_ADDON, supports_check_mode=True))


if __name__ == "__main__":
    main()
