# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a list of Instrumentations to manifests, annotations and preconditions. Controller only. Private.

An Instrumentation is a custom resource of the operator: it says how SDKs in pods are set up. Annotations of namespaces
let the operator add the SDK to their pods. An item is a row of option `otel_instrumentations`, and the defaults are
options that all items share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..module_utils._collector import conflicts
from ..module_utils._install.releases import lock_file
from ..module_utils._instrumentation import custom_resource, namespace_annotations, requirements
from ..module_utils._instrumentation.instrumentation import Instrumentation, list_option_names
from ..module_utils._otelcol.errors import Problem
from ..module_utils._otelcol.kube import names
from ..module_utils._otelcol.kube.objects import Manifest
from . import _arguments, _sources

PREFIX = "otel_instrumentation_"
# Mutually exclusive options: an item that sets one drops the default of the other.
_DESTINATION_OPTIONS = ("collector", "endpoint")
_NAME_OPTIONS = ("name", "namespace")
_COLLECTOR_PREFIX = "otel_collector_"
# Instead of all other options: the smallest Instrumentation that there is.
_SMALLEST_OPTIONS = {"endpoint": "http://localhost:4318", "languages": {"python": {}}}


class NamedCollector(NamedTuple):
    """Where a collector of the inventory runs, and its name."""

    namespace: str
    name: str


# ── The bundle ──


def build_bundle(
    instrumentation_rows: Sequence[Mapping[str, Any]],
    defaults: Mapping[str, Any],
    pin: lock_file.Pin = lock_file.keep_unpinned,
    collectors: Sequence[NamedCollector] = (),
) -> dict[str, Any]:
    """Return the manifests and annotations of all items. Raises Problem for invalid items.

    `collectors` are those of the inventory, which an item may name without their namespace. Without items, the defaults
    are the one Instrumentation.
    """
    instrumentations = [
        _build_instrumentation(instrumentation_row, defaults, pin, collectors)
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
    for instrumentation in instrumentations:
        yield from custom_resource.build_manifests(instrumentation)


def _list_adopted_releases(instrumentations: Sequence[Instrumentation]) -> list[str]:
    """Return the releases of the Instrumentations that take over objects of other owners."""
    return [
        names.instrumentation_release(instrumentation.namespace, instrumentation.name)
        for instrumentation in instrumentations
        if instrumentation.adopt
    ]


def _collect_languages(instrumentations: Sequence[Instrumentation]) -> set[str]:
    languages: set[str] = set()
    for instrumentation in instrumentations:
        languages.update(instrumentation.languages)
    return languages


# ── The options of one Instrumentation ──


def _build_instrumentation(
    instrumentation_row: Mapping[str, Any],
    defaults: Mapping[str, Any],
    pin: lock_file.Pin,
    collectors: Sequence[NamedCollector],
) -> Instrumentation:
    """Return the Instrumentation that an item and the common defaults describe. Raises Problem for an invalid one."""
    options = _add_collector_namespace(_validate_options(instrumentation_row, defaults), collectors)
    return Instrumentation.from_options(lock_file.pin_options(options, ("languages",), pin))


def _validate_options(instrumentation_row: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return an Instrumentation's options in their types, which the role's argument_specs.yml alone has."""
    common_options = dict(defaults)
    if any(instrumentation_row.get(key) for key in _DESTINATION_OPTIONS):
        for key in _DESTINATION_OPTIONS:
            common_options.pop(key, None)
    given_options = _drop_nulls({**common_options, **instrumentation_row})
    languages = given_options.get("languages")
    if isinstance(languages, Mapping):  # `python:` without anything is `python: {}`
        given_options["languages"] = {name: {} if options is None else options for name, options in languages.items()}
    name = _arguments.describe_name(given_options)
    return _arguments.validate_values(
        given_options, _sources.read_role_options(PREFIX, list_option_names()), f"instrumentation '{name}'"
    )


def _drop_nulls(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that are given: null stands for the default of the role."""
    return {name: value for name, value in options.items() if value is not None}


def _add_collector_namespace(options: dict[str, Any], collectors: Sequence[NamedCollector]) -> dict[str, Any]:
    """Return an Instrumentation's options with the namespace of its collector, if that is in the inventory.

    A collector of this name in the namespace of the Instrumentation comes first, and needs no namespace.
    Raises Problem if several collectors of the inventory have the name.
    """
    collector = options.get("collector") or {}
    known_namespaces = [
        known_collector.namespace for known_collector in collectors if known_collector.name == collector.get("name")
    ]
    if collector.get("namespace") or not known_namespaces or options["namespace"] in known_namespaces:
        return options
    if len(known_namespaces) > 1:
        name = collector["name"]
        raise Problem(
            f"the inventory has collectors '{name}' in the namespaces {', '.join(known_namespaces)}",
            asked=f"instrumentation '{options['name']}'",
            where="collector",
            fix=f"Write `collector: {{name: {name}, namespace: NAMESPACE}}` with one of them.",
        )
    return {**options, "collector": {**collector, "namespace": known_namespaces[0]}}


# ── The collectors of the inventory ──


def list_named_collectors(
    collector_rows: Sequence[Mapping[str, Any]], defaults: Mapping[str, Any]
) -> list[NamedCollector]:
    """Return each collector of the inventory. What an item lacks is the common default, then that of the role."""
    role_defaults = {
        key: option["default"] for key, option in _sources.read_role_options(_COLLECTOR_PREFIX, _NAME_OPTIONS).items()
    }
    named_collectors: set[NamedCollector] = set()
    for collector_row in collector_rows:
        if isinstance(collector_row, Mapping):
            given_names = _drop_nulls({**_select_name_options(defaults), **_select_name_options(collector_row)})
            collector = {**role_defaults, **given_names}
            named_collectors.add(NamedCollector(str(collector["namespace"]), str(collector["name"])))
    return sorted(named_collectors)


def _select_name_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the name and the namespace alone, as far as they are given."""
    return {name: options[name] for name in _NAME_OPTIONS if name in options}


# ── The removal ──


def build_removal_bundle(
    instrumentation_rows: Sequence[Mapping[str, Any]], defaults: Mapping[str, Any], warn: Callable[[str], None]
) -> dict[str, Any]:
    """Return the bundle of Instrumentations that go. Raises Problem if their names are wrong.

    If options cannot be used, all but the names are left out: names and namespaces find every object.
    """
    try:
        return build_bundle(instrumentation_rows, defaults)
    except Problem as problem:
        problem_of_options = problem
    try:
        removal_bundle = build_bundle(
            [_select_name_options(instrumentation_row) for instrumentation_row in instrumentation_rows],
            {**_select_name_options(defaults), **_SMALLEST_OPTIONS},
        )
    except Problem:
        raise problem_of_options from None
    warn(f"{problem_of_options}\nThe removal goes on without it, and finds the objects by their names.")
    return removal_bundle
