# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which namespaces are to be annotated how, and which pods in them run without what they should have. Private."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .._kube import ownership
from .._otelcol.config.masking import quoted
from .._otelcol.config.paths import section
from .._otelcol.errors import Problem, near
from .._otelcol.kube import names
from .._otelcol.kube.objects import Manifest
from .._rollout import restarts
from .instrumentation import Instrumentation
from .sdk_languages import DOMAIN, LANGUAGES

PREFIX = f"{DOMAIN}/inject-"


def wanted(instrumentations: Iterable[Instrumentation]) -> dict[str, dict[str, str]]:
    """Return the annotations of each namespace. Raises Problem for a namespace in which no pod would be instrumented.

    The operator instruments no pod that two languages are asked for, unless the pod names a container for each
    (opentelemetry-operator: multi-instrumentation, on by default); a namespace cannot do that for its pods.
    """
    by_namespace: dict[str, dict[str, str]] = {}
    for instrumentation in instrumentations:
        for entry in instrumentation.namespaces:
            namespace, annotation = _entry(entry, instrumentation)
            annotations = {annotation: instrumentation.reference}
            if by_namespace.setdefault(namespace, annotations) != annotations:
                wrong = f"namespace '{namespace}' is given to two Instrumentations or languages"
                fix = "Leave one; annotate the other's workloads themselves, with the names of their containers."
                raise Problem(wrong, asked=f"instrumentation '{instrumentation.name}'", fix=fix)
    return by_namespace


