# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts of an inventory change in which wave, in order. Private.

A wave is named with its members, or a growth says how many hosts have changed after each wave. Whatever is wrong with
either is an error before anything is applied: a host in two waves, a host in none, a pattern that matches nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from math import ceil
from typing import Any

from .._otelcol.errors import Problem, at_most, near

VARIABLE, GROWTH, LABEL, UNTIL = "otel_waves", "growth", "otel_wave", "otel_wave_until"
ASKED = "Plan the waves"
_SHOWN = 5
_ALL = 100  # percent
# Seconds of a watch. What is silent shows after 36, see watch_length.py; intervals and batches lengthen that.
_SHORTEST, _LONGEST = 40, 24 * 3600
_PERCENT = re.compile(r"(\d{1,3})\s*%\Z")
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,46}[a-z0-9])?\Z")


# What a gate may be told in words: what becomes of a wave that failed, and of one without data.
STOP, ROLL_BACK, ROLL_BACK_ALL = "stop", "roll_back_wave", "roll_back_all"
PASS, FAIL = "pass", "fail"
WORDS = {"on_failure": (STOP, ROLL_BACK, ROLL_BACK_ALL), "without_data": (PASS, FAIL)}


@dataclass(frozen=True)
class Gate:
    """When a wave begins, and when later waves begin after it.

    At most `max_failed` of its hosts may fail. With `watch_seconds`, what its collectors count is compared for so many
    seconds; `without_data` says whether a wave without data passes. `on_failure` says what becomes of its hosts. With
    `approval`, a person lets the wave begin.
    """

    max_failed: int = 0
    watch_seconds: float = 0.0
    without_data: str = PASS
    on_failure: str = STOP
    approval: bool = False


@dataclass(frozen=True)
class Wave:
    """One wave: the hosts that it changes, in the order of the inventory, and its gate."""

    name: str
    members: tuple[str, ...]
    gate: Gate


@dataclass(frozen=True)
class Fleet:
    """The hosts of a run in the order of the inventory, what a pattern matches, and the wave that a host names."""

    hosts: tuple[str, ...]
    matching: Callable[[str], Sequence[str]]
    labels: Mapping[str, str]


GATE_OPTIONS = tuple(field.name for field in fields(Gate))


def waves_of(given: Any, fleet: Fleet) -> tuple[Wave, ...]:
    """Return the waves that `otel_waves` describes. Raises Problem for what cannot be done as it is written."""
    if isinstance(given, Mapping):
        return _grown(given, fleet)
    if not isinstance(given, Sequence) or isinstance(given, str) or not given:
        raise _wrong(
            "it has no waves", fix=f"List waves with `name` and `members`, or write `{GROWTH}: [1, 25%, 100%]`."
        )
    waves = tuple(_named_wave(item, fleet, f"{VARIABLE}[{index}]") for index, item in enumerate(given))
    _check_names(waves)
    _check_members(waves, fleet)
    return waves


def until(waves: Sequence[Wave], last: str) -> tuple[Wave, ...]:
    """Return the waves up to the one that is named; all without a name. Raises Problem for an unknown name."""
    names = [wave.name for wave in waves]
    if not last:
        return tuple(waves)
    if last not in names:
        known = f"The waves are {', '.join(names)}."
        raise Problem(f"there is no wave '{last}'{near(last, names)}", asked=ASKED, where=UNTIL, fix=known)
    return tuple(waves[: names.index(last) + 1])


# ── Waves by name ──


def _named_wave(item: Any, fleet: Fleet, where: str) -> Wave:
    if not isinstance(item, Mapping):
        raise _wrong("a wave is a mapping", where=where, fix="Write `name` and `members`.")
    _check_keys(item, ("name", "members"), where)
    name = str(item.get("name") or "")
    if not _NAME.match(name):
        fix = "Use up to 48 lower-case letters, digits, hyphens and underscores."
        raise _wrong(f"'{name}' is no name of a wave", where=where, fix=fix)
    members = item.get("members")
    patterns = [members] if isinstance(members, str) else list(members or ())
    return Wave(name, _members(name, patterns, fleet, where), _gate(item, Gate(), where))


def _members(name: str, patterns: Sequence[Any], fleet: Fleet, where: str) -> tuple[str, ...]:
    """Return the hosts of a wave: those that its patterns match; without patterns, those that name the wave."""
    if not patterns:
        wanted = {host for host in fleet.hosts if fleet.labels.get(host) == name}
        if not wanted:
            fix = f"List groups or hosts in `members`, or set `{LABEL}: {name}` for hosts."
            raise _wrong(f"wave '{name}' has no members", where=where, fix=fix)
    else:
        wanted = set()
        for pattern in patterns:
            matched = fleet.matching(str(pattern))
            if not matched:
                fix = "Name a group, a host or a pattern of the inventory."
                raise _wrong(f"'{pattern}' matches no host", where=f"{where}.members", fix=fix)
            wanted.update(matched)
    return tuple(host for host in fleet.hosts if host in wanted)


