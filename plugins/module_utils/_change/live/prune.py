# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Delete what an earlier version of a bundle left, as it was judged. Private."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from itertools import product
from typing import Any

from ..._kube.live.api_errors import ask_server
from ..._kube.live.cluster import METADATA_LIST
from ..._kube.live.kinds import PRUNED_KINDS, ApiResource, default_api_version
from ..._kube.ownership import describe_owner, is_own_object, read_collector_name, read_release_label
from ..._otelcol.errors import Failure
from ..._otelcol.kube.names import COLLECTOR_LABEL, OWNER, OWNER_LABEL, RELEASE_LABEL, shared_release
from ..._otelcol.kube.objects import Manifest, ObjectRef, ref
from ..._rollout.change_record import build_record_reference, is_record
from ..._rollout.live.jmespath_search import compile_search
from ..._rollout.live.rollout_wait import AwaitedWorkload, RolloutWait, RolloutWaitOptions
from ..._rollout.wave_note import build_empty_note, is_note
from ..bundle_objects import find_stale_objects, group_by_dependency
from ..certificates import API_VERSION, CERTIFICATE, find_needed_issuers, is_made_for
from ..change_set import Action
from ..collector_change import group_by_collector
from ..config_versions import find_earlier_configs, find_renewed_collectors, find_unnamed_configs
from ..ownership_marks import find_earlier_place, is_of_earlier_version
from ..replacement_order import find_awaited_workloads, must_go_first, replaces
from .session import Session, collect_refs, list_namespaces, list_objects, report_kept
from .wait_for_dependencies import await_deletion
from .write import delete_as_judged

_CERTIFICATES = ApiResource(API_VERSION, CERTIFICATE, "certificates", True)
_SECRETS = ApiResource("v1", "Secret", "secrets", True)
# What an earlier version of this collection made, which had no label of a release.
EARLIER_SELECTOR = f"{OWNER_LABEL}={OWNER},!{RELEASE_LABEL}"
_REVISIONS = (
    ApiResource("apps/v1", "ReplicaSet", "replicasets", True),
    ApiResource("apps/v1", "ControllerRevision", "controllerrevisions", True),
)


def read_certificate_secrets(session: Session, leaving_manifests: Iterable[Manifest]) -> list[Manifest]:
    """Return the Secrets that cert-manager made for these objects' Certificates; it leaves them behind by itself."""
    secrets = []
    for certificate in leaving_manifests:
        if certificate["kind"] != CERTIFICATE:
            continue
        path = _SECRETS.build_path(certificate["metadata"]["namespace"], certificate["spec"]["secretName"])
        secret = ask_server(f"Read the Secret of {ref(certificate)}", partial(session.cluster.get, path))
        if secret and is_made_for(secret, certificate):
            secrets.append({"apiVersion": "v1", "kind": "Secret", **secret})
    return secrets


def _is_secret_of(manifest: Manifest, certificate: Manifest) -> bool:
    if manifest["kind"] != "Secret" or certificate["kind"] != CERTIFICATE:
        return False
    return is_made_for(manifest, certificate)


def keep_needed_issuers(session: Session, leaving_manifests: list[Manifest]) -> list[Manifest]:
    """Return the issuers among these objects, with their CA, that Certificates of other owners name."""
    own_refs = collect_refs(leaving_manifests)
    issuers_by_namespace: dict[str, list[Manifest]] = {}
    for manifest in leaving_manifests:
        if manifest["kind"] == "Issuer":
            issuers_by_namespace.setdefault(manifest["metadata"].get("namespace", ""), []).append(manifest)
    kept_manifests = []
    for namespace, issuers in sorted(issuers_by_namespace.items()):
        certificates = list_objects(session, _CERTIFICATES, namespace, {})
        if certificates is None:
            reason = "this user may not see whether Certificates of others need it"
            other_certificates = [_possible_certificate(issuer) for issuer in issuers]
        else:
            reason = "Certificates of others need it"
            other_certificates = [certificate for certificate in certificates if ref(certificate) not in own_refs]
        for manifest in find_needed_issuers(leaving_manifests, other_certificates):
            report_kept(session, manifest, reason)
            kept_manifests.append(manifest)
    return kept_manifests


def _possible_certificate(issuer: Manifest) -> Manifest:
    """Return a Certificate of an issuer, for one that this user may not see."""
    metadata = {"name": "", "namespace": issuer["metadata"]["namespace"]}
    return {"kind": CERTIFICATE, "metadata": metadata, "spec": {"issuerRef": {"name": issuer["metadata"]["name"]}}}


# What only products have, which bring definitions too; others often may not list it.
PRODUCT_KINDS = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "ClusterIssuer")


