# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pods run without the instrumentation that the annotations of their namespace ask for. Private."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from .._otelcol.config.paths import section
from .._otelcol.kube.objects import Manifest
from .._rollout import restarts
from .namespace_annotations import other_languages
from .sdk_languages import LANGUAGES

# A workload without instrumentation, as modules return it: its kind, namespace and name, and the language.
Uninstrumented = dict[str, str]


class SplitByRestart(NamedTuple):
    """Workloads without instrumentation: those that a restart helps, and those with newer pods, which none helps."""

    restartable: list[Uninstrumented]
    refused: list[Uninstrumented]


def uninstrumented_workloads(pods: Iterable[Manifest], annotations: Iterable[str]) -> list[Uninstrumented]:
    """Return the workloads of pods that run, should be instrumented by these annotations, and are not."""
    asked_for = set(annotations)
    asked_languages = [language for language in LANGUAGES.values() if language.annotation in asked_for]
    found: dict[tuple[str, str], Uninstrumented] = {}
    for pod in pods:
        if not restarts.running(pod):
            continue
        missing = [
            language.name for language in asked_languages if _lacks(pod, language.annotation, language.container)
        ]
        if missing:
            kind, namespace, name, _reason = restarts.workload_of(pod)
            found[kind, name] = {"kind": kind, "namespace": namespace, "name": name, "language": missing[0]}
    return list(found.values())


def _lacks(pod: Manifest, annotation: str, container: str) -> bool:
    """Return whether a pod has not got the container of a language that it has not refused."""
    annotations = section(pod["metadata"], "annotations")
    if str(annotations.get(annotation)).lower() == "false":
        return False
    return container not in restarts.containers(pod)


def split_by_restart(pods: Iterable[Manifest], annotations: Iterable[str], since: str) -> SplitByRestart:
    """Return the workloads without instrumentation, by whether their pods are older than the annotation.

    `since` is the time of the annotation and its Instrumentation. If it is not known, a restart helps once.
    """
    older_pods: list[Manifest] = []
    newer_pods: list[Manifest] = []
    for pod in pods:
        metadata = pod["metadata"]
        is_newer = restarts.RESTARTED in section(metadata, "annotations")
        if since:
            is_newer = str(metadata.get("creationTimestamp") or "") > since
        side = newer_pods if is_newer else older_pods
        side.append(pod)
    refused = uninstrumented_workloads(newer_pods, annotations)
    restartable = [
        workload for workload in uninstrumented_workloads(older_pods, annotations) if workload not in refused
    ]
    return SplitByRestart(restartable, refused)


def refusal_warning(
    live: Manifest, pods: Iterable[Manifest], annotations: Iterable[str], refused: list[Uninstrumented]
) -> str:
    """Return the warning for workloads of a namespace that the operator has not instrumented, with what to look at."""
    name = live["metadata"]["name"]
    others: dict[str, None] = {}
    for item in (live, *pods):
        others.update(dict.fromkeys(other_languages(item, annotations)))
    now = f", now {', '.join(others)}" if others else ""
    named, _command = restarts.command(name, as_workloads(refused))
    return (
        f"The operator did not instrument pods in {name}, although they are newer than its annotation: "
        f"{named}. A restart helps only when the cause is gone. Look in the log "
        f"of the operator, and for annotations of the namespace and its pods that ask for another language{now}."
    )


def as_workloads(found: Iterable[Mapping[str, str]]) -> list[restarts.Workload]:
    return [restarts.Workload(item["kind"], item["namespace"], item["name"]) for item in found]
