# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which values a documented option takes, more exactly than the types of Ansible say. Controller only. Private.

Ansible knows that an option is a mapping, and not that its values are texts. `_shape_checks.py` asks this file, so that
`labels: {tier: 1.20}` is refused. A kind of values is a member of `Values`. It has one of two sources:

| option | source of its kind | kind |
|---|---|---|
| `pod_labels` of a collector | the annotation of field `pod_labels` of record `Collector` | `Values.LABELS` |
| `replicas` of a collector | the record: the field has no such annotation | None |
| `extra_labels` of a recipe, with type dict | the name, which ends with `labels` | `Values.TEXTS` |
| `labels` of a recipe, with type list | the name, but the option is no mapping | None |
| `commonLabels` of a recipe | the name, which has no known ending | None |

What is said of recipes is also true of modules and of the other roles. For collectors, `add_value_kinds` writes the
kind into the documentation of each option:

    {"otel_collector_pod_labels": {"type": "dict", "description": …}}                                    before
    {"otel_collector_pod_labels": {"type": "dict", "description": …, "value_kind": Values.LABELS}}       after
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ..module_utils._collector.option_values import TEXT_MAPS, Values, values_by_option_path
from ..module_utils._collector.options import Collector
from ..module_utils._host.host_options import HostCollector

# The key of the kind of values in the documentation of an option, beside the keys that Ansible knows.
VALUE_KIND_KEY = "value_kind"
# The records whose fields are the options of a collector, by role.
_RECORDS: Mapping[str, type] = {"otel_collector": Collector, "otel_host": HostCollector}
# The kinds of options without a record. An ending such as `images` is also that of lists and switches, and `version` is
# one of text: `find_value_kind` compares with the type.
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
    # As `source`, the ending of texts alone in this collection, which this kind lets pass; a user's recipe may have an
    # option `pod_selector` that is a mapping.
    "selector": Values.KUBERNETES,
    "severities": Values.TEXTS,
    "source": Values.KUBERNETES,
    "tags": Values.TEXTS,
    "tolerations": Values.KUBERNETES,
    "topics": Values.TEXTS,
    "version": Values.VERSION,  # such as otel_operator_version: YAML reads 0.140 as the number 0.14
}


def add_value_kinds(role: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the documented options of a role of this collection, in which those of a record have their kind of values.

    An option of a record that is not annotated has the kind None, so that its name decides nothing.
    """
    record_class = _RECORDS.get(role)
    if record_class is None:
        return dict(options)
    prefix = f"{role}_"
    record_option_names = {prefix + field.name for field in fields(record_class)}
    record_options = {name: option for name, option in options.items() if name in record_option_names}
    values_by_path = {prefix + path: values for path, values in values_by_option_path(record_class).items()}
    return {**options, **_add_kinds_at_any_depth(record_options, values_by_path, "")}


def _add_kinds_at_any_depth(
    options: Mapping[str, Any], values_by_path: Mapping[str, Values], outer_path: str
) -> dict[str, Any]:
    """Return options and their suboptions with their kinds. `outer_path` is the path of the option around them."""
    described_options: dict[str, Any] = {}
    for name, option in options.items():
        path = f"{outer_path}{name}"
        described_option = {**(option or {}), VALUE_KIND_KEY: values_by_path.get(path)}
        inner_options = described_option.get("options")
        if inner_options:
            described_option["options"] = _add_kinds_at_any_depth(inner_options, values_by_path, f"{path}.")
        described_options[name] = described_option
    return described_options


def find_value_kind(name: str, option: Mapping[str, Any]) -> Values | None:
    """Return the kind of values of an option; None if its type in Ansible says all about them."""
    kind: Values | None = option[VALUE_KIND_KEY] if VALUE_KIND_KEY in option else _find_kind_by_ending(name)
    is_free_mapping = option.get("type") == "dict" and not option.get("options")
    # An ending does not tell a mapping of texts from a list or a switch, such as `exclude_images` of recipe
    # docker_metrics and `resource_attributes` of amp_export. A mapping with suboptions has a type for each of them.
    if kind in TEXT_MAPS and not is_free_mapping:
        return None
    return kind


def _find_kind_by_ending(name: str) -> Values | None:
    """Return the kind of values of an option without a record; None if its name says nothing.

    The longest ending that is known says it. For example, `operator_node_selector` is looked up as a whole, then as
    `node_selector`.
    """
    name_ending = name
    while name_ending not in _VALUES_BY_ENDING:
        _first, underscore, name_ending = name_ending.partition("_")
        if not underscore:
            return None
    return _VALUES_BY_ENDING[name_ending]
