# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module instrumentation_namespaces: it annotates namespaces, so that the operator instruments their new pods. Private.

The module hands its arguments to `run_annotate`. Example: for

    namespaces:
      - metadata:
          name: shop
          annotations: {instrumentation.opentelemetry.io/inject-python: telemetry/default}
    references: [telemetry/default]

namespace `shop` gets this annotation, and other namespaces lose those that name Instrumentation `telemetry/default`.
The result lists the workloads of `shop` whose pods started before, because they run without the SDK.

A namespace may have other owners. A field manager is the name under which a program writes fields of an object, and the
API server keeps which fields each has written. Annotations of other field managers stay.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from ansible.module_utils.basic import AnsibleModule

from ..._change.change_set import Action
from ..._change.live.bundle_report import BundleReport, tell_done_on_failure
from ..._kube.live.api_errors import explain
from ..._kube.live.cluster import CONFLICT, MERGE, NOT_FOUND, ApiError, Cluster
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


# The annotations of a namespace, by their names.
Annotations: TypeAlias = "dict[str, str]"


@dataclass(frozen=True)
class NamespaceOptions:
    """The arguments of the module."""

    namespaces: list[dict[str, Any]]
    """The namespaces to annotate, as action instrumentation_render returns them."""
    references: list[str]
    """All Instrumentations of the user as NAMESPACE/NAME. Annotations that name another one are never removed."""
    absent: bool
    """Whether all annotations that name one of `references` are removed."""
    check: bool
    """Whether nothing is changed (check mode)."""
    diff: bool


def run_annotate(module: AnsibleModule) -> None:
    """Run the module, and exit with its result or failure."""
    params = module.params
    options = NamespaceOptions(
        namespaces=params["namespaces"],
        references=params["references"],
        absent=params["state"] == "absent",
        check=module.check_mode,
        diff=module._diff,
    )
    run(module, lambda: annotate_namespaces(connect(module), options))


def annotate_namespaces(cluster: Cluster, options: NamespaceOptions) -> dict[str, Any]:
    """Apply the annotations, and return the workloads that run without them.

    All changes are planned before the first one: a namespace that may not be changed stops them all.
    """
    report = BundleReport(options.diff)
    wanted_annotations = {} if options.absent else _read_wanted_annotations(options)
    live_namespaces = _read_namespaces(cluster, options, report)
    missing_names = [name for name in wanted_annotations if name not in live_namespaces]
    _handle_missing_namespaces(missing_names, options, report)
    patches = {}
    for name, live_namespace in live_namespaces.items():
        patches[name] = _plan_patch(live_namespace, wanted_annotations.get(name, {}), options, report)
    uninstrumented = []
    with tell_done_on_failure(report, check=options.check):
        for name, patch in patches.items():
            if patch:
                annotations = wanted_annotations.get(name, {})
                live_namespaces[name] = _patch_read_version(
                    cluster, live_namespaces[name], annotations, options, report
                )
            elif name in wanted_annotations:
                report.changes.note_action(Action.UNCHANGED, live_namespaces[name], live_namespaces[name])
        for name in wanted_annotations:
            if name in live_namespaces:
                uninstrumented += _find_uninstrumented(cluster, live_namespaces[name], wanted_annotations[name], report)
    return {**report.build_result(), "uninstrumented": uninstrumented}


def _read_wanted_annotations(options: NamespaceOptions) -> dict[str, Annotations]:
    """Return the annotations of each wanted namespace. Raises Problem for an item without a name or annotations."""
    annotations_by_name: dict[str, Annotations] = {}
    for index, manifest in enumerate(options.namespaces):
        metadata = mapping_at(manifest, "metadata")
        name = str(metadata.get("name") or "")
        annotations = metadata.get("annotations")
        if not name or not isinstance(annotations, dict):
            missing_key = "annotations" if name else "name"
            wrong = f"namespaces[{index}] has no metadata.{missing_key}"
            fix = "Give what instrumentation_render returns as `namespaces`."
            raise Problem(wrong, asked="Annotate namespaces", fix=fix)
        annotations_by_name[name] = annotations
    return annotations_by_name


def _read_namespaces(cluster: Cluster, options: NamespaceOptions, report: BundleReport) -> dict[str, Manifest]:
    """Return the live namespaces by name: all, because one that is no longer wanted may have our annotations.

    If this user may not list them, these are the ones of the options, and a warning says so.
    """
    try:
        namespaces = list(cluster.items("/api/v1/namespaces"))
    except ApiError as error:
        if error.status != FORBIDDEN:
            raise explain(error, "List the namespaces") from error
        report.warnings.append(f"Not checked whether other namespaces have our annotations: {error.message}")
        wanted_names = list(_read_wanted_annotations(options))
        answers = cluster.call_in_parallel(lambda name: _read_namespace(cluster, name), wanted_names)
        namespaces = [namespace for namespace in answers if namespace]
    return {namespace["metadata"]["name"]: _add_kind(namespace) for namespace in namespaces}


