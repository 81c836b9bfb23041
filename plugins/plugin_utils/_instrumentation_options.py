# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of one Instrumentation: a row of the inventory with the common options, in their types. Private.

`_instrumentation.py` calls `build_instrumentation` for each row. For example, with the common option
`namespace: shop` and a collector `telemetry/gateway` in the inventory, the row `{name: default, collector: {name:
gateway}}` becomes the Instrumentation `shop/default`, whose collector has the namespace `telemetry`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..module_utils._install.releases import lock_file
from ..module_utils._instrumentation.instrumentation import Instrumentation, list_option_names
from ..module_utils._otelcol.errors import Problem
from . import _arguments, _role_options

# How the variables of role otel_instrumentation begin.
PREFIX = "otel_instrumentation_"
# Mutually exclusive options: a row that sets one drops the default of the other.
_DESTINATION_OPTIONS = ("collector", "endpoint")
_NAME_OPTIONS = ("name", "namespace")
_COLLECTOR_PREFIX = "otel_collector_"


class NamedCollector(NamedTuple):
    """Where a collector of the inventory runs, and its name."""

    namespace: str
    name: str


def build_instrumentation(
    instrumentation_row: Mapping[str, Any],
    defaults: Mapping[str, Any],
    pin: lock_file.Pin,
    collectors: Sequence[NamedCollector],
) -> Instrumentation:
    """Return the Instrumentation that a row and the common defaults describe. Raises Problem for an invalid one."""
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
        given_options, _role_options.read_role_options(PREFIX, list_option_names()), f"instrumentation '{name}'"
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
    known_namespaces = [known.namespace for known in collectors if known.name == collector.get("name")]
    is_in_own_namespace = options["namespace"] in known_namespaces
    if collector.get("namespace") or not known_namespaces or is_in_own_namespace:
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
    """Return each collector of the inventory. What a row lacks is the common default, then that of the role."""
    role_defaults = {
        key: option["default"]
        for key, option in _role_options.read_role_options(_COLLECTOR_PREFIX, _NAME_OPTIONS).items()
    }
    named_collectors: set[NamedCollector] = set()
    for collector_row in collector_rows:
        if isinstance(collector_row, Mapping):
            given_names = _drop_nulls({**select_name_options(defaults), **select_name_options(collector_row)})
            collector = {**role_defaults, **given_names}
            named_collectors.add(NamedCollector(str(collector["namespace"]), str(collector["name"])))
    return sorted(named_collectors)


def select_name_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the name and the namespace alone, as far as they are given."""
    return {name: options[name] for name in _NAME_OPTIONS if name in options}
