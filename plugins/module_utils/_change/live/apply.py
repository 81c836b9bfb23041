# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apply a bundle by server-side apply: read everything, refuse early, then write in order. Private.

`kubernetes.core.k8s` is not enough: it shows no difference for new objects, fails in check mode if the namespace does
not exist, and handles one object at a time. Here the run refuses before the first write what would fail half-way, shows
no Secret, and waits up to `wait_seconds` for a webhook that restarts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..._kube.live.api_errors import FORBIDDEN_MESSAGE, ask_server, explain, explain_other_server, explain_outage
from ..._kube.live.cluster import NOT_ALLOWED, NOT_FOUND, ApiError, Cluster
from ..._kube.live.libraries import parse_foreign_yaml
from ..._kube.live.outage import LostError
from ..._kube.operator_status import COLLECTOR, is_followed
from ..._kube.ownership import read_collector_name
from ..._otelcol.config.paths import mapping_at
from ..._otelcol.errors import Problem, join_at_most
from ..._otelcol.kube.objects import Manifest, ObjectRef, ref
from ..._rollout.live.followed_workloads import read_followed_resources
from ..._rollout.live.webhook_reasons import explain_rejected_object
from ..._rollout.readiness import PATHS_OF_POD_COUNTS, is_ready
from ..bundle_objects import group_by_dependency, strip_server_fields
from ..change_set import Action
from ..collector_flows import EarlierConfig, Flow, find_earlier_flows
from ..config_versions import find_replaced_configs
from ..dependency_order import ApplyStep, order_apply_steps
from ..ownership_marks import list_missing_marks
from ..replacement_order import must_be_remade
from ..replica_counts import find_autoscaled
from ..workload_kinds import POD_RUNNING_KINDS
from .changes import Changes
from .kubectl_changes import drop_tried_kubectl_fields, take_over_kubectl_fields
from .needed_rights import refuse_forbidden_changes, refuse_forbidden_objects
from .preflight import (
    await_references,
    refuse_absent_kinds,
    refuse_before_apply,
    refuse_taken_ports,
    warn_of_constraints,
    warn_of_older_kubelets,
)
from .prune import Pruning
from .renamed import warn_of_earlier_names
from .session import BundleOptions, Session, list_namespaces, report_done_on_failure
from .wait_for_dependencies import await_deletion, await_issued_certificates, await_served_kinds, warn_of_wait
from .write import ObjectWriter, claim_adopted, keep_replicas, remake_object, rewrite

# If several objects fail together, the error is that of the first, and so many others are told beside it.
MOST_FAILED, NEW_LINE = 10, "\n"


def apply_bundle(cluster: Cluster, options: BundleOptions) -> dict[str, Any]:
    """Make the cluster hold the bundle; in check mode find out what would change.

    First comes all that reads and refuses, then the changes of running collectors are found, and then the steps are
    applied. A step has the objects that are applied together, once the changed collectors of the step before work.
    """
    session = Session(cluster, options)
    bundle = _BundleApply(session)
    bundle.read_objects()
    bundle.refuse_missing_namespaces()
    pairs = [(manifest, bundle.live[ref(manifest)]) for manifest in options.manifests]
    refuse_forbidden_objects(session, pairs)
    refuse_before_apply(session, pairs)
    pruning = Pruning(session, bundle.live)
    refuse_taken_ports(session, pairs, pruning.leftovers)
    warn_of_constraints(session)
    warn_of_older_kubelets(session, pairs)
    warn_of_earlier_names(session, bundle.live)
    bundle.live.update(take_over_kubectl_fields(session, bundle.live))
    running_changes = Changes(ObjectWriter(session), bundle.live, pruning.records)
    running_changes.find_changes(
        options.manifests, options.change, lambda changes: refuse_forbidden_changes(session, changes, bundle.live)
    )
    steps, warnings = order_apply_steps(
        options.manifests, bundle.live, options.flows, options.field_manager, bundle.list_earlier_flows()
    )
    session.report.warnings.extend(warnings)
    bundle.hold_manifest = running_changes.manifest_to_apply
    with report_done_on_failure(session):
        for step in steps:
            with running_changes.undo_on_failure(step.later_collectors):
                running_changes.begin_changes(step.manifests)
                for group in group_by_dependency(step.manifests):
                    await_references(session, group, pairs)
                    pruning.make_room(group)
                    bundle.apply_group(group)
                running_changes.wait_until_complete(bundle.list_workloads_to_await(step))
        pruning.delete_rest()
        session.report.warnings.extend(cluster.warnings)
        is_ready = bundle.is_rolled_out()
    return {**session.report.build_result(), "ready": is_ready}


