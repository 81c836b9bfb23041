# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Delete what an earlier version of a bundle left: objects with its label that it no longer has. Private.

`apply.py` prunes what makes room before each group of objects, and the rest at the end. `remove.py` prunes too.
A leftover is an object of a release of this bundle that the bundle no longer has. (In leftovers.py, it is an object of
others that stays after a removal.) Records and notes are ConfigMaps beside a collector, see collector_maps.py of
_rollout; earlier configs are those of config_versions.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from itertools import product
from typing import NamedTuple

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
    """Return the Secrets that cert-manager made for the Certificates among some objects, and would leave behind."""
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
    """Return the issuers among leaving objects, with their CA, that Certificates of other owners name. Report them."""
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
            other_certificates = [_build_possible_certificate(issuer) for issuer in issuers]
        else:
            reason = "Certificates of others need it"
            other_certificates = [certificate for certificate in certificates if ref(certificate) not in own_refs]
        for manifest in find_needed_issuers(leaving_manifests, other_certificates):
            report_kept(session, manifest, reason)
            kept_manifests.append(manifest)
    return kept_manifests


def _build_possible_certificate(issuer: Manifest) -> Manifest:
    """Return a Certificate that names an issuer: it stands for those that this user may not see."""
    metadata = {"name": "", "namespace": issuer["metadata"]["namespace"]}
    return {"kind": CERTIFICATE, "metadata": metadata, "spec": {"issuerRef": {"name": issuer["metadata"]["name"]}}}


# Kinds that only bundles of products have, such as cert-manager; users without such a bundle often may not list them.
PRODUCT_KINDS = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "ClusterIssuer")


class Pruning:
    """The leftovers of a bundle: the objects that its label selects and that it does not have.

    `records` has the records of interrupted changes by the name of the collector. They are no leftovers.
    """

    def __init__(self, session: Session, live_objects: Mapping[ObjectRef, Manifest | None] | None = None) -> None:
        """Read the leftovers. `live_objects` are those of a bundle that is applied; without them it is removed.

        If the bundle stays, so do the configs that its workloads may go back to, and the notes of waves.
        """
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
        """Delete the leftovers that must be gone before a group can be applied, such as one with the same host port.

        Before that, the server tries the workloads that replace them.
        """
        leaving_first = [leftover for leftover in self.leftovers if must_go_first(leftover, group)]
        if leaving_first and not self.session.options.check:
            self.session.cluster.call_in_parallel(self._try_replacement, find_awaited_workloads(leaving_first, group))
        self._delete_leftovers(leaving_first)

    def _try_replacement(self, manifest: Manifest) -> None:
        """Raise Problem if the server would refuse a workload that replaces a leftover."""
        ask_server(f"Apply {ref(manifest)}", lambda: self.session.apply_object(manifest, dryRun="All"))

    def delete_rest(self) -> None:
        """Delete the other leftovers, when the workloads that replace them are ready."""
        workloads = find_awaited_workloads(self.leftovers, self.session.options.manifests)
        if workloads and not self.session.options.check:
            self._await_workloads(workloads)
        self.delete_leftovers()
        self.session.changes.note_ready(collect_refs(workloads))

    def hand_over(self, manifests: list[Manifest]) -> None:
        """Take some manifests from the leftovers, with the Secrets of their Certificates: the caller sees to them."""
        remaining_leftovers = []
        for manifest in self.leftovers:
            is_secret = any(_is_secret_of(manifest, handed_manifest) for handed_manifest in manifests)
            if manifest not in manifests and not is_secret:
                remaining_leftovers.append(manifest)
        self.leftovers = remaining_leftovers

    def delete_leftovers(self) -> list[Manifest]:
        """Delete all leftovers, and return them."""
        deleted_leftovers = list(self.leftovers)
        self._delete_leftovers(deleted_leftovers)
        return deleted_leftovers

    def _await_workloads(self, workloads: list[Manifest]) -> None:
        """Wait for workloads that replace leftovers. The failure of one names the leftovers that stay for it."""
        seconds = self.session.options.wait_seconds
        awaited_workloads = [AwaitedWorkload(ref(workload), workload["apiVersion"]) for workload in workloads]
        # A pod may be without a node for all that time: the old ones need their room until the new ones work.
        options = RolloutWaitOptions(
            awaited_workloads, seconds, unschedulable_seconds=seconds, until={}, allow_empty=False
        )
        try:
            RolloutWait(self.session.cluster, compile_search({}), options).wait()
        except Failure as failure:
            kept_names = []
            for leftover in self.leftovers:
                if any(replaces(new_workload, leftover) for new_workload in workloads):
                    kept_names.append(str(ref(leftover)))
            fix = f"{failure.fix}\nUntil it works these are kept: {', '.join(kept_names)}."
            raise Failure(
                failure.wrong, asked=failure.asked, where=failure.where, fix=fix, facts=failure.facts
            ) from failure

    def _delete_leftovers(self, leaving_manifests: list[Manifest]) -> None:
        for group in reversed(group_by_dependency(leaving_manifests)):
            delete_objects(self.session, group, Action.PRUNED)
        deleted_refs = collect_refs(leaving_manifests)
        self.leftovers = [leftover for leftover in self.leftovers if ref(leftover) not in deleted_refs]


