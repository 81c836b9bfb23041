# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rights that an account needs to apply, wait for, verify and remove a bundle, by purpose. Private.

A bundle is the list of all manifests of a run. `needed_rights.py` compares these rights with those that an account has,
and `rights_task.py` renders roles of them. A right is a verb on a resource, a grant is a right in one namespace or in
the whole cluster (rbac_roles.py). For example, a DaemonSet in namespace `obs` with strategy `canary` gives:

    RbacGrant("obs", Right("create", "", "pods/eviction")), RbacGrant("obs", Right("get", "", "pods/proxy")), …

A function `_rights_to_…` yields the rights for one purpose. It uses the same tables as the code that makes the
requests. The table PURPOSES at the end has them all, and docs/security.md shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import product
from typing import Any, NamedTuple, TypedDict

from ..._collector.change_options import CANARY
from ..._kube.live.kinds import PRUNED_KINDS, ApiResource, ApiResources, default_api_version
from ..._kube.operator_status import is_followed, list_children
from ..._kube.ownership import read_collector_name
from ..._kube.rights import Right, iter_rule_rights
from ..._otelcol.kube.objects import Manifest, ObjectRef, api_group, ref
from ..._otelcol.kube.pod_references import find_unprovided, list_provided_refs
from ..._rollout.change_record import build_record_reference
from ..._rollout.live.explain_failures import CONTROLLER_REVISIONS, EVENTS, PODS, REPLICA_SETS
from ..._rollout.readiness import PATHS_OF_POD_COUNTS
from ..._rollout.symptom_fixes import EXPLANATIONS_BY_ROW
from ..canary.hold import hold_workload
from ..certificates import CERTIFICATE
from ..collector_change import CollectorChange
from ..host_ports import list_template_ports
from ..rbac_roles import RbacGrant
from ..workload_kinds import POD_RUNNING_KINDS
from .compared_objects import list_compared_refs
from .missing_references import REFERRED_RESOURCES, VOLUME_RESOURCE
from .session import Session, list_namespaces
from .shared_objects import BUILT_IN_KINDS, EXTENSION_KINDS, build_user_resource

_WRITER_VERBS = ("get", "create", "patch", "delete")
_EVICTION = Right("create", "", "pods/eviction")
# The smallest share of the pods that a change can begin with.
_ONE_POD = "1"


class ProbeSettings(TypedDict):
    """How to verify a collector, as rendering returns it: of its fields, only this one needs rights."""

    via: WorkloadName
    """The workload whose pods are asked."""


class WorkloadName(TypedDict):
    """The workload of a collector."""

    kind: str
    namespace: str
    name: str


class RequestedBundle(NamedTuple):
    """A bundle, and what a run does with it: the rights depend on both."""

    manifests: list[Manifest]
    probes: list[ProbeSettings]
    """How each collector is verified."""
    changes: Mapping[str, Mapping[str, Any]]
    """The `ChangeOptions` of each collector, by its `namespace/name`."""

    @property
    def namespaces(self) -> list[str]:
        """The namespaces of the manifests."""
        return list_namespaces(self.manifests)


class Purpose(NamedTuple):
    """What some rights are for.

    `purpose` and `rights_text` are a row of the table in docs/security.md. `find_grants` yields the rights.
    """

    purpose: str
    rights_text: str
    find_grants: Callable[[RequestedBundle], Iterator[RbacGrant]]


def _build_grant(verb: str, resource: ApiResource, namespace: str = "", name: str = "") -> RbacGrant:
    right = Right(verb, api_group(resource.api_version), resource.plural, name)
    return RbacGrant(namespace if resource.is_namespaced else "", right)


def rights_to_object(manifest: Manifest, *verbs: str) -> Iterator[RbacGrant]:
    """Yield rights to an object whose kind ApiResources knows.

    An object of the whole cluster is named in the right. For an object of a namespace, the right is to all of its kind
    there.
    """
    resource = ApiResources.find_known(manifest["apiVersion"], manifest["kind"])
    if resource is None:
        return
    metadata = manifest["metadata"]
    name = "" if resource.is_namespaced else metadata["name"]
    for verb in verbs:
        yield _build_grant(verb, resource, metadata.get("namespace", ""), name)


def _rights_to_kind(kind: str, namespace: str, name: str, verb: str) -> Iterator[RbacGrant]:
    """Yield the right to an object that no manifest describes, such as one that the operator makes."""
    manifest = {
        "apiVersion": default_api_version(kind),
        "kind": kind,
        "metadata": {"namespace": namespace, "name": name},
    }
    return rights_to_object(manifest, verb)


def _rights_to_apply(bundle: RequestedBundle) -> Iterator[RbacGrant]:
    """Yield the rights to the objects of a bundle, and to the records of its collectors."""
    for manifest in bundle.manifests:
        verbs = ("get",) if manifest["kind"] == "Namespace" else _WRITER_VERBS
        yield from rights_to_object(manifest, *verbs)
        if manifest["kind"] in POD_RUNNING_KINDS and read_collector_name(manifest):
            yield from rights_to_object(build_record_reference(manifest), *_WRITER_VERBS)


