#!/usr/bin/python
# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apply or remove a whole bundle of Kubernetes manifests."""

from __future__ import annotations

DOCUMENTATION = r"""
module: bundle_apply
short_description: Apply or remove a whole bundle of Kubernetes manifests
version_added: 1.0.0
description:
  - Applies all manifests in one task by server-side apply, in the order of their dependencies.
  - Reads everything first, and rejects early what could only fail half-way, such as a workload whose host ports are in
    use by pods of other owners.
  - A workload that left the bundle is removed after its replacement is ready, so that telemetry is always received. If
    both hold the same ports of the nodes, the old one is removed first.
    A workload replaces another one of its namespace with the same label C(o11y.opentelemetry/collector).
  - An OpenTelemetryCollector whose C(spec.mode) changes is replaced, because its operator rejects the change. The
    server tries the new one before anything is applied. If it refuses the new one later, the earlier one is created
    again.
  - A workload that becomes autoscaled keeps its replica count. The field manager C(FIELD_MANAGER/replicas) owns it
    until the autoscaler writes it.
  - Shows all changes. Check mode does so on an empty cluster too, without the namespaces and kinds of the bundle.
  - Waits for each collector that it changes, if the collector worked before. A collector is a workload with the label
    C(o11y.opentelemetry/collector), and the objects of its release. If it does not become ready, its objects go back to
    what the previous run applied, and the task fails.
  - While a collector changes, the ConfigMap C(COLLECTOR-change) records its objects as they were. If a run is
    interrupted, the next one completes or undoes the change.
  - Values of Secrets are shown neither in the result nor in the difference.
  - Writes an object that exists only in the state in which it was read, and fails if another run of this collection has
    changed it meanwhile.
  - Retries conflicts of parallel writers for some seconds.
  - Waits O(wait_seconds) for a webhook that does not answer, and for an API server that has answered before and is
    lost, overloaded or broken. Then the task fails, and the next run completes what this one has begun.
author: The o11y.opentelemetry maintainers (@o11y)
extends_documentation_fragment: [o11y.opentelemetry._cluster]
attributes:
  check_mode:
    details:
      - The server tries each change in a dry run. An object whose namespace or kind comes with the bundle counts as
        created.
  diff_mode:
    support: full
    details: Includes created and deleted objects, without fields of the server and its controllers.
options:
  manifests:
    description:
      - The objects. Each has C(apiVersion), C(kind) and C(metadata.name), and C(metadata.namespace) if its kind is
        namespaced.
    type: list
    elements: dict
    required: true
  state:
    description:
      - With V(present) the objects are created or changed.
      - An object that exists is changed or deleted only if it belongs to the release of its manifest. It has the same
        value of the label C(o11y.opentelemetry/release), or neither has one, and O(field_manager) has applied it.
      - With V(present) the task fails before it writes anything if an object has another owner, and names the owner.
        A Namespace of another owner is used unchanged.
      - With V(absent) they are deleted in reverse order, each step after the objects of the step before are gone, pods
        included. Objects of other owners stay, with a warning that names the owner.
      - A Namespace is deleted only if it is certainly empty, a CustomResourceDefinition only without objects of its
        kind, a ServiceAccount only without other users. Otherwise it stays, with a warning.
      - With V(earlier) the collectors of O(kept_records) go back to what was applied before the change. What the change
        has removed does not come back, and what it has added stays. RV(msg) says what became of each.
      - With V(settled) they stay as they are, and their records are deleted.
    type: str
    choices: [present, absent, earlier, settled]
    default: present
  field_manager: {description: The field manager of server-side apply., type: str, default: o11y.opentelemetry}
  force_conflicts:
    description:
      - Whether to take over fields of other field managers. With V(false) the task fails and lists them.
    type: bool
    default: true
  prune_selector:
    description:
      - A label selector. Selected objects that are not in the bundle are deleted, in the namespaces of the bundle and
        among the kinds of the cluster.
      - Covers the kinds of this collection's bundles, but no namespaces, volumes or definitions, and no objects of a
        controller or of an OpenTelemetry operator.
      - A selected object is deleted only if it belongs to a release of the bundle, and O(field_manager) has applied it.
        A copy of an object that keeps its labels stays. So does a ServiceAccount with other users, with a warning.
      - Kinds that the user may not list are skipped, with a warning.
    type: str
  adopt:
    description:
      - Releases, by the label C(o11y.opentelemetry/release) of their manifests, whose objects are taken over from other
        owners. With O(state=absent) they are then deleted.
      - A Namespace is never taken over, nor one of O(existing_accounts).
    type: list
    elements: str
    default: []
  existing_accounts:
    description:
      - ServiceAccounts of the bundle, as C(NAMESPACE/NAME), that may have other owners. Such an account is used
        unchanged and never deleted. The task fails if it lacks annotations or C(imagePullSecrets) of its manifest.
    type: list
    elements: str
    default: []
  change:
    description:
      - How changes of running collectors reach their pods, as RV(o11y.opentelemetry.otel_render#module:changes) of
        M(o11y.opentelemetry.otel_render). The keys are C(NAMESPACE/NAME).
      - A collector without an item is changed with strategy C(rolling) and goes back if it fails.
    type: dict
    default: {}
  flows:
    description:
      - Which collectors send to which, as RV(o11y.opentelemetry.otel_render#module:flows) of
        M(o11y.opentelemetry.otel_render). Collectors are named C(NAMESPACE/NAME).
      - If several of them change, receivers change before their senders, and a receiver that loses a port after them.
        The next ones change when those before work. A new collector waits for none.
    type: list
    elements: dict
    default: []
    suboptions:
      sender: {description: The collector that sends., type: str, required: true}
      receiver: {description: The collector that receives., type: str, required: true}
  references:
    description:
      - What happens if a workload refers to a Secret, ConfigMap, PriorityClass, RuntimeClass or StorageClass that does
        not exist, to a missing key, or to kinds that a target allocator watches and that are not defined.
      - A StorageClass may be missing if a PersistentVolume has its name. Optional references and objects of the bundle
        do not count, nor does what the live workload already refers to, what a sidecar refers to, or Secrets beside a
        volume of the Secrets Store CSI driver.
      - With V(require) the task fails before it writes anything.
      - With V(wait) the task waits O(wait_seconds) before it applies the workloads, for example for External Secrets.
      - Check mode warns. If the user may not read an object, the task warns and continues.
    type: str
    choices: [ignore, require, wait]
    default: ignore
  unschedulable_seconds:
    description: How long a pod of a changed collector may lack a node before the collector goes back.
    type: float
    default: 15
  wait_seconds:
    description:
      - How long to wait until deleted objects are gone, references exist, new kinds are served, a webhook or a lost
        API server answers, cert-manager has issued the Certificates of the bundle, and a replacement or a changed
        collector is ready.
    type: float
    default: 120
  keep_records:
    description:
      - Whether the ConfigMap C(COLLECTOR-change) of a change that works stays. Then O(state=earlier) can undo the
        change until O(state=settled) ends it. Playbook C(o11y.opentelemetry.site) does so until a wave has passed.
    type: bool
    default: false
    version_added: 1.1.0
  kept_records:
    description: RV(kept_records) of the task that has changed the collectors, for the states V(earlier) and V(settled).
    type: dict
    default: {}
    version_added: 1.1.0
  kept_rights:
    description:
      - RV(kept_rights) of that task, for the state V(earlier). They come from that task alone, and from no object of
        the cluster, so that nobody gets rights by writing one.
    type: list
    elements: dict
    default: []
    version_added: 1.1.0
  differences:
    description:
      - Whether to return what differs as RV(differences), for a task that shows equal differences of clusters once.
        Then the task itself shows none.
    type: bool
    default: false
    version_added: 1.1.0
requirements:
  - jmespath
seealso:
  - module: o11y.opentelemetry.admission_wait
  - module: o11y.opentelemetry.rollout_wait
  - module: kubernetes.core.k8s
"""

