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
from typing import Any

from ..._kube.bundle import normalise, ordered
from ..._kube.live.api_errors import FORBIDDEN, asking, explain, other_server, parsed
from ..._kube.live.cluster import ApiError, Cluster
from ..._kube.live.outage import LostError
from ..._kube.operator_status import COLLECTOR, followed
from ..._kube.ownership import collector_of
from ..._otelcol.config.paths import section
from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import Manifest, Ref, ref
from ..._rollout.live.rollout_wait import follow
from ..._rollout.live.webhook_reasons import unanswered
from ..._rollout.readiness import COUNTED, is_ready
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

NOT_FOUND = 404


def apply_bundle(cluster: Cluster, options: BundleOptions) -> dict[str, Any]:
    """Make the cluster hold the bundle; in check mode find out what would change."""
    bundle = _Apply(Session(cluster, options))
    bundle.read()
    pairs = [(manifest, bundle.live[ref(manifest)]) for manifest in options.manifests]
    refuse_forbidden(bundle.session, pairs)
    refuse_early(bundle.session, pairs)
    pruning = Pruning(bundle.session, bundle.live)
    refuse_taken_ports(bundle.session, pairs, pruning.left)
    warn_of_constraints(bundle.session)
    warn_of_older_kubelets(bundle.session, pairs)
    warn_of_earlier_names(bundle.session, bundle.live)
    bundle.live.update(own_kubectl_fields(bundle.session, bundle.live))
    changes = Changes(Writer(bundle.session), bundle.live, pruning.records)
    changes.find(options.manifests, options.change, lambda some: refuse_unable(bundle.session, some, bundle.live))
    flows = [Flow(one["sender"], one["receiver"]) for one in options.flows]
    waves, warnings = order(options.manifests, bundle.live, flows, options.field_manager, bundle.earlier_flows())
    bundle.session.report.warnings.extend(warnings)
    awaited: set[Ref] = set()
    bundle.hold = changes.manifest
    with reporting(bundle.session):
        for wave in waves:
            with changes.undoing(bundle.after, wave.later):
                changes.begin(wave.manifests)
                for group in ordered(wave.manifests):
                    await_references(bundle.session, group, pairs)
                    pruning.make_room(group)
                    bundle.apply(group)
                awaited |= changes.finish(bundle.after, bundle.ahead(wave))
        awaited |= pruning.finish()
        bundle.session.report.warnings.extend(cluster.warnings)
    return {**bundle.session.report.result(), "ready": bundle.rolled_out(awaited)}