def _rights_that_roles_give(bundle: RequestedBundle) -> Iterator[RbacGrant]:
    """Yield the rights that the roles of a bundle give: Kubernetes lets nobody create a role with more rights."""
    for manifest in bundle.manifests:
        if manifest["kind"] not in ("ClusterRole", "Role"):
            continue
        namespace = manifest["metadata"].get("namespace", "")
        for rule in manifest.get("rules") or ():
            for right in iter_rule_rights(rule):
                yield RbacGrant(namespace, right)


def _rights_to_prune(bundle: RequestedBundle) -> Iterator[RbacGrant]:
    """Yield the rights to list all kinds that a run prunes, in each namespace of the bundle."""
    for kind in PRUNED_KINDS:
        resource = ApiResources.find_known(default_api_version(kind), kind)
        if resource is None:
            continue
        for namespace in bundle.namespaces:
            yield _build_grant("list", resource, namespace)


def _rights_to_compare(bundle: RequestedBundle) -> Iterator[RbacGrant]:
    for name in list_compared_refs(bundle.manifests):
        yield from _rights_to_kind(name.kind, name.namespace, name.name, "list")


def _rights_to_references(bundle: RequestedBundle) -> Iterator[RbacGrant]:
    """Yield the rights to read what the bundle refers to and does not bring, such as Secrets."""
    provided_refs = list_provided_refs(bundle.manifests)
    for manifest in bundle.manifests:
        for reference in find_unprovided(manifest, None, provided_refs):
            yield _build_grant("get", REFERRED_RESOURCES[reference.kind], reference.namespace, reference.name)
            if reference.kind == "StorageClass":
                yield _build_grant("list", VOLUME_RESOURCE)


def _rights_to_all_pods(bundle: RequestedBundle) -> Iterator[RbacGrant]:
    if any(map(list_template_ports, bundle.manifests)):
        yield RbacGrant("", Right("list", "", "pods"))


def _rights_to_certificates(bundle: RequestedBundle) -> Iterator[RbacGrant]:
    """Yield the rights to read and delete the Secrets that cert-manager makes for Certificates."""
    for manifest in bundle.manifests:
        if manifest["kind"] == CERTIFICATE:
            namespace, secret_name = manifest["metadata"]["namespace"], manifest["spec"]["secretName"]
            for verb in ("get", "delete"):
                yield RbacGrant(namespace, Right(verb, "", "secrets", secret_name))


def _rights_to_wait(bundle: RequestedBundle) -> Iterator[RbacGrant]:
    """Yield the rights to wait until workloads are ready, and to explain why one is not."""
    for manifest in bundle.manifests:
        namespace = manifest["metadata"].get("namespace", "")
        if is_followed(manifest):
            for child in list_children(manifest):
                yield from _rights_to_kind(child.kind, namespace, child.name, "get")
        if manifest["kind"] in PATHS_OF_POD_COUNTS or is_followed(manifest):
            yield from _rights_to_explain(namespace)


def _rights_to_explain(namespace: str) -> Iterator[RbacGrant]:
    """Yield the rights to explain why workloads of a namespace are not ready."""
    for resource in (PODS, REPLICA_SETS, EVENTS, CONTROLLER_REVISIONS):
        yield _build_grant("list", resource, namespace)
    for explanation in EXPLANATIONS_BY_ROW.values():
        resource = ApiResource(explanation.api_version, explanation.kind, explanation.plural, is_namespaced=True)
        yield _build_grant("list", resource, namespace)
    yield RbacGrant(namespace, Right("get", "", "pods/log"))


def _rights_to_canary(bundle: RequestedBundle) -> Iterator[RbacGrant]:
    """Yield the rights to judge the pods of collectors with strategy `canary`, and to evict pods of a DaemonSet."""
    for manifest in bundle.manifests:
        options = bundle.changes.get(read_collector_name(manifest), {})
        if options.get("strategy") != CANARY or manifest["kind"] not in POD_RUNNING_KINDS:
            continue
        namespace = manifest["metadata"]["namespace"]
        yield RbacGrant(namespace, Right("get", "", "pods/proxy"))
        yield RbacGrant(namespace, Right("get", "", "pods/log"))
        if manifest["kind"] == "DaemonSet":
            yield RbacGrant(namespace, _EVICTION)
        for kind in _list_running_kinds(manifest):
            revisions = REPLICA_SETS if kind == "Deployment" else CONTROLLER_REVISIONS
            yield _build_grant("list", PODS, namespace)
            yield _build_grant("list", revisions, namespace)


def _list_running_kinds(workload: Manifest) -> list[str]:
    """Return the kinds that run the pods of a workload: its own, or what the operator makes of a custom resource."""
    if is_followed(workload):
        return [child.kind for child in list_children(workload)]
    return [workload["kind"]]