def _add_kind(namespace: Manifest) -> Manifest:
    """Return a namespace with its kind, which lists and patches of the API server leave out."""
    return {**namespace, "apiVersion": "v1", "kind": "Namespace"}


def _handle_missing_namespaces(missing_names: Iterable[str], options: NamespaceOptions, report: BundleReport) -> None:
    """Raise Problem for a wanted namespace that is missing; in check mode, warn of each: a task may create it."""
    for name in missing_names:
        if not options.check:
            fix = "Create it first, or leave it out of `namespaces`."
            raise Problem(f"there is no namespace {name}", asked="Annotate namespaces", fix=fix)
        report.warnings.append(f"Namespace {name} is not there yet, so what becomes of its pods is not known.")


def _plan_patch(
    live_namespace: Manifest, annotations: Annotations, options: NamespaceOptions, report: BundleReport
) -> dict[str, str | None]:
    """Return the patch of a namespace's annotations, and warn of those of others that stay.

    In the patch, None removes an annotation: `{"instrumentation.opentelemetry.io/inject-java": None}`. Raises Problem
    if an annotation of others is in the way.
    """
    references = options.references
    report.warnings += namespace_annotations.find_kept_annotation_warnings(live_namespace, annotations, references)
    report.warnings += namespace_annotations.find_second_language_warnings(live_namespace, annotations, references)
    return namespace_annotations.build_annotation_patch(live_namespace, annotations, references)


def _read_namespace(cluster: Cluster, name: str) -> Manifest | None:
    try:
        return cluster.get(f"/api/v1/namespaces/{quote_segment(name)}")
    except ApiError as error:
        raise explain(error, f"Read namespace {name}") from error


def _patch_read_version(
    cluster: Cluster,
    live_namespace: Manifest,
    annotations: Annotations,
    options: NamespaceOptions,
    report: BundleReport,
) -> Manifest:
    """Change the annotations of a namespace, and return it as it is then.

    The server changes only the version that was read. Somebody who has written the namespace since may have set an
    annotation, or something else: so it is read and planned once more. Raises Problem if an annotation of others is in
    the way by then, or if the namespace is written again meanwhile.
    """
    name = live_namespace["metadata"]["name"]
    try:
        try:
            return _patch_annotations(cluster, live_namespace, annotations, options, report)
        except ApiError as error:
            if error.status != CONFLICT:
                raise
        return _patch_annotations(cluster, _read_again(cluster, name), annotations, options, report)
    except ApiError as error:
        raise explain(error, f"Annotate namespace {name}") from error


def _read_again(cluster: Cluster, name: str) -> Manifest:
    """Return a namespace that was there before. Raises Problem if it is missing."""
    written_namespace = _read_namespace(cluster, name)
    if written_namespace is None:
        fix = "Run the task again. If it is missing still, create it or leave it out of `namespaces`."
        raise Problem(f"the namespace {name} was removed meanwhile", asked="Annotate namespaces", fix=fix)
    return _add_kind(written_namespace)


def _patch_annotations(
    cluster: Cluster,
    live_namespace: Manifest,
    annotations: Annotations,
    options: NamespaceOptions,
    report: BundleReport,
) -> Manifest:
    """Change the annotations of a namespace as it was read, and return it as it is then. Raises ApiError."""
    patch = namespace_annotations.build_annotation_patch(live_namespace, annotations, options.references)
    if not patch:
        report.changes.note_action(Action.UNCHANGED, live_namespace, live_namespace)
        return live_namespace
    name = live_namespace["metadata"]["name"]
    query = {"fieldManager": OWNER}
    if options.check:
        query["dryRun"] = "All"
    metadata = {"annotations": patch, "resourceVersion": live_namespace["metadata"]["resourceVersion"]}
    try:
        patched = cluster.request(
            "PATCH", f"/api/v1/namespaces/{quote_segment(name)}", query, {"metadata": metadata}, MERGE
        )
    except ApiError as error:
        if error.status == NOT_FOUND and options.absent:
            return live_namespace
        raise
    patched_namespace = _add_kind(patched)
    report.changes.note_action(Action.CHANGED, live_namespace, patched_namespace)
    return patched_namespace


def _find_uninstrumented(
    cluster: Cluster, live_namespace: Manifest, annotations: Annotations, report: BundleReport
) -> list[dict[str, str]]:
    """Return the workloads whose pods are older than the annotation, so that a restart instruments them.

    An example: `{"kind": "Deployment", "namespace": "shop", "name": "cart", "language": "python"}`. A warning names
    them with a command. Another warning names the workloads that are newer and not instrumented either: a restart does
    not help them.
    """
    namespace = live_namespace["metadata"]["name"]
    try:
        pods = list(cluster.items(f"/api/v1/namespaces/{quote_segment(namespace)}/pods"))
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
