# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pods run without the instrumentation that the annotations of their namespace ask for. Private.

All functions are about the pods of one namespace, so a workload is known by its kind and name. The operator instruments
a pod when the pod starts. So a restart helps pods that are older than the annotation. Newer pods without
instrumentation are called refused: the operator has not instrumented them, for a reason that its log has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from .._otelcol.config.paths import mapping_at
from .._otelcol.kube.objects import Manifest
from .._rollout import restarts
from .namespace_annotations import list_other_languages
from .sdk_languages import LANGUAGES

# A workload without instrumentation, as modules return it: its kind, namespace and name, and the language.
Uninstrumented = dict[str, str]


class SplitByRestart(NamedTuple):
    """Workloads without instrumentation: those that a restart helps, and those with newer pods, which none helps."""

    restartable: list[Uninstrumented]
    refused: list[Uninstrumented]


def find_uninstrumented_workloads(pods: Iterable[Manifest], annotations: Iterable[str]) -> list[Uninstrumented]:
    """Return the workloads of pods that run, should be instrumented by these annotations, and are not."""
    annotation_names = set(annotations)
    requested_languages = [language for language in LANGUAGES.values() if language.annotation in annotation_names]
    workloads: dict[tuple[str, str], Uninstrumented] = {}
    for pod in pods:
        if not restarts.is_running(pod):
            continue
        missing_languages = [
            language.name
            for language in requested_languages
            if _needs_container(pod, language.annotation, language.container_name)
        ]
        if missing_languages:
            kind, namespace, name, _reason = restarts.find_workload_of(pod)
            workloads[kind, name] = {
                "kind": kind,
                "namespace": namespace,
                "name": name,
                "language": missing_languages[0],
            }
    return list(workloads.values())


def _needs_container(pod: Manifest, annotation: str, container: str) -> bool:
    """Return whether a pod lacks the container of a language. A pod that opts out with `false` needs none."""
    annotations = mapping_at(pod["metadata"], "annotations")
    if str(annotations.get(annotation)).lower() == "false":
        return False
    return container not in restarts.container_names(pod)


def split_by_restart(pods: Iterable[Manifest], annotations: Iterable[str], annotated_at: str) -> SplitByRestart:
    """Return the workloads without instrumentation, by whether their pods are older than the annotation.

    `annotated_at` is the time of the annotation and its Instrumentation. If it is empty, nobody knows the time: then
    pods that were restarted before (`RESTARTED_AT`) count as newer, so that a restart is tried once and not again.
    """
    older_pods: list[Manifest] = []
    newer_pods: list[Manifest] = []
    for pod in pods:
        metadata = pod["metadata"]
        is_newer = restarts.RESTARTED_AT in mapping_at(metadata, "annotations")
        if annotated_at:
            is_newer = str(metadata.get("creationTimestamp") or "") > annotated_at
        pods_of_age = newer_pods if is_newer else older_pods
        pods_of_age.append(pod)
    refused_workloads = find_uninstrumented_workloads(newer_pods, annotations)
    restartable = [
        workload
        for workload in find_uninstrumented_workloads(older_pods, annotations)
        if workload not in refused_workloads
    ]
    return SplitByRestart(restartable, refused_workloads)


def describe_refused_workloads(
    live_namespace: Manifest,
    pods: Iterable[Manifest],
    annotations: Iterable[str],
    refused_workloads: list[Uninstrumented],
) -> str:
    """Return the warning for workloads of a namespace that the operator has not instrumented, with what to look at."""
    name = live_namespace["metadata"]["name"]
    other_annotations: dict[str, None] = {}
    for live_object in (live_namespace, *pods):
        other_annotations.update(dict.fromkeys(list_other_languages(live_object, annotations)))
    others_text = f", now {', '.join(other_annotations)}" if other_annotations else ""
    workload_names, _command = restarts.build_restart_command(name, build_workloads(refused_workloads))
    return (
        f"The operator did not instrument pods in {name}, although they are newer than its annotation:"
        f" {workload_names}. A restart helps only when the cause is gone. Look in the log of the operator, and for"
        f" annotations of the namespace and its pods that ask for another language{others_text}."
    )


def build_workloads(rows: Iterable[Mapping[str, str]]) -> list[restarts.OutdatedWorkload]:
    return [restarts.OutdatedWorkload(row["kind"], row["namespace"], row["name"]) for row in rows]
