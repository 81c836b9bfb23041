#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apply or remove a whole bundle of Kubernetes manifests."""

from __future__ import annotations

DOCUMENTATION = r"""
module: bundle_apply
short_description: Apply or remove a whole bundle of Kubernetes manifests
version_added: 0.1.0
description:
  - Applies all manifests in one task by server-side apply, in the order in which they need each other.
  - Reads everything first and refuses early what could only fail half-way.
    That includes a workload whose host ports are held by pods of somebody else.
  - A workload that is no longer in the bundle stays until the one that replaces it works, so that there is somebody to
    take telemetry all the time. Only where both hold the same ports of the nodes the old one goes first.
    Two workloads of a namespace replace each other when they have the same label C(o11y.opentelemetry/collector).
  - An OpenTelemetryCollector whose C(spec.mode) changes is made anew, since its operator refuses the change.
  - Who is autoscaled from now on keeps its number of replicas. Its ownership passes to the field manager
    C(FIELD_MANAGER/replicas), until the autoscaler writes it.
  - Tells the truth about what changes, and shows it. In check mode it also does so on an empty cluster,
    where neither the namespaces nor the kinds of the bundle exist yet.
  - Values of Secrets are shown neither in the result nor in the difference.
  - What fails in passing (conflicts of parallel writers, an overloaded server) is tried again for some seconds,
    a webhook that does not answer for O(wait_seconds).
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._attributes, o11y.opentelemetry._cluster]
attributes:
  check_mode:
    details:
      - The server tries each change without keeping it.
        What it cannot try yet, since its namespace or its kind comes with the bundle, counts as created.
  diff_mode:
    support: full
    details: Created and deleted objects are shown too. Notes of the server and its controllers are left out.
options:
  manifests:
    description:
      - The objects. Each has C(apiVersion), C(kind) and C(metadata.name),
        and C(metadata.namespace) when its kind has namespaces.
    type: list
    elements: dict
    required: true
  state:
    description:
      - With V(present) the objects are made or changed.
      - An object that exists is changed or deleted only if it belongs to the release of its manifest. It has the same
        value of the label C(o11y.opentelemetry/release), or neither has one, and O(field_manager) has applied it.
      - With V(present) the task fails before it writes anything when an object belongs to others, and names the owner.
        A Namespace of others is used as it is.
      - With V(absent) they are deleted in reverse order, each step when the one before is really gone, pods included.
        What belongs to others stays, with a warning that names the owner.
      - A Namespace is then deleted only when nothing else of any kind is left in it, which has to be certain,
        a CustomResourceDefinition only when nothing of its kind is left, a ServiceAccount only when nothing else runs
        under it. Otherwise it stays, with a warning that says why.
    type: str
    choices: [present, absent]
    default: present
  field_manager:
    description: The name under which the server notes which fields are ours.
    type: str
    default: o11y.opentelemetry
  force_conflicts:
    description:
      - Whether to take over fields that another manager owns.
      - With V(false) the task fails and names the fields and their managers.
    type: bool
    default: true
  prune_selector:
    description:
      - A label selector. Objects that it selects and that the bundle does not have are deleted,
        in the namespaces of the bundle and among the kinds of the cluster.
      - This considers the kinds that bundles of this collection are made of, never namespaces, volumes or definitions,
        and never what a controller owns or an OpenTelemetry operator made.
      - An object that it selects is deleted only if it belongs to a release of the bundle, and O(field_manager) has
        applied it. A copy of an object that keeps its labels stays.
      - Kinds that the user may not list are left alone, with a warning.
    type: str
  adopt:
    description:
      - The releases, as the label C(o11y.opentelemetry/release) of their manifests names them, whose objects are taken
        over when they exist and belong to others. With O(state=absent) they are then deleted.
      - A Namespace is never taken over, nor one of O(existing_accounts).
    type: list
    elements: str
    default: []
  existing_accounts:
    description:
      - ServiceAccounts of the bundle, as C(NAMESPACE/NAME), that others may own. Such an account is used unchanged, and
        is never deleted. The task fails if it lacks annotations or C(imagePullSecrets) of its manifest.
    type: list
    elements: str
    default: []
  wait_seconds:
    description:
      - For how long to wait until deleted objects are gone, until new kinds are served, until a webhook answers, until
        cert-manager has issued the Certificates of the bundle, and until a workload works that replaces another one.
    type: float
    default: 120
requirements:
  - jmespath
seealso:
  - module: o11y.opentelemetry.admission_wait
  - module: o11y.opentelemetry.rollout_wait
  - module: kubernetes.core.k8s
"""

EXAMPLES = r"""
- name: The collector and all that it needs
  o11y.opentelemetry.bundle_apply:
    manifests: "{{ otel_manifests }}"
    prune_selector: app.kubernetes.io/instance=agent,app.kubernetes.io/managed-by=o11y.opentelemetry

- name: Nothing of it is left
  o11y.opentelemetry.bundle_apply:
    manifests: "{{ otel_manifests }}"
    state: absent
    prune_selector: app.kubernetes.io/instance=agent,app.kubernetes.io/managed-by=o11y.opentelemetry
    wait_seconds: 300
"""

RETURN = r"""
msg: {description: How many objects went which way., returned: always, type: str, sample: "2 created, 10 unchanged"}
ready:
  description:
    - Whether every Deployment, DaemonSet, StatefulSet and OpenTelemetryCollector of the bundle is rolled out already.
      There is nothing to wait for then.
  returned: when the bundle was applied
  type: bool
objects:
  description: What happened to each object. After a failure these are the ones that were dealt with before it.
  returned: always, except when nothing could be tried
  type: list
  elements: dict
  contains:
    kind: {description: The kind., type: str}
    namespace: {description: "The namespace, empty for a kind of the cluster.", type: str}
    name: {description: The name., type: str}
    action:
      description: >-
        One of V(created), V(changed), V(unchanged), V(deleted), V(pruned), and V(absent) for what was gone before.
      type: str
  sample:
    - {kind: ConfigMap, namespace: observability, name: agent, action: changed}
rights:
  description:
    - Which rights each Role and ClusterRole gains (C(+)) and loses (C(-)), in words.
      In check mode, which ones it would gain and lose.
  returned: always, except when nothing could be tried
  type: list
  elements: str
  sample: ["team-a.gateway: + get, list secrets (all namespaces)"]
failures:
  description:
    - What is wrong with a webhook that does not answer or a workload that replaces another one, in the form of
      M(o11y.opentelemetry.rollout_wait) and M(o11y.opentelemetry.admission_wait).
  returned: when such a thing makes the task fail
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.api.connect import CLUSTER_ARG_SPEC
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.bundle.task import ARGUMENTS, run_bundle


def main() -> None:
    run_bundle(AnsibleModule(argument_spec=CLUSTER_ARG_SPEC | ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
