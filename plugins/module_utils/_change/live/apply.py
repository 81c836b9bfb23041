# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apply a bundle by server-side apply: read everything, refuse early, then write in order. Private.

A bundle is the list of all manifests of a run. `kubernetes.core.k8s` is not enough for it: it shows no difference for
new objects, fails in check mode if the namespace does not exist, and handles one object at a time. Here the run refuses
before the first write what would fail half-way, shows no Secret, and waits up to `wait_seconds` for a webhook that
restarts.
"""

from __future__ import annotations

from typing import Any

from ..._kube.live.api_errors import ask_server
from ..._kube.live.cluster import Cluster
from ..._kube.operator_status import is_followed
from ..._kube.ownership import read_collector_name
from ..._otelcol.kube.objects import Manifest, ref
from ..._rollout.live.followed_workloads import read_followed_resources
from ..._rollout.readiness import PATHS_OF_POD_COUNTS, is_ready
from ..dependency_order import ApplyStep, order_apply_steps
from ..kind_order import group_by_dependency
from ..workload_kinds import POD_RUNNING_KINDS
from .bundle_options import BundleOptions
from .changes import Changes
from .group_apply import GroupApply
from .kubectl_changes import take_over_kubectl_fields
from .live_bundle import list_earlier_flows, read_live_bundle, refuse_missing_namespaces
from .missing_references import await_references
from .needed_rights import refuse_forbidden_changes, refuse_forbidden_objects
from .object_writer import ObjectWriter
from .preflight import refuse_before_apply, warn_of_constraints, warn_of_older_kubelets
from .prune import Pruning
from .renamed import warn_of_earlier_names
from .session import Session, report_done_on_failure
from .stale_listing import list_stale_of_applied
from .taken_host_ports import refuse_taken_ports


def apply_bundle(cluster: Cluster, options: BundleOptions) -> dict[str, Any]:
    """Make the cluster hold the bundle; in check mode find out what would change.

    First comes all that reads and refuses, then the changes of running collectors are found, and then the steps are
    applied. A step has the objects that are applied together, once the changed collectors of the step before work.
    """
    session = Session(cluster, options)
    # ── Read, and refuse what would fail half-way ──
    live_bundle = read_live_bundle(session)
    refuse_missing_namespaces(session, live_bundle)
    pairs = [(manifest, live_bundle.objects[ref(manifest)]) for manifest in options.manifests]
    refuse_forbidden_objects(session, pairs)
    refuse_before_apply(session, pairs)
    stale = list_stale_of_applied(session, live_bundle.objects)
    pruning = Pruning(session, stale.objects)
    refuse_taken_ports(session, pairs, stale.objects)
    warn_of_constraints(session)
    warn_of_older_kubelets(session, pairs)
    warn_of_earlier_names(session, live_bundle.objects)
    # ── Find which running collectors change, and in which order ──
    live_bundle.objects.update(take_over_kubectl_fields(session, live_bundle.objects))
    running_changes = Changes(ObjectWriter(session), live_bundle.objects, stale.records)
    running_changes.find_changes(
        options.manifests,
        options.change,
        lambda changes: refuse_forbidden_changes(session, changes, live_bundle.objects),
    )
    earlier_flows = list_earlier_flows(session, live_bundle)
    order = order_apply_steps(
        options.manifests, live_bundle.objects, options.flows, options.field_manager, earlier_flows
    )
    session.report.warnings.extend(order.warnings)
    # ── Write ──
    group_apply = GroupApply(session, live_bundle, running_changes.manifest_to_apply)
    with report_done_on_failure(session):
        for step in order.steps:
            with running_changes.undo_on_failure(step.later_collectors):
                running_changes.begin_changes(step.manifests)
                for group in group_by_dependency(step.manifests):
                    await_references(session, group, pairs)
                    pruning.make_room(group)
                    group_apply.apply_group(group)
                running_changes.wait_until_complete(_list_workloads_to_await(session, step))
        pruning.delete_others()
        session.report.warnings.extend(cluster.warnings)
        is_complete = _is_rolled_out(session)
    return {**session.report.build_result(), "ready": is_complete}


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
