# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refuse workloads that refer to what does not exist, such as a Secret: their pods would not start. Private.

The option `references` of module bundle_apply says what happens: `ignore`, `require` (a missing object is an error
before anything is written) or `wait` (the run waits for it before it applies the workload). For example:

    the collectors refer to what does not exist: Secret obs/backend with token; api-key in Secret obs/vendor
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from ..._kube.live.api_errors import explain
from ..._kube.live.cluster import NOT_ALLOWED, ApiError
from ..._kube.live.kinds import ApiResource
from ..._kube.reference_remedies import describe_lacking_parts, describe_remedy
from ..._otelcol.errors import Problem, join_at_most
from ..._otelcol.kube.objects import Manifest, ref
from ..._otelcol.kube.pod_references import PodReference, find_unprovided, list_provided_refs
from .session import Pairs, Session

# How many missing objects a message names.
_MOST_SHOWN = 5
# Where what a manifest refers to is found, by kind.
REFERRED_RESOURCES = {
    "Secret": ApiResource("v1", "Secret", "secrets", is_namespaced=True),
    "ConfigMap": ApiResource("v1", "ConfigMap", "configmaps", is_namespaced=True),
    "PriorityClass": ApiResource("scheduling.k8s.io/v1", "PriorityClass", "priorityclasses", is_namespaced=False),
    "RuntimeClass": ApiResource("node.k8s.io/v1", "RuntimeClass", "runtimeclasses", is_namespaced=False),
    "StorageClass": ApiResource("storage.k8s.io/v1", "StorageClass", "storageclasses", is_namespaced=False),
    "CustomResourceDefinition": ApiResource(
        "apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions", is_namespaced=False
    ),
}
VOLUME_RESOURCE = ApiResource("v1", "PersistentVolume", "persistentvolumes", is_namespaced=False)


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
    lacks = _find_lacks(session, selected_pairs=pairs, pairs=pairs)
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
    pairs_of_group = [pair for pair in pairs if ref(pair.manifest) in group_refs]
    lacks: list[_ReferenceLack] = []
    for _poll in session.cluster.iter_polls(session.options.wait_seconds):
        lacks = _find_lacks(session, selected_pairs=pairs_of_group, pairs=pairs)
        if not lacks:
            return
    raise _build_lack_problem(lacks, session, new_namespaces=())  # by now the run has created all its namespaces


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
    # A dict keeps the order of the references, each once. Several collectors may refer to one Secret.
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
    lack_texts = join_at_most(_MOST_SHOWN, (lack.text for lack in lacks), "; ", "; ")
    wait_clause = f" after {session.options.wait_seconds:g} s" if session.options.references == "wait" else ""
    fixes: dict[str, None] = {}
    for lack in lacks[:_MOST_SHOWN]:
        has_namespace = lack.reference.namespace not in new_namespaces
        fixes[describe_remedy(lack.reference, exists=lack.has_object, has_namespace=has_namespace)] = None
    wrong = f"the collectors refer to what does not exist{wait_clause}: {lack_texts}"
    return Problem(wrong, asked="Apply the bundle", fix="\n".join(fixes))
