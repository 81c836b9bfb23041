# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a list of Instrumentations to manifests, annotations and preconditions. Controller only. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..module_utils._collector import conflicts
from ..module_utils._install.releases import lock_file
from ..module_utils._instrumentation import custom_resource, namespace_annotations
from ..module_utils._instrumentation.instrumentation import Instrumentation, option_names
from ..module_utils._otelcol.errors import Problem
from ..module_utils._otelcol.kube import names
from ..module_utils._otelcol.kube.objects import Manifest
from . import _arguments, _sources

PREFIX = "otel_instrumentation_"
# Mutually exclusive options: an item that sets one drops the default of the other.
_DESTINATIONS = ("collector", "endpoint")
_NAMES = ("name", "namespace")
_COLLECTOR_PREFIX = "otel_collector_"
# Instead of all other options: the smallest Instrumentation that there is.
_NO_OPTIONS = {"endpoint": "http://localhost:4318", "languages": {"python": {}}}


class NamedCollector(NamedTuple):
    """Where a collector of the inventory runs, and its name."""

    namespace: str
    name: str


# ── The bundle ──


def bundle(
    items: Sequence[Mapping[str, Any]],
    defaults: Mapping[str, Any],
    pin: lock_file.Pin = lock_file.unpinned,
    collectors: Sequence[NamedCollector] = (),
) -> dict[str, Any]:
    """Return the manifests and annotations of all items. Raises Problem for invalid items.

    `collectors` are those of the inventory, which an item may name without their namespace. Without items, the defaults
    are the one Instrumentation.
    """
    instrumentations = [_instrumentation(item, defaults, pin, collectors) for item in items or [{}]]
    references = _references(instrumentations)
    namespaces = _annotated_namespaces(instrumentations)
    manifests = conflicts.union(_manifests(instrumentations))
    return {
        "manifests": manifests,
        "namespaces": namespaces,
        "references": references,
        "adopt": _adopted_releases(instrumentations),
        "requirements": {
            "languages": sorted(_languages(instrumentations)),
            "targets": custom_resource.targets(instrumentations),
            "namespaces": namespaces,
            "coming": sorted({instrumentation.namespace for instrumentation in instrumentations}),
            "references": references,
            "files": custom_resource.files(instrumentations),
            "trials": [manifest for manifest in manifests if manifest["kind"] == custom_resource.KIND],
        },
    }


def _references(instrumentations: Sequence[Instrumentation]) -> list[str]:
    """Return the references to Instrumentations. Raises Problem for two of one name."""
    references = [instrumentation.reference for instrumentation in instrumentations]
    for reference in references:
        if references.count(reference) > 1:
            raise Problem(f"two Instrumentations have the name {reference}", fix="Give each its own name.")
    return references


def _annotated_namespaces(instrumentations: Sequence[Instrumentation]) -> list[Manifest]:
    """Return the namespaces whose pods get an Instrumentation, each with its annotations alone."""
    annotations = namespace_annotations.annotations_by_namespace(instrumentations)
    return [namespace_annotations.namespace_manifest(name, annotations[name]) for name in sorted(annotations)]


def _manifests(instrumentations: Sequence[Instrumentation]) -> Iterator[Manifest]:
    for instrumentation in instrumentations:
        yield from custom_resource.manifests(instrumentation)


def _adopted_releases(instrumentations: Sequence[Instrumentation]) -> list[str]:
    """Return the releases of the Instrumentations that take over objects of other owners."""
    return [
        names.release_of_instrumentation(instrumentation.namespace, instrumentation.name)
        for instrumentation in instrumentations
        if instrumentation.adopt
    ]


def _languages(instrumentations: Sequence[Instrumentation]) -> set[str]:
    languages: set[str] = set()
    for instrumentation in instrumentations:
        languages.update(instrumentation.languages)
    return languages


# ── The options of one Instrumentation ──


def _instrumentation(
    item: Mapping[str, Any], defaults: Mapping[str, Any], pin: lock_file.Pin, collectors: Sequence[NamedCollector]
) -> Instrumentation:
    """Return the Instrumentation that an item and the common defaults describe. Raises Problem for an invalid one."""
    options = _with_collector_namespace(_checked_options(item, defaults), collectors)
    return Instrumentation.from_options(lock_file.with_pins(options, ("languages",), pin))


def _checked_options(item: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return an Instrumentation's options in their types, which the role's argument_specs.yml alone has."""
    common = dict(defaults)
    if any(item.get(key) for key in _DESTINATIONS):
        for key in _DESTINATIONS:
            common.pop(key, None)
    given = _without_nulls({**common, **item})
    languages = given.get("languages")
    if isinstance(languages, Mapping):  # `python:` without anything is `python: {}`
        given["languages"] = {name: {} if options is None else options for name, options in languages.items()}
    name = _arguments.named(given)
    return _arguments.checked(given, _sources.role_options(PREFIX, option_names()), f"instrumentation '{name}'")


def _without_nulls(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that are given: null stands for the default of the role."""
    return {name: value for name, value in options.items() if value is not None}


def _with_collector_namespace(options: dict[str, Any], collectors: Sequence[NamedCollector]) -> dict[str, Any]:
    """Return an Instrumentation's options with the namespace of its collector, if that is in the inventory.

    A collector of this name in the namespace of the Instrumentation comes first, and needs no namespace.
    Raises Problem if several collectors of the inventory have the name.
    """
    collector = options.get("collector") or {}
    namespaces = [known.namespace for known in collectors if known.name == collector.get("name")]
    if collector.get("namespace") or not namespaces or options["namespace"] in namespaces:
        return options
    if len(namespaces) > 1:
        name = collector["name"]
        raise Problem(
            f"the inventory has collectors '{name}' in the namespaces {', '.join(namespaces)}",
            asked=f"instrumentation '{options['name']}'",
            where="collector",
            fix=f"Write `collector: {{name: {name}, namespace: NAMESPACE}}` with one of them.",
        )
    return {**options, "collector": {**collector, "namespace": namespaces[0]}}


# ── The collectors of the inventory ──


def collectors_of(items: Sequence[Mapping[str, Any]], defaults: Mapping[str, Any]) -> list[NamedCollector]:
    """Return each collector of the inventory. What an item lacks is the common default, then that of the role."""
    of_role = {key: option["default"] for key, option in _sources.role_options(_COLLECTOR_PREFIX, _NAMES).items()}
    known: set[NamedCollector] = set()
    for item in items:
        if isinstance(item, Mapping):
            given = _without_nulls({**_only_names(defaults), **_only_names(item)})
            collector = {**of_role, **given}
            known.add(NamedCollector(str(collector["namespace"]), str(collector["name"])))
    return sorted(known)


def _only_names(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the name and the namespace alone, as far as they are given."""
    return {name: options[name] for name in _NAMES if name in options}


# ── The removal ──


def bundle_for_removal(
    items: Sequence[Mapping[str, Any]], defaults: Mapping[str, Any], warn: Callable[[str], None]
) -> dict[str, Any]:
    """Return the bundle of Instrumentations that go. Raises Problem if their names are wrong.

    If options cannot be used, all but the names are left out: names and namespaces find every object.
    """
    try:
        return bundle(items, defaults)
    except Problem as problem:
        problem_of_options = problem
    try:
        found = bundle([_only_names(item) for item in items], {**_only_names(defaults), **_NO_OPTIONS})
    except Problem:
        raise problem_of_options from None
    warn(f"{problem_of_options}\nThe removal goes on without it, and finds the objects by their names.")
    return found