def _check_names(waves: Iterable[Wave]) -> None:
    seen: set[str] = set()
    for wave in waves:
        if wave.name in seen:
            raise _wrong(f"two waves are named '{wave.name}'", fix="Rename one.")
        seen.add(wave.name)


def _check_members(waves: Iterable[Wave], fleet: Fleet) -> None:
    """Raise Problem for hosts in two waves, and for hosts in none, which would stay as they are in silence."""
    wave_of: dict[str, str] = {}
    for wave in waves:
        for host in wave.members:
            if host in wave_of:
                wrong = f"host {host} is in the waves '{wave_of[host]}' and '{wave.name}'"
                raise _wrong(wrong, fix="Take it out of one.")
            wave_of[host] = wave.name
    left_out = [host for host in fleet.hosts if host not in wave_of]
    if left_out:
        wrong = f"no wave has {at_most(_SHOWN, left_out)}"
        raise _wrong(wrong, fix="Add them to a wave.")


# ── Waves by growth ──


def _grown(given: Mapping[Any, Any], fleet: Fleet) -> tuple[Wave, ...]:
    """Return a wave for each step of a growth, which says how many hosts have changed after it."""
    where = f"{VARIABLE}.{GROWTH}"
    _check_keys(given, (GROWTH,), VARIABLE)
    steps = given.get(GROWTH)
    if not isinstance(steps, Sequence) or isinstance(steps, str) or not steps:
        raise _wrong("a growth is a list", where=where, fix="Write `[1, 3, 25%, 100%]`.")
    gate = _gate(given, Gate(), VARIABLE)
    waves: list[Wave] = []
    done = 0
    for index, step in enumerate(steps):
        total = _size(step, len(fleet.hosts), f"{where}[{index}]")
        _check_grows(steps, index, where)
        if total > done:  # in a small fleet two steps may be the same number of hosts
            waves.append(Wave(f"wave-{len(waves) + 1}", fleet.hosts[done:total], gate))
            done = total
    if done < len(fleet.hosts):
        wrong = f"it ends at {steps[-1]}, which is {done} of {len(fleet.hosts)} hosts"
        raise _wrong(wrong, where=where, fix="End it with `100%`.")
    return tuple(waves)


def _size(step: Any, hosts: int, where: str) -> int:
    """Return how many hosts a step means, at most all; a share is rounded up."""
    percent = _PERCENT.match(str(step).strip())
    if percent and 0 < int(percent[1]) <= _ALL:
        return ceil(hosts * int(percent[1]) / _ALL)
    is_number = isinstance(step, int) and not isinstance(step, bool)
    if is_number and step > 0:
        return min(int(step), hosts)
    raise _wrong(f"'{step}' is no step", where=where, fix="Write a number of hosts, or a share such as `25%`.")


def _check_grows(steps: Sequence[Any], index: int, where: str) -> None:
    """Raise Problem if a step is not more than the one before it, where both are of one kind."""
    if index == 0:
        return
    earlier, step = (_PERCENT.match(str(one).strip()) for one in steps[index - 1 : index + 1])
    before, now = (int(one[1]) if one else 0 for one in (earlier, step))
    if not earlier and not step:
        before, now = int(steps[index - 1]), int(steps[index])
    if bool(earlier) == bool(step) and now <= before:
        wrong = f"{steps[index]} is not more than {steps[index - 1]}"
        raise _wrong(wrong, where=f"{where}[{index}]", fix="Each step says how many hosts have changed after it.")


# ── Gates ──


def _gate(given: Mapping[Any, Any], usual: Gate, where: str) -> Gate:
    gate = replace(usual, **{name: given[name] for name in GATE_OPTIONS if name in given})
    if not _is_count(gate.max_failed):
        raise _wrong(f"`max_failed` is {gate.max_failed!r}", where=where, fix="Give a number of hosts.")
    if "watch_seconds" in given and not _is_time(gate.watch_seconds):
        fix = f"Give {_SHORTEST} seconds or more, less than a day, or leave it out. A shorter watch finds no fault."
        raise _wrong(f"`watch_seconds` is {gate.watch_seconds!r}", where=where, fix=fix)
    if not isinstance(gate.approval, bool):
        raise _wrong(f"`approval` is {gate.approval!r}", where=where, fix="Write true or false.")
    for option, words in WORDS.items():
        word = getattr(gate, option)
        if word not in words:
            wrong = f"`{option}` is {word!r}{near(str(word), words)}"
            raise _wrong(wrong, where=where, fix=f"Use {', '.join(words[:-1])} or {words[-1]}.")
    return gate


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_time(value: Any) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and _SHORTEST <= value < _LONGEST


def _check_keys(given: Mapping[Any, Any], own: tuple[str, ...], where: str) -> None:
    known = (*own, *GATE_OPTIONS)
    for key in given:
        if key not in known:
            raise _wrong(
                f"there is no option '{key}'{near(str(key), known)}", where=where, fix=f"Use {', '.join(known)}."
            )


def _wrong(wrong: str, *, fix: str, where: str = VARIABLE) -> Problem:
    return Problem(wrong, asked=ASKED, where=where, fix=fix)
