# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What would fail or do harm later, found before anything is applied: objects of others, ports, pods. Private.

`refuse_…` raises Problem, and `warn_of_…` adds a warning to the result of the run.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from ..._kube.live.api_errors import ask_server, build_missing_kind_problem, explain
from ..._kube.live.cluster import NOT_ALLOWED, ApiError
from ..._kube.live.kinds import ApiResource
from ..._kube.ownership import is_own_object
from ..._otelcol.bounded.read_limits import TooLargeError
from ..._otelcol.config.layers import parse_version
from ..._otelcol.errors import Problem, join_at_most
from ..._otelcol.kube.objects import Manifest, ref
from ..._otelcol.kube.pod_references import PodReference, find_unprovided, list_provided_refs
from ..._otelcol.kube.reference_remedies import describe_lacking_parts, describe_remedy
from ..constraint_needs import CONSTRAINTS_API, ConstraintNeeds, find_unmet_needs
from ..host_ports import PortClash, find_port_clashes, list_host_ports, list_template_ports
from ..rbac_roles import gives_kubelet_pods
from ..replacement_order import must_be_remade, replaces
from ..service_ports import explain_unfit_ports
from .foreign_objects import refuse_foreign_objects
from .session import Session
from .write import try_replacement

# The objects of a bundle, each with its live object; None if there is none yet.
Pairs = list[tuple[Manifest, "Manifest | None"]]
# How many objects a message names.
MOST_SHOWN = 5
# The status of HTTP for an object that does not fit its kind.
INVALID_STATUS = 422
# The status of HTTP for the next page of a list whose state the server no longer has, after some minutes.
EXPIRED_STATUS = 410
# The first version of Kubernetes whose kubelets know the right to nodes/pods.
_KUBELET_PODS_VERSION = (1, 33)
# Where what a manifest refers to is found, by kind.
REFERRED_RESOURCES = {
    "Secret": ApiResource("v1", "Secret", "secrets", True),
    "ConfigMap": ApiResource("v1", "ConfigMap", "configmaps", True),
    "PriorityClass": ApiResource("scheduling.k8s.io/v1", "PriorityClass", "priorityclasses", False),
    "RuntimeClass": ApiResource("node.k8s.io/v1", "RuntimeClass", "runtimeclasses", False),
    "StorageClass": ApiResource("storage.k8s.io/v1", "StorageClass", "storageclasses", False),
    "CustomResourceDefinition": ApiResource(
        "apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions", False
    ),
}
VOLUME_RESOURCE = ApiResource("v1", "PersistentVolume", "persistentvolumes", False)


def refuse_before_apply(session: Session, pairs: Pairs) -> None:
    """Refuse what would fail half-way, or harm others."""
    refuse_foreign_objects(session, pairs)
    refuse_missing_references(session, pairs)
    refuse_unfit_adoptions(session, pairs)
    remade_manifests = [manifest for manifest, live in pairs if must_be_remade(manifest, live)]
    session.cluster.call_in_parallel(lambda manifest: try_replacement(session, manifest), remade_manifests)


def refuse_unfit_adoptions(session: Session, pairs: Pairs) -> None:
    """Refuse to adopt objects that the server finds invalid with what both owners set: an apply keeps such fields."""
    adopted_pairs = [(manifest, live) for manifest, live in pairs if live and _is_adopted(session, manifest, live)]
    session.cluster.call_in_parallel(lambda pair: _try_adopted(session, *pair), adopted_pairs)


def _is_adopted(session: Session, manifest: Manifest, live: Manifest) -> bool:
    """Return whether this run takes an object over from another owner by an apply, without making it anew."""
    if not session.may_adopt(manifest, live) or is_own_object(live, session.releases, session.options.field_manager):
        return False
    return not must_be_remade(manifest, live)


