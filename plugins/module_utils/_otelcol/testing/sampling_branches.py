# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policies of tail_sampling, and the policies and conditions in them, as branches. Private.

branches.py asks here for the branches of the processor; branch_model.py says what a branch is. A probe runs the
processor with one policy alone: a trace takes the policy if the processor keeps it. An example: of the policies
`errors` and `slow`, the second has ::

    settings_with_branch={"decision_wait": "1s", "policies": [{"name": "slow", "type": "latency", …}]}
"""

from __future__ import annotations

from collections.abc import Iterator

from ..config.paths import Path, list_at, mapping_at, mappings_at
from .branch_model import Baseline, Branch, Settings

_TRACE_SIGNALS = ("traces",)
_OTTL_CONDITION = "ottl_condition"
# Lists of conditions in OTTL of a policy of that type.
_CONDITION_CONTEXTS = ("span", "spanevent")
_KEEP_ALL_POLICY = {"name": "all", "type": "always_sample"}


def list_branches_of_policies(path: Path, settings: Settings) -> Iterator[Branch]:
    """Yield the policies of tail_sampling."""
    for index, policy in enumerate(mappings_at(settings, "policies")):
        yield from _list_branches_of_policy((*path, "policies", index), policy, settings)


def _list_branches_of_policy(path: Path, policy: Settings, settings: Settings) -> Iterator[Branch]:
    """Yield a policy and the policies in it."""
    policy_type = str(policy.get("type") or "")
    if policy_type == _OTTL_CONDITION:
        yield from _list_branches_of_conditions(path, policy, settings)
        return
    yield _build_branch_of_policy(path, policy_type, policy, settings)
    sub_policies_key = f"{policy_type}_sub_policy"
    for index, sub_policy in enumerate(mappings_at(mapping_at(policy, policy_type), sub_policies_key)):
        yield from _list_branches_of_policy((*path, policy_type, sub_policies_key, index), sub_policy, settings)


def _build_branch_of_policy(path: Path, policy_type: str, policy: Settings, settings: Settings) -> Branch:
    """Return a policy as what a trace takes. A trace takes `drop` if it is lost where all others are kept."""
    description = f"policy {policy.get('name', '')} ({policy_type})"
    if policy_type == "drop":
        settings_with_branch = {**settings, "policies": [_KEEP_ALL_POLICY, policy]}
        return Branch(
            path, description, _TRACE_SIGNALS, settings_with_branch, settings_without_branch=Baseline.RECORDS_BEFORE
        )
    return Branch(path, description, _TRACE_SIGNALS, settings_with_branch={**settings, "policies": [policy]})


def _list_branches_of_conditions(path: Path, policy: Settings, settings: Settings) -> Iterator[Branch]:
    """Yield the conditions of a policy `ottl_condition`: a probe has the policy with one of them alone."""
    condition_settings = mapping_at(policy, _OTTL_CONDITION)
    other_settings = {key: value for key, value in condition_settings.items() if key not in _CONDITION_CONTEXTS}
    for context in _CONDITION_CONTEXTS:
        for index, condition in enumerate(list_at(condition_settings, context)):
            policy_with_condition = {**policy, _OTTL_CONDITION: {**other_settings, context: [condition]}}
            condition_path = (*path, _OTTL_CONDITION, context, index)
            yield Branch(
                condition_path,
                str(condition),
                _TRACE_SIGNALS,
                settings_with_branch={**settings, "policies": [policy_with_condition]},
            )
