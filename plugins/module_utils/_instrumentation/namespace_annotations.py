# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The annotations by which namespaces ask for instrumentation: the wanted ones, and those that exist. Private.

An annotation `instrumentation.opentelemetry.io/inject-LANGUAGE` of a namespace names the Instrumentation by which the
operator sets up the SDK in new pods there. Option `namespaces: [shop]` of Instrumentation `telemetry/default` for
Python asks for this annotation of namespace `shop`:

    instrumentation.opentelemetry.io/inject-python: telemetry/default

Action instrumentation_render works out what is wanted. `live/annotate.py` and `live/prerequisites.py` compare it with
the namespaces of the cluster, which others may have annotated too. In this file, `references` are all Instrumentations
of the user as NAMESPACE/NAME. An annotation is ours if its value is one of them and only our field manager, the name
under which this collection writes, owns it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .._kube import object_names, ownership
from .._kube.owner_words import join_managers
from .._otelcol.config.masking import mask_and_clean
from .._otelcol.config.paths import mapping_at
from .._otelcol.errors import Problem, suggest_word
from .._otelcol.kube import names
from .._otelcol.kube.objects import Manifest
from .instrumentation import Instrumentation
from .sdk_languages import DOMAIN, LANGUAGES

PREFIX = f"{DOMAIN}/inject-"


def map_annotations(instrumentations: Iterable[Instrumentation]) -> dict[str, dict[str, str]]:
    """Return the annotations of each namespace, such as `{"shop": {"…/inject-python": "telemetry/default"}}`.

    Raises Problem for a namespace in which no pod would be instrumented.

    The operator instruments no pod that two languages are asked for, unless the pod names a container for each
    (opentelemetry-operator: multi-instrumentation, on by default); a namespace cannot do that for its pods.
    """
    annotations_by_name: dict[str, dict[str, str]] = {}
    for instrumentation in instrumentations:
        for entry in instrumentation.namespaces:
            namespace, language = _check_entry(entry, instrumentation)
            annotations = {LANGUAGES[language].annotation: instrumentation.reference}
            # The same entry may stand there twice. Two others ask for two languages, or for two Instrumentations.
            if annotations_by_name.setdefault(namespace, annotations) != annotations:
                wrong = f"namespace '{namespace}' is given to two Instrumentations or languages"
                fix = "Leave one; annotate the other's workloads themselves, with the names of their containers."
                raise Problem(wrong, asked=_describe_subject(instrumentation), fix=fix)
    return annotations_by_name


# ── The annotations that the user wants ──


class _NamespaceEntry(NamedTuple):
    """An entry of `namespaces`: the name, and the language of its pods, empty if the entry does not say it."""

    namespace: str
    language: str


def _check_entry(raw_entry: Any, instrumentation: Instrumentation) -> _NamespaceEntry:
    """Return an entry of `namespaces` with a language that its Instrumentation has. Raises Problem."""
    entry = _read_entry(raw_entry, instrumentation)
    language_names = list(instrumentation.languages)
    language = entry.language or (language_names[0] if len(language_names) == 1 else "")
    if not language:
        wrong = f"namespace '{entry.namespace}' does not say which of {', '.join(language_names)} its pods are"
        fix = (
            f"Write `{{name: {entry.namespace}, language: {language_names[0]}}}`, or annotate the workloads themselves."
        )
        raise Problem(wrong, asked=_describe_subject(instrumentation), fix=fix)
    if language not in language_names:
        wrong = f"namespace '{entry.namespace}' has the language '{language}'{suggest_word(language, language_names)}"
        fix = f"Languages of this Instrumentation: {', '.join(language_names)}."
        raise Problem(wrong, asked=_describe_subject(instrumentation), fix=fix)
    return entry._replace(language=language)


def _read_entry(raw_entry: Any, instrumentation: Instrumentation) -> _NamespaceEntry:
    """Return an entry as it is written: a name, or a mapping with a name and a language. Raises Problem."""
    entry = {"name": raw_entry} if isinstance(raw_entry, str) else raw_entry
    if not _is_entry(entry):
        wrong = "one item is not an entry of `namespaces`"
        fix = "Write a name, or `{name: NAME, language: LANGUAGE}`."
        raise Problem(wrong, asked=_describe_subject(instrumentation), fix=fix)
    namespace = object_names.check_name("namespace", str(entry["name"]))
    return _NamespaceEntry(namespace, entry.get("language") or "")


def _describe_subject(instrumentation: Instrumentation) -> str:
    return f"instrumentation '{instrumentation.name}'"


def _is_entry(entry: Any) -> bool:
    """Whether a value names a namespace, and a language or none, and nothing else."""
    if not isinstance(entry, Mapping) or not entry.get("name") or set(entry) - {"name", "language"}:
        return False
    return isinstance(entry.get("language") or "", str)