class Pruning:
    """What the bundle's label selects and the bundle does not have."""

    def __init__(self, session: Session, live_objects: Mapping[ObjectRef, Manifest | None] | None = None) -> None:
        """Read what is left. With the live objects of a bundle that stays, configs to go back to are not part of it."""
        self.session = session
        earlier_selector = EARLIER_SELECTOR if _may_have_earlier_objects(session, live_objects) else ""
        if live_objects is None:
            # The last collector of a namespace takes along what the namespace's collectors share.
            shared_releases = {shared_release(name) for name in list_namespaces(session.options.manifests)}
            self.records: dict[str, Manifest] = {}
            self.leftovers = _read_whole_objects(
                session, _find_labelled_leftovers(session, session.releases | shared_releases, earlier_selector)
            )
        else:
            leftovers = _find_labelled_leftovers(session, session.releases, earlier_selector)
            # With the bundle that they belong to, the records of interrupted changes go when these are complete.
            self.records = _find_records(session, leftovers)
            staying = [*self.records.values(), *_find_notes(session, leftovers)]
            leaving = [manifest for manifest in leftovers if manifest not in staying]
            kept_configs = _find_kept_configs(session, leaving, live_objects)
            self.leftovers = _read_whole_objects(
                session, [manifest for manifest in leaving if manifest not in kept_configs]
            )

    def make_room(self, group: list[Manifest]) -> None:
        """Delete what must be gone before a group can be applied, once the server would take the group."""
        leaving_first = [leftover for leftover in self.leftovers if must_go_first(leftover, group)]
        if leaving_first and not self.session.options.check:
            self.session.cluster.call_in_parallel(self._try_replacement, find_awaited_workloads(leaving_first, group))
        self._delete_leftovers(leaving_first)

    def _try_replacement(self, manifest: Manifest) -> None:
        """See that the server takes what replaces something, before that is gone."""
        ask_server(f"Apply {ref(manifest)}", lambda: self.session.apply_object(manifest, dryRun="All"))

    def delete_rest(self) -> None:
        """Delete the rest, when the workloads that take the place of others work."""
        workloads = find_awaited_workloads(self.leftovers, self.session.options.manifests)
        if workloads and not self.session.options.check:
            self._await_workloads(workloads)
        self.delete_leftovers()
        self.session.changes.note_ready(collect_refs(workloads))

    def hand_over(self, manifests: list[Manifest]) -> None:
        """Leave these objects to the caller, and the Secrets of their Certificates."""
        remaining_leftovers = []
        for manifest in self.leftovers:
            is_secret = any(_is_secret_of(manifest, handed_manifest) for handed_manifest in manifests)
            if manifest not in manifests and not is_secret:
                remaining_leftovers.append(manifest)
        self.leftovers = remaining_leftovers

    def delete_leftovers(self) -> list[Manifest]:
        """Delete what is left, and return it."""
        deleted_leftovers = list(self.leftovers)
        self._delete_leftovers(deleted_leftovers)
        return deleted_leftovers

    def _await_workloads(self, workloads: list[Manifest]) -> None:
        seconds = self.session.options.wait_seconds
        awaited_workloads = [AwaitedWorkload(ref(workload), workload["apiVersion"]) for workload in workloads]
        # A pod may be without a node for all that time: the old ones need their room until the new ones work.
        options = RolloutWaitOptions(
            awaited_workloads, seconds, unschedulable_seconds=seconds, until={}, allow_empty=False
        )
        try:
            RolloutWait(self.session.cluster, compile_search({}), options).wait()
        except Failure as failure:
            kept_text = ", ".join(
                str(ref(leftover))
                for leftover in self.leftovers
                if any(replaces(new_workload, leftover) for new_workload in workloads)
            )
            failure_parts: dict[str, Any] = {"asked": failure.asked, "where": failure.where, "facts": failure.facts}
            fix = f"{failure.fix}\nUntil it works these are kept: {kept_text}."
            raise Failure(failure.wrong, fix=fix, **failure_parts) from failure

    def _delete_leftovers(self, leaving_manifests: list[Manifest]) -> None:
        for group in reversed(group_by_dependency(leaving_manifests)):
            delete_objects(self.session, group, Action.PRUNED)
        deleted_refs = collect_refs(leaving_manifests)
        self.leftovers = [leftover for leftover in self.leftovers if ref(leftover) not in deleted_refs]


def _may_have_earlier_objects(session: Session, live_objects: Mapping[ObjectRef, Manifest | None] | None) -> bool:
    """Return whether an earlier version may have left objects: a removal looks for them, a run that converts some too.

    A product always had the label of its release, which has no dot.
    """
    if live_objects is None:
        return any("." in release for release in session.releases)
    for manifest in session.options.manifests:
        live_object = live_objects.get(ref(manifest))
        if live_object and session.converts(manifest, live_object):
            return True
    return False


def _find_labelled_leftovers(session: Session, releases: set[str], extra_selector: str) -> list[Manifest]:
    """Return the labelled objects that the bundle does not have, without their content.

    `extra_selector` selects more of them.
    """
    if not session.options.prune_selector:
        return []
    selectors = [session.options.prune_selector]
    if extra_selector:
        selectors.append(extra_selector)
    places = [(*space, selector) for selector, space in product(selectors, _list_pruned_spaces(session))]
    object_lists = session.cluster.call_in_parallel(
        lambda resource_place: _list_labelled(session, *resource_place), places
    )
    denied: set[str] = set()
    labelled_objects: list[Manifest] = []
    for (resource, _namespace, _selector), objects in zip(places, object_lists, strict=True):
        if objects is None:
            denied.add(resource.plural)
        else:
            labelled_objects += objects
    if denied:
        session.report.warnings.append(f"Not pruned, since this user may not list them: {', '.join(sorted(denied))}")
    leftovers = find_stale_objects(labelled_objects, collect_refs(session.options.manifests))
    return [manifest for manifest in leftovers if _is_ours(session, manifest, releases)]


