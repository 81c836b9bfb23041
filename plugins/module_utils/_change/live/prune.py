# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Delete what an earlier version of a bundle left, as it was judged. Private."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from itertools import product
from typing import Any

from ..._kube.live.api_errors import asking
from ..._kube.live.cluster import METADATA_LIST
from ..._kube.live.kinds import PRUNED, ApiResource, version_for
from ..._kube.ownership import collector_of, is_ours, owner, release_of
from ..._otelcol.errors import Failure
from ..._otelcol.kube.names import COLLECTOR_LABEL, OWNER, OWNER_LABEL, RELEASE_LABEL, shared_release
from ..._otelcol.kube.objects import Manifest, Ref, ref
from ..._rollout.change_record import is_record, record_reference
from ..._rollout.live.jmespath_search import checked_search
from ..._rollout.live.rollout_wait import RolloutWait, RolloutWaitOptions
from ..._rollout.wave_note import is_note, note_name
from ..bundle_objects import ordered, stale
from ..certificates import API_VERSION, CERTIFICATE, is_made_for, needed_issuers
from ..change_set import Action
from ..collector_change import collectors
from ..config_versions import earlier_configs, renewed_collectors, unnamed_configs
from ..ownership_marks import earlier_place, of_earlier
from ..replacement_order import awaited, goes_first, replaces
from .session import Session, keep, listed, namespaces_of, refs
from .wait_for_dependencies import await_gone
from .write import delete_one

_CERTIFICATES = ApiResource(API_VERSION, CERTIFICATE, "certificates", True)
_SECRETS = ApiResource("v1", "Secret", "secrets", True)
# What an earlier version of this collection made, which had no label of a release.
EARLIER = f"{OWNER_LABEL}={OWNER},!{RELEASE_LABEL}"
_REVISIONS = (
    ApiResource("apps/v1", "ReplicaSet", "replicasets", True),
    ApiResource("apps/v1", "ControllerRevision", "controllerrevisions", True),
)


def secrets_of(session: Session, going: Iterable[Manifest]) -> list[Manifest]:
    """Return the Secrets that cert-manager made for these objects' Certificates; it leaves them behind by itself."""
    secrets = []
    for certificate in going:
        if certificate["kind"] != CERTIFICATE:
            continue
        path = _SECRETS.path(certificate["metadata"]["namespace"], certificate["spec"]["secretName"])
        secret = asking(f"Read the Secret of {ref(certificate)}", partial(session.cluster.get, path))
        if secret and is_made_for(secret, certificate):
            secrets.append({"apiVersion": "v1", "kind": "Secret", **secret})
    return secrets


def _is_secret_of(manifest: Manifest, certificate: Manifest) -> bool:
    if manifest["kind"] != "Secret" or certificate["kind"] != CERTIFICATE:
        return False
    return is_made_for(manifest, certificate)


def needed_by_others(session: Session, going: list[Manifest]) -> list[Manifest]:
    """Return the issuers among these objects, with their CA, that Certificates of other owners name."""
    own = refs(going)
    issuers_of_namespace: dict[str, list[Manifest]] = {}
    for manifest in going:
        if manifest["kind"] == "Issuer":
            issuers_of_namespace.setdefault(manifest["metadata"].get("namespace", ""), []).append(manifest)
    kept = []
    for namespace, issuers in sorted(issuers_of_namespace.items()):
        certificates = listed(session, _CERTIFICATES, namespace, {})
        if certificates is None:
            reason = "this user may not see whether Certificates of others need it"
            others = [_possible_certificate(issuer) for issuer in issuers]
        else:
            reason = "Certificates of others need it"
            others = [certificate for certificate in certificates if ref(certificate) not in own]
        for manifest in needed_issuers(going, others):
            keep(session, manifest, reason)
            kept.append(manifest)
    return kept


def _possible_certificate(issuer: Manifest) -> Manifest:
    """Return a Certificate of an issuer, for one that this user may not see."""
    metadata = {"name": "", "namespace": issuer["metadata"]["namespace"]}
    return {"kind": CERTIFICATE, "metadata": metadata, "spec": {"issuerRef": {"name": issuer["metadata"]["name"]}}}


# What only products have, which bring definitions too; others often may not list it.
OF_PRODUCTS = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "ClusterIssuer")


