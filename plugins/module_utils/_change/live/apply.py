# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apply a bundle by server-side apply: read everything, refuse early, then write in order.

`kubernetes.core.k8s` shows no difference for new objects, fails in check mode if the namespace does not exist, and
handles one object at a time. Here what would fail half-way is refused before the first write, and no Secret is shown.
A webhook that restarts is waited for, up to `wait_seconds`. Private.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ..._kube.bundle import normalise, ordered
from ..._kube.live.api_errors import FORBIDDEN, asking, explain, other_server, parsed
from ..._kube.live.cluster import NOT_ALLOWED, NOT_FOUND, ApiError, Cluster
from ..._kube.live.outage import LostError
from ..._kube.operator_status import COLLECTOR, followed
from ..._kube.ownership import collector_of
from ..._otelcol.config.paths import section
from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import Manifest, Ref, ref
from ..._rollout.live.rollout_wait import follow
from ..._rollout.live.webhook_reasons import unanswered
from ..._rollout.readiness import COUNTED, is_ready
from ..change_set import Action
from ..config_versions import predecessors
from ..dependency_order import Flow, Wave, earlier_flows, order
from ..ownership_marks import unmarked
from ..replacement_order import RUNS, autoscaled, remade
from .changes import Changes
from .kubectl_changes import own_kubectl_fields, tried
from .needed_rights import refuse_forbidden, refuse_unable
from .preflight import (
    await_references,
    refuse_absent_kinds,
    refuse_early,
    refuse_taken_ports,
    warn_of_constraints,
    warn_of_older_kubelets,
)
from .prune import Pruning
from .renamed import warn_of_earlier_names
from .session import BundleOptions, Session, namespaces_of, reporting
from .wait_for_dependencies import await_gone, await_issued, await_served, warn_of_wait
from .write import Writer, claim, keep_replicas, remake, rewrite


def apply_bundle(cluster: Cluster, options: BundleOptions) -> dict[str, Any]:
    """Make the cluster hold the bundle; in check mode find out what would change."""
    session = Session(cluster, options)
    bundle = _Apply(session)
    bundle.read()
    pairs = [(manifest, bundle.live[ref(manifest)]) for manifest in options.manifests]
    refuse_forbidden(session, pairs)
    refuse_early(session, pairs)
    pruning = Pruning(session, bundle.live)
    refuse_taken_ports(session, pairs, pruning.left)
    warn_of_constraints(session)
    warn_of_older_kubelets(session, pairs)
    warn_of_earlier_names(session, bundle.live)
    bundle.live.update(own_kubectl_fields(session, bundle.live))
    changing = Changes(Writer(session), bundle.live, pruning.records)
    changing.find(options.manifests, options.change, lambda some: refuse_unable(session, some, bundle.live))
    flows = [Flow(one["sender"], one["receiver"]) for one in options.flows]
    waves, warnings = order(options.manifests, bundle.live, flows, options.field_manager, bundle.earlier_flows())
    session.report.warnings.extend(warnings)
    bundle.hold = changing.manifest
    with reporting(session):
        for wave in waves:
            with changing.undoing(wave.later):
                changing.begin(wave.manifests)
                for group in ordered(wave.manifests):
                    await_references(session, group, pairs)
                    pruning.make_room(group)
                    bundle.apply(group)
                changing.finish(bundle.ahead(wave))
        pruning.finish()
        session.report.warnings.extend(cluster.warnings)
    return {**session.report.result(), "ready": bundle.rolled_out()}


def go_back(cluster: Cluster, options: BundleOptions) -> dict[str, Any]:
    """Bring the collectors back whose records were kept. What cannot go back is told; it fails no task."""
    return _decided(cluster, options, back=True)


def settle(cluster: Cluster, options: BundleOptions) -> dict[str, Any]:
    """End the changes whose records were kept: the collectors stay as they are."""
    return _decided(cluster, options, back=False)


def _decided(cluster: Cluster, options: BundleOptions, *, back: bool) -> dict[str, Any]:
    session = Session(cluster, options)
    if options.check:
        return session.report.result()
    bundle = _Apply(session)
    bundle.read()
    changing = Changes(Writer(session), bundle.live, {})
    with reporting(session):
        told = changing.decided(options.manifests, options.kept_records, options.kept_rights, back=back)
    return {**session.report.result(), "msg": " ".join(told) or "nothing went back"}