def build_namespace(name: str, annotations: Mapping[str, str]) -> Manifest:
    """Return the manifest of a namespace with these annotations alone: it is a patch, as others may own the rest."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "annotations": dict(annotations)}}


# ── The annotations that a namespace of the cluster has ──


def build_annotation_patch(
    live_namespace: Manifest, annotations: Mapping[str, str], references: Sequence[str]
) -> dict[str, str | None]:
    """Return the patch that gives a namespace the wanted `annotations`; empty if it has them.

    In the patch, None removes an annotation of ours that is no longer wanted:
    `{"…/inject-java": None, "…/inject-python": "telemetry/default"}`. Raises Problem if others have given a wanted
    annotation another value.
    """
    name = live_namespace["metadata"]["name"]
    live_annotations = mapping_at(live_namespace["metadata"], "annotations")
    for key, value in annotations.items():
        if live_annotations.get(key, value) != value and not _is_own_annotation(live_namespace, key, references):
            writers = join_managers(_list_managers(live_namespace, key))
            wrong = (
                f"namespace '{name}' has the annotation {key}: {mask_and_clean(live_annotations[key])} already, from"
                f" {writers}"
            )
            fix = f"Remove it with `kubectl annotate namespace {name} {key}-`, or leave the namespace out."
            raise Problem(wrong, fix=fix)
    patch: dict[str, str | None] = {}
    for key in _list_unwanted(live_namespace, annotations):
        if _is_own_annotation(live_namespace, key, references):
            patch[key] = None
    for key, value in annotations.items():
        if live_annotations.get(key) != value:
            patch[key] = value
    return patch


def _list_unwanted(live_object: Manifest, annotations: Iterable[str]) -> dict[str, Any]:
    """Return the annotations of a namespace or pod that ask for a language, without the wanted `annotations`."""
    live_annotations = mapping_at(live_object["metadata"], "annotations")
    return {key: value for key, value in live_annotations.items() if key.startswith(PREFIX) and key not in annotations}


def find_kept_annotation_warnings(
    live_namespace: Manifest, annotations: Mapping[str, str], references: Sequence[str]
) -> list[str]:
    """Return a warning for each unwanted annotation that names one of our Instrumentations, but has other owners."""
    name = live_namespace["metadata"]["name"]
    warnings = []
    for key, value in _list_unwanted(live_namespace, annotations).items():
        if value in references and not _is_own_annotation(live_namespace, key, references):
            warnings.append(
                f"Namespace {name} keeps the annotation {key}: {value} of"
                f" {join_managers(_list_managers(live_namespace, key))}. If no one needs it, remove it with"
                f" `kubectl annotate namespace {name} {key}-`."
            )
    return warnings


def find_second_language_warnings(
    live_namespace: Manifest, annotations: Mapping[str, str], references: Sequence[str]
) -> list[str]:
    """Return a warning if others ask for a second language in a namespace that gets our `annotations`."""
    other_annotations = list_other_languages(live_namespace, annotations, references)
    if not annotations or not other_annotations:
        return []
    wrong = (
        f"Namespace {live_namespace['metadata']['name']} asks for a second language, with"
        f" {', '.join(other_annotations)}"
    )
    return [f"{wrong}. The operator then instruments only pods that name a container for each language."]


def list_other_languages(
    live_object: Manifest, annotations: Iterable[str], references: Sequence[str] = ()
) -> list[str]:
    """Return the annotations of a namespace or pod that ask for other languages, such as `…/inject-java: true`.

    `annotations` are the names of the wanted ones. Those that name one of `references` are left out.
    """
    other_annotations = []
    for key, raw_value in _list_unwanted(live_object, annotations).items():
        value = str(raw_value)
        if value.lower() != "false" and value not in references:
            other_annotations.append(f"{key}: {mask_and_clean(value)}")
    return other_annotations


def _is_own_annotation(live_namespace: Manifest, key: str, references: Sequence[str]) -> bool:
    """Return whether an annotation names one of our Instrumentations, and only our field manager owns it."""
    value = mapping_at(live_namespace["metadata"], "annotations").get(key)
    return value in references and _list_managers(live_namespace, key) == [names.OWNER]


def _list_managers(live_namespace: Manifest, key: str) -> list[str]:
    """Return the field managers that own an annotation, such as `["kubectl-annotate"]`."""
    return ownership.list_managers(live_namespace, "metadata", "annotations", key)


def find_annotated_since(
    live_namespace: Manifest, annotations: Iterable[str], instrumentations: Iterable[Manifest]
) -> str:
    """Return since when a namespace has its annotations and their Instrumentations; empty if that is not known.

    An example: `2026-01-31T12:00:00Z`. Pods that are older than this time are not instrumented.
    """
    written_times = [ownership.find_written_time(live_namespace, "metadata", "annotations", key) for key in annotations]
    if not all(written_times):
        return ""
    # All are times of the API server, in UTC and in whole seconds, so the largest text is the latest time.
    creation_times = [str(manifest["metadata"].get("creationTimestamp") or "") for manifest in instrumentations]
    return max([*written_times, *creation_times], default="")