def manifest(name: str, annotations: Mapping[str, str]) -> Manifest:
    """Return the manifest of a namespace, for patching only, because the namespace may have another owner."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "annotations": dict(annotations)}}


def _entry(item: Any, instrumentation: Instrumentation) -> tuple[str, str]:
    """Return the namespace and the annotation that an entry of `namespaces` means."""
    asked = f"instrumentation '{instrumentation.name}'"
    entry = {"name": item} if isinstance(item, str) else item
    if not _is_entry(entry):
        wrong = "one item is not an entry of `namespaces`"
        raise Problem(wrong, asked=asked, fix="Write a name, or `{name: NAME, language: LANGUAGE}`.")
    namespace = names.check_name("namespace", str(entry["name"]))
    known = list(instrumentation.languages)
    language = entry.get("language") or (known[0] if len(known) == 1 else "")
    if not language:
        wrong = f"namespace '{namespace}' does not say which of {', '.join(known)} its pods are"
        fix = f"Write `{{name: {namespace}, language: {known[0]}}}`, or annotate the workloads themselves."
        raise Problem(wrong, asked=asked, fix=fix)
    if language not in known:
        wrong = f"namespace '{namespace}' has the language '{language}'{near(language, known)}"
        raise Problem(wrong, asked=asked, fix=f"Languages of this Instrumentation: {', '.join(known)}.")
    return namespace, LANGUAGES[language].annotation


def _is_entry(entry: Any) -> bool:
    """Whether a value names a namespace, and a language or none, and nothing else."""
    if not isinstance(entry, Mapping) or not entry.get("name") or set(entry) - {"name", "language"}:
        return False
    return isinstance(entry.get("language") or "", str)


def change(live: Manifest, annotations: Mapping[str, str], references: Sequence[str]) -> dict[str, str | None]:
    """Return the patch of a namespace's annotations: missing ones, and ours that are no longer wanted.

    An annotation is ours if it names one of our Instrumentations and only our field manager owns it. Raises Problem for
    one of others that has another value.
    """
    name = live["metadata"]["name"]
    before = section(live["metadata"], "annotations")
    for key, value in annotations.items():
        if before.get(key, value) != value and not _is_ours(live, key, references):
            writers = ownership.named(_managers(live, key))
            wrong = f"namespace '{name}' has the annotation {key}: {quoted(before[key])} already, from {writers}"
            fix = f"Remove it with `kubectl annotate namespace {name} {key}-`, or leave the namespace out."
            raise Problem(wrong, fix=fix)
    patch: dict[str, str | None] = {}
    for key in _unwanted(live, annotations):
        if _is_ours(live, key, references):
            patch[key] = None
    for key, value in annotations.items():
        if before.get(key) != value:
            patch[key] = value
    return patch


def _unwanted(item: Manifest, annotations: Iterable[str]) -> dict[str, Any]:
    """Return the annotations of a namespace or pod that ask for a language, but for these."""
    given = section(item["metadata"], "annotations")
    return {key: value for key, value in given.items() if key.startswith(PREFIX) and key not in annotations}


def foreign(live: Manifest, annotations: Mapping[str, str], references: Sequence[str]) -> list[str]:
    """Return a warning for each unwanted annotation that names one of our Instrumentations and that others own."""
    name = live["metadata"]["name"]
    warnings = []
    for key, value in _unwanted(live, annotations).items():
        if value in references and not _is_ours(live, key, references):
            warnings.append(
                f"Namespace {name} keeps the annotation {key}: {value} of {ownership.named(_managers(live, key))}. "
                f"If no one needs it, remove it with `kubectl annotate namespace {name} {key}-`."
            )
    return warnings


def contested(live: Manifest, annotations: Mapping[str, str], references: Sequence[str]) -> list[str]:
    """Return a warning if others ask for a second language in a namespace that is wanted."""
    others = rivals(live, annotations, references)
    if not annotations or not others:
        return []
    wrong = f"Namespace {live['metadata']['name']} asks for a second language, with {', '.join(others)}"
    return [f"{wrong}. The operator then instruments only pods that name a container for each language."]


def rivals(item: Manifest, annotations: Iterable[str], references: Sequence[str] = ()) -> list[str]:
    """Return what asks in a namespace or pod for other languages than these annotations, and for none of these."""
    others = []
    for key, given in _unwanted(item, annotations).items():
        value = str(given)
        if value.lower() != "false" and value not in references:
            others.append(f"{key}: {quoted(value)}")
    return others


def _is_ours(live: Manifest, key: str, references: Sequence[str]) -> bool:
    """Return whether an annotation names one of our Instrumentations, and only our field manager owns it."""
    return live["metadata"]["annotations"][key] in references and _managers(live, key) == [names.OWNER]


def _managers(live: Manifest, key: str) -> list[str]:
    return ownership.managers(live, "metadata", "annotations", key)


def since(live: Manifest, annotations: Iterable[str], instrumentations: Iterable[Manifest]) -> str:
    """Return since when a namespace has its annotations and their Instrumentations, empty if that is not known."""
    written_times = [ownership.written(live, "metadata", "annotations", key) for key in annotations]
    if not all(written_times):
        return ""
    made_times = [str(manifest["metadata"].get("creationTimestamp") or "") for manifest in instrumentations]
    return max([*written_times, *made_times], default="")


def judged(
    pods: Iterable[Manifest], annotations: Iterable[str], since: str
) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Return the workloads without instrumentation that a restart helps, and those with newer pods, which none helps.

    If it is not known since when a pod should have been instrumented, a restart helps once.
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
    refused = without(newer_pods, annotations)
    restartable = [workload for workload in without(older_pods, annotations) if workload not in refused]
    return restartable, refused


def refusal(live: Manifest, pods: Iterable[Manifest], annotations: Iterable[str], found: list[dict[str, str]]) -> str:
    """Return the warning for workloads of a namespace that the operator has not instrumented, with what to look at."""
    name = live["metadata"]["name"]
    rival_texts: dict[str, None] = {}
    for item in (live, *pods):
        rival_texts.update(dict.fromkeys(rivals(item, annotations)))
    now = f", now {', '.join(rival_texts)}" if rival_texts else ""
    return (
        f"The operator did not instrument pods in {name}, although they are newer than its annotation: "
        f"{restarts.command(name, workloads(found))[0]}. A restart helps only when the cause is gone. Look in the log "
        f"of the operator, and for annotations of the namespace and its pods that ask for another language{now}."
    )


def workloads(found: Iterable[Mapping[str, str]]) -> list[restarts.Workload]:
    return [restarts.Workload(item["kind"], item["namespace"], item["name"]) for item in found]


def without(pods: Iterable[Manifest], annotations: Iterable[str]) -> list[dict[str, str]]:
    """Return the workloads of pods that run, should be instrumented by these annotations, and are not."""
    asked_for = set(annotations)
    asked_languages = [language for language in LANGUAGES.values() if language.annotation in asked_for]
    found: dict[tuple[str, str], dict[str, str]] = {}
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
