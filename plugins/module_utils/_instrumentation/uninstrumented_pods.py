# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pods run without the instrumentation that the annotations of their namespace ask for. Private.

All functions are about the pods of one namespace. `live/annotate.py` calls them after it has annotated the namespace.
The operator instruments a pod when the pod starts. So a restart helps a pod that is older than the annotation. A newer
pod without instrumentation was skipped by the operator, for a reason that its log has: a restart does not help it.

For example, with an annotation of 12:00 and pods that lack the container which the operator adds:

| workload | its pods started at | result |
|---|---|---|
| Deployment `cart` | 11:59 | `restartable` |
| Deployment `web` | 12:01 | `skipped` |
| Deployment `api` | 11:59 and 12:01 | `skipped`: its newer pod shows that a restart does not help |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from .._otelcol.config.paths import mapping_at
from .._otelcol.kube.objects import Manifest
from .._rollout import restarts
from .namespace_annotations import list_other_languages
from .sdk_languages import LANGUAGES, SdkLanguage

# A workload without instrumentation, as modules return it: its kind, namespace and name, and the language.
# Example: {"kind": "Deployment", "namespace": "shop", "name": "cart", "language": "python"}.
UninstrumentedWorkload = dict[str, str]


class SplitByRestart(NamedTuple):
    """Workloads without instrumentation, by whether a restart helps them."""

    restartable: list[UninstrumentedWorkload]
    """Their pods are older than the annotation."""
    skipped: list[UninstrumentedWorkload]
    """They have newer pods, which the operator has skipped."""


def split_by_restart(pods: Iterable[Manifest], annotations: Iterable[str], annotated_at: str) -> SplitByRestart:
    """Return the workloads without instrumentation, by whether their pods are older than the annotation.

    `annotated_at` is the time of the annotation and its Instrumentation. If it is empty, nobody knows the time: then
    pods that were restarted before (`RESTARTED_AT`) count as newer, so that a restart is tried once and not again.
    """
    older_pods: list[Manifest] = []
    newer_pods: list[Manifest] = []
    for pod in pods:
        if _is_newer(pod, annotated_at):
            newer_pods.append(pod)
        else:
            older_pods.append(pod)
    skipped = find_uninstrumented_workloads(newer_pods, annotations)
    restartable = []
    for workload in find_uninstrumented_workloads(older_pods, annotations):
        # A newer pod of the same workload has shown that a restart does not help.
        if workload not in skipped:
            restartable.append(workload)
    return SplitByRestart(restartable, skipped)


def _is_newer(pod: Manifest, annotated_at: str) -> bool:
    """Return whether a pod is newer than the annotation, or was restarted before if its time is not known."""
    metadata = pod["metadata"]
    if annotated_at:
        # The API server writes all times in UTC and in whole seconds, such as 2026-01-31T12:00:00Z, so their texts have
        # the order of the times. A pod of the same second may be older, and a restart of it does no harm.
        return str(metadata.get("creationTimestamp") or "") > annotated_at
    return restarts.RESTARTED_AT in mapping_at(metadata, "annotations")


def find_uninstrumented_workloads(pods: Iterable[Manifest], annotations: Iterable[str]) -> list[UninstrumentedWorkload]:
    """Return the workloads of pods that run, should be instrumented by these annotations, and are not."""
    annotation_names = set(annotations)
    requested_languages = [language for language in LANGUAGES.values() if language.annotation in annotation_names]
    # By kind and name, since all are of one namespace. The last pod of a workload counts.
    workloads: dict[tuple[str, str], UninstrumentedWorkload] = {}
    for pod in pods:
        missing_languages = [language for language in requested_languages if _lacks_instrumentation(pod, language)]
        if restarts.is_running(pod) and missing_languages:
            workload = restarts.find_workload_of(pod)
            workloads[workload.kind, workload.name] = {
                "kind": workload.kind,
                "namespace": workload.namespace,
                "name": workload.name,
                # The first one is the only one: `map_annotations` gives a namespace one language.
                "language": missing_languages[0].name,
            }
    return list(workloads.values())


def _lacks_instrumentation(pod: Manifest, language: SdkLanguage) -> bool:
    """Return whether a pod lacks the container of a language. A pod that opts out with `false` needs none."""
    annotations = mapping_at(pod["metadata"], "annotations")
    opts_out = str(annotations.get(language.annotation)).lower() == "false"
    if opts_out:
        return False
    return language.container_name not in restarts.container_names(pod)


def describe_skipped_workloads(
    live_namespace: Manifest,
    pods: Iterable[Manifest],
    annotations: Iterable[str],
    skipped_workloads: list[UninstrumentedWorkload],
) -> str:
    """Return the warning for workloads of a namespace that the operator has skipped, with what to look at."""
    namespace = live_namespace["metadata"]["name"]
    # As keys, so that each stands there once and in order.
    other_annotations: dict[str, None] = {}
    for live_object in (live_namespace, *pods):
        other_annotations.update(dict.fromkeys(list_other_languages(live_object, annotations)))
    others_text = f", now {', '.join(other_annotations)}" if other_annotations else ""
    # The workloads are named as the other warning of the task names them, which has a command. This one has none, since
    # a restart would not help.
    restart = restarts.build_restart_command(namespace, build_outdated_workloads(skipped_workloads))
    return (
        f"The operator did not instrument pods in {namespace}, although they are newer than its annotation:"
        f" {restart.workload_names}. A restart helps only when the cause is gone. Look in the log of the operator, and"
        f" for annotations of the namespace and its pods that ask for another language{others_text}."
    )


def build_outdated_workloads(rows: Iterable[Mapping[str, str]]) -> list[restarts.OutdatedWorkload]:
    """Return workloads as the functions of `restarts` take them, to name them or to restart them."""
    return [restarts.OutdatedWorkload(row["kind"], row["namespace"], row["name"]) for row in rows]