class Pruning:
    """What the bundle's label selects and the bundle does not have."""

    def __init__(self, session: Session, live: Mapping[Ref, Manifest | None] | None = None) -> None:
        """Read what is left. With the live objects of a bundle that stays, configs to go back to are not part of it."""
        self.session = session
        more_selected = EARLIER if _has_earlier(session, live) else ""
        if live is None:
            # The last collector of a namespace takes along what the namespace's collectors share.
            shared = {shared_release(name) for name in namespaces_of(session.options.manifests)}
            self.records: dict[str, Manifest] = {}
            self.left = _whole(session, _labelled_left(session, session.releases | shared, more_selected))
        else:
            left = _labelled_left(session, session.releases, more_selected)
            # With the bundle that they belong to, the records of interrupted changes go when these are complete.
            self.records = _records(session, left)
            staying = [*self.records.values(), *_notes(session, left)]
            leaving = [manifest for manifest in left if manifest not in staying]
            kept_configs = _kept_configs(session, leaving, live)
            self.left = _whole(session, [manifest for manifest in leaving if manifest not in kept_configs])

    def make_room(self, group: list[Manifest]) -> None:
        """Delete what must be gone before a group can be applied, once the server would take the group."""
        going_first = [old for old in self.left if goes_first(old, group)]
        if going_first and not self.session.options.check:
            self.session.cluster.parallel(self._try, awaited(going_first, group))
        self._delete(going_first)

    def _try(self, manifest: Manifest) -> None:
        """See that the server takes what replaces something, before that is gone."""
        asking(f"Apply {ref(manifest)}", lambda: self.session.apply(manifest, dryRun="All"))

    def finish(self) -> None:
        """Delete the rest, when the workloads that take the place of others work."""
        workloads = awaited(self.left, self.session.options.manifests)
        if workloads and not self.session.options.check:
            self._await(workloads)
        self.delete()
        self.session.changes.note_ready(refs(workloads))

    def hand_over(self, manifests: list[Manifest]) -> None:
        """Leave these objects to the caller, and the Secrets of their Certificates."""
        remaining = []
        for manifest in self.left:
            is_secret = any(_is_secret_of(manifest, handed) for handed in manifests)
            if manifest not in manifests and not is_secret:
                remaining.append(manifest)
        self.left = remaining

    def delete(self) -> list[Manifest]:
        """Delete what is left, and return it."""
        rest = list(self.left)
        self._delete(rest)
        return rest

    def _await(self, workloads: list[Manifest]) -> None:
        seconds = self.session.options.wait_seconds
        named = [{**ref(workload)._asdict(), "api_version": workload["apiVersion"]} for workload in workloads]
        # A pod may be without a node for all that time: the old ones need their room until the new ones work.
        options = RolloutWaitOptions(named, seconds, unschedulable_seconds=seconds, until={}, allow_empty=False)
        try:
            RolloutWait(self.session.cluster, checked_search({}), options).wait()
        except Failure as failure:
            kept = ", ".join(str(ref(old)) for old in self.left if any(replaces(new, old) for new in workloads))
            parts: dict[str, Any] = {"asked": failure.asked, "where": failure.where, "facts": failure.facts}
            fix = f"{failure.fix}\nUntil it works these are kept: {kept}."
            raise Failure(failure.wrong, fix=fix, **parts) from failure

    def _delete(self, going: list[Manifest]) -> None:
        for group in reversed(ordered(going)):
            delete(self.session, group, Action.PRUNED)
        names = refs(going)
        self.left = [old for old in self.left if ref(old) not in names]


def _has_earlier(session: Session, live: Mapping[Ref, Manifest | None] | None) -> bool:
    """Return whether an earlier version may have left objects: a removal looks for them, a run that converts some too.

    A product always had the label of its release, which has no dot.
    """
    if live is None:
        return any("." in release for release in session.releases)
    for manifest in session.options.manifests:
        now = live.get(ref(manifest))
        if now and session.converts(manifest, now):
            return True
    return False


def _labelled_left(session: Session, releases: set[str], more: str) -> list[Manifest]:
    """Return the labelled objects that the bundle does not have, without their content. `more` selects more of them."""
    if not session.options.prune_selector:
        return []
    selectors = [session.options.prune_selector]
    if more:
        selectors.append(more)
    places = [(*space, selector) for selector, space in product(selectors, _pruned_spaces(session))]
    lists = session.cluster.parallel(lambda place: _labelled(session, *place), places)
    denied: set[str] = set()
    labelled: list[Manifest] = []
    for (resource, _namespace, _selector), objects in zip(places, lists, strict=True):
        if objects is None:
            denied.add(resource.plural)
        else:
            labelled += objects
    if denied:
        session.report.warnings.append(f"Not pruned, since this user may not list them: {', '.join(sorted(denied))}")
    left = stale(labelled, refs(session.options.manifests))
    return [manifest for manifest in left if _is_ours(session, manifest, releases)]


