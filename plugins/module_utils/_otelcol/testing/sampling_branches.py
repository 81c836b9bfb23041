# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policies of tail_sampling, and the policies and conditions in them: each is asked alone. Private."""

from __future__ import annotations

from collections.abc import Iterator

from ..config.paths import Path, items, mappings, section
from .branch_model import Baseline, Branch, Settings

_TRACES = ("traces",)
_OTTL_CONDITION = "ottl_condition"
# Lists of conditions in OTTL of a policy of that type.
_CONTEXTS = ("span", "spanevent")
_KEEP_ALL = {"name": "all", "type": "always_sample"}


def branches_of_policies(path: Path, settings: Settings) -> Iterator[Branch]:
    """Yield the policies of tail_sampling."""
    for index, policy in enumerate(mappings(settings, "policies")):
        yield from _branches_of_policy((*path, "policies", index), policy, settings)


def _branches_of_policy(path: Path, policy: Settings, settings: Settings) -> Iterator[Branch]:
    """Yield a policy and the policies in it."""
    kind = str(policy.get("type") or "")
    if kind == _OTTL_CONDITION:
        yield from _branches_of_conditions(path, policy, settings)
        return
    yield _branch_of_policy(path, kind, policy, settings)
    sub_policies = f"{kind}_sub_policy"
    for index, sub_policy in enumerate(mappings(section(policy, kind), sub_policies)):
        yield from _branches_of_policy((*path, kind, sub_policies, index), sub_policy, settings)


def _branch_of_policy(path: Path, kind: str, policy: Settings, settings: Settings) -> Branch:
    """Return a policy as what a trace takes. A trace takes `drop` if it is lost where all others are kept."""
    what = f"policy {policy.get('name', '')} ({kind})"
    if kind == "drop":
        asked = {**settings, "policies": [_KEEP_ALL, policy]}
        return Branch(path, what, _TRACES, asked, compared_with=Baseline.RECORDS_BEFORE)
    return Branch(path, what, _TRACES, asked={**settings, "policies": [policy]})


def _branches_of_conditions(path: Path, policy: Settings, settings: Settings) -> Iterator[Branch]:
    """Yield the conditions of a policy `ottl_condition`: a policy with that condition alone asks for each."""
    own = section(policy, _OTTL_CONDITION)
    rest = {key: value for key, value in own.items() if key not in _CONTEXTS}
    for context in _CONTEXTS:
        for index, text in enumerate(items(own, context)):
            asked_policy = {**policy, _OTTL_CONDITION: {**rest, context: [text]}}
            place = (*path, _OTTL_CONDITION, context, index)
            yield Branch(place, str(text), _TRACES, asked={**settings, "policies": [asked_policy]})