def go_back(cluster: Cluster, options: BundleOptions) -> dict[str, Any]:
    """Bring the collectors back whose records were kept. What cannot go back is told; it fails no task."""
    return _decide_kept_changes(cluster, options, back=True)


def settle_changes(cluster: Cluster, options: BundleOptions) -> dict[str, Any]:
    """End the changes whose records were kept: the collectors stay as they are."""
    return _decide_kept_changes(cluster, options, back=False)


def _decide_kept_changes(cluster: Cluster, options: BundleOptions, *, back: bool) -> dict[str, Any]:
    """End the changes whose records were kept; check mode does nothing."""
    session = Session(cluster, options)
    if options.check:
        return session.report.build_result()
    bundle = _BundleApply(session)
    bundle.read_objects()
    running_changes = Changes(ObjectWriter(session), bundle.live, {})
    manifests, lines = bundle.list_manifests_to_apply(), bundle.describe_lost_collectors()
    with report_done_on_failure(session):
        lines += running_changes.decide_kept_records(
            manifests, options.kept_records, options.kept_rights, goes_back=back
        )
    return {**session.report.build_result(), "msg": " ".join(lines) or "nothing went back"}


class _ReadAnswer(NamedTuple):
    """What the server has of a manifest, and whether it serves the kind."""

    live_object: Manifest | None
    is_served: bool = True