def _pruned_spaces(session: Session) -> list[tuple[ApiResource, str]]:
    """Return the kinds that a bundle may leave, each with a namespace, which is empty for the whole cluster."""
    namespaces = namespaces_of(session.options.manifests)
    spaces = []
    for kind in PRUNED + (OF_PRODUCTS if session.resources.defining else ()):
        resource = session.resources.find(version_for(kind), kind)
        if resource:
            spaces += [(resource, name) for name in (namespaces if resource.namespaced else [""])]
    return spaces


def _records(session: Session, left: list[Manifest]) -> dict[str, Manifest]:
    """Return the records of the bundle's collectors. Others with that label are leftovers like any object."""
    release_of_record = {}
    for change in collectors(session.options.manifests, {}):
        record = record_reference(change.workloads[0])
        release_of_record[ref(record)] = release_of(record)
    records = {}
    for manifest in left:
        if is_record(manifest) and release_of_record.get(ref(manifest)) == release_of(manifest):
            records[collector_of(manifest)] = manifest
    return records


def _notes(session: Session, left: list[Manifest]) -> list[Manifest]:
    """Return the notes that collectors of the bundle have passed their wave."""
    names = {ref(note_name(change.workloads[0])) for change in collectors(session.options.manifests, {})}
    return [manifest for manifest in left if is_note(manifest) and ref(manifest) in names]


def _whole(session: Session, going: list[Manifest]) -> list[Manifest]:
    """Return the leftovers that are to be deleted with their content, and the Secrets of their Certificates."""
    whole = [manifest for manifest in session.cluster.parallel(session.live, going) if manifest]
    return whole + secrets_of(session, whole)


def _kept_configs(session: Session, left: list[Manifest], live: Mapping[Ref, Manifest | None]) -> list[Manifest]:
    """Return the earlier configs that stay. Revisions are read only when a new config may push out an old one."""
    configs = earlier_configs(left, session.options.manifests)
    renewed = renewed_collectors(session.options.manifests, live)
    if not renewed:
        return configs
    revisions: list[Manifest] = []
    for objects in _listed_revisions(session, namespaces_of(configs)):
        if objects is None:  # this user may not list them
            return configs
        revisions += objects
    going = unnamed_configs(configs, renewed, revisions)
    return [config for config in configs if config not in going]


def _listed_revisions(session: Session, namespaces: Iterable[str]) -> list[list[Manifest] | None]:
    """Return the revisions of collectors by namespace and kind; None for what this user may not list."""
    places = list(product(namespaces, _REVISIONS))
    query = {"labelSelector": COLLECTOR_LABEL}
    return session.cluster.parallel(lambda place: listed(session, place[1], place[0], query), places)


def _is_ours(session: Session, manifest: Manifest, releases: set[str]) -> bool:
    """Return whether a selected object has both marks; a selector may match what others made, and copies of ours."""
    if not of_earlier(manifest, session.options.field_manager):
        return is_ours(manifest, releases, session.options.field_manager)
    namespace, release = earlier_place(manifest)
    if release not in releases and namespace in namespaces_of(session.options.manifests):
        keep(session, manifest, f"it belongs to {owner(manifest)}, and to no collector of this run")
    return bool(release) and release in releases


def _labelled(session: Session, resource: ApiResource, namespace: str, selector: str) -> list[Manifest] | None:
    """Return the objects with the bundle's label, or nothing when the user may not see them."""
    return listed(session, resource, namespace, {"labelSelector": selector}, METADATA_LIST)


def delete(session: Session, manifests: list[Manifest], action: Action) -> None:
    """Delete some objects and wait until they are gone, because later ones may be needed for that."""
    going = manifests
    if manifests and not session.options.check:
        since = session.cluster.clock()
        answers = session.cluster.parallel(lambda manifest: delete_one(session, manifest), manifests)
        going = []
        for manifest, goes in zip(manifests, answers, strict=True):
            if goes:
                going.append(manifest)
            else:
                keep(session, manifest, "it belongs to another owner now")
        await_gone(session, going, since)
    for manifest in going:
        session.changes.add(action, manifest)
