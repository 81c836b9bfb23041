# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a list of Instrumentations to manifests, annotations and preconditions. Controller only. Private."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..module_utils._collector import deployed
from ..module_utils._install.releases import lock_file
from ..module_utils._instrumentation import custom_resource, inject_annotations
from ..module_utils._instrumentation.instrumentation import Instrumentation, option_names
from ..module_utils._otelcol.errors import Problem
from ..module_utils._otelcol.kube import names
from . import _arguments, _sources

PREFIX = "otel_instrumentation_"
# Mutually exclusive options: an item that sets one drops the default of the other.
_EITHER = ("collector", "endpoint")
_NAMES = ("name", "namespace")
_COLLECTOR = "otel_collector_"
# Instead of all other options: the smallest Instrumentation that there is.
_NO_OPTIONS = {"endpoint": "http://localhost:4318", "languages": {"python": {}}}


def _references(wanted: Sequence[Instrumentation]) -> list[str]:
    """Return the references to Instrumentations. Raises Problem for two of one name."""
    references = [instrumentation.reference for instrumentation in wanted]
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
    options = [lock_file.with_pins(one, ("languages",), pin) for one in typed]
    wanted = [Instrumentation.from_options(one) for one in options]
    references = _references(wanted)
    annotations = inject_annotations.wanted(wanted)
    annotated = [inject_annotations.manifest(name, annotations[name]) for name in sorted(annotations)]
    objects = deployed.union(item for instrumentation in wanted for item in custom_resource.manifests(instrumentation))
    return {
        "manifests": objects,
        "namespaces": annotated,
        "references": references,
        "adopt": [names.release_of_instrumentation(item.namespace, item.name) for item in wanted if item.adopt],
        "requirements": {
            "languages": sorted({name for instrumentation in wanted for name in instrumentation.languages}),
            "targets": custom_resource.targets(wanted),
            "namespaces": annotated,
            "coming": sorted({instrumentation.namespace for instrumentation in wanted}),
            "references": references,
            "files": custom_resource.files(wanted),
            "trials": [item for item in objects if item["kind"] == custom_resource.KIND],
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
    usual = {key: option["default"] for key, option in _sources.role_options(_COLLECTOR, _NAMES).items()}
    found = [{**usual, **_named(defaults), **_named(item)} for item in items if isinstance(item, Mapping)]
    return sorted({(str(one["namespace"]), str(one["name"])) for one in found})


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
    return {name: options[name] for name in _NAMES if name in options}


def _options(item: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return an Instrumentation's options in their types, which the role's argument_specs.yml alone has."""
    own = any(item.get(key) for key in _EITHER)
    common = {key: value for key, value in defaults.items() if not (own and key in _EITHER)}
    given = {key: value for key, value in {**common, **item}.items() if value is not None}
    if isinstance(given.get("languages"), Mapping):  # `python:` without anything is `python: {}`
        given["languages"] = {name: {} if value is None else value for name, value in given["languages"].items()}
    name = _arguments.named(given)
    return _arguments.checked(given, _sources.role_options(PREFIX, option_names()), f"instrumentation '{name}'")
