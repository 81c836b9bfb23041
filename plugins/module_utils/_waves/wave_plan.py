# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts of an inventory change in which wave, in order. Private.

A wave is a group of hosts that playbook site changes together, before the next wave begins. Its members are Linux
hosts, and hosts that stand for clusters. Its gate is what must hold before the wave begins and before it counts as
passed.

The option `otel_waves` is a list of waves with names and members. Or it is a growth such as `{growth: [1, 25%, 100%]}`,
which says how many hosts have changed after each wave. Whatever is wrong with either is an error before anything is
applied: a host in two waves, a host in none, a pattern that matches nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from math import ceil
from typing import Any

from .._otelcol.errors import Problem, join_at_most, suggest_word

WAVES_VARIABLE, GROWTH_OPTION, WAVE_LABEL_VARIABLE, LAST_WAVE_VARIABLE = (
    "otel_waves",
    "growth",
    "otel_wave",
    "otel_wave_until",
)
ACTION = "Plan the waves"
_SHOWN_HOSTS = 5
_ALL_PERCENT = 100  # percent
# Seconds of a watch. What is silent shows after 36, see watch_length.py; intervals and batches lengthen that.
_SHORTEST_WATCH, _LONGEST_WATCH = 40, 24 * 3600
# A share of the hosts, such as `25%`.
_PERCENT = re.compile(r"(\d{1,3})\s*%\Z")
# The name of a wave, such as `canary-eu_1`: at most 48 characters, with a letter or a digit at both ends.
_WAVE_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,46}[a-z0-9])?\Z")


# What a gate may be told in words: what becomes of a wave that failed, and of one without data.
STOP, ROLL_BACK, ROLL_BACK_ALL = "stop", "roll_back_wave", "roll_back_all"
PASS, FAIL = "pass", "fail"
WORDS_OF_OPTIONS = {"on_failure": (STOP, ROLL_BACK, ROLL_BACK_ALL), "without_data": (PASS, FAIL)}


@dataclass(frozen=True)
class Gate:
    """When a wave begins, and when later waves begin after it."""

    max_failed: int = 0
    """So many hosts of the wave may fail."""
    watch_seconds: float = 0.0
    """For so many seconds, what its collectors count is read and compared; 0 for no watch."""
    without_data: str = PASS
    """Whether a wave passes whose collectors had no data to compare: PASS or FAIL."""
    on_failure: str = STOP
    """What becomes of the changes of the wave if it fails: STOP lets them stay, ROLL_BACK undoes them, and
    ROLL_BACK_ALL undoes those of earlier waves too."""
    approval: bool = False
    """Whether a person has to let the wave begin."""


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


GATE_OPTIONS = tuple(field.name for field in fields(Gate))