def _list_pruned_spaces(session: Session) -> list[tuple[ApiResource, str]]:
    """Return the kinds that a bundle may leave, each with a namespace, which is empty for the whole cluster."""
    namespaces = list_namespaces(session.options.manifests)
    spaces = []
    for kind in PRUNED_KINDS + (PRODUCT_KINDS if session.resources.has_definitions else ()):
        resource = session.resources.find_resource(default_api_version(kind), kind)
        if resource:
            spaces += [(resource, name) for name in (namespaces if resource.is_namespaced else [""])]
    return spaces


def _find_records(session: Session, leftovers: list[Manifest]) -> dict[str, Manifest]:
    """Return the records of the bundle's collectors. Others with that label are leftovers like any object."""
    release_of_record = {}
    for change in group_by_collector(session.options.manifests, {}):
        record = build_record_reference(change.workloads[0])
        release_of_record[ref(record)] = read_release_label(record)
    records = {}
    for manifest in leftovers:
        if is_record(manifest) and release_of_record.get(ref(manifest)) == read_release_label(manifest):
            records[read_collector_name(manifest)] = manifest
    return records


def _find_notes(session: Session, leftovers: list[Manifest]) -> list[Manifest]:
    """Return the notes that collectors of the bundle have passed their wave."""
    note_refs = {
        ref(build_empty_note(change.workloads[0])) for change in group_by_collector(session.options.manifests, {})
    }
    return [manifest for manifest in leftovers if is_note(manifest) and ref(manifest) in note_refs]


def _read_whole_objects(session: Session, leaving_manifests: list[Manifest]) -> list[Manifest]:
    """Return the leftovers that are to be deleted with their content, and the Secrets of their Certificates."""
    whole_objects = [
        manifest for manifest in session.cluster.call_in_parallel(session.read_live, leaving_manifests) if manifest
    ]
    return whole_objects + read_certificate_secrets(session, whole_objects)


def _find_kept_configs(
    session: Session, leftovers: list[Manifest], live_objects: Mapping[ObjectRef, Manifest | None]
) -> list[Manifest]:
    """Return the earlier configs that stay. Revisions are read only when a new config may push out an old one."""
    configs = find_earlier_configs(leftovers, session.options.manifests)
    renewed_names = find_renewed_collectors(session.options.manifests, live_objects)
    if not renewed_names:
        return configs
    revisions: list[Manifest] = []
    for objects in _list_revisions(session, list_namespaces(configs)):
        if objects is None:  # this user may not list them
            return configs
        revisions += objects
    unnamed = find_unnamed_configs(configs, renewed_names, revisions)
    return [config for config in configs if config not in unnamed]


def _list_revisions(session: Session, namespaces: Iterable[str]) -> list[list[Manifest] | None]:
    """Return the revisions of collectors by namespace and kind; None for what this user may not list."""
    places = list(product(namespaces, _REVISIONS))
    query = {"labelSelector": COLLECTOR_LABEL}
    return session.cluster.call_in_parallel(lambda place: list_objects(session, place[1], place[0], query), places)


def _is_ours(session: Session, manifest: Manifest, releases: set[str]) -> bool:
    """Return whether a selected object has both marks; a selector may match what others made, and copies of ours."""
    if not is_of_earlier_version(manifest, session.options.field_manager):
        return is_own_object(manifest, releases, session.options.field_manager)
    namespace, release = find_earlier_place(manifest)
    if release not in releases and namespace in list_namespaces(session.options.manifests):
        report_kept(session, manifest, f"it belongs to {describe_owner(manifest)}, and to no collector of this run")
    return bool(release) and release in releases


def _list_labelled(session: Session, resource: ApiResource, namespace: str, selector: str) -> list[Manifest] | None:
    """Return the objects with the bundle's label, or nothing when the user may not see them."""
    return list_objects(session, resource, namespace, {"labelSelector": selector}, METADATA_LIST)


def delete_objects(session: Session, manifests: list[Manifest], action: Action) -> None:
    """Delete some objects and wait until they are gone, because later ones may be needed for that."""
    deleted_manifests = manifests
    if manifests and not session.options.check:
        started_at = session.cluster.clock()
        answers = session.cluster.call_in_parallel(lambda manifest: delete_as_judged(session, manifest), manifests)
        deleted_manifests = []
        for manifest, is_deleted in zip(manifests, answers, strict=True):
            if is_deleted:
                deleted_manifests.append(manifest)
            else:
                report_kept(session, manifest, "it belongs to another owner now")
        await_deletion(session, deleted_manifests, started_at)
    for manifest in deleted_manifests:
        session.changes.note_action(action, manifest)
