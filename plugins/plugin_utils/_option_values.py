# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What documented options hold beyond the types of Ansible. Controller only. Private.

Ansible knows that an option is a mapping, and not that its values are texts. `_shape_checks.py` asks this file, so that
`labels: {tier: 1.20}` is refused. The records `Collector` and `HostCollector` say it of their fields: `pod_labels` has
`Values.LABELS`. Products, modules and recipes have no record. What their options hold follows from how their names end:
`commonLabels` says nothing, `extra_labels` holds texts, by the ending `labels`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ..module_utils._collector.option_values import TEXT_MAPS, Values, values_by_option_path
from ..module_utils._collector.options import Collector
from ..module_utils._host.host_options import HostCollector

# The key by which an option says what it holds, beside the keys that Ansible knows.
HOLDS_KEY = "holds"
_RECORDS: Mapping[str, type] = {"otel_collector": Collector, "otel_host": HostCollector}
_VALUES_BY_ENDING = {
    "affinity": Values.KUBERNETES,
    "annotations": Values.ANNOTATIONS,
    "attributes": Values.TEXTS,
    "env": Values.VARIABLES,
    "flags": Values.FLAGS,
    "headers": Values.TEXTS,
    "identity_annotations": None,  # a mapping of collectors to mappings of texts
    "images": Values.TEXTS,
    "labels": Values.TEXTS,
    "node_selector": Values.LABELS,
    "role_arns": Values.TEXTS,
    "selector": Values.KUBERNETES,
    "severities": Values.TEXTS,
    "source": Values.KUBERNETES,
    "tags": Values.TEXTS,
    "tolerations": Values.KUBERNETES,
    "topics": Values.TEXTS,
    "version": Values.VERSION,
}


def describe_held_values(role: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the documented options of a role of this collection, in which those of a record say what they hold."""
    record_class = _RECORDS.get(role)
    if record_class is None:
        return dict(options)
    prefix = f"{role}_"
    record_option_names = {prefix + field.name for field in fields(record_class)}
    record_options = {name: option for name, option in options.items() if name in record_option_names}
    values_by_path = {prefix + path: values for path, values in values_by_option_path(record_class).items()}
    return {**options, **_add_held_values(record_options, values_by_path, "")}


def _add_held_values(
    options: Mapping[str, Any], values_by_path: Mapping[str, Values], outer_path: str
) -> dict[str, Any]:
    """Return options that say what they hold, at any depth. `outer_path` is the path of the option around them."""
    described_options: dict[str, Any] = {}
    for name, option in options.items():
        path = f"{outer_path}{name}"
        described_option = {**(option or {}), HOLDS_KEY: values_by_path.get(path)}
        inner_options = described_option.get("options")
        if inner_options:
            described_option["options"] = _add_held_values(inner_options, values_by_path, f"{path}.")
        described_options[name] = described_option
    return described_options


def find_held_values(name: str, option: Mapping[str, Any]) -> Values | None:
    """Return what an option holds; None if its type in Ansible says all of it."""
    held_values: Values | None = option[HOLDS_KEY] if HOLDS_KEY in option else _find_values_by_ending(name)
    is_mapping = option.get("type") == "dict" and not option.get("options")
    return None if held_values in TEXT_MAPS and not is_mapping else held_values


def _find_values_by_ending(name: str) -> Values | None:
    """Return what an option without a record holds; None if its name says nothing.

    The longest ending that is known says it. For example, `operator_node_selector` is looked up as a whole, then as
    `node_selector`.
    """
    name_ending = name
    while name_ending not in _VALUES_BY_ENDING:
        _first, underscore, name_ending = name_ending.partition("_")
        if not underscore:
            return None
    return _VALUES_BY_ENDING[name_ending]