def _may_have_earlier_objects(session: Session, live_objects: Mapping[ObjectRef, Manifest | None] | None) -> bool:
    """Return whether version 0 of the collection may have left objects, which had no label of a release.

    A removal looks for them, and so does a run that converts one of them. The release of a collector has a dot in its
    name, `NAMESPACE.NAME`; that of a product has none, and all objects of a product always had the label.
    """
    if live_objects is None:
        return any("." in release for release in session.releases)
    for manifest in session.options.manifests:
        live_object = live_objects.get(ref(manifest))
        if live_object and session.converts(manifest, live_object):
            return True
    return False


def _find_labelled_leftovers(session: Session, releases: set[str], extra_selector: str) -> list[Manifest]:
    """Return the labelled objects that the bundle does not have, as metadata without content.

    Those that `extra_selector` selects come to those of the option `prune_selector`.
    """
    if not session.options.prune_selector:
        return []
    listings = _plan_listings(session, extra_selector)
    object_lists = session.cluster.call_in_parallel(lambda listing: _list_labelled(session, listing), listings)
    denied_plurals: set[str] = set()
    labelled_objects: list[Manifest] = []
    for listing, objects in zip(listings, object_lists, strict=True):
        if objects is None:
            denied_plurals.add(listing.resource.plural)
        else:
            labelled_objects += objects
    if denied_plurals:
        denied_text = ", ".join(sorted(denied_plurals))
        session.report.warnings.append(f"Not pruned, since this user may not list them: {denied_text}")
    leftovers = find_stale_objects(labelled_objects, collect_refs(session.options.manifests))
    return [manifest for manifest in leftovers if _is_ours(session, manifest, releases)]


class _Listing(NamedTuple):
    """A list of objects to ask for. The namespace is empty for a kind of the whole cluster."""

    resource: ApiResource
    namespace: str
    selector: str


def _plan_listings(session: Session, extra_selector: str) -> list[_Listing]:
    """Return the lists that may have leftovers: by selector, then by kind and namespace."""
    selectors = [session.options.prune_selector]
    if extra_selector:
        selectors.append(extra_selector)
    kinds = PRUNED_KINDS + (PRODUCT_KINDS if session.resources.has_definitions else ())
    resources = [session.resources.find_resource(default_api_version(kind), kind) for kind in kinds]
    namespaces = list_namespaces(session.options.manifests)
    listings: list[_Listing] = []
    for selector in selectors:
        for resource in filter(None, resources):
            for namespace in namespaces if resource.is_namespaced else [""]:
                listings.append(_Listing(resource, namespace, selector))
    return listings


def _list_labelled(session: Session, listing: _Listing) -> list[Manifest] | None:
    """Return the objects of a list; None if this user may not list them."""
    query = {"labelSelector": listing.selector}
    return list_objects(session, listing.resource, listing.namespace, query, METADATA_LIST)


def _find_records(session: Session, leftovers: list[Manifest]) -> dict[str, Manifest]:
    """Return the records of the bundle's collectors, by the name of the collector.

    Other objects with the label of a record are leftovers like any object.
    """
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
    """Return leftovers with their content, as they are now, and the Secrets of their Certificates."""
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
    listings = [
        _Listing(resource, namespace, COLLECTOR_LABEL) for namespace, resource in product(namespaces, _REVISIONS)
    ]

    def list_whole_objects(listing: _Listing) -> list[Manifest] | None:
        return list_objects(session, listing.resource, listing.namespace, {"labelSelector": listing.selector})

    return session.cluster.call_in_parallel(list_whole_objects, listings)


def _is_ours(session: Session, manifest: Manifest, releases: set[str]) -> bool:
    """Return whether a selected object is of one of these releases, by its label and its field manager.

    A selector may also match what others made, or copies of an object.
    """
    if not is_of_earlier_version(manifest, session.options.field_manager):
        return is_own_object(manifest, releases, session.options.field_manager)
    namespace, release = find_earlier_place(manifest)
    if release not in releases and namespace in list_namespaces(session.options.manifests):
        report_kept(session, manifest, f"it belongs to {describe_owner(manifest)}, and to no collector of this run")
    return bool(release) and release in releases


def delete_objects(session: Session, manifests: list[Manifest], action: Action) -> None:
    """Delete some objects, wait until they are gone, and note the action.

    What a finalizer needs, such as an operator, is in a later group, so no later group is deleted before that.
    """
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
