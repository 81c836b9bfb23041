# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apply a bundle by server-side apply: read everything, refuse early, then write in order.

`kubernetes.core.k8s` shows no difference for new objects, fails in check mode if the namespace does not exist, and
handles one object at a time. Here what would fail half-way is refused before the first write, and no Secret is shown.
A webhook that restarts is waited for, up to `wait_seconds`. Private.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..._kube.live.api_errors import FORBIDDEN, asking, explain, lost, other_server, parsed
from ..._kube.live.cluster import NOT_ALLOWED, NOT_FOUND, ApiError, Cluster
from ..._kube.live.outage import LostError
from ..._kube.operator_status import COLLECTOR, followed
from ..._kube.ownership import collector_of
from ..._otelcol.config.paths import section
from ..._otelcol.errors import Problem, at_most
from ..._otelcol.kube.objects import Manifest, Ref, ref
from ..._rollout.live.followed_workloads import follow
from ..._rollout.live.webhook_reasons import unanswered
from ..._rollout.readiness import COUNTED, is_ready
from ..bundle_objects import normalise, ordered
from ..change_set import Action
from ..config_versions import predecessors
from ..dependency_order import Flow, Wave, earlier_flows, order
from ..ownership_marks import unmarked
from ..replacement_order import remade
from ..replica_counts import autoscaled
from ..workload_kinds import RUNS
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

# So many objects are told beside the first one of those that fail together.
MOST_FAILED, NEW_LINE = 10, "\n"


def apply_bundle(cluster: Cluster, options: BundleOptions) -> dict[str, Any]:
    """Make the cluster hold the bundle; in check mode find out what would change."""
    session = Session(cluster, options)
    bundle = _Apply(session)
    bundle.read()
    bundle.refuse_missing_namespaces()
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
    changing.find(options.manifests, options.change, lambda changes: refuse_unable(session, changes, bundle.live))
    flows = [Flow(flow["sender"], flow["receiver"]) for flow in options.flows]
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
                changing.wait_until_complete(bundle.ahead(wave))
        pruning.finish()
        session.report.warnings.extend(cluster.warnings)
        is_ready = bundle.rolled_out()
    return {**session.report.result(), "ready": is_ready}


def go_back(cluster: Cluster, options: BundleOptions) -> dict[str, Any]:
    """Bring the collectors back whose records were kept. What cannot go back is told; it fails no task."""
    return _decided(cluster, options, back=True)


def settle(cluster: Cluster, options: BundleOptions) -> dict[str, Any]:
    """End the changes whose records were kept: the collectors stay as they are."""
    return _decided(cluster, options, back=False)


def _decided(cluster: Cluster, options: BundleOptions, *, back: bool) -> dict[str, Any]:
    """End the changes whose records were kept; check mode does nothing."""
    session = Session(cluster, options)
    if options.check:
        return session.report.result()
    bundle = _Apply(session)
    bundle.read()
    changing = Changes(Writer(session), bundle.live, {})
    manifests, lines = bundle.in_namespaces(), bundle.lost_with_namespaces()
    with reporting(session):
        lines += changing.decide_kept_records(manifests, options.kept_records, options.kept_rights, back=back)
    return {**session.report.result(), "msg": " ".join(lines) or "nothing went back"}