class _Apply:
    """One run: the live objects, the existing namespaces, and the action for each object."""

    def __init__(self, session: Session) -> None:
        self.session, self.cluster, self.options = session, session.cluster, session.options
        self.live: dict[Ref, Manifest | None] = {}
        self.replaced: dict[Ref, Ref] = {}
        self.applied: list[Manifest] = []
        self.after: dict[Ref, Manifest] = {}
        self.moved: set[Ref] = set()
        self.hold: Callable[[Manifest], Manifest] = lambda manifest: manifest
        self.missing: set[str] = set()
        self.unserved: list[Manifest] = []

    def read(self) -> None:
        """Read all objects and namespaces at once; refuse what could only fail half-way."""
        manifests = self.options.manifests
        own = {m["metadata"]["name"] for m in manifests if m["kind"] == "Namespace"}
        others = [_namespace(name) for name in namespaces_of(manifests) if name not in own]
        read = self.cluster.parallel(self._read, [*manifests, *others])
        refuse_absent_kinds(self.session, [item for item in manifests if item in self.unserved])
        leaving = [found for found in read if found and found["metadata"].get("deletionTimestamp")]
        if leaving and self.options.check:
            warn_of_wait(self.session, leaving)
        elif leaving:
            await_gone(self.session, leaving, self.cluster.clock())
        stays = [None if found in leaving else found for found in read]
        self.live = {ref(m): found for m, found in zip([*manifests, *others], stays, strict=True)}
        self.replaced = predecessors(manifests, self.live)
        self.missing = {name for name in namespaces_of(manifests) if not self.live[Ref("Namespace", "", name)]}
        unknown = sorted(self.missing - own)
        if unknown:
            fix = "Set create_namespace: true for the collector, or create the namespace first."
            raise Problem(f"the namespace '{unknown[0]}' does not exist", asked="Apply the bundle", fix=fix)

    def _read(self, manifest: Manifest) -> Manifest | None:
        asked = f"Read {ref(manifest)}"
        path = self.session.path(manifest)
        planned = self.session.resources.defines(manifest)
        try:
            if path:
                return self.cluster.request("GET", path)
            self.unserved += [] if planned else [manifest]
            return None
        except ApiError as error:
            if error.status == NOT_FOUND and not other_server(error, asked):
                self.unserved += [manifest] if error.kind_missing and not planned else []
                return None
            if error.status == 403 and manifest == _namespace(manifest["metadata"]["name"]):  # noqa: PLR2004
                return manifest  # a user without read permission may still write into the namespace
            raise explain(error, asked) from error

    def apply(self, group: list[Manifest]) -> None:
        """Apply the objects of one group at once, and report them in the order of the bundle."""
        failed: list[Exception] = []
        for manifest, after in zip(group, self.cluster.parallel(self._attempt, group), strict=True):
            if isinstance(after, Exception):
                failed.append(after)
                continue
            self.applied.append(after)
            self.after[ref(manifest)] = after
            before = self.live[ref(manifest)]
            same = before is not None and normalise(before) == normalise(after)
            action = "unchanged" if same else "changed" if before else "created"
            self.moved |= set() if same else {ref(manifest)}
            # For a new object the difference shows the manifest, without the server's defaults.
            shown, left = after if before else manifest, after["metadata"].get("generation")
            self.session.report.add(action, before or self._replaced(manifest), shown, left)
        if failed:
            raise failed[0]
        if not self.options.check:
            await_issued(self.session, self.applied[-len(group) :])
        if group[0]["kind"] == "CustomResourceDefinition" and not self.options.check:
            await_served(self.session, group)

    def _replaced(self, manifest: Manifest) -> Manifest | None:
        """Return the config that a new one replaces, so that the difference shows what changes in it."""
        return self._predecessor(manifest) if self.options.diff else None

    def _predecessor(self, manifest: Manifest) -> Manifest | None:
        old = self.replaced.get(ref(manifest))
        metadata = {"name": old.name, "namespace": old.namespace} if old else {}
        return self.session.live({**manifest, "metadata": metadata}) if old else None

    def earlier_flows(self) -> list[Flow]:
        """Return which collectors of the bundle send to which by the configs that new ones replace."""
        manifests = self.options.manifests
        new = [item for item in manifests if ref(item) in self.replaced]
        old = self.cluster.parallel(self._predecessor, new)
        texts = [(item, text) for item, found in zip(new, old, strict=True) for text in section(found, "data").values()]
        configs = [(collector_of(item), parsed(text)) for item, text in texts]
        live = [(item, self.live[ref(item)]) for item in manifests if item["kind"] == COLLECTOR]
        configs += [(collector_of(item), section(now, "spec", "config")) for item, now in live]
        return earlier_flows(manifests, configs)

    def ahead(self, wave: Wave) -> list[Manifest]:
        """Return the workloads of a wave that must work before the next one begins."""
        if self.options.check or not wave.later:
            return []
        moved = [item for item in wave.manifests if item["kind"] in RUNS and ref(item) in self.moved]
        return [item for item in moved if collector_of(item) in wave.collectors]

    def rolled_out(self, awaited: set[Ref]) -> bool:
        """Return whether every workload is complete as it was applied, or was awaited: nothing is left to wait for."""
        if self.options.check:
            return False
        applied = [item for item in self.applied if ref(item) not in awaited]
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
