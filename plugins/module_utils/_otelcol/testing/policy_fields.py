# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fields that make a policy of processor tail_sampling match a span. Private.

A policy keeps the traces of spans that it matches; one of type `drop` drops them. For example, the policy
`{type: latency, latency: {threshold_ms: 5}}` matches a span with `{("duration",): "6ms"}`. A policy of conditions has
one alternative for each. taking_fields.py calls `find_fields_of_policy`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..config.paths import list_at, mapping_at, mappings_at
from .branch_model import Settings
from .regex_sample import make_sample_text
from .samples import WantedFields, combine_alternatives, find_fields_meeting


def find_fields_of_policy(policy: Settings) -> list[WantedFields]:
    """Return alternatives, each the fields of a span that the policy matches.

    There is none if the settings do not say which fields a span needs. A policy with `invert_match` says only which
    fields a span must not have.
    """
    policy_type = str(policy.get("type"))
    policy_settings = mapping_at(policy, policy_type)
    sub_policies = mappings_at(policy_settings, f"{policy_type}_sub_policy")
    if sub_policies:
        return _find_fields_of_policies(policy_type, sub_policies)
    if policy_type == "ottl_condition":
        return _find_fields_of_conditions(policy_settings)
    if policy_settings.get("invert_match") or policy_type not in _FIELDS_OF_POLICIES:
        return []
    try:
        return [_FIELDS_OF_POLICIES[policy_type](policy_settings)]
    except (KeyError, IndexError, TypeError, ValueError):  # a policy without a setting, or with one of another type
        return []


def _find_fields_of_policies(policy_type: str, policies: Sequence[Settings]) -> list[WantedFields]:
    """Return the fields for a policy that has others. Those of `and` and `drop` must all match, else one is enough."""
    needs_all = policy_type in ("and", "drop")
    alternatives: list[WantedFields] = [{}] if needs_all else []
    for policy in policies:
        if needs_all:
            alternatives = combine_alternatives(alternatives, find_fields_of_policy(policy))
        else:
            alternatives += find_fields_of_policy(policy)
    return alternatives


def _find_fields_of_conditions(policy_settings: Settings) -> list[WantedFields]:
    """Return the fields of a span that meets one of the conditions of a policy."""
    alternatives: list[WantedFields] = []
    for context in ("span", "spanevent"):
        for condition in list_at(policy_settings, context):
            alternatives += find_fields_meeting(str(condition), context)
    return alternatives


def _find_text_attribute(policy_settings: Settings) -> WantedFields:
    """Return the attribute that a policy `string_attribute` matches."""
    value = str(policy_settings["values"][0])
    if policy_settings.get("enabled_regex_matching"):
        value = make_sample_text(value)
    return {("attributes", policy_settings["key"]): value}


# The fields for each type of policy, by the settings of that type.
_FIELDS_OF_POLICIES: dict[str, Callable[[Settings], WantedFields]] = {
    "always_sample": lambda _settings: {},
    "status_code": lambda settings: {("status",): str(settings["status_codes"][0]).lower()},
    "latency": lambda settings: {("duration",): f"{int(settings['threshold_ms']) + 1}ms"},
    "string_attribute": _find_text_attribute,
    "numeric_attribute": lambda settings: {
        ("attributes", settings["key"]): settings.get("min_value", settings.get("max_value", 0))
    },
    "boolean_attribute": lambda settings: {("attributes", settings["key"]): bool(settings.get("value"))},
    "probabilistic": lambda _settings: {},
    "rate_limiting": lambda _settings: {},
    "span_count": lambda _settings: {("trace",): "one"},
}