class _Found(NamedTuple):
    """What the server has of a manifest, and whether it serves the kind."""

    live: Manifest | None
    is_served: bool = True


class _Apply:
    """One run: the live objects, the existing namespaces, and what is applied to each object."""

    def __init__(self, session: Session) -> None:
        self.session, self.cluster, self.options = session, session.cluster, session.options
        self.live: dict[Ref, Manifest | None] = {}
        self.replaced: dict[Ref, Ref] = {}
        self.hold: Callable[[Manifest], Manifest] = lambda manifest: manifest
        self.missing: set[str] = set()

    def read(self) -> None:
        """Read all objects and namespaces at once; refuse what could only fail half-way."""
        manifests = self.options.manifests
        names = namespaces_of(manifests)
        own_namespaces = {manifest["metadata"]["name"] for manifest in manifests if manifest["kind"] == "Namespace"}
        other_namespaces = [_namespace(name) for name in names if name not in own_namespaces]
        wanted = [*manifests, *other_namespaces]
        found = self.cluster.parallel(self._find, wanted)
        served = [answer.is_served for answer in found[: len(manifests)]]
        unserved = [manifest for manifest, is_served in zip(manifests, served, strict=True) if not is_served]
        refuse_absent_kinds(self.session, unserved)
        staying = self._without_leaving([answer.live for answer in found])
        self.live = dict(zip(map(ref, wanted), staying, strict=True))
        self.replaced = predecessors(manifests, self.live)
        self.missing = {name for name in names if not self.live[Ref("Namespace", "", name)]}
        unknown = sorted(self.missing - own_namespaces)
        if unknown:
            fix = "Set create_namespace: true for the collector, or create the namespace first."
            raise Problem(f"the namespace '{unknown[0]}' does not exist", asked="Apply the bundle", fix=fix)

    def _without_leaving(self, found: list[Manifest | None]) -> list[Manifest | None]:
        """Wait for the objects that are being deleted, and count them as absent; check mode only says so."""
        leaving = [live for live in found if live and live["metadata"].get("deletionTimestamp")]
        if leaving and self.options.check:
            warn_of_wait(self.session, leaving)
        elif leaving:
            await_gone(self.session, leaving, self.cluster.clock())
        return [None if live in leaving else live for live in found]

    def _find(self, manifest: Manifest) -> _Found:
        asked = f"Read {ref(manifest)}"
        path = self.session.path(manifest)
        planned = self.session.resources.defines(manifest)
        if not path:
            return _Found(None, is_served=planned)
        try:
            return _Found(self.cluster.request("GET", path))
        except ApiError as error:
            if error.status == NOT_FOUND and not other_server(error, asked):
                return _Found(None, is_served=planned or not error.kind_missing)
            if error.status == NOT_ALLOWED and manifest == _namespace(manifest["metadata"]["name"]):
                return _Found(manifest)  # a user without read permission may still write into the namespace
            raise explain(error, asked) from error

    def apply(self, group: list[Manifest]) -> None:
        """Apply the objects of one group at once, and note them in the order of the bundle."""
        outcomes = self.cluster.parallel(self._attempt, group)
        for manifest, outcome in zip(group, outcomes, strict=True):
            if not isinstance(outcome, Exception):
                self._note(manifest, outcome)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome
        if not self.options.check:
            await_issued(self.session, [one for one in outcomes if not isinstance(one, Exception)])
        if group[0]["kind"] == "CustomResourceDefinition" and not self.options.check:
            await_served(self.session, group)

    def _note(self, manifest: Manifest, after: Manifest) -> None:
        """Add what became of an object to the change set."""
        before = self.live[ref(manifest)]
        if before is None:
            # The difference shows the manifest, without the server's defaults.
            self.session.changes.add(Action.CREATED, self._replaced(manifest), manifest, left=after)
            return
        same = normalise(before) == normalise(after)
        self.session.changes.add(Action.UNCHANGED if same else Action.CHANGED, before, after, left=after)

    def _replaced(self, manifest: Manifest) -> Manifest | None:
        """Return the config that a new one replaces, so that the difference shows what changes in it."""
        return self._predecessor(manifest) if self.options.diff else None

    def _predecessor(self, manifest: Manifest) -> Manifest | None:
        """Return the live config that a new one replaces, or None if it replaces none."""
        old = self.replaced.get(ref(manifest))
        if old is None:
            return None
        return self.session.live({**manifest, "metadata": {"name": old.name, "namespace": old.namespace}})

    def earlier_flows(self) -> list[Flow]:
        """Return which collectors of the bundle send to which by the configs that new ones replace."""
        manifests = self.options.manifests
        new_configs = [manifest for manifest in manifests if ref(manifest) in self.replaced]
        old_configs = self.cluster.parallel(self._predecessor, new_configs)
        configs: list[tuple[str, Any]] = []
        for new, old in zip(new_configs, old_configs, strict=True):
            configs += [(collector_of(new), parsed(text)) for text in section(old, "data").values()]
        for manifest in manifests:
            if manifest["kind"] == COLLECTOR:
                configs.append((collector_of(manifest), section(self.live[ref(manifest)], "spec", "config")))
        return earlier_flows(manifests, configs)

    def ahead(self, wave: Wave) -> list[Manifest]:
        """Return the workloads of a wave that must work before the next one begins."""
        if self.options.check or not wave.later:
            return []
        workloads = [manifest for manifest in wave.manifests if manifest["kind"] in RUNS]
        ordered_ones = [workload for workload in workloads if collector_of(workload) in wave.collectors]
        return [workload for workload in ordered_ones if self.session.changes.is_moved(ref(workload))]

    def rolled_out(self) -> bool:
        """Return whether every workload is complete as it was applied, or was awaited: nothing is left to wait for."""
        if self.options.check:
            return False
        applied = self.session.changes.not_awaited()
        workloads = [item for item in applied if item["kind"] in COUNTED or followed(item)]
        seen = asking("Read the workloads", lambda: follow(self.cluster, workloads))
        return all(item.done(is_ready) for item in seen)

    def _attempt(self, manifest: Manifest) -> Manifest | Problem | LostError:
        """Apply one object; that it fails must not hide what becomes of its neighbours."""
        try:
            return self._apply(manifest)
        except (Problem, LostError) as error:
            return error

    def _apply(self, manifest: Manifest) -> Manifest:
        before = self.live[ref(manifest)]
        if before and not self.session.may_write(manifest, before):
            return before  # a namespace that others made
        if self._planned(manifest):
            return manifest
        if before and remade(manifest, before):
            return self._remake(manifest, before)
        scaled = ref(manifest) in autoscaled(self.options.manifests)
        manifest = self.hold(manifest)
        given = keep_replicas(self.session, manifest, before) if scaled else manifest
        # An object that appeared since the read belongs to another owner, who must not lose a field.
        query = {"dryRun": "All"} if self.options.check else {} if before else {"force": "false"}
        try:
            if not before or query:
                return tried(self.session, self.session.apply(given, **query), before)
            after, self.live[ref(manifest)] = rewrite(self.session, given, before)
            return claim(self.session, after)
        except ApiError as error:
            stays = self._unchanged(manifest, before, error)
            if not stays:
                raise unanswered(self.cluster, error, ref(manifest)) from error
            return stays

    def _unchanged(self, manifest: Manifest, before: Manifest | None, error: ApiError) -> Manifest | None:
        """Return what a refused object is taken for; None for a failure.

        That is what check mode plans, or a namespace that this account may use but not change: an administrator made
        it with `site`.
        """
        if error.kind_missing and self.options.check:
            return manifest
        if not before or manifest["kind"] != "Namespace" or not FORBIDDEN.search(error.message):
            return None
        if lacks := unmarked(before, manifest):
            text = f"{ref(manifest)} stays without {', '.join(lacks)}, because this user may not patch it."
            self.session.report.warnings.append(text)
        return before

    def _remake(self, manifest: Manifest, before: Manifest) -> Manifest:
        """Delete and make what cannot be changed; in check mode the server would refuse the change."""
        if self.options.check:
            return manifest
        return remake(self.session, manifest, before)

    def _planned(self, manifest: Manifest) -> bool:
        """Return whether the server cannot try this yet: its namespace or its kind would come with the bundle."""
        if not self.options.check:
            return False
        return manifest["metadata"].get("namespace") in self.missing or not self.session.path(manifest)


def _namespace(name: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
