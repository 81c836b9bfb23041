# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Annotate namespaces, which may have other owners. Annotations of other field managers stay. Private.

The operator instruments pods that start in a namespace with its annotation, which names an Instrumentation. A field
manager is the name under which a program writes fields of an object; the API server keeps whose each field is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._change.change_set import Action
from ..._change.live.bundle_report import BundleReport
from ..._kube.live.api_errors import explain
from ..._kube.live.cluster import MERGE, NOT_FOUND, ApiError, Cluster
from ..._kube.live.connect import connect
from ..._kube.live.task_end import run
from ..._kube.live.urls import quote_segment
from ..._otelcol.config.paths import mapping_at
from ..._otelcol.errors import Problem
from ..._otelcol.kube.names import OWNER
from ..._otelcol.kube.objects import Manifest
from ..._rollout import restarts
from .. import namespace_annotations, uninstrumented_pods

FORBIDDEN = 403
API_ROOT = "/apis/opentelemetry.io/v1alpha1"
ARGUMENTS: dict[str, Any] = {
    "namespaces": {"type": "list", "elements": "dict", "default": []},
    "references": {"type": "list", "elements": "str", "required": True},
    "state": {"choices": ["present", "absent"], "default": "present"},
}


@dataclass(frozen=True)
class NamespaceOptions:
    """What the user wants: annotations by namespace, and the Instrumentations that are his."""

    namespaces: list[dict[str, Any]]
    references: list[str]
    absent: bool
    check: bool
    diff: bool


def run_annotate(module: AnsibleModule) -> None:
    params = module.params
    absent = params["state"] == "absent"
    check = module.check_mode
    options = NamespaceOptions(
        namespaces=params["namespaces"], references=params["references"], absent=absent, check=check, diff=module._diff
    )
    run(module, lambda: annotate_namespaces(connect(module), options))


def annotate_namespaces(cluster: Cluster, options: NamespaceOptions) -> dict[str, Any]:
    """Apply the annotations, and return the workloads that run without them."""
    report = BundleReport(options.diff)
    annotations_by_name: dict[str, dict[str, str]] = {}
    if not options.absent:
        annotations_by_name = {name: metadata["annotations"] for name, metadata in _list_named_metadata(options)}
    live_namespaces = _read_namespaces(cluster, options, report)
    for name in annotations_by_name.keys() - live_namespaces.keys():
        if not options.check:
            fix = "Create it first, or leave it out of `namespaces`."
            raise Problem(f"there is no namespace {name}", asked="Annotate namespaces", fix=fix)
        report.warnings.append(f"Namespace {name} is not there yet, so what becomes of its pods is not known.")
    # All changes are worked out before the first one: a namespace that may not be changed stops them all.
    changes = {}
    for name, namespace in live_namespaces.items():
        annotations = annotations_by_name.get(name, {})
        report.warnings += namespace_annotations.find_kept_annotation_warnings(
            namespace, annotations, options.references
        )
        report.warnings += namespace_annotations.find_second_language_warnings(
            namespace, annotations, options.references
        )
        changes[name] = namespace_annotations.build_annotation_patch(namespace, annotations, options.references)
    for name, change in changes.items():
        if change:
            live_namespaces[name] = _patch_annotations(cluster, live_namespaces[name], change, options, report)
        elif name in annotations_by_name:
            report.changes.note_action(Action.UNCHANGED, live_namespaces[name], live_namespaces[name])
    uninstrumented = []
    for name, annotations in annotations_by_name.items():
        if name in live_namespaces:
            uninstrumented += _find_uninstrumented(cluster, live_namespaces[name], annotations, report)
    return {**report.build_result(), "uninstrumented": uninstrumented}


def _list_named_metadata(options: NamespaceOptions) -> list[tuple[str, dict[str, Any]]]:
    """Return each wanted namespace and its metadata. Raises Problem for an item without a name or annotations."""
    names_and_metadata = []
    for index, manifest in enumerate(options.namespaces):
        metadata = mapping_at(manifest, "metadata")
        name = str(metadata.get("name") or "")
        if not name or not isinstance(metadata.get("annotations"), dict):
            fix = "Give what instrumentation_render returns as `namespaces`."
            wrong = f"namespaces[{index}] has no metadata.{'annotations' if name else 'name'}"
            raise Problem(wrong, asked="Annotate namespaces", fix=fix)
        names_and_metadata.append((name, metadata))
    return names_and_metadata