def plan_waves(wave_option: Any, fleet: Fleet) -> tuple[RolloutWave, ...]:
    """Return the waves that `otel_waves` describes, the value `wave_option`. Raises Problem if it is malformed."""
    if isinstance(wave_option, Mapping):
        return _plan_growth(wave_option, fleet)
    if not isinstance(wave_option, Sequence) or isinstance(wave_option, str) or not wave_option:
        raise _build_problem(
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
    if not isinstance(wave_row, Mapping):
        raise _build_problem("a wave is a mapping", where=option_path, fix="Write `name` and `members`.")
    _check_keys(wave_row, ("name", "members"), option_path)
    name = str(wave_row.get("name") or "")
    if not _WAVE_NAME.match(name):
        fix = "Use up to 48 lower-case letters, digits, hyphens and underscores."
        raise _build_problem(f"'{name}' is no name of a wave", where=option_path, fix=fix)
    members = wave_row.get("members")
    patterns = [members] if isinstance(members, str) else list(members or ())
    return RolloutWave(
        name, _find_members(name, patterns, fleet, option_path), _read_gate(wave_row, Gate(), option_path)
    )


def _find_members(name: str, patterns: Sequence[Any], fleet: Fleet, option_path: str) -> tuple[str, ...]:
    """Return the hosts of a wave: those that its patterns match; without patterns, those that name the wave."""
    if not patterns:
        wave_hosts = {host for host in fleet.hosts if fleet.labels.get(host) == name}
        if not wave_hosts:
            fix = f"List groups or hosts in `members`, or set `{WAVE_LABEL_VARIABLE}: {name}` for hosts."
            raise _build_problem(f"wave '{name}' has no members", where=option_path, fix=fix)
    else:
        wave_hosts = set()
        for pattern in patterns:
            matched_hosts = fleet.match_pattern(str(pattern))
            if not matched_hosts:
                fix = "Name a group, a host or a pattern of the inventory."
                raise _build_problem(f"'{pattern}' matches no host", where=f"{option_path}.members", fix=fix)
            wave_hosts.update(matched_hosts)
    return tuple(host for host in fleet.hosts if host in wave_hosts)


def _check_names(waves: Iterable[RolloutWave]) -> None:
    seen_names: set[str] = set()
    for wave in waves:
        if wave.name in seen_names:
            raise _build_problem(f"two waves are named '{wave.name}'", fix="Rename one.")
        seen_names.add(wave.name)


def _check_members(waves: Iterable[RolloutWave], fleet: Fleet) -> None:
    """Raise Problem for hosts in two waves, and for hosts in none, which would stay as they are in silence."""
    waves_of_hosts: dict[str, str] = {}
    for wave in waves:
        for host in wave.members:
            if host in waves_of_hosts:
                wrong = f"host {host} is in the waves '{waves_of_hosts[host]}' and '{wave.name}'"
                raise _build_problem(wrong, fix="Take it out of one.")
            waves_of_hosts[host] = wave.name
    hosts_without_wave = [host for host in fleet.hosts if host not in waves_of_hosts]
    if hosts_without_wave:
        wrong = f"no wave has {join_at_most(_SHOWN_HOSTS, hosts_without_wave)}"
        raise _build_problem(wrong, fix="Add them to a wave.")


# ── Waves by growth ──


def _plan_growth(growth_option: Mapping[Any, Any], fleet: Fleet) -> tuple[RolloutWave, ...]:
    """Return a wave for each step of a growth, which says how many hosts have changed after it."""
    option_path = f"{WAVES_VARIABLE}.{GROWTH_OPTION}"
    _check_keys(growth_option, (GROWTH_OPTION,), WAVES_VARIABLE)
    steps = growth_option.get(GROWTH_OPTION)
    if not isinstance(steps, Sequence) or isinstance(steps, str) or not steps:
        raise _build_problem("a growth is a list", where=option_path, fix="Write `[1, 3, 25%, 100%]`.")
    gate = _read_gate(growth_option, Gate(), WAVES_VARIABLE)
    waves: list[RolloutWave] = []
    changed_hosts = 0
    for index, step in enumerate(steps):
        hosts_after_step = _count_hosts_of_step(step, len(fleet.hosts), f"{option_path}[{index}]")
        _check_step_grows(steps, index, option_path)
        if hosts_after_step > changed_hosts:  # in a small fleet two steps may be the same number of hosts
            waves.append(RolloutWave(f"wave-{len(waves) + 1}", fleet.hosts[changed_hosts:hosts_after_step], gate))
            changed_hosts = hosts_after_step
    if changed_hosts < len(fleet.hosts):
        wrong = f"it ends at {steps[-1]}, which is {changed_hosts} of {len(fleet.hosts)} hosts"
        raise _build_problem(wrong, where=option_path, fix="End it with `100%`.")
    return tuple(waves)


def _count_hosts_of_step(step: Any, host_count: int, option_path: str) -> int:
    """Return how many hosts a step means, at most all; a share is rounded up."""
    percent = _PERCENT.match(str(step).strip())
    if percent and 0 < int(percent[1]) <= _ALL_PERCENT:
        return ceil(host_count * int(percent[1]) / _ALL_PERCENT)
    is_number = isinstance(step, int) and not isinstance(step, bool)
    if is_number and step > 0:
        return min(int(step), host_count)
    raise _build_problem(
        f"'{step}' is no step", where=option_path, fix="Write a number of hosts, or a share such as `25%`."
    )


def _check_step_grows(steps: Sequence[Any], index: int, option_path: str) -> None:
    """Raise Problem if a step is not more than the one before it.

    Only steps of one kind are compared: two numbers, or two percentages.
    """
    if index == 0:
        return
    earlier_percent, step_percent = (
        _PERCENT.match(str(match_or_step).strip()) for match_or_step in steps[index - 1 : index + 1]
    )
    earlier_size, step_size = (
        int(match_or_step[1]) if match_or_step else 0 for match_or_step in (earlier_percent, step_percent)
    )
    if not earlier_percent and not step_percent:
        earlier_size, step_size = int(steps[index - 1]), int(steps[index])
    if bool(earlier_percent) == bool(step_percent) and step_size <= earlier_size:
        wrong = f"{steps[index]} is not more than {steps[index - 1]}"
        raise _build_problem(
            wrong, where=f"{option_path}[{index}]", fix="Each step says how many hosts have changed after it."
        )


# ── Gates ──


def _read_gate(gate_options: Mapping[Any, Any], default_gate: Gate, option_path: str) -> Gate:
    gate = replace(default_gate, **{name: gate_options[name] for name in GATE_OPTIONS if name in gate_options})
    if not _is_host_count(gate.max_failed):
        raise _build_problem(f"`max_failed` is {gate.max_failed!r}", where=option_path, fix="Give a number of hosts.")
    if "watch_seconds" in gate_options and not _is_watch_time(gate.watch_seconds):
        fix = (
            f"Give {_SHORTEST_WATCH} seconds or more, less than a day, or leave it out. A shorter watch finds no fault."
        )
        raise _build_problem(f"`watch_seconds` is {gate.watch_seconds!r}", where=option_path, fix=fix)
    if not isinstance(gate.approval, bool):
        raise _build_problem(f"`approval` is {gate.approval!r}", where=option_path, fix="Write true or false.")
    for option, allowed_words in WORDS_OF_OPTIONS.items():
        chosen_word = getattr(gate, option)
        if chosen_word not in allowed_words:
            wrong = f"`{option}` is {chosen_word!r}{suggest_word(str(chosen_word), allowed_words)}"
            raise _build_problem(
                wrong, where=option_path, fix=f"Use {', '.join(allowed_words[:-1])} or {allowed_words[-1]}."
            )
    return gate


def _is_host_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_watch_time(value: Any) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and _SHORTEST_WATCH <= value < _LONGEST_WATCH


def _check_keys(options: Mapping[Any, Any], own_options: tuple[str, ...], option_path: str) -> None:
    known_options = (*own_options, *GATE_OPTIONS)
    for key in options:
        if key not in known_options:
            raise _build_problem(
                f"there is no option '{key}'{suggest_word(str(key), known_options)}",
                where=option_path,
                fix=f"Use {', '.join(known_options)}.",
            )


def _build_problem(wrong: str, *, fix: str, where: str = WAVES_VARIABLE) -> Problem:
    return Problem(wrong, asked=ACTION, where=where, fix=fix)
