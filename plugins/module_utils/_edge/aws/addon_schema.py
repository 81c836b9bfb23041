# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A configuration of an add-on against the schema that EKS has for its version. Private."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from ..._core.aws.schema import Violation, mismatch
from ..api.library import library
from .addon_reads import AddonReads
from .calls import AnsibleCallError

DENIED = ("AccessDenied", "AccessDeniedException")


def check(reads: AddonReads, version: str, configuration: dict[str, Any], *, ours: bool) -> str:
    """Fail if the configuration does not fit; return a warning where that could not be found out."""
    try:
        schema = json.loads(reads.configuration(version).get("configurationSchema") or "{}")
    except AnsibleCallError as error:
        if error.answer.code not in DENIED:
            raise
        return f"configuration_values are not checked before the call: {error.answer.message}"
    try:
        problem = mismatch(violations(schema, configuration), reads.name, version, ours=ours)
    except (library("referencing.exceptions", "jsonschema").Unresolvable, re.error) as error:
        return f"configuration_values are not checked before the call, since the schema of EKS cannot be used: {error}"
    if problem:
        raise problem
    return ""


def violations(schema: dict[str, Any], configuration: dict[str, Any]) -> Iterator[Violation]:
    """Yield every violation; of alternatives those of the one that fits best."""
    jsonschema = library("jsonschema")
    registry = library("referencing", "jsonschema").Registry()  # an empty one: references are never fetched
    validator = jsonschema.validators.validator_for(schema, default=jsonschema.Draft7Validator)(
        schema, registry=registry
    )
    for error in validator.iter_errors(configuration):
        best = jsonschema.exceptions.best_match([error]) if error.context else error
        known = tuple((best.schema.get("properties") or {}) if isinstance(best.schema, dict) else ())
        yield Violation(tuple(best.absolute_path), str(best.validator), best.validator_value, best.instance, known)