class _Answer(NamedTuple):
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
        """Read all objects and namespaces at once. Raises Problem for kinds that the cluster does not serve."""
        manifests = self.options.manifests
        names = namespaces_of(manifests)
        own_namespaces = self._own_namespaces()
        other_namespaces = [_namespace(name) for name in names if name not in own_namespaces]
        read = [*manifests, *other_namespaces]
        answers = self.cluster.parallel(self._ask, read)
        answers_of_bundle = zip(manifests, answers[: len(manifests)], strict=True)
        refuse_absent_kinds(self.session, [manifest for manifest, answer in answers_of_bundle if not answer.is_served])
        staying = self._without_leaving([answer.live for answer in answers])
        self.live = dict(zip(map(ref, read), staying, strict=True))
        self.replaced = predecessors(manifests, self.live)
        self.missing = {name for name in names if not self.live[Ref("Namespace", "", name)]}

    def refuse_missing_namespaces(self) -> None:
        """Raise Problem for a namespace that neither exists nor comes with the bundle."""
        unknown = sorted(self.missing - self._own_namespaces())
        if unknown:
            fix = "Set create_namespace: true for the collector, or create the namespace first."
            raise Problem(f"the namespace '{unknown[0]}' does not exist", asked="Apply the bundle", fix=fix)

    def _own_namespaces(self) -> set[str]:
        """Return the names of the namespaces that come with the bundle."""
        return {manifest["metadata"]["name"] for manifest in self.options.manifests if manifest["kind"] == "Namespace"}

    def in_namespaces(self) -> list[Manifest]:
        """Return the manifests whose namespace exists, and those of the whole cluster."""
        manifests = self.options.manifests
        return [manifest for manifest in manifests if manifest["metadata"].get("namespace") not in self.missing]

    def lost_with_namespaces(self) -> list[str]:
        """Return a sentence for each collector with a kept record whose namespace no longer exists."""
        lines = []
        for name in sorted(self.options.kept_records):
            namespace = name.partition("/")[0]
            if namespace in self.missing:
                lines.append(f"{name} stays as it is: the namespace '{namespace}' no longer exists.")
        return lines

    def _without_leaving(self, read: list[Manifest | None]) -> list[Manifest | None]:
        """Wait for the objects that are being deleted, and count them as absent; check mode only says so."""
        staying: list[Manifest | None] = []
        leaving = []
        for live in read:
            if live and live["metadata"].get("deletionTimestamp"):
                leaving.append(live)
                staying.append(None)
            else:
                staying.append(live)
        if leaving and self.options.check:
            warn_of_wait(self.session, leaving)
        elif leaving:
            await_gone(self.session, leaving, self.cluster.clock())
        return staying

    def _ask(self, manifest: Manifest) -> _Answer:
        asked = f"Read {ref(manifest)}"
        path = self.session.path(manifest)
        is_planned = self.session.resources.defines(manifest)
        if not path:
            return _Answer(None, is_served=is_planned)
        try:
            return _Answer(self.cluster.request("GET", path))
        except ApiError as error:
            if error.status == NOT_FOUND and not other_server(error, asked):
                return _Answer(None, is_served=is_planned or not error.kind_missing)
            if error.status == NOT_ALLOWED and manifest == _namespace(manifest["metadata"]["name"]):
                return _Answer(manifest)  # a user without read permission may still write into the namespace
            raise explain(error, asked) from error

    def apply(self, group: list[Manifest]) -> None:
        """Apply the objects of one group at once, and note them in the order of the bundle."""
        outcomes = self.cluster.parallel(self._attempt, group)
        applied: list[Manifest] = []
        errors: list[Problem | LostError] = []
        for manifest, outcome in zip(group, outcomes, strict=True):
            if isinstance(outcome, (Problem, LostError)):
                errors.append(outcome)
            else:
                applied.append(outcome)
                self._note(manifest, outcome)
        if errors:
            raise _first_with_others(errors)
        if self.options.check:
            return
        await_issued(self.session, applied)
        if group[0]["kind"] == "CustomResourceDefinition":
            await_served(self.session, group)

    def _note(self, manifest: Manifest, after: Manifest) -> None:
        """Add what became of an object to the change set."""
        before = self.live[ref(manifest)]
        if before is None:
            # The difference shows the manifest, without the server's defaults.
            self.session.changes.add(Action.CREATED, self._replaced(manifest), manifest, left=after)
            return
        action = Action.UNCHANGED if normalise(before) == normalise(after) else Action.CHANGED
        self.session.changes.add(action, before, after, left=after)

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
        workloads = []
        for manifest in wave.manifests:
            is_ordered = manifest["kind"] in RUNS and collector_of(manifest) in wave.collectors
            if is_ordered and self.session.changes.is_moved(ref(manifest)):
                workloads.append(manifest)
        return workloads

    def rolled_out(self) -> bool:
        """Return whether every workload is complete as it was applied, or was awaited: nothing is left to wait for."""
        if self.options.check:
            return False
        applied = self.session.changes.not_awaited()
        workloads = [manifest for manifest in applied if manifest["kind"] in COUNTED or followed(manifest)]
        states = asking("Read the workloads", lambda: follow(self.cluster, workloads))
        return all(state.done(is_ready) for state in states)

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
        manifest = self.hold(manifest)
        try:
            return self._write(manifest, before)
        except ApiError as error:
            stays = self._unchanged(manifest, before, error)
            if not stays:
                raise unanswered(self.cluster, error, ref(manifest)) from error
            return stays

    def _write(self, manifest: Manifest, before: Manifest | None) -> Manifest:
        """Let the server create or change an object; in check mode let it only try that."""
        given = manifest
        if ref(manifest) in autoscaled(self.options.manifests):
            given = keep_replicas(self.session, manifest, before)
        if self.options.check:
            return tried(self.session, self.session.apply(given, dryRun="All"), before)
        if not before:
            # An object that appeared since the read belongs to another owner, who must not lose a field.
            return self.session.apply(given, force="false")
        rewritten = rewrite(self.session, given, before)
        self.live[ref(manifest)] = rewritten.before
        return claim(self.session, rewritten.after)

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


def _first_with_others(errors: Sequence[Problem | LostError]) -> Problem | LostError:
    """Return the first error of some objects, whose fix also says which others failed, and why."""
    first, *others = errors
    if not others or isinstance(first, LostError):  # a lost connection ends the run, whatever else failed
        return first
    lines = []
    for error in others:
        problem = lost(error) if isinstance(error, LostError) else error
        lines.append(f"Failed too: {problem}")
    first.fix = f"{first.fix}\n{at_most(MOST_FAILED, lines, NEW_LINE, NEW_LINE)}".lstrip()
    return first


def _namespace(name: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
