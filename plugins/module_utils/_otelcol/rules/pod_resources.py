# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on what a pod asks for: requests that an autoscaler measures, a volume, and a cache of the whole cluster.

Sources: the documentation of Kubernetes on autoscalers and StatefulSets, and the README of k8s_attributes. Private.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    warning [autoscaler-without-request] the autoscaler measures cpu as a share of the request, and a container of
    the pod requests none. Add `resources: {requests: {cpu: AMOUNT}}` to each container, unless a LimitRange does
    so.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..config.paths import mapping_at
from .rule_definitions import Fault, about, define_rules
from .subject import Subject

_AUTOSCALING = "https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/"
_STATEFUL_SETS = "https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#volume-claim-templates"
_K8S_ATTRIBUTES = (
    "https://github.com/open-telemetry/opentelemetry-collector-contrib/blob/main/processor/k8sattributesprocessor"
    "/README.md"
)
# The filters of k8s_attributes that keep to the pods of one node.
_FILTERS_OF_OWN_NODE = ("node", "node_from_env_var")


@about("deployment")
def autoscaler_without_request(subject: Subject) -> Iterator[Fault]:
    """Yield autoscalers that measure the share of a resource which a container does not request: they never scale."""
    unrequested_resources = subject.deployment.unrequested_resources if subject.deployment else ()
    for resource_name in unrequested_resources:
        message = (
            f"the autoscaler measures {resource_name} as a share of the request, and a container of the pod requests"
            " none"
        )
        fix = (
            f"Add `resources: {{requests: {{{resource_name}: AMOUNT}}}}` to each container, unless a LimitRange"
            " does so."
        )
        yield Fault((), message, fix)


@about("deployment")
def storage_unclaimed(subject: Subject) -> Iterator[Fault]:
    """Yield collectors whose option `storage` claims nothing: another mode than statefulset, or no state to keep."""
    deployment = subject.deployment
    if not deployment or not deployment.asks_for_storage:
        return
    if deployment.mode != "statefulset":
        fate_of_state = "stays on the node" if deployment.mode == "daemonset" else "ends with the pod"
        message = (
            f"`storage` claims no volume in mode {deployment.mode}, in which the state of a collector {fate_of_state}"
        )
        yield Fault((), message, "Use mode statefulset, or remove `storage`.")
    elif not any(subject.view.find_parts("extensions", "filestorage")):
        message = "`storage` claims no volume, because the config keeps no state"
        yield Fault((), message, "Start an extension file_storage and name it in `sending_queue`, or remove `storage`.")


@about("deployment")
def whole_cluster_cache(subject: Subject) -> Iterator[Fault]:
    """Yield k8s_attributes of agents that cache all pods of the cluster instead of the pods of their node."""
    if not subject.deployment or subject.deployment.mode != "daemonset":
        return
    for part in subject.view.find_parts("processors", "k8sattributes"):
        filters = mapping_at(part.settings, "filter").keys()
        is_narrowed = not filters.isdisjoint(_FILTERS_OF_OWN_NODE)
        # With `passthrough`, the processor only adds the address of the pod, and watches none.
        if part.settings.get("passthrough") is not True and not is_narrowed:
            message = f"every agent's '{part.id}' watches the pods of all nodes"
            yield Fault(part.path, message, "Add `filter: {node_from_env_var: K8S_NODE_NAME}`.")


RULES = (
    *define_rules("warning", autoscaler_without_request, documentation=_AUTOSCALING),
    *define_rules("warning", storage_unclaimed, documentation=_STATEFUL_SETS),
    *define_rules("info", whole_cluster_cache, documentation=_K8S_ATTRIBUTES),
)