def _try_adopted(session: Session, manifest: Manifest, live: Manifest) -> None:
    """Let the server try the apply in a dry run. Raises Problem if it finds the joined object invalid."""
    try:
        session.apply_object(manifest, dryRun="All")
    except ApiError as error:
        if error.status != INVALID_STATUS:  # what may pass, and what the bundle itself mends, is for the apply
            return
        problem = explain(error, f"Adopt {ref(manifest)}")
        is_about_ports = "spec.ports" in error.message
        fix = (explain_unfit_ports(manifest, live) if is_about_ports else "") or problem.fix
        raise Problem(problem.wrong, asked=problem.asked, fix=fix) from error


def refuse_taken_ports(session: Session, pairs: Pairs, leaving_manifests: list[Manifest]) -> None:
    """Refuse workloads whose host ports other pods have taken.

    This reads the cluster's pods only when a workload wants ports that its live object does not have. Pods of
    workloads that make way for those of the bundle do not count.
    """
    new_ports = []
    for manifest, live in pairs:
        ports = list_template_ports(manifest) - list_template_ports(live)
        if ports:
            new_ports.append((manifest, ports))
    if not new_ports:
        return
    try:
        pods = _pods_with_ports(session)
    except _UnreadPodsError as reason:
        session.report.warnings.append(f"Not checked whether the host ports are free: {reason}")
        return
    for manifest, ports in new_ports:
        displaced_workloads = [
            leaving_manifest for leaving_manifest in leaving_manifests if replaces(manifest, leaving_manifest)
        ]
        clashes = list(find_port_clashes(manifest, ports, pods, displaced_workloads))
        if clashes:
            raise _build_taken_ports_problem(manifest, clashes)


class _UnreadPodsError(Exception):
    """The pods of the cluster cannot be listed; a run goes on without them."""


def _pods_with_ports(session: Session) -> list[Manifest]:
    """Return the pods of all namespaces that have host ports. Raises _UnreadPodsError, and Problem for other failures.

    They are read page by page, since a cluster may have tens of thousands of others. So the request names no
    resourceVersion: beside version 0, which a server answers from its cache, it ignores the limit of a page. Source:
    "The resourceVersion parameter" of the Kubernetes API concepts.
    """
    try:
        return [pod for pod in session.cluster.items("/api/v1/pods") if list_host_ports(pod["spec"])]
    except TooLargeError as error:
        raise _UnreadPodsError(error.wrong) from error
    except ApiError as error:
        if error.status in (NOT_ALLOWED, EXPIRED_STATUS):
            raise _UnreadPodsError(error.message) from error
        raise explain(error, "List the pods of all namespaces") from error


def refuse_missing_references(session: Session, pairs: Pairs) -> None:
    """Refuse workloads whose Secrets and other references are missing: their pods would not start.

    Check mode warns, because an earlier task of the same run may create them.
    """
    options = session.options
    if options.references == "ignore":
        return
    awaits_references = options.references == "wait" and not options.check
    if awaits_references:
        return
    lacks = _find_lacks(session, pairs, pairs)
    if lacks and not options.check:
        new_namespaces = []
        for manifest, live in pairs:
            if manifest["kind"] == "Namespace" and not live:
                new_namespaces.append(manifest["metadata"]["name"])
        raise _build_lack_problem(lacks, session, new_namespaces)
    session.report.warnings.extend(f"The collectors refer to what does not exist: {lack.text}" for lack in lacks)


def await_references(session: Session, group: list[Manifest], pairs: Pairs) -> None:
    """Wait until everything exists that the workloads of a group refer to. Raises Problem when the time is over."""
    if session.options.references != "wait" or session.options.check:
        return
    group_refs = set(map(ref, group))
    pairs_of_group = [(manifest, live) for manifest, live in pairs if ref(manifest) in group_refs]
    lacks: list[_ReferenceLack] = []
    for _poll in session.cluster.iter_polls(session.options.wait_seconds):
        lacks = _find_lacks(session, pairs_of_group, pairs)
        if not lacks:
            return
    raise _build_lack_problem(lacks, session, ())


