# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What applying and removing a bundle share: requests about its objects, and whose they are. Private.

A bundle is the list of all manifests of a run. `apply.py` and `remove.py` each make one Session of the options, and
pass it on. Everything that is done is noted in `session.changes` and `session.report`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, NamedTuple

from ..._kube.live.api_errors import ask_server, list_if_allowed
from ..._kube.live.cluster import APPLY, JSON, POLL_FIRST, ApiError, Cluster
from ..._kube.live.kinds import ApiResource, ApiResources
from ..._kube.ownership import is_applied_by, is_own_object, read_release_label
from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import Manifest, ObjectRef, ref
from ..._rollout.live.webhook_trust import is_trust_lost
from ..applied_state import is_applied
from ..change_set import ChangeSet
from ..earlier_objects import may_convert
from .bundle_options import BundleOptions
from .bundle_report import BundleReport, tell_done_on_failure


class ObjectPair(NamedTuple):
    """What one object is to be, and what it is."""

    manifest: Manifest
    live: Manifest | None
    """None if the cluster does not have it."""


Pairs = list[ObjectPair]
"""The manifests of a bundle, each with its live object, as both were before the first write of the run."""


class Session:
    """One run over one bundle: where its objects live, how the cluster is asked about them, and whose they are.

    A run may write to these live objects:

    | method | the live object |
    |---|---|
    | `is_own` | has the label of a release of the bundle, and this collection applies it |
    | `converts` | was made by version 0 of this collection, which had no such label |
    | `may_take_over` | belongs to somebody else, and the option `adopt` names the release of its manifest |
    | `only_compares` | is applied by another tool; check mode alone compares it |
    """

    def __init__(self, cluster: Cluster, options: BundleOptions) -> None:
        self.cluster = cluster
        self.options = options
        self.resources = ApiResources(cluster, options.manifests)
        self.changes = ChangeSet()
        self.report = BundleReport(options.diff, self.changes)
        self.releases = {read_release_label(manifest) for manifest in options.manifests}
        """The labels that say of objects which release of this collection owns them, such as `obs.gateway`."""
        # A server or a webhook that restarts gets as long as the run waits for anything else. But a webhook that the
        # server does not trust any more, and that nothing will make trusted again, is not waited for.
        cluster.outage.patience_seconds = options.wait_seconds
        cluster.is_hopeless = partial(is_trust_lost, cluster)

    def find_resource(self, manifest: Manifest) -> ApiResource | None:
        """Return where an object lives; a namespaced one must say in which namespace."""
        api_resource = ask_server(f"Find the kind {manifest['kind']}", lambda: self.resources.find_for(manifest))
        if api_resource and api_resource.is_namespaced and not manifest["metadata"].get("namespace"):
            raise Problem(f"{ref(manifest)} has no namespace", where="metadata.namespace", fix="Say where it belongs.")
        return api_resource

    def build_path(self, manifest: Manifest) -> str:
        """Return the URL path of an object; empty if the cluster does not serve its kind."""
        resource = self.find_resource(manifest)
        if resource is None:
            return ""
        metadata = manifest["metadata"]
        return resource.build_path(metadata.get("namespace", ""), metadata["name"])

    def read_live(self, manifest: Manifest) -> Manifest | None:
        """Return the object of a manifest as it is in the cluster; None if there is none. Raises Problem."""
        path = self.build_path(manifest)
        return ask_server(f"Read {ref(manifest)}", lambda: self.cluster.get(path)) if path else None

    def list_objects(self, resource: ApiResource, namespace: str, query: dict[str, Any], accept: str) -> list[Manifest]:
        """Return the objects of one kind, which lists leave without their kind."""
        path = resource.build_path(namespace)
        type_fields = {"apiVersion": resource.api_version, "kind": resource.kind}
        return [{**listed_object, **type_fields} for listed_object in self.cluster.items(path, query, accept)]

    # ── Whose an object is ──

    def may_write(self, manifest: Manifest, live: Manifest) -> bool:
        """Return whether the run may write to a live object: one of those in the table above.

        Check mode, which writes nothing, also compares what another tool applies of a release of the bundle.
        """
        return (
            self.is_own(live)
            or self.converts(manifest, live)
            or self.may_take_over(manifest, live)
            or self.only_compares(manifest, live)
        )

    def is_own(self, live: Manifest) -> bool:
        """Return whether a release of the bundle owns a live object."""
        return is_own_object(live, self.releases, self.options.field_manager)

    def converts(self, manifest: Manifest, live: Manifest) -> bool:
        """Return whether an earlier version of the collection made an object, so that the run takes it over.

        An account that is used unchanged is not taken over: another inventory may use it too.
        """
        return may_convert(manifest, live, self.options.field_manager) and not self.is_existing_account(manifest)

    def may_take_over(self, manifest: Manifest, live: Manifest) -> bool:
        """Return whether the option `adopt` lets the run take an object over from another owner.

        It does not for a namespace, for an account that is used unchanged, and for what another release of this
        collection owns.
        """
        if read_release_label(manifest) not in self.options.adopt:
            return False
        if manifest["kind"] == "Namespace" or self.is_existing_account(manifest):
            return False
        is_of_another = read_release_label(live) not in ("", read_release_label(manifest))
        return not (is_of_another and is_applied_by(live, self.options.field_manager))

    def only_compares(self, manifest: Manifest, live: Manifest) -> bool:
        """Return whether check mode compares an object of this release that another tool applies, as GitOps does."""
        if not self.options.check or manifest["kind"] == "Namespace":
            return False
        is_of_release = bool(read_release_label(live)) and read_release_label(live) == read_release_label(manifest)
        return is_of_release and not self.is_own(live)

    def is_existing_account(self, manifest: Manifest) -> bool:
        """Return whether a manifest is a ServiceAccount of `existing_accounts`, used unchanged if others own it."""
        metadata = manifest["metadata"]
        account_name = f"{metadata.get('namespace')}/{metadata['name']}"
        return manifest["kind"] == "ServiceAccount" and account_name in self.options.existing_accounts

    # ── Writes ──

    def apply_object(self, manifest: Manifest, manager: str = "", **query: str) -> Manifest:
        """Apply an object, and return it as the server has it then. Raises ApiError.

        Without `manager`, apply it under the field manager of the options. Another manager takes no field from anybody.
        If the bundle defines the kind of the object, wait until the server serves it: one of several API servers may
        learn of the kind later than the others.
        """
        force_text = "false" if manager else str(self.options.force_conflicts).lower()
        path = self.build_path(manifest)
        query = {"fieldManager": manager or self.options.field_manager, "force": force_text, **query}
        is_new_kind = self.resources.defines(manifest) and not self.options.check
        started_at = self.cluster.clock()
        while True:
            try:
                return self._send_apply(path, query, manifest)
            except ApiError as error:
                is_late = self.cluster.clock() - started_at >= self.options.wait_seconds
                if is_late or not (is_new_kind and error.is_kind_missing):
                    raise
                self.cluster.sleep(POLL_FIRST)

    def _send_apply(self, path: str, query: dict[str, str], manifest: Manifest) -> Manifest:
        """Send one apply, and return the object as the server has it then. Raises ApiError.

        The server may have written the object although its answer was cut. A repeated write would be refused, because
        the object is no longer in the state that the request names. So the object is read then.
        """
        try:
            return self.cluster.request("PATCH", path, query, manifest, APPLY)
        except ApiError as error:
            may_be_written = error.is_unreadable and "dryRun" not in query
            written = self.find_written(manifest, query["fieldManager"]) if may_be_written else None
            if not written:
                raise
            return written

    def find_written(self, manifest: Manifest, manager: str) -> Manifest | None:
        """Return an object whose write had no readable answer; None if it was not written."""
        with suppress(Problem):
            live_object = self.read_live(manifest)
            return live_object if live_object and is_applied(manifest, live_object, manager) else None
        return None


