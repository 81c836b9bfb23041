# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Divide the hosts of a fleet into waves by a growth: how many hosts have changed after each wave. Private.

The option `otel_waves` may be `{growth: [1, 25%, 100%]}` in place of a list of waves, and `wave_plan.py` calls this
file then. Of 8 hosts, 1 has changed after the first wave, 2 after the second and 8 after the last one; so the waves
have 1, 1 and 6 hosts, in the order of the inventory.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

from .wave_gates import WAVES_VARIABLE, build_wave_problem

# The key of a growth in the option `otel_waves`.
GROWTH_OPTION = "growth"
_OPTION_PATH = f"{WAVES_VARIABLE}.{GROWTH_OPTION}"
_ALL_PERCENT = 100
# A share of the hosts, such as `25%`.
_PERCENT = re.compile(r"(\d{1,3})\s*%\Z")


def read_growth_steps(growth_option: Mapping[Any, Any]) -> Sequence[Any]:
    """Return the steps of a growth, such as `[1, "25%", "100%"]`. Raises Problem if they are no list."""
    steps = growth_option.get(GROWTH_OPTION)
    if not isinstance(steps, Sequence) or isinstance(steps, str) or not steps:
        raise build_wave_problem("a growth is a list", where=_OPTION_PATH, fix="Write `[1, 3, 25%, 100%]`.")
    return steps


def divide_by_growth(steps: Sequence[Any], hosts: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return the hosts of each wave. Raises Problem for a wrong step, and if the steps end before the last host.

    In a small fleet, two steps may mean the same number of hosts; the second one makes no wave then.
    """
    hosts_of_waves: list[tuple[str, ...]] = []
    changed_count = 0
    for index, step in enumerate(steps):
        count_after_step = _count_hosts(step, len(hosts), f"{_OPTION_PATH}[{index}]")
        if index > 0:
            _check_step_grows(steps[index - 1], step, f"{_OPTION_PATH}[{index}]")
        if count_after_step > changed_count:
            hosts_of_waves.append(hosts[changed_count:count_after_step])
            changed_count = count_after_step
    if changed_count < len(hosts):
        wrong = f"it ends at {steps[-1]}, which is {changed_count} of {len(hosts)} hosts"
        raise build_wave_problem(wrong, where=_OPTION_PATH, fix="End it with `100%`.")
    return hosts_of_waves


def _count_hosts(step: Any, host_count: int, option_path: str) -> int:
    """Return how many of `host_count` hosts a step means, at most all. A share is rounded up: 2 for `25%` of 5."""
    percent = _parse_percent(step)
    if percent is not None and 0 < percent <= _ALL_PERCENT:
        return ceil(host_count * percent / _ALL_PERCENT)
    is_number = isinstance(step, int) and not isinstance(step, bool)
    if is_number and step > 0:
        return min(int(step), host_count)
    fix = "Write a number of hosts, or a share such as `25%`."
    raise build_wave_problem(f"'{step}' is no step", where=option_path, fix=fix)


def _parse_percent(step: Any) -> int | None:
    """Return the number of a step that is a share, such as 25 for `25%`; None for a step that is a number of hosts."""
    match = _PERCENT.match(str(step).strip())
    return int(match[1]) if match else None


def _check_step_grows(earlier_step: Any, step: Any, option_path: str) -> None:
    """Raise Problem if a step is not more than the one before it.

    Only steps of one kind are compared: two numbers, or two percentages. How many hosts a percentage means depends on
    the fleet. Of `[3, 25%, 100%]`, the second step means 10 of 40 hosts, and 2 of 8, where it makes no wave.
    """
    earlier_percent, percent = _parse_percent(earlier_step), _parse_percent(step)
    if earlier_percent is None and percent is None:
        grows = int(step) > int(earlier_step)
    elif earlier_percent is not None and percent is not None:
        grows = percent > earlier_percent
    else:
        grows = True
    if not grows:
        fix = "Each step says how many hosts have changed after it."
        raise build_wave_problem(f"{step} is not more than {earlier_step}", where=option_path, fix=fix)
