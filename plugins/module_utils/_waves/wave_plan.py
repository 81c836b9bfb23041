# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts of an inventory change in which wave, in order. Private.

A wave is a group of hosts that playbook site changes together, before the next wave begins. Its members are Linux
hosts, and hosts that stand for clusters. `_wave_planning.py` of plugin_utils calls `plan_waves` before a run changes
the first host.

The option `otel_waves` is a list of waves with names and members, or a growth (wave_growth.py). For example,
`[{name: canary, members: [dev]}, {name: rest, members: [all:!dev]}]` gives
`(RolloutWave("canary", ("dev",), Gate()), RolloutWave("rest", ("eu", "us"), Gate()))`. Whatever is wrong with the
option is an error before anything is applied: a host in two waves, a host in none, a pattern that matches nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._otelcol.errors import Problem, join_at_most, suggest_word
from .wave_gates import ACTION, WAVES_VARIABLE, Gate, build_wave_problem, check_wave_keys, read_gate
from .wave_growth import GROWTH_OPTION, divide_by_growth, read_growth_steps

# The variable by which a host names its wave, in place of a list of members.
WAVE_LABEL_VARIABLE = "otel_wave"
# The variable that names the wave after which a run ends.
LAST_WAVE_VARIABLE = "otel_wave_until"
_SHOWN_HOSTS = 5
# The name of a wave, such as `canary-eu_1`: at most 48 characters, with a letter or a digit at both ends.
_WAVE_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,46}[a-z0-9])?\Z")


@dataclass(frozen=True)
class RolloutWave:
    """One wave: the hosts that it changes, in the order of the inventory, and its gate."""

    name: str
    members: tuple[str, ...]
    gate: Gate


@dataclass(frozen=True)
class Fleet:
    """The hosts that the playbook would change without --limit."""

    hosts: tuple[str, ...]
    """In the order of the inventory."""
    match_pattern: Callable[[str], Sequence[str]]
    """Returns the hosts that a pattern of Ansible matches, such as `web:!web1`."""
    labels: Mapping[str, str]
    """The wave that each host names by its variable `otel_wave`; an empty text if it names none."""


def plan_waves(wave_option: Any, fleet: Fleet) -> tuple[RolloutWave, ...]:
    """Return the waves that `otel_waves` describes, the value `wave_option`. Raises Problem if it is malformed."""
    if isinstance(wave_option, Mapping):
        return _plan_growth(wave_option, fleet)
    if not isinstance(wave_option, Sequence) or isinstance(wave_option, str) or not wave_option:
        raise build_wave_problem(
            "it has no waves", fix=f"List waves with `name` and `members`, or write `{GROWTH_OPTION}: [1, 25%, 100%]`."
        )
    waves = tuple(
        _read_named_wave(wave_row, fleet, f"{WAVES_VARIABLE}[{index}]") for index, wave_row in enumerate(wave_option)
    )
    _check_names(waves)
    _check_members(waves, fleet)
    return waves


def select_waves_until(waves: Sequence[RolloutWave], last_name: str) -> tuple[RolloutWave, ...]:
    """Return the waves up to the one that is named; all without a name. Raises Problem for an unknown name."""
    names = [wave.name for wave in waves]
    if not last_name:
        return tuple(waves)
    if last_name not in names:
        known_waves = f"The waves are {', '.join(names)}."
        raise Problem(
            f"there is no wave '{last_name}'{suggest_word(last_name, names)}",
            asked=ACTION,
            where=LAST_WAVE_VARIABLE,
            fix=known_waves,
        )
    return tuple(waves[: names.index(last_name) + 1])


# ── Waves by name ──


