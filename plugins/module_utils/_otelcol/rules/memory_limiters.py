# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on memory limiters: limits that the Collector rejects, that never act, or that act too early.

Source: internal/memorylimiter/config.go in the Collector, and the README of memory_limiter. Private.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    processors.memory_limiter: error [memory-limiter-settings] 'memory_limiter' has no limit. Add `limit_percentage:
    80`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..config.paths import Path
from ..needs.memory_sizes import LIMIT_PERCENT, SPIKE_PERCENT
from ..needs.quantities import UNITS_OF_GO
from ..needs.started_components import StartedComponent
from ..traits import kind_of
from .configured_components import configured_components
from .rule_definitions import Fault, about, define_rules
from .subject import Subject

_DOCUMENTATION = (
    "https://github.com/open-telemetry/opentelemetry-collector/blob/main/processor/memorylimiterprocessor/README.md"
)
_KIND = "memorylimiter"
# An empty text, zero, or a duration of zero such as `0s`.
_EMPTY_OR_ZERO = re.compile(rf"0*+(?:\.0*)?({UNITS_OF_GO})?\Z")
_FULL_PERCENT = 100
# The part of the limit from which on data is refused; a limiter that begins below it wastes most of its memory.
_REFUSED_SHARE = 3


@dataclass(frozen=True)
class Bound:
    """A limit of a memory limiter and the spike below it: the keys that have them, their unit, and their numbers.

    A number is None if it is not known here, or if the key is not given.
    """

    limit_key: str
    spike_key: str
    unit: str
    limit: int | None
    spike: int | None

    @property
    def usual_spike(self) -> int:
        """The spike that suits the limit."""
        return max((self.limit or 0) // 4, 1)

    @property
    def is_crossed(self) -> bool:
        """Whether the spike is not below the limit."""
        return bool(self.limit and self.spike and self.spike >= self.limit)


@dataclass(frozen=True)
class Limiter:
    """A memory limiter with its two bounds. The Collector heeds the MiB if both are given."""

    part: StartedComponent

    @cached_property
    def mib_bound(self) -> Bound:
        """The limit in MiB."""
        return self._read_bound("limit_mib", "spike_limit_mib", "MiB")

    @cached_property
    def percentage_bound(self) -> Bound:
        """The limit as a share of all memory."""
        return self._read_bound("limit_percentage", "spike_limit_percentage", "%")

    @property
    def both_bounds(self) -> tuple[Bound, Bound]:
        """Both bounds, the one in MiB first."""
        return self.mib_bound, self.percentage_bound

    def compute_limit_mib(self, container_mib: int) -> int:
        """Return the MiB of the limit, which may be a share of a container's memory; 0 if it is not known."""
        share = container_mib * (self.percentage_bound.limit or 0) // _FULL_PERCENT
        return self.mib_bound.limit or share  # the MiB take precedence

    def setting_path(self, key: str) -> Path:
        """Return the path of a setting."""
        return (*self.part.path, key)

    def _read_bound(self, limit_key: str, spike_key: str, unit: str) -> Bound:
        settings = self.part.settings
        limit, spike = read_whole_number(settings.get(limit_key)), read_whole_number(settings.get(spike_key))
        return Bound(limit_key, spike_key, unit, limit, spike)


def read_whole_number(value: Any) -> int | None:
    """Return a value that is a whole number; None for all others."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def list_started_limiters(subject: Subject) -> Iterator[Limiter]:
    """Yield the memory limiters that a config starts."""
    for section_name in ("processors", "extensions"):
        for part in subject.view.find_parts(section_name, _KIND):
            yield Limiter(part)


def memory_limiter_settings(subject: Subject) -> Iterator[Fault]:
    """Yield memory limiters with numbers that the Collector rejects, even if no pipeline uses them."""
    for limiter in _list_configured_limiters(subject):
        limiter_part = limiter.part
        if _is_absent_or_zero(limiter_part.settings.get("check_interval")):
            yield Fault(
                limiter_part.path,
                f"'{limiter_part.id}' has no check_interval, or one of zero",
                "Add `check_interval: 1s`.",
            )
        if all(_is_absent_or_zero(limiter_part.settings.get(bound.limit_key)) for bound in limiter.both_bounds):
            yield Fault(
                limiter_part.path, f"'{limiter_part.id}' has no limit", f"Add `limit_percentage: {LIMIT_PERCENT}`."
            )
        for bound in limiter.both_bounds:
            yield from _find_crossed_bound(limiter, bound)
        yield from _find_percentages_above_100(limiter)


def _list_configured_limiters(subject: Subject) -> Iterator[Limiter]:
    """Yield all memory limiters of a config, without those whose settings are a variable."""
    for component in configured_components(subject):
        if kind_of(component.type) == _KIND and not isinstance(component.settings, str):
            known_settings = component.settings if isinstance(component.settings, dict) else {}
            yield Limiter(StartedComponent(component.section, component.id, _KIND, known_settings))


def _is_absent_or_zero(value: Any) -> bool:
    """Whether a value is absent or zero; a variable counts as neither. The decoder cuts the fraction of a number."""
    if isinstance(value, (int, float)):
        return abs(value) < 1
    if isinstance(value, str):
        return bool(_EMPTY_OR_ZERO.match(value))
    return value is None


def _find_crossed_bound(limiter: Limiter, bound: Bound) -> Iterator[Fault]:
    """Yield a spike limit that is not below the limit."""
    if bound.is_crossed:
        message = f"{bound.spike_key} is {bound.spike}, not smaller than {bound.limit_key}, which is {bound.limit}"
        fix = f"Write about a quarter of {bound.limit_key}: {bound.usual_spike}."
        yield Fault(limiter.setting_path(bound.spike_key), message, fix)


def _find_percentages_above_100(limiter: Limiter) -> Iterator[Fault]:
    """Yield percentages above 100."""
    bound = limiter.percentage_bound
    for key, value in ((bound.limit_key, bound.limit), (bound.spike_key, bound.spike)):
        if value and value > _FULL_PERCENT:
            message = f"{key} is {value}, more than {_FULL_PERCENT}"
            yield Fault(limiter.setting_path(key), message, f"Write at most {_FULL_PERCENT}.")


@about("deployment")
def memory_limiter_above_container(subject: Subject) -> Iterator[Fault]:
    """Yield limits above the container's memory limit: the kernel ends the process before the limiter acts."""
    available_mib = subject.deployment.memory_limit_mib if subject.deployment else None
    if not available_mib:
        return
    owner = "service" if subject.on_host else "container"
    for limiter in list_started_limiters(subject):
        limit = limiter.mib_bound.limit
        if limit and limit >= available_mib:
            yield Fault(
                limiter.setting_path("limit_mib"),
                f"limit_mib is {limit}, but the {owner} may use only {available_mib} MiB",
                f"Write at most {available_mib * LIMIT_PERCENT // _FULL_PERCENT}, with a `spike_limit_mib` of "
                f"{available_mib * SPIKE_PERCENT // _FULL_PERCENT}, or raise the {owner}'s memory limit.",
            )


@about("deployment")
def memory_limiter_unbounded(subject: Subject) -> Iterator[Fault]:
    """Yield percentages in a container without a memory limit: they refer to the memory of the node."""
    if not subject.deployment or subject.deployment.memory_limit_mib != 0:
        return
    for limiter in list_started_limiters(subject):
        settings = limiter.part.settings
        if settings.get("limit_percentage") and not settings.get("limit_mib"):
            message = "this is a percentage of the node's memory, since the container has no memory limit"
            fix = "Give the container a memory limit, or write `limit_mib`."
            yield Fault(limiter.setting_path("limit_percentage"), message, fix)


def memory_limiter_ignored(subject: Subject) -> Iterator[Fault]:
    """Yield percentages and MiB of memory limiters that have no effect: `limit_mib` takes precedence."""
    for limiter in list_started_limiters(subject):
        mib, percentage = limiter.both_bounds
        if mib.limit:
            yield from _find_ignored_settings(limiter, mib.limit_key, (percentage.limit_key, percentage.spike_key))
        elif percentage.limit:
            yield from _find_ignored_settings(limiter, percentage.limit_key, (mib.spike_key,))


def _find_ignored_settings(limiter: Limiter, used_key: str, ignored_keys: tuple[str, ...]) -> Iterator[Fault]:
    """Yield the settings of a limiter that it does not read beside the limit that it heeds."""
    for key in ignored_keys:
        if read_whole_number(limiter.part.settings.get(key)):
            is_limit = key == limiter.percentage_bound.limit_key
            fix = f"Remove `{key}`, or `{used_key}`." if is_limit else f"Remove `{key}`."
            yield Fault(limiter.setting_path(key), f"{key} has no effect beside {used_key}", fix)


def memory_limiter_spike(subject: Subject) -> Iterator[Fault]:
    """Yield spike limits so large that a limiter refuses data from a third of its limit on, or earlier."""
    for limiter in list_started_limiters(subject):
        bound = limiter.mib_bound if limiter.part.settings.get("limit_mib") else limiter.percentage_bound
        # Rule memory-limiter-settings reports a spike that is not below the limit.
        if not bound.limit or not bound.spike or bound.is_crossed:
            continue
        refuses_from = bound.limit - bound.spike
        if refuses_from * _REFUSED_SHARE <= bound.limit:
            message = (
                f"'{limiter.part.id}' refuses data from {refuses_from} {bound.unit} of memory on, though its limit is "
                f"{bound.limit} {bound.unit}"
            )
            fix = f"Write about a quarter of {bound.limit_key} here: {bound.usual_spike}."
            yield Fault(limiter.setting_path(bound.spike_key), message, fix)


RULES = (
    *define_rules("error", memory_limiter_settings, shared=True, documentation=_DOCUMENTATION),
    *define_rules(
        "warning",
        memory_limiter_above_container,
        memory_limiter_unbounded,
        memory_limiter_spike,
        memory_limiter_ignored,
        documentation=_DOCUMENTATION,
    ),
)
