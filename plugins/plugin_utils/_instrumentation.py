# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a list of Instrumentations to manifests, annotations and preconditions. Controller only. Private."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

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
_EITHER = ("collector", "endpoint")
_NAMES = ("name", "namespace")
_COLLECTOR = "otel_collector_"
# Instead of all other options: the smallest Instrumentation that there is.
_NO_OPTIONS = {"endpoint": "http://localhost:4318", "languages": {"python": {}}}


def _references(instrumentations: Sequence[Instrumentation]) -> list[str]:
    """Return the references to Instrumentations. Raises Problem for two of one name."""
    references = [instrumentation.reference for instrumentation in instrumentations]
    for reference in references:
        if references.count(reference) > 1:
            raise Problem(f"two Instrumentations have the name {reference}", fix="Give each its own name.")
    return references


def bundle(
    items: Sequence[Mapping[str, Any]],
    defaults: Mapping[str, Any],
    pin: lock_file.Pin = lock_file.unpinned,
    collectors: Sequence[tuple[str, str]] = (),
) -> dict[str, Any]:
    """Return the manifests and annotations of all items. Raises Problem for invalid items.

    `collectors` has namespace and name of those in the inventory, which an item may name without their namespace.
    """
    typed = [_located(_options(item, defaults), collectors) for item in items or [{}]]
    pinned = [lock_file.with_pins(options, ("languages",), pin) for options in typed]
    instrumentations = [Instrumentation.from_options(options) for options in pinned]
    references = _references(instrumentations)
    annotations = namespace_annotations.annotations_by_namespace(instrumentations)
    annotated = [namespace_annotations.namespace_manifest(name, annotations[name]) for name in sorted(annotations)]
    manifests: list[Manifest] = []
    languages: set[str] = set()
    for instrumentation in instrumentations:
        manifests += custom_resource.manifests(instrumentation)
        languages.update(instrumentation.languages)
    objects = conflicts.union(manifests)
    adopting = [instrumentation for instrumentation in instrumentations if instrumentation.adopt]
    return {
        "manifests": objects,
        "namespaces": annotated,
        "references": references,
        "adopt": [names.release_of_instrumentation(owner.namespace, owner.name) for owner in adopting],
        "requirements": {
            "languages": sorted(languages),
            "targets": custom_resource.targets(instrumentations),
            "namespaces": annotated,
            "coming": sorted({instrumentation.namespace for instrumentation in instrumentations}),
            "references": references,
            "files": custom_resource.files(instrumentations),
            "trials": [manifest for manifest in objects if manifest["kind"] == custom_resource.KIND],
        },
    }


def bundle_for_removal(
    items: Sequence[Mapping[str, Any]], defaults: Mapping[str, Any], warn: Callable[[str], None]
) -> dict[str, Any]:
    """Return the bundle of Instrumentations that go. Raises Problem if their names are wrong.

    If options cannot be used, all but the names are left out: names and namespaces find every object.
    """
    try:
        return bundle(items, defaults)
    except Problem as problem:
        first = problem
    try:
        found = bundle([_named(item) for item in items], {**_named(defaults), **_NO_OPTIONS})
    except Problem:
        raise first from None
    warn(f"{first}\nThe removal goes on without it, and finds the objects by their names.")
    return found


def collectors_of(items: Sequence[Mapping[str, Any]], defaults: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return namespace and name of each collector of the inventory; what an item lacks is the role's default."""
    of_role = {key: option["default"] for key, option in _sources.role_options(_COLLECTOR, _NAMES).items()}
    known: set[tuple[str, str]] = set()
    for item in items:
        if isinstance(item, Mapping):
            collector = {**of_role, **_named(defaults), **_named(item)}
            known.add((str(collector["namespace"]), str(collector["name"])))
    return sorted(known)


def _located(options: dict[str, Any], collectors: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return an Instrumentation's options with the namespace of its collector, if that is in the inventory."""
    to = options.get("collector") or {}
    places = [namespace for namespace, name in collectors if name == to.get("name")]
    if to.get("namespace") or not places or options["namespace"] in places:
        return options
    if len(places) > 1:
        raise Problem(
            f"the inventory has collectors '{to['name']}' in the namespaces {', '.join(places)}",
            asked=f"instrumentation '{options['name']}'",
            where="collector",
            fix=f"Write `collector: {{name: {to['name']}, namespace: NAMESPACE}}` with one of them.",
        )
    return {**options, "collector": {**to, "namespace": places[0]}}


def _named(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the name and the namespace alone, as far as they are given."""
    return {name: options[name] for name in _NAMES if name in options}


def _options(item: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return an Instrumentation's options in their types, which the role's argument_specs.yml alone has."""
    common = dict(defaults)
    if any(item.get(key) for key in _EITHER):
        for key in _EITHER:
            common.pop(key, None)
    given = {key: value for key, value in {**common, **item}.items() if value is not None}
    languages = given.get("languages")
    if isinstance(languages, Mapping):  # `python:` without anything is `python: {}`
        given["languages"] = {name: {} if options is None else options for name, options in languages.items()}
    name = _arguments.named(given)
    return _arguments.checked(given, _sources.role_options(PREFIX, option_names()), f"instrumentation '{name}'")