def _read_named_wave(wave_row: Any, fleet: Fleet, option_path: str) -> RolloutWave:
    """Return the wave of an entry such as `{name: canary, members: [dev]}`. Raises Problem if it is malformed."""
    if not isinstance(wave_row, Mapping):
        raise build_wave_problem("a wave is a mapping", where=option_path, fix="Write `name` and `members`.")
    check_wave_keys(wave_row, ("name", "members"), option_path)
    name = str(wave_row.get("name") or "")
    if not _WAVE_NAME.match(name):
        fix = "Use up to 48 lower-case letters, digits, hyphens and underscores."
        raise build_wave_problem(f"'{name}' is no name of a wave", where=option_path, fix=fix)
    members_of_wave = _find_members(name, _read_patterns(wave_row), fleet, option_path)
    return RolloutWave(name, members_of_wave, read_gate(wave_row, option_path))


def _read_patterns(wave_row: Mapping[Any, Any]) -> list[Any]:
    """Return the patterns of the members of a wave: those of a list, or a single one, which YAML may read as a number.

    Empty if the wave has no list, so that hosts name it.
    """
    members = wave_row.get("members")
    if isinstance(members, Iterable) and not isinstance(members, str):
        return list(members)
    return [members] if members else []


def _find_members(name: str, patterns: Sequence[Any], fleet: Fleet, option_path: str) -> tuple[str, ...]:
    """Return the hosts of a wave: those that its patterns match; without patterns, those that name the wave."""
    if not patterns:
        wave_hosts = {host for host in fleet.hosts if fleet.labels.get(host) == name}
        if not wave_hosts:
            fix = f"List groups or hosts in `members`, or set `{WAVE_LABEL_VARIABLE}: {name}` for hosts."
            raise build_wave_problem(f"wave '{name}' has no members", where=option_path, fix=fix)
    else:
        wave_hosts = set()
        for pattern in patterns:
            matched_hosts = fleet.match_pattern(str(pattern))
            if not matched_hosts:
                fix = "Name a group, a host or a pattern of the inventory."
                raise build_wave_problem(f"'{pattern}' matches no host", where=f"{option_path}.members", fix=fix)
            wave_hosts.update(matched_hosts)
    return tuple(host for host in fleet.hosts if host in wave_hosts)


def _check_names(waves: Iterable[RolloutWave]) -> None:
    """Raise Problem for two waves of one name."""
    seen_names: set[str] = set()
    for wave in waves:
        if wave.name in seen_names:
            raise build_wave_problem(f"two waves are named '{wave.name}'", fix="Rename one.")
        seen_names.add(wave.name)


def _check_members(waves: Iterable[RolloutWave], fleet: Fleet) -> None:
    """Raise Problem for hosts in two waves, and for hosts in none, which would stay as they are in silence."""
    waves_of_hosts: dict[str, str] = {}
    for wave in waves:
        for host in wave.members:
            if host in waves_of_hosts:
                wrong = f"host {host} is in the waves '{waves_of_hosts[host]}' and '{wave.name}'"
                raise build_wave_problem(wrong, fix="Take it out of one.")
            waves_of_hosts[host] = wave.name
    hosts_without_wave = [host for host in fleet.hosts if host not in waves_of_hosts]
    if hosts_without_wave:
        wrong = f"no wave has {join_at_most(_SHOWN_HOSTS, hosts_without_wave)}"
        raise build_wave_problem(wrong, fix="Add them to a wave.")


# ── Waves by growth ──


def _plan_growth(growth_option: Mapping[Any, Any], fleet: Fleet) -> tuple[RolloutWave, ...]:
    """Return a wave for each step of a growth, named `wave-1`, `wave-2` and so on. All have the same gate."""
    check_wave_keys(growth_option, (GROWTH_OPTION,), WAVES_VARIABLE)
    steps = read_growth_steps(growth_option)
    gate = read_gate(growth_option, WAVES_VARIABLE)
    hosts_of_waves = divide_by_growth(steps, fleet.hosts)
    return tuple(RolloutWave(f"wave-{number}", hosts, gate) for number, hosts in enumerate(hosts_of_waves, 1))
