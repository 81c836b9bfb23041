# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which namespaces are to be annotated how, and what others have written there. Private."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .._kube import ownership
from .._otelcol.config.masking import quoted
from .._otelcol.config.paths import section
from .._otelcol.errors import Problem, near
from .._otelcol.kube import names
from .._otelcol.kube.objects import Manifest
from .instrumentation import Instrumentation
from .sdk_languages import DOMAIN, LANGUAGES

PREFIX = f"{DOMAIN}/inject-"


def annotations_by_namespace(instrumentations: Iterable[Instrumentation]) -> dict[str, dict[str, str]]:
    """Return the annotations of each namespace. Raises Problem for a namespace in which no pod would be instrumented.

    The operator instruments no pod that two languages are asked for, unless the pod names a container for each
    (opentelemetry-operator: multi-instrumentation, on by default); a namespace cannot do that for its pods.
    """
    by_namespace: dict[str, dict[str, str]] = {}
    for instrumentation in instrumentations:
        for entry in instrumentation.namespaces:
            namespace, language = _checked_entry(entry, instrumentation)
            annotations = {LANGUAGES[language].annotation: instrumentation.reference}
            if by_namespace.setdefault(namespace, annotations) != annotations:
                wrong = f"namespace '{namespace}' is given to two Instrumentations or languages"
                fix = "Leave one; annotate the other's workloads themselves, with the names of their containers."
                raise Problem(wrong, asked=_asked(instrumentation), fix=fix)
    return by_namespace


def namespace_manifest(name: str, annotations: Mapping[str, str]) -> Manifest:
    """Return the manifest of a namespace, for patching only, because the namespace may have another owner."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "annotations": dict(annotations)}}


class _Entry(NamedTuple):
    """An entry of `namespaces`: the name, and the language of its pods, empty if the entry does not say it."""

    namespace: str
    language: str


def _checked_entry(item: Any, instrumentation: Instrumentation) -> _Entry:
    """Return an entry of `namespaces` with a language that its Instrumentation has. Raises Problem."""
    entry = _read_entry(item, instrumentation)
    known = list(instrumentation.languages)
    language = entry.language or (known[0] if len(known) == 1 else "")
    if not language:
        wrong = f"namespace '{entry.namespace}' does not say which of {', '.join(known)} its pods are"
        fix = f"Write `{{name: {entry.namespace}, language: {known[0]}}}`, or annotate the workloads themselves."
        raise Problem(wrong, asked=_asked(instrumentation), fix=fix)
    if language not in known:
        wrong = f"namespace '{entry.namespace}' has the language '{language}'{near(language, known)}"
        fix = f"Languages of this Instrumentation: {', '.join(known)}."
        raise Problem(wrong, asked=_asked(instrumentation), fix=fix)
    return entry._replace(language=language)


def _read_entry(item: Any, instrumentation: Instrumentation) -> _Entry:
    """Return an entry as it is written: a name, or a mapping with a name and a language. Raises Problem."""
    entry = {"name": item} if isinstance(item, str) else item
    if not _is_entry(entry):
        wrong = "one item is not an entry of `namespaces`"
        fix = "Write a name, or `{name: NAME, language: LANGUAGE}`."
        raise Problem(wrong, asked=_asked(instrumentation), fix=fix)
    namespace = names.check_name("namespace", str(entry["name"]))
    return _Entry(namespace, entry.get("language") or "")


def _asked(instrumentation: Instrumentation) -> str:
    return f"instrumentation '{instrumentation.name}'"


def _is_entry(entry: Any) -> bool:
    """Whether a value names a namespace, and a language or none, and nothing else."""
    if not isinstance(entry, Mapping) or not entry.get("name") or set(entry) - {"name", "language"}:
        return False
    return isinstance(entry.get("language") or "", str)


def annotation_patch(
    live: Manifest, annotations: Mapping[str, str], references: Sequence[str]
) -> dict[str, str | None]:
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


def kept_annotation_warnings(live: Manifest, annotations: Mapping[str, str], references: Sequence[str]) -> list[str]:
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


def second_language_warnings(live: Manifest, annotations: Mapping[str, str], references: Sequence[str]) -> list[str]:
    """Return a warning if others ask for a second language in a namespace that is wanted."""
    others = other_languages(live, annotations, references)
    if not annotations or not others:
        return []
    wrong = f"Namespace {live['metadata']['name']} asks for a second language, with {', '.join(others)}"
    return [f"{wrong}. The operator then instruments only pods that name a container for each language."]


def other_languages(item: Manifest, annotations: Iterable[str], references: Sequence[str] = ()) -> list[str]:
    """Return what asks in a namespace or pod for other languages than these annotations, and for none of these."""
    others = []
    for key, given in _unwanted(item, annotations).items():
        value = str(given)
        if value.lower() != "false" and value not in references:
            others.append(f"{key}: {quoted(value)}")
    return others


def _is_ours(live: Manifest, key: str, references: Sequence[str]) -> bool:
    """Return whether an annotation names one of our Instrumentations, and only our field manager owns it."""
    return section(live["metadata"], "annotations").get(key) in references and _managers(live, key) == [names.OWNER]


def _managers(live: Manifest, key: str) -> list[str]:
    return ownership.managers(live, "metadata", "annotations", key)


def annotated_since(live: Manifest, annotations: Iterable[str], instrumentations: Iterable[Manifest]) -> str:
    """Return since when a namespace has its annotations and their Instrumentations, empty if that is not known."""
    written_times = [ownership.written(live, "metadata", "annotations", key) for key in annotations]
    if not all(written_times):
        return ""
    made_times = [str(manifest["metadata"].get("creationTimestamp") or "") for manifest in instrumentations]
    return max([*written_times, *made_times], default="")
