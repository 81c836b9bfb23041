# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apply a bundle by server-side apply: read everything, refuse early, then write in order. Private.

A bundle is the list of all manifests of a run. `kubernetes.core.k8s` is not enough for it: it shows no difference for
new objects, fails in check mode if the namespace does not exist, and handles one object at a time. Here the run refuses
before the first write what would fail half-way, shows no Secret, and waits up to `wait_seconds` for a webhook that
restarts.

`apply_bundle` has four parts. Only the last one applies objects; the second one writes nothing but managedFields:

1. `_read_and_refuse` reads the bundle and what is stale, which is what earlier runs applied and this bundle lacks.
2. `_find_running_changes` finds the running collectors that get new pods, and what each goes back to.
3. `_order_steps` puts the objects into steps, so that receivers and their senders agree on ports all the time.
4. `_write_steps` applies the steps, waits for the collectors in between, and deletes what is stale.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..._kube.live.api_errors import ask_server
from ..._kube.live.cluster import Cluster
from ..._kube.operator_status import is_followed
from ..._kube.ownership import read_collector_name
from ..._otelcol.kube.objects import Manifest, ref
from ..._rollout.live.followed_workloads import read_followed_resources
from ..._rollout.readiness import PATHS_OF_POD_COUNTS, is_ready
from ..collector_change import CollectorChange
from ..dependency_order import ApplyStep, order_apply_steps
from ..kind_order import group_by_dependency
from ..workload_kinds import POD_RUNNING_KINDS
from .bundle_options import BundleOptions
from .changes import Changes
from .group_apply import GroupApply
from .kubectl_changes import take_over_kubectl_fields
from .live_bundle import LiveBundle, list_earlier_flows, read_live_bundle, refuse_missing_namespaces
from .missing_references import await_references
from .needed_rights import refuse_forbidden_changes, refuse_forbidden_objects
from .object_writer import ObjectWriter
from .preflight import refuse_before_apply, warn_of_constraints, warn_of_older_kubelets
from .prune import Pruning
from .renamed import warn_of_earlier_names
from .session import ObjectPair, Pairs, Session, report_done_on_failure
from .stale_listing import StaleObjects, list_stale_of_applied
from .taken_host_ports import refuse_taken_ports


def apply_bundle(cluster: Cluster, options: BundleOptions) -> dict[str, Any]:
    """Make the cluster hold the bundle; in check mode find out what would change."""
    session = Session(cluster, options)
    found = _read_and_refuse(session)
    running_changes = _find_running_changes(session, found)
    steps = _order_steps(session, found.live_bundle)
    with report_done_on_failure(session):
        _write_steps(session, found, running_changes, steps)
        session.report.warnings.extend(cluster.warnings)
        is_complete = _is_rolled_out(session)
    return {**session.report.build_result(), "ready": is_complete}


# ── Read, and refuse what would fail half-way ──


class _FoundObjects(NamedTuple):
    """What the run found in the cluster before its first write."""

    live_bundle: LiveBundle
    """The live objects of the bundle. Later steps put newer states of them here."""
    pairs: Pairs
    """The same objects as they were first read. No later step changes these."""
    stale: StaleObjects


def _read_and_refuse(session: Session) -> _FoundObjects:
    """Read the bundle as it is in the cluster. Raises Problem for what would fail after some objects are written."""
    live_bundle = read_live_bundle(session)
    refuse_missing_namespaces(session, live_bundle)
    pairs = [ObjectPair(manifest, live_bundle.objects[ref(manifest)]) for manifest in session.options.manifests]
    refuse_forbidden_objects(session, pairs)
    refuse_before_apply(session, pairs)
    # The host ports come after the stale objects: a port counts as free if the pod that has it is of a stale workload,
    # which is deleted before its replacement is applied.
    stale = list_stale_of_applied(session, live_bundle.objects)
    refuse_taken_ports(session, pairs, stale.objects)
    warn_of_constraints(session)
    warn_of_older_kubelets(session, pairs)
    warn_of_earlier_names(session, live_bundle.objects)
    return _FoundObjects(live_bundle, pairs, stale)


# ── Find which running collectors change, and in which order ──


def _find_running_changes(session: Session, found: _FoundObjects) -> Changes:
    """Return the changes of collectors that run already.

    Raises Problem if one could not be judged, or if the account may not make one.
    """
    live_objects = found.live_bundle.objects
    # This comes before the search for changes. A workload in which people only added fields with kubectl differs from
    # its manifest only once the run owns these fields too. Not found as a change, it would lose them without a canary,
    # and nothing would go back if its pods then fail.
    live_objects.update(take_over_kubectl_fields(session, live_objects))
    running_changes = Changes(ObjectWriter(session), live_objects, found.stale.records)

    def refuse_forbidden(changes: list[CollectorChange]) -> None:
        refuse_forbidden_changes(session, changes, live_objects)

    running_changes.find_changes(session.options.manifests, session.options.change, refuse_forbidden)
    return running_changes


def _order_steps(session: Session, live_bundle: LiveBundle) -> list[ApplyStep]:
    """Return the steps of the run: each has the objects that are applied together.

    A step begins once the changed collectors of the step before it work.
    """
    options = session.options
    earlier_flows = list_earlier_flows(session, live_bundle)
    order = order_apply_steps(
        options.manifests, live_bundle.objects, options.flows, options.field_manager, earlier_flows
    )
    session.report.warnings.extend(order.warnings)
    return order.steps


# ── Write ──


def _write_steps(session: Session, found: _FoundObjects, running_changes: Changes, steps: list[ApplyStep]) -> None:
    """Apply the steps one after the other, and delete what is stale."""
    pruning = Pruning(session, found.stale.objects)
    group_apply = GroupApply(session, found.live_bundle, running_changes.manifest_to_apply)
    for step in steps:
        # The records are written inside: if one cannot be written, the changes that have theirs already are ended too.
        with running_changes.undo_on_failure(step.later_collectors):
            running_changes.begin_changes(step.manifests)
            for group in group_by_dependency(step.manifests):
                # A new workload whose references never come must not cost the old one, which `make_room` deletes.
                await_references(session, group, found.pairs)
                pruning.make_room(group)
                group_apply.apply_group(group)
            running_changes.wait_until_complete(_list_workloads_to_await(session, step))
    # The other stale workloads go last: until all new ones work, they are the ones that do.
    pruning.delete_others()


def _list_workloads_to_await(session: Session, step: ApplyStep) -> list[Manifest]:
    """Return the workloads of a step that must work before the next one begins."""
    if session.options.check or not step.later_collectors:
        return []
    workloads = []
    for manifest in step.manifests:
        is_workload = manifest["kind"] in POD_RUNNING_KINDS
        is_ordered = is_workload and read_collector_name(manifest) in step.ordered_collectors
        if is_ordered and session.changes.has_moved(ref(manifest)):
            workloads.append(manifest)
    return workloads


def _is_rolled_out(session: Session) -> bool:
    """Return whether every workload is complete as it was applied, or was awaited: nothing is left to wait for."""
    if session.options.check:
        return False
    workloads = []
    for manifest in session.changes.list_not_awaited():
        if manifest["kind"] in PATHS_OF_POD_COUNTS or is_followed(manifest):
            workloads.append(manifest)
    states = ask_server("Read the workloads", lambda: read_followed_resources(session.cluster, workloads))
    return all(state.is_done(is_ready) for state in states)
