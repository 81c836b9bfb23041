# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What would fail or do harm later, found before anything is applied: objects of others, ports, forbidden pods."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from ..._kube.live.api_errors import asking, explain, kind_missing
from ..._kube.live.cluster import ApiError
from ..._kube.live.kinds import ApiResource
from ..._kube.ownership import is_ours
from ..._kube.rights import kubelet_pods
from ..._otelcol.config.layers import parse_version
from ..._otelcol.errors import Problem, at_most
from ..._otelcol.kube.objects import Manifest, ref
from ..._otelcol.kube.pod_references import Reference, lacking_parts, provided, remedy, unprovided
from ..replacement_order import (
    API,
    Clash,
    ConstraintNeeds,
    clashes,
    remade,
    replaces,
    template_ports,
    unmet,
)
from ..service_ports import unfit_ports
from .foreign_objects import refuse_others
from .session import Session
from .write import try_new

Pairs = list[tuple[Manifest, "Manifest | None"]]
SHOWN = 5
INVALID = 422
_KUBELET_PODS = (1, 33)
REFERRED = {
    "Secret": ApiResource("v1", "Secret", "secrets", True),
    "ConfigMap": ApiResource("v1", "ConfigMap", "configmaps", True),
    "PriorityClass": ApiResource("scheduling.k8s.io/v1", "PriorityClass", "priorityclasses", False),
    "RuntimeClass": ApiResource("node.k8s.io/v1", "RuntimeClass", "runtimeclasses", False),
    "StorageClass": ApiResource("storage.k8s.io/v1", "StorageClass", "storageclasses", False),
    "CustomResourceDefinition": ApiResource(
        "apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions", False
    ),
}
VOLUMES = ApiResource("v1", "PersistentVolume", "persistentvolumes", False)


def refuse_early(session: Session, pairs: Pairs) -> None:
    """Refuse what would fail half-way, or harm others."""
    refuse_others(session, pairs)
    refuse_missing(session, pairs)
    refuse_unfit(session, pairs)
    session.cluster.parallel(lambda one: try_new(session, one), [item for item, live in pairs if remade(item, live)])


def refuse_unfit(session: Session, pairs: Pairs) -> None:
    """Refuse to adopt objects that the server finds invalid with what both owners set: an apply keeps such fields."""
    manager = session.options.field_manager
    adopted = [
        (manifest, live)
        for manifest, live in pairs
        if live
        and session.may_adopt(manifest, live)
        and not is_ours(live, session.releases, manager)
        and not remade(manifest, live)
    ]
    session.cluster.parallel(lambda pair: _try_adopted(session, *pair), adopted)


def _try_adopted(session: Session, manifest: Manifest, live: Manifest) -> None:
    try:
        session.apply(manifest, dryRun="All")
    except ApiError as error:
        if error.status != INVALID:  # what may pass, and what the bundle itself mends, is for the apply
            return
        told = explain(error, f"Adopt {ref(manifest)}")
        of_ports = "spec.ports" in error.message
        fix = (unfit_ports(manifest, live) if of_ports else "") or told.fix
        raise Problem(told.wrong, asked=told.asked, fix=fix) from error


def refuse_taken_ports(session: Session, pairs: Pairs, going: list[Manifest]) -> None:
    """Look at the cluster's pods, but only when a workload wants ports that its live object does not have.

    Pods of workloads that make way for those of the bundle do not count.
    """
    new_ports = []
    for manifest, live in pairs:
        ports = template_ports(manifest) - template_ports(live)
        if ports:
            new_ports.append((manifest, ports))
    if not new_ports:
        return
    try:
        # Any recent state will do, so the server may answer from its cache.
        pods = list(session.cluster.items("/api/v1/pods", {"resourceVersion": "0"}))
    except ApiError as error:
        if error.status != 403:  # noqa: PLR2004
            raise explain(error, "List the pods of all namespaces") from error
        session.report.warnings.append(f"Not checked whether the host ports are free: {error.message}")
        return
    for manifest, ports in new_ports:
        making_way = [old for old in going if replaces(manifest, old)]
        found = list(clashes(manifest, ports, pods, making_way))
        if found:
            raise _taken(manifest, found)


def refuse_missing(session: Session, pairs: Pairs) -> None:
    """Refuse workloads whose Secrets and other references are missing: their pods would not start.

    Check mode warns, because an earlier task of the same run may create them.
    """
    options = session.options
    if options.references == "ignore" or (options.references == "wait" and not options.check):
        return
    found = _missing(session, pairs, pairs)
    if found and not options.check:
        missing_namespaces = {
            manifest["metadata"]["name"] for manifest, live in pairs if manifest["kind"] == "Namespace" and not live
        }
        raise _lacking(found, session, missing_namespaces)
    session.report.warnings.extend(f"The collectors refer to what does not exist: {lack.text}" for lack in found)


def await_references(session: Session, group: list[Manifest], pairs: Pairs) -> None:
    """Wait until everything exists that the workloads of a group refer to. Raises Problem when the time is over."""
    if session.options.references != "wait" or session.options.check:
        return
    here = set(map(ref, group))
    some = [pair for pair in pairs if ref(pair[0]) in here]
    found: list[_Lack] = []
    for _poll in session.cluster.polls(session.options.wait_seconds):
        found = _missing(session, some, pairs)
        if not found:
            return
    raise _lacking(found, session, ())