class _BundleApply:
    """One run: the live objects, the existing namespaces, and what is applied to each object."""

    def __init__(self, session: Session) -> None:
        self.session, self.cluster, self.options = session, session.cluster, session.options
        self.live: dict[ObjectRef, Manifest | None] = {}
        """The live objects of the bundle and its namespaces, before a write of this run; None for an absent one."""
        self.replaced: dict[ObjectRef, ObjectRef] = {}
        """The live config that each new config of the bundle replaces."""
        self.hold_manifest: Callable[[Manifest], Manifest] = lambda manifest: manifest
        """Returns what is applied for a manifest: that of a canary lets most pods wait."""
        self.missing_namespaces: set[str] = set()

    def read_objects(self) -> None:
        """Read all objects and namespaces at once. Raises Problem for kinds that the cluster does not serve."""
        manifests = self.options.manifests
        namespace_names = list_namespaces(manifests)
        own_namespaces = self._list_own_namespaces()
        other_namespaces = [_namespace_manifest(name) for name in namespace_names if name not in own_namespaces]
        manifests_to_read = [*manifests, *other_namespaces]
        answers = self.cluster.call_in_parallel(self._read_live, manifests_to_read)
        answers_of_bundle = zip(manifests, answers[: len(manifests)], strict=True)
        refuse_absent_kinds(self.session, [manifest for manifest, answer in answers_of_bundle if not answer.is_served])
        live_objects = self._await_leaving([answer.live_object for answer in answers])
        self.live = dict(zip(map(ref, manifests_to_read), live_objects, strict=True))
        self.replaced = find_replaced_configs(manifests, self.live)
        self.missing_namespaces = {name for name in namespace_names if not self.live[ObjectRef("Namespace", "", name)]}

    def refuse_missing_namespaces(self) -> None:
        """Raise Problem for a namespace that neither exists nor comes with the bundle."""
        unknown_namespaces = sorted(self.missing_namespaces - self._list_own_namespaces())
        if unknown_namespaces:
            fix = "Set create_namespace: true for the collector, or create the namespace first."
            raise Problem(f"the namespace '{unknown_namespaces[0]}' does not exist", asked="Apply the bundle", fix=fix)

    def _list_own_namespaces(self) -> set[str]:
        """Return the names of the namespaces that come with the bundle."""
        return {manifest["metadata"]["name"] for manifest in self.options.manifests if manifest["kind"] == "Namespace"}

    def list_manifests_to_apply(self) -> list[Manifest]:
        """Return the manifests whose namespace exists, and those of the whole cluster."""
        manifests = self.options.manifests
        return [
            manifest for manifest in manifests if manifest["metadata"].get("namespace") not in self.missing_namespaces
        ]

    def describe_lost_collectors(self) -> list[str]:
        """Return a sentence for each collector with a kept record whose namespace no longer exists."""
        lines = []
        for name in sorted(self.options.kept_records):
            namespace = name.partition("/")[0]
            if namespace in self.missing_namespaces:
                lines.append(f"{name} stays as it is: the namespace '{namespace}' no longer exists.")
        return lines

    def _await_leaving(self, live_objects: list[Manifest | None]) -> list[Manifest | None]:
        """Wait for the objects that are being deleted, and count them as absent; check mode only says so."""
        staying_objects: list[Manifest | None] = []
        leaving_objects = []
        for live_object in live_objects:
            if live_object and live_object["metadata"].get("deletionTimestamp"):
                leaving_objects.append(live_object)
                staying_objects.append(None)
            else:
                staying_objects.append(live_object)
        if leaving_objects and self.options.check:
            warn_of_wait(self.session, leaving_objects)
        elif leaving_objects:
            await_deletion(self.session, leaving_objects, self.cluster.clock())
        return staying_objects

    def _read_live(self, manifest: Manifest) -> _ReadAnswer:
        """Return the live object of a manifest, and whether the cluster serves its kind."""
        action_text = f"Read {ref(manifest)}"
        path = self.session.build_path(manifest)
        is_planned = self.session.resources.defines(manifest)
        if not path:
            return _ReadAnswer(None, is_served=is_planned)
        try:
            return _ReadAnswer(self.cluster.request("GET", path))
        except ApiError as error:
            if error.status == NOT_FOUND and not explain_other_server(error, action_text):
                return _ReadAnswer(None, is_served=is_planned or not error.is_kind_missing)
            if error.status == NOT_ALLOWED and manifest == _namespace_manifest(manifest["metadata"]["name"]):
                return _ReadAnswer(manifest)  # a user without read permission may still write into the namespace
            raise explain(error, action_text) from error

    def apply_group(self, group: list[Manifest]) -> None:
        """Apply the objects of one group at once, and note them in the order of the bundle."""
        outcomes = self.cluster.call_in_parallel(self._apply_or_return_error, group)
        applied: list[Manifest] = []
        errors: list[Problem | LostError] = []
        for manifest, outcome in zip(group, outcomes, strict=True):
            if isinstance(outcome, (Problem, LostError)):
                errors.append(outcome)
            else:
                applied.append(outcome)
                self._note_outcome(manifest, outcome)
        if errors:
            raise _combine_errors(errors)
        if self.options.check:
            return
        await_issued_certificates(self.session, applied)
        if group[0]["kind"] == "CustomResourceDefinition":
            await_served_kinds(self.session, group)

    def _note_outcome(self, manifest: Manifest, applied_object: Manifest) -> None:
        """Add what became of an object to the change set."""
        live_before = self.live[ref(manifest)]
        if live_before is None:
            # The difference shows the manifest, without the server's defaults.
            self.session.changes.note_action(
                Action.CREATED, self._find_replaced_config(manifest), manifest, left=applied_object
            )
            return
        action = (
            Action.UNCHANGED
            if strip_server_fields(live_before) == strip_server_fields(applied_object)
            else Action.CHANGED
        )
        self.session.changes.note_action(action, live_before, applied_object, left=applied_object)

    def _find_replaced_config(self, manifest: Manifest) -> Manifest | None:
        """Return the config that a new one replaces, so that the difference shows what changes in it."""
        return self._read_predecessor(manifest) if self.options.diff else None

    def _read_predecessor(self, manifest: Manifest) -> Manifest | None:
        """Return the live config that a new one replaces, or None if it replaces none."""
        old_config = self.replaced.get(ref(manifest))
        if old_config is None:
            return None
        return self.session.read_live(
            {**manifest, "metadata": {"name": old_config.name, "namespace": old_config.namespace}}
        )

    def list_earlier_flows(self) -> list[Flow]:
        """Return which collectors of the bundle send to which by the configs that new ones replace."""
        manifests = self.options.manifests
        new_configs = [manifest for manifest in manifests if ref(manifest) in self.replaced]
        old_configs = self.cluster.call_in_parallel(self._read_predecessor, new_configs)
        configs: list[EarlierConfig] = []
        for new_config, old_config in zip(new_configs, old_configs, strict=True):
            configs += [
                EarlierConfig(read_collector_name(new_config), parse_foreign_yaml(config_text))
                for config_text in mapping_at(old_config, "data").values()
            ]
        for manifest in manifests:
            if manifest["kind"] == COLLECTOR:
                live_config = mapping_at(self.live[ref(manifest)], "spec", "config")
                configs.append(EarlierConfig(read_collector_name(manifest), live_config))
        return find_earlier_flows(manifests, configs)

    def list_workloads_to_await(self, step: ApplyStep) -> list[Manifest]:
        """Return the workloads of a step that must work before the next one begins."""
        if self.options.check or not step.later_collectors:
            return []
        workloads = []
        for manifest in step.manifests:
            is_ordered = (
                manifest["kind"] in POD_RUNNING_KINDS and read_collector_name(manifest) in step.ordered_collectors
            )
            if is_ordered and self.session.changes.has_moved(ref(manifest)):
                workloads.append(manifest)
        return workloads

    def is_rolled_out(self) -> bool:
        """Return whether every workload is complete as it was applied, or was awaited: nothing is left to wait for."""
        if self.options.check:
            return False
        applied = self.session.changes.list_not_awaited()
        workloads = [
            manifest for manifest in applied if manifest["kind"] in PATHS_OF_POD_COUNTS or is_followed(manifest)
        ]
        states = ask_server("Read the workloads", lambda: read_followed_resources(self.cluster, workloads))
        return all(state.is_done(is_ready) for state in states)

    def _apply_or_return_error(self, manifest: Manifest) -> Manifest | Problem | LostError:
        """Apply one object. An error is returned: raised, it would hide what becomes of the others of the group."""
        try:
            return self._apply_manifest(manifest)
        except (Problem, LostError) as error:
            return error

    def _apply_manifest(self, manifest: Manifest) -> Manifest:
        """Apply one object, and return it as it is then. Raises Problem."""
        live_before = self.live[ref(manifest)]
        if live_before and not self.session.may_write(manifest, live_before):
            return live_before  # a namespace that others made
        if self._is_only_planned(manifest):
            return manifest
        if live_before and must_be_remade(manifest, live_before):
            return self._remake_object(manifest, live_before)
        manifest = self.hold_manifest(manifest)
        try:
            return self._write_manifest(manifest, live_before)
        except ApiError as error:
            excused_object = self._excuse_refusal(manifest, live_before, error)
            if not excused_object:
                raise explain_rejected_object(self.cluster, error, ref(manifest)) from error
            return excused_object

    def _write_manifest(self, manifest: Manifest, live_before: Manifest | None) -> Manifest:
        """Let the server create or change an object; in check mode let it only try that."""
        desired_manifest = manifest
        if ref(manifest) in find_autoscaled(self.options.manifests):
            desired_manifest = keep_replicas(self.session, manifest, live_before)
        if self.options.check:
            return drop_tried_kubectl_fields(
                self.session, self.session.apply_object(desired_manifest, dryRun="All"), live_before
            )
        if not live_before:
            # An object that appeared since the read belongs to another owner, who must not lose a field.
            return self.session.apply_object(desired_manifest, force="false")
        rewritten = rewrite(self.session, desired_manifest, live_before)
        self.live[ref(manifest)] = rewritten.before
        return claim_adopted(self.session, rewritten.after)

    def _excuse_refusal(self, manifest: Manifest, live_before: Manifest | None, error: ApiError) -> Manifest | None:
        """Return what a refused object is taken for; None for a failure.

        That is what check mode plans, or a namespace that this account may use but not change: an administrator made
        it with `site`.
        """
        if error.is_kind_missing and self.options.check:
            return manifest
        if not live_before or manifest["kind"] != "Namespace" or not FORBIDDEN_MESSAGE.search(error.message):
            return None
        if missing_marks := list_missing_marks(live_before, manifest):
            text = f"{ref(manifest)} stays without {', '.join(missing_marks)}, because this user may not patch it."
            self.session.report.warnings.append(text)
        return live_before

    def _remake_object(self, manifest: Manifest, live_before: Manifest) -> Manifest:
        """Delete an object that cannot be changed, and make it anew. Check mode takes the manifest for the result."""
        if self.options.check:
            return manifest
        return remake_object(self.session, manifest, live_before)

    def _is_only_planned(self, manifest: Manifest) -> bool:
        """Return whether the server cannot try this yet: its namespace or its kind would come with the bundle."""
        if not self.options.check:
            return False
        return manifest["metadata"].get("namespace") in self.missing_namespaces or not self.session.build_path(manifest)


def _combine_errors(errors: Sequence[Problem | LostError]) -> Problem | LostError:
    """Return the first error of some objects, whose fix also says which others failed, and why."""
    first_error, *other_errors = errors
    if not other_errors or isinstance(first_error, LostError):  # a lost connection ends the run, whatever else failed
        return first_error
    lines = []
    for error in other_errors:
        problem = explain_outage(error) if isinstance(error, LostError) else error
        lines.append(f"Failed too: {problem}")
    first_error.fix = f"{first_error.fix}\n{join_at_most(MOST_FAILED, lines, NEW_LINE, NEW_LINE)}".lstrip()
    return first_error


def _namespace_manifest(name: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