def rights_to_change(
    session: Session, change: CollectorChange, live_objects: Mapping[ObjectRef, Manifest | None]
) -> Iterator[RbacGrant]:
    """Yield the rights to change one collector: to write its objects and its record, and to judge its pods."""
    for manifest in change.manifests:
        if manifest["kind"] != "Namespace" and not session.is_existing_account(manifest):
            yield from rights_to_object(manifest, "get", "patch")
    workload = change.workloads[0]
    yield from rights_to_object(build_record_reference(workload), *_WRITER_VERBS)
    live_workload = live_objects.get(ref(workload))
    is_held = live_workload and hold_workload(workload, live_workload, share=_ONE_POD)
    for grant in _rights_to_canary(RequestedBundle(change.workloads, [], {change.name: change.options})):
        # The run evicts pods only of a DaemonSet that is held. Any other one replaces its pods itself.
        if is_held or grant.right != _EVICTION:
            yield grant


def _rights_to_verify(bundle: RequestedBundle) -> Iterator[RbacGrant]:
    """Yield the rights to send test data through the API server."""
    for probe in bundle.probes:
        namespace = probe["via"]["namespace"]
        yield RbacGrant(namespace, Right("list", "", "pods"))
        yield RbacGrant(namespace, Right("create", "", "pods/proxy"))
        yield RbacGrant(namespace, Right("get", "", "pods/proxy"))


def _rights_to_remove_accounts(bundle: RequestedBundle) -> Iterator[RbacGrant]:
    """Yield the rights to list all kinds that may run under a ServiceAccount, in the namespaces of the accounts."""
    accounts = [manifest for manifest in bundle.manifests if manifest["kind"] == "ServiceAccount"]
    namespaces = {account["metadata"]["namespace"] for account in accounts}
    on_openshift = any("openshift" in manifest["apiVersion"] for manifest in bundle.manifests)
    for version, kinds in {**BUILT_IN_KINDS, **EXTENSION_KINDS}.items():
        if "openshift" in version and not on_openshift:
            continue
        for kind, namespace in product(kinds, namespaces):
            yield _build_grant("list", build_user_resource(version, kind), namespace)


GIVEN_BY_ROLES = Purpose(
    "ClusterRoles and Roles of collectors",
    "the rights that they give, because Kubernetes lets nobody give more rights than they have",
    _rights_that_roles_give,
)
# docs/security.md lists these purposes with their rights.
PURPOSES = (
    Purpose(
        "`site`, `remove`",
        "get, create, patch and delete on the kinds that `render` shows, and on configmaps; get on their namespaces",
        _rights_to_apply,
    ),
    GIVEN_BY_ROLES,
    Purpose(
        "the removal of objects and configs that the inventory no longer has",
        "list on the kinds of this collection, and on replicasets and controllerrevisions; without it a warning",
        _rights_to_prune,
    ),
    Purpose(
        "the check of PodDisruptionBudgets, and of names that the operator gives",
        "list on PodDisruptionBudgets, and on the kinds that the operator makes of a collector; without it a warning",
        _rights_to_compare,
    ),
    Purpose(
        "the check of references, before objects of collectors are applied",
        "get on the Secrets, ConfigMaps, classes and definitions that collectors name, list on PersistentVolumes for a"
        " StorageClass; without it a warning",
        _rights_to_references,
    ),
    Purpose("the check of host ports", "list on the pods of all namespaces; without it a warning", _rights_to_all_pods),
    Purpose("the removal of a Certificate", "get and delete on its Secret", _rights_to_certificates),
    Purpose(
        "the wait for a rollout",
        "get on workloads, list on pods, events and what else explains a failure, get on `pods/log`",
        _rights_to_wait,
    ),
    Purpose(
        "a change with strategy `canary`",
        "get on `pods/proxy` and `pods/log`, list on pods and their revisions; for a DaemonSet create on"
        " `pods/eviction`",
        _rights_to_canary,
    ),
    Purpose("`verify`", "list on pods, get and create on `pods/proxy`", _rights_to_verify),
    Purpose(
        "the removal of a ServiceAccount",
        "list on all kinds that run under one; without it the account stays",
        _rights_to_remove_accounts,
    ),
)


def list_grants(
    manifests: list[Manifest],
    probes: Iterable[ProbeSettings] = (),
    purposes: Iterable[Purpose] = PURPOSES,
    changes: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[RbacGrant]:
    """Return all rights that these purposes need for the manifests of a bundle, each once.

    `probes` are the probes of its collectors. `changes` are the options of their changes, by `namespace/name`.
    """
    bundle = RequestedBundle(manifests, list(probes), changes or {})
    grants: set[RbacGrant] = set()
    for purpose in purposes:
        grants.update(purpose.find_grants(bundle))
    return sorted(grants)