class _ReferenceLack(NamedTuple):
    """What a cluster lacks of a reference, such as a Secret, or one key of it."""

    text: str
    """What is missing, for a message; empty if nothing is."""
    reference: PodReference
    has_object: bool
    """Whether the object itself exists, so that only a part of it is missing."""


def _find_lacks(session: Session, selected_pairs: Pairs, pairs: Pairs) -> list[_ReferenceLack]:
    """Return what the cluster lacks of the references of the selected objects.

    `pairs` has all objects of the bundle, because a config that refers to something may be in another object.
    """
    provided_refs = list_provided_refs(session.options.manifests)
    manifest_by_ref = {ref(manifest): manifest for manifest, _live in pairs}
    live_by_ref = {ref(manifest): live for manifest, live in pairs}
    references: dict[PodReference, None] = {}
    for manifest, live in selected_pairs:
        references.update(dict.fromkeys(find_unprovided(manifest, live, provided_refs, manifest_by_ref, live_by_ref)))
    lacks = session.cluster.call_in_parallel(lambda reference: _find_lack(session, reference), list(references))
    return _drop_classes_of_volumes(session, [lack for lack in lacks if lack.text])


def _find_lack(session: Session, reference: PodReference) -> _ReferenceLack:
    """Return what is missing of a reference. What the account may not read counts as present, with a warning."""
    path = REFERRED_RESOURCES[reference.kind].build_path(reference.namespace, reference.name)
    try:
        live = session.cluster.get(path)
    except ApiError as error:
        _warn_of_unread(session, reference, error)
        return _ReferenceLack("", reference, has_object=True)
    return _ReferenceLack(describe_lacking_parts(reference, live), reference, has_object=live is not None)


def _warn_of_unread(session: Session, reference: PodReference, error: ApiError) -> None:
    """Warn once of a reference that the account may not look for. Raises Problem for any other error."""
    if error.status != NOT_ALLOWED:
        raise explain(error, f"Look for {reference.object_ref}") from error
    warning_text = f"Not checked whether {reference.object_ref} exists: {error.message}"
    if warning_text not in session.report.warnings:
        session.report.warnings.append(warning_text)


def _drop_classes_of_volumes(session: Session, lacks: list[_ReferenceLack]) -> list[_ReferenceLack]:
    """Return lacks without each StorageClass that a volume names: a claim can bind to it, also without the class."""
    class_lacks = [lack for lack in lacks if lack.reference.kind == "StorageClass"]
    if not class_lacks:
        return lacks
    present_classes = _list_classes_of_volumes(session, class_lacks)
    return [lack for lack in lacks if lack not in class_lacks or lack.reference.name not in present_classes]


def _list_classes_of_volumes(session: Session, class_lacks: list[_ReferenceLack]) -> set[str]:
    """Return the StorageClasses that volumes name. If nobody may list those, all that lack count, with a warning."""
    try:
        return {
            volume["spec"].get("storageClassName", "") for volume in session.cluster.items(VOLUME_RESOURCE.build_path())
        }
    except ApiError as error:
        for lack in class_lacks:
            _warn_of_unread(session, lack.reference, error)
        return {lack.reference.name for lack in class_lacks}


def _build_lack_problem(lacks: list[_ReferenceLack], session: Session, new_namespaces: Collection[str]) -> Problem:
    """Return the problem of references to what does not exist. The run itself would make the new namespaces."""
    lack_texts = join_at_most(MOST_SHOWN, (lack.text for lack in lacks), "; ", "; ")
    wait_clause = f" after {session.options.wait_seconds:g} s" if session.options.references == "wait" else ""
    fixes: dict[str, None] = {}
    for lack in lacks[:MOST_SHOWN]:
        has_namespace = lack.reference.namespace not in new_namespaces
        fixes[describe_remedy(lack.reference, exists=lack.has_object, has_namespace=has_namespace)] = None
    wrong = f"the collectors refer to what does not exist{wait_clause}: {lack_texts}"
    return Problem(wrong, asked="Apply the bundle", fix="\n".join(fixes))


