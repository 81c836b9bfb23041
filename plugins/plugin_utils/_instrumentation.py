# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a list of Instrumentations to manifests, annotations and preconditions. Controller only. Private.

An Instrumentation is a custom resource of the operator: it says how SDKs in pods are set up. Annotations of namespaces
let the operator add the SDK to their pods. Module instrumentation_render calls `build_bundle` with the rows of option
`otel_instrumentations`, and the options that all rows share. For example, the row
`{name: default, namespace: shop, languages: {python: {}}, collector: {name: gateway}}` becomes an Instrumentation
`shop/default` that sends to the Service of collector `gateway`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..module_utils._collector import conflicts
from ..module_utils._install.releases import lock_file
from ..module_utils._instrumentation import custom_resource, namespace_annotations, requirements
from ..module_utils._instrumentation.instrumentation import Instrumentation
from ..module_utils._kube.release_names import instrumentation_release
from ..module_utils._otelcol.errors import Problem
from ..module_utils._otelcol.kube.objects import Manifest
from ._instrumentation_options import NamedCollector, build_instrumentation, select_name_options

# Instead of all other options: the smallest Instrumentation that there is.
_SMALLEST_OPTIONS = {"endpoint": "http://localhost:4318", "languages": {"python": {}}}


# ── The bundle ──


def build_bundle(
    instrumentation_rows: Sequence[Mapping[str, Any]],
    defaults: Mapping[str, Any],
    pin: lock_file.Pin = lock_file.keep_unpinned,
    collectors: Sequence[NamedCollector] = (),
) -> dict[str, Any]:
    """Return the manifests and annotations of all rows. Raises Problem for invalid rows.

    `collectors` are those of the inventory, which a row may name without their namespace. Without rows, the defaults
    are the one Instrumentation.
    """
    instrumentations = [
        build_instrumentation(instrumentation_row, defaults, pin, collectors)
        for instrumentation_row in instrumentation_rows or [{}]
    ]
    references = _list_references(instrumentations)
    namespaces = _list_annotated_namespaces(instrumentations)
    manifests = conflicts.merge_manifests(_list_manifests(instrumentations))
    return {
        "manifests": manifests,
        "namespaces": namespaces,
        "references": references,
        "adopt": _list_adopted_releases(instrumentations),
        "requirements": {
            "languages": sorted(_collect_languages(instrumentations)),
            "targets": requirements.list_export_targets(instrumentations),
            "namespaces": namespaces,
            "coming": sorted({instrumentation.namespace for instrumentation in instrumentations}),
            "references": references,
            "files": requirements.list_needed_files(instrumentations),
            "trials": [manifest for manifest in manifests if manifest["kind"] == custom_resource.KIND],
        },
    }


def _list_references(instrumentations: Sequence[Instrumentation]) -> list[str]:
    """Return the references to Instrumentations. Raises Problem for two of one name."""
    references = [instrumentation.reference for instrumentation in instrumentations]
    for reference in references:
        if references.count(reference) > 1:
            raise Problem(f"two Instrumentations have the name {reference}", fix="Give each its own name.")
    return references


def _list_annotated_namespaces(instrumentations: Sequence[Instrumentation]) -> list[Manifest]:
    """Return the namespaces whose pods get an Instrumentation, each with its annotations alone."""
    annotations = namespace_annotations.map_annotations(instrumentations)
    return [namespace_annotations.build_namespace(name, annotations[name]) for name in sorted(annotations)]


def _list_manifests(instrumentations: Sequence[Instrumentation]) -> Iterator[Manifest]:
    """Yield the objects of each Instrumentation."""
    for instrumentation in instrumentations:
        yield from custom_resource.build_manifests(instrumentation)


def _list_adopted_releases(instrumentations: Sequence[Instrumentation]) -> list[str]:
    """Return the releases of the Instrumentations that take over objects of other owners."""
    return [
        instrumentation_release(instrumentation.namespace, instrumentation.name)
        for instrumentation in instrumentations
        if instrumentation.adopt
    ]


def _collect_languages(instrumentations: Sequence[Instrumentation]) -> set[str]:
    """Return the languages of all Instrumentations, such as `python`."""
    languages: set[str] = set()
    for instrumentation in instrumentations:
        languages.update(instrumentation.languages)
    return languages


# ── The removal ──


def build_removal_bundle(
    instrumentation_rows: Sequence[Mapping[str, Any]], defaults: Mapping[str, Any], warn: Callable[[str], None]
) -> dict[str, Any]:
    """Return the bundle of Instrumentations that are removed. Raises Problem if their names are wrong.

    If options cannot be used, all but the names are left out: names and namespaces find every object.
    """
    try:
        return build_bundle(instrumentation_rows, defaults)
    except Problem as problem:
        problem_of_options = problem
    try:
        removal_bundle = build_bundle(
            [select_name_options(instrumentation_row) for instrumentation_row in instrumentation_rows],
            {**select_name_options(defaults), **_SMALLEST_OPTIONS},
        )
    except Problem:
        raise problem_of_options from None
    warn(f"{problem_of_options}\nThe removal goes on without it, and finds the objects by their names.")
    return removal_bundle