class _Lack(NamedTuple):
    """What a cluster lacks of a reference."""

    text: str
    wanted: Reference
    exists: bool


def _missing(session: Session, some: Pairs, pairs: Pairs) -> list[_Lack]:
    """Return what some objects of a bundle lack. All of it and what was live before the run show their configs."""
    brought = provided(session.options.manifests)
    configs = {ref(manifest): manifest for manifest, _live in pairs}
    before = {ref(manifest): live for manifest, live in pairs}
    references: dict[Reference, None] = {}
    for manifest, live in some:
        references.update(dict.fromkeys(unprovided(manifest, live, brought, configs, before)))
    lacks = session.cluster.parallel(lambda reference: _lack(session, reference), list(references))
    return [lack for lack in lacks if lack.text]


def _lack(session: Session, wanted: Reference) -> _Lack:
    """Return what is missing of a reference. What the account may not read counts as present, with a warning."""
    path = REFERRED[wanted.kind].path(wanted.namespace, wanted.name)
    try:
        found = session.cluster.get(path) or _volume(session, wanted)
    except ApiError as error:
        if error.status != 403:  # noqa: PLR2004
            raise explain(error, f"Look for {wanted.ref}") from error
        unknown = f"Not checked whether {wanted.ref} exists: {error.message}"
        session.report.warnings.extend([unknown] if unknown not in session.report.warnings else [])
        return _Lack("", wanted, exists=True)
    return _Lack(lacking_parts(wanted, found), wanted, exists=found is not None)


def _volume(session: Session, wanted: Reference) -> Manifest | None:
    """Return a volume that has the name of a StorageClass: a claim can bind to it, also if there is no such class."""
    volumes = session.cluster.items(VOLUMES.path()) if wanted.kind == "StorageClass" else ()
    return next((item for item in volumes if item["spec"].get("storageClassName") == wanted.name), None)


def _lacking(found: list[_Lack], session: Session, missing_namespaces: Collection[str]) -> Problem:
    named = at_most(SHOWN, (lack.text for lack in found), "; ", "; ")
    waited = f" after {session.options.wait_seconds:g} s" if session.options.references == "wait" else ""
    fixes = (
        remedy(lack.wanted, exists=lack.exists, namespace=lack.wanted.namespace not in missing_namespaces)
        for lack in found[:SHOWN]
    )
    wrong = f"the collectors refer to what does not exist{waited}: {named}"
    return Problem(wrong, asked="Apply the bundle", fix="\n".join(dict.fromkeys(fixes)))


def refuse_absent_kinds(session: Session, unserved: list[Manifest]) -> None:
    """Refuse objects whose kinds the cluster does not serve: their operators or definitions are not installed.

    Check mode warns, because an earlier task of the same run may install them.
    """
    if not unserved:
        return
    kinds = list(dict.fromkeys(f"{item['kind']} of {item['apiVersion']}" for item in unserved))
    if session.options.check:
        lacks = "Without check mode, this run fails unless an earlier task of it installs what is missing."
        session.report.warnings.append(f"The cluster does not serve {', '.join(kinds)}. {lacks}")
        return
    fixes = dict.fromkeys(kind_missing("", item["apiVersion"]).fix for item in unserved)
    named = ", ".join(str(ref(item)) for item in unserved[:SHOWN])
    wrong = f"the cluster does not serve {'these kinds' if len(kinds) > 1 else 'this kind'}: {', '.join(kinds)}"
    raise Problem(wrong, asked=f"Apply {named}", fix="\n".join(fixes))


def warn_of_constraints(session: Session) -> None:
    """Warn about pods that SecurityContextConstraints will not allow; an administrator may have granted some."""
    found = unmet(session.options.manifests)
    if found:
        served = asking("Look for SecurityContextConstraints", lambda: session.cluster.get(API))
        session.report.warnings.extend(map(_unmet, found) if served else ())


def warn_of_older_kubelets(session: Session, pairs: Pairs) -> None:
    """Warn about new rights that the kubelets of an older cluster do not know. An unchanged role needs no request."""
    new = [role for role, live in pairs if kubelet_pods(role) and not kubelet_pods(live)]
    if not new:
        return
    try:
        version = str(session.cluster.request("GET", "/version").get("gitVersion", ""))
    except ApiError:  # then the page on consent has it
        return
    if () < parse_version(version) < _KUBELET_PODS:
        session.report.warnings.append(
            f"{ref(new[0])} gives the right to get nodes/pods, which kubelets know since Kubernetes 1.33, and this "
            f"cluster has {version}: kubelet_stats gets no metadata of pods and volumes. Set `allow: [nodes/proxy]` "
            "for this collector. It then gets that right too, which includes commands in every container."
        )


def _unmet(needs: ConstraintNeeds) -> str:
    return (
        f"This cluster has SecurityContextConstraints, and {needs.owner} asks for more than restricted-v2 allows "
        f"({', '.join(needs.more)}), but brings none of its own. Set `platform: openshift` for this collector, or let "
        "its ServiceAccount use constraints that allow this."
    )


def _taken(manifest: Manifest, found: list[Clash]) -> Problem:
    taken = [
        f"{clash.port.port}/{clash.port.protocol} on node {clash.node} by pod {clash.namespace}/{clash.pod}"
        for clash in found
    ]
    fix = "Choose other ports, do without host ports, or remove the other workload first."
    return Problem(f"host ports are taken: {at_most(SHOWN, taken, '; ')}", asked=f"Apply {ref(manifest)}", fix=fix)