def refuse_absent_kinds(session: Session, unserved: list[Manifest]) -> None:
    """Refuse objects whose kinds the cluster does not serve: their operators or definitions are not installed.

    Check mode warns, because an earlier task of the same run may install them.
    """
    if not unserved:
        return
    kinds = list(dict.fromkeys(f"{manifest['kind']} of {manifest['apiVersion']}" for manifest in unserved))
    if session.options.check:
        check_mode_advice = "Without check mode, this run fails unless an earlier task of it installs what is missing."
        session.report.warnings.append(f"The cluster does not serve {', '.join(kinds)}. {check_mode_advice}")
        return
    fixes = dict.fromkeys(build_missing_kind_problem("", manifest["apiVersion"]).fix for manifest in unserved)
    manifest_names = ", ".join(str(ref(manifest)) for manifest in unserved[:MOST_SHOWN])
    kinds_word = "these kinds" if len(kinds) > 1 else "this kind"
    wrong = f"the cluster does not serve {kinds_word}: {', '.join(kinds)}"
    raise Problem(wrong, asked=f"Apply {manifest_names}", fix="\n".join(fixes))


def warn_of_constraints(session: Session) -> None:
    """Warn about pods that SecurityContextConstraints will not allow; an administrator may have granted some."""
    unmet_needs_of_collectors = find_unmet_needs(session.options.manifests)
    if not unmet_needs_of_collectors:
        return
    has_constraints = ask_server("Look for SecurityContextConstraints", lambda: session.cluster.get(CONSTRAINTS_API))
    if has_constraints:
        session.report.warnings.extend(map(_describe_unmet_needs, unmet_needs_of_collectors))


def warn_of_older_kubelets(session: Session, pairs: Pairs) -> None:
    """Warn about new rights that the kubelets of an older cluster do not know. An unchanged role needs no request."""
    new_roles = [role for role, live in pairs if gives_kubelet_pods(role) and not gives_kubelet_pods(live)]
    if not new_roles:
        return
    try:
        version = str(session.cluster.request("GET", "/version").get("gitVersion", ""))
    except ApiError:  # without the version there is no warning
        return
    if () < parse_version(version) < _KUBELET_PODS_VERSION:
        session.report.warnings.append(
            f"{ref(new_roles[0])} gives the right to get nodes/pods, which kubelets know since Kubernetes 1.33, and "
            f"this cluster has {version}: kubelet_stats gets no metadata of pods and volumes. Set "
            "`allow: [nodes/proxy]` for this collector. It then gets that right too, which includes "
            "commands in every container."
        )


def _describe_unmet_needs(needs: ConstraintNeeds) -> str:
    """Return the warning about the pods of a collector that restricted-v2 does not allow."""
    return (
        f"This cluster has SecurityContextConstraints, and {needs.owner} asks for more than restricted-v2 allows"
        f" ({', '.join(needs.extra_needs)}), but brings none of its own. Set `platform: openshift` for this collector,"
        " or let its ServiceAccount use constraints that allow this."
    )


def _build_taken_ports_problem(manifest: Manifest, clashes: list[PortClash]) -> Problem:
    """Return the problem of a workload whose host ports are taken, with the pods that have them."""
    taken_ports = [
        f"{clash.port.port}/{clash.port.protocol} on node {clash.node_name} by pod {clash.namespace}/{clash.pod_name}"
        for clash in clashes
    ]
    fix = "Choose other ports, do without host ports, or remove the other workload first."
    return Problem(
        f"host ports are taken: {join_at_most(MOST_SHOWN, taken_ports, '; ')}", asked=f"Apply {ref(manifest)}", fix=fix
    )