EXAMPLES = r"""
- name: Apply a collector with all its objects
  o11y.opentelemetry.bundle_apply:
    manifests: "{{ otel_manifests }}"
    prune_selector: app.kubernetes.io/instance=agent,app.kubernetes.io/managed-by=o11y.opentelemetry

- name: Remove it
  o11y.opentelemetry.bundle_apply:
    manifests: "{{ otel_manifests }}"
    state: absent
    prune_selector: app.kubernetes.io/instance=agent,app.kubernetes.io/managed-by=o11y.opentelemetry
    wait_seconds: 300
"""

RETURN = r"""
msg: {description: The count of each action., returned: always, type: str, sample: "2 created, 10 unchanged"}
ready:
  description: Whether every Deployment, DaemonSet, StatefulSet and OpenTelemetryCollector is already rolled out.
  returned: when the bundle was applied
  type: bool
objects:
  description:
    - The objects, each with C(kind), C(namespace), C(name) and C(action), and C(generation) if it has one; after a
      failure those before it.
      Actions are V(created), V(changed), V(unchanged), V(deleted), V(pruned), V(restored) if the object was changed and
      is back as it was, and V(absent) if it did not exist.
  returned: always, except when nothing could be tried
  type: list
  elements: dict
  sample: [{kind: ConfigMap, namespace: observability, name: agent, action: changed}]
plan:
  description: In check mode, how the change of each running collector would reach its pods, and what is at risk.
  returned: always, except when nothing could be tried
  type: list
  elements: str
  sample: ["Deployment obs/gateway: rolling; goes back if it fails."]
verdicts:
  description: How the change of each collector with strategy C(canary) was judged that is complete.
  returned: always, except when nothing could be tried
  type: list
  elements: str
  sample: ["Collector obs/gateway: its change passed 17 checks: the collector for 60 s beside the readings from before"]
  version_added: 1.1.0
kept_records:
  description: The changes whose records O(keep_records) has kept, each with the run, by namespace and name.
  returned: always, except when nothing could be tried
  type: dict
  version_added: 1.1.0
kept_rights:
  description: The roles and bindings of these collectors as they were.
  returned: always, except when nothing could be tried
  type: list
  elements: dict
  version_added: 1.1.0
differences:
  description: What differs, as Ansible's C(diff) has it.
  returned: with O(differences), except when nothing could be tried
  type: list
  elements: dict
  version_added: 1.1.0
rights:
  description: Permissions that each Role and ClusterRole gains (C(+)) and loses (C(-)), also in check mode.
  returned: always, except when nothing could be tried
  type: list
  elements: str
  sample: ["team-a.gateway: + get, list secrets (all namespaces)"]
failures:
  description:
    - Failures of a webhook that does not answer, of a replacement, or of a changed collector, as
      M(o11y.opentelemetry.rollout_wait) and M(o11y.opentelemetry.admission_wait) return them.
  returned: when they make the task fail
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.live.bundle_task import (
    ARGUMENTS,
    run_bundle,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.connect import CLUSTER_ARG_SPEC


def main() -> None:
    run_bundle(AnsibleModule(argument_spec=CLUSTER_ARG_SPEC | ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