def _read_namespaces(cluster: Cluster, options: NamespaceOptions, report: BundleReport) -> dict[str, Manifest]:
    """Return the namespaces to look at: all, since ours may be on some that are no longer wanted."""
    try:
        namespaces = list(cluster.items("/api/v1/namespaces"))
    except ApiError as error:
        if error.status != FORBIDDEN:
            raise explain(error, "List the namespaces") from error
        report.warnings.append(f"Not checked whether other namespaces have our annotations: {error.message}")
        answers = cluster.call_in_parallel(
            lambda name_and_metadata: _read_namespace(cluster, name_and_metadata[0]), _list_named_metadata(options)
        )
        namespaces = [namespace for namespace in answers if namespace]
    return {
        namespace["metadata"]["name"]: {**namespace, "apiVersion": "v1", "kind": "Namespace"}
        for namespace in namespaces
    }


def _read_namespace(cluster: Cluster, name: str) -> Manifest | None:
    try:
        return cluster.get(f"/api/v1/namespaces/{name}")
    except ApiError as error:
        raise explain(error, f"Read namespace {name}") from error


def _patch_annotations(
    cluster: Cluster,
    live_namespace: Manifest,
    change: dict[str, str | None],
    options: NamespaceOptions,
    report: BundleReport,
) -> Manifest:
    """Change the annotations of a namespace, and return it as it is then."""
    name = live_namespace["metadata"]["name"]
    query = {"fieldManager": OWNER}
    if options.check:
        query["dryRun"] = "All"
    metadata: dict[str, Any] = {"annotations": change}
    if None in change.values():
        # An annotation goes only as it was judged: another owner may have taken it over since the read.
        metadata["resourceVersion"] = live_namespace["metadata"]["resourceVersion"]
    try:
        patched = cluster.request("PATCH", f"/api/v1/namespaces/{name}", query, {"metadata": metadata}, MERGE)
    except ApiError as error:
        if error.status == NOT_FOUND and options.absent:
            return live_namespace
        raise explain(error, f"Annotate namespace {name}") from error
    patched = {**patched, "apiVersion": "v1", "kind": "Namespace"}
    report.changes.note_action(Action.CHANGED, live_namespace, patched)
    return patched


def _find_uninstrumented(
    cluster: Cluster, live_namespace: Manifest, annotations: dict[str, str], report: BundleReport
) -> list[dict[str, str]]:
    """Return the workloads whose pods were made before, and warn of them and of newer ones, which no restart helps."""
    namespace = live_namespace["metadata"]["name"]
    try:
        pods = list(cluster.items(f"/api/v1/namespaces/{namespace}/pods"))
    except ApiError as error:
        if error.status != FORBIDDEN:
            raise explain(error, f"List the pods of {namespace}") from error
        report.warnings.append(f"Not checked whether pods in {namespace} are instrumented: {error.message}")
        return []
    if not uninstrumented_pods.find_uninstrumented_workloads(pods, annotations):
        return []
    instrumentations = [_read_instrumentation(cluster, reference) for reference in annotations.values()]
    annotated_at = namespace_annotations.find_annotated_since(
        live_namespace, annotations, filter(None, instrumentations)
    )
    restartable_workloads, skipped_workloads = uninstrumented_pods.split_by_restart(pods, annotations, annotated_at)
    if restartable_workloads:
        workload_names, command = restarts.build_restart_command(
            namespace, uninstrumented_pods.build_outdated_workloads(restartable_workloads)
        )
        report.warnings.append(
            f"Running without instrumentation in {namespace} until their pods are made anew: {workload_names}. Try"
            f" `{command}`."
        )
    if skipped_workloads:
        report.warnings.append(
            uninstrumented_pods.describe_skipped_workloads(live_namespace, pods, annotations, skipped_workloads)
        )
    return restartable_workloads


def _read_instrumentation(cluster: Cluster, reference: str) -> Manifest | None:
    """Return an Instrumentation; None if there is none yet, or if this user may not read it."""
    namespace, _slash, name = reference.partition("/")
    try:
        return cluster.get(f"{API_ROOT}/namespaces/{quote_segment(namespace)}/instrumentations/{quote_segment(name)}")
    except ApiError as error:
        if error.status != FORBIDDEN:
            raise explain(error, f"Read Instrumentation {reference}") from error
        return None