@contextmanager
def report_done_on_failure(session: Session) -> Iterator[None]:
    """Add to an error of the steps within what was done before it."""
    with tell_done_on_failure(session.report, check=session.options.check):
        yield


def list_objects(
    session: Session, resource: ApiResource, namespace: str, query: dict[str, Any], accept: str = JSON
) -> list[Manifest] | None:
    """Return the objects of a kind; an empty list if it is not installed, None if the user may not list them."""
    return list_if_allowed(resource.plural, lambda: session.list_objects(resource, namespace, query, accept))


def list_readable_objects(
    session: Session, resource: ApiResource, namespace: str, accept: str = JSON
) -> list[Manifest] | None:
    """Return the objects of a kind as `list_objects` does; None also if they cannot be read for any other reason."""
    try:
        return list_objects(session, resource, namespace, {}, accept)
    except Problem:
        return None


def list_namespaces(manifests: Iterable[Manifest]) -> list[str]:
    """Return the names of the namespaces that some objects are in, or that they are, each once."""
    namespace_names = set()
    for manifest in manifests:
        metadata_key = "name" if manifest["kind"] == "Namespace" else "namespace"
        namespace_names.add(manifest["metadata"].get(metadata_key) or "")
    return sorted(namespace_names - {""})


def collect_refs(manifests: Iterable[Manifest]) -> set[ObjectRef]:
    """Return what identifies each object: its kind, namespace and name."""
    return {ref(manifest) for manifest in manifests}


def report_kept(session: Session, kept_object: Manifest, reason: str) -> None:
    """Report an object that stays, with a warning and in the result."""
    session.report.warnings.append(f"Kept {ref(kept_object)}: {reason}")
    session.changes.note_skipped(kept_object, reason)


def read_uid(live: Manifest) -> str:
    """Return the UID of a live object, which an object made anew under the same name does not have; empty without."""
    return str(live["metadata"].get("uid") or "")
