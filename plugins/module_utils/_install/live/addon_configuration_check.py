# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare the configuration of an EKS add-on with the JSON Schema that EKS has for its version. Private.

EKS would refuse the configuration too, but only after the tags of the add-on have changed. For example, if `replicas`
is an integer by the schema, `{"replicas": "two"}` is refused with `replicas: must be integer, is string`.
`addon_plan.py` calls `validate_configuration`, and `addon/addon_violations.py` has the words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from ..._identity.live.call_errors import AnsibleCallError
from ..._kube.live.libraries import import_library
from ..addon.addon_violations import Violation, find_schema_mismatch
from .addon_reads import AddonReads

# The codes of an answer of AWS about a missing right.
_DENIED_CODES = ("AccessDenied", "AccessDeniedException")
_UNCHECKED = "configuration_values are not checked before the call"


def validate_configuration(
    reads: AddonReads, version: str, configuration: dict[str, Any], *, is_from_task: bool
) -> str:
    """Raise Problem for a configuration that does not fit its schema.

    Returns a warning if the schema cannot be read or used; empty if the configuration fits.

    `is_from_task` says that the task gives the configuration; otherwise the add-on has it already.
    """
    try:
        schema = json.loads(reads.read_configuration(version).get("configurationSchema") or "{}")
    except AnsibleCallError as error:
        if error.answer.code not in _DENIED_CODES:
            raise
        return f"{_UNCHECKED}: {error.answer.message}"
    unresolvable_error = import_library("referencing.exceptions", "jsonschema").Unresolvable
    try:
        violations = list(find_violations(schema, configuration))
    except (unresolvable_error, re.error) as error:
        return f"{_UNCHECKED}, since the schema of EKS cannot be used: {error}"
    problem = find_schema_mismatch(violations, reads.name, version, is_from_task=is_from_task)
    if problem:
        raise problem
    return ""


def find_violations(schema: dict[str, Any], configuration: dict[str, Any]) -> Iterator[Violation]:
    """Yield every violation of the schema. If the schema has alternatives, only the one that fits best counts.

    Raises Unresolvable of the library referencing for a reference out of the schema, and re.error for a broken pattern.
    """
    jsonschema = import_library("jsonschema")
    registry = import_library("referencing", "jsonschema").Registry()  # an empty one: references are never fetched
    validator_class = jsonschema.validators.validator_for(schema, default=jsonschema.Draft7Validator)
    validator = validator_class(schema, registry=registry)
    for error in validator.iter_errors(configuration):
        best_error = jsonschema.exceptions.best_match([error]) if error.context else error
        # The schema of a place may be `true` or `false` instead of a mapping.
        place_schema = best_error.schema if isinstance(best_error.schema, dict) else {}
        yield Violation(
            path=tuple(best_error.absolute_path),
            keyword=str(best_error.validator),
            expected=best_error.validator_value,
            instance=best_error.instance,
            known_keys=tuple(place_schema.get("properties") or ()),
            pattern_keys=tuple(_list_pattern_keys(validator, place_schema, best_error.instance)),
        )


def _list_pattern_keys(validator: Any, place_schema: dict[str, Any], instance: Any) -> Iterator[str]:
    """Yield the keys of a part of the configuration that a pattern of its schema allows: `x-team` by `^x-`.

    The library compares them, so its reading of a pattern counts.
    """
    patterns = place_schema.get("patternProperties")
    if not patterns or not isinstance(instance, dict):
        return
    schema_of_keys = {"patternProperties": {pattern: {} for pattern in patterns}, "additionalProperties": False}
    key_validator = validator.evolve(schema=schema_of_keys)
    for key in instance:
        if key_validator.is_valid({key: None}):
            yield key
