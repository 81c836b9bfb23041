# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate of a wave: what must hold before the wave begins, and before it counts as passed. Private.

`wave_plan.py` and `wave_growth.py` read the gate out of an entry of the option `otel_waves`. For example,
`{name: canary, members: [dev], max_failed: 1, watch_seconds: 60, on_failure: roll_back_wave}` has the gate
`Gate(max_failed=1, watch_seconds=60, on_failure="roll_back_wave")`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from .._otelcol.errors import Problem, suggest_word

# The variable of the inventory that has the waves, for messages.
WAVES_VARIABLE = "otel_waves"
# What a run was doing, for messages.
ACTION = "Plan the waves"
# The words of option `on_failure`: the changes of a wave that failed stay, are rolled back, or are rolled back with
# those of earlier waves.
STOP = "stop"
ROLL_BACK = "roll_back_wave"
ROLL_BACK_ALL = "roll_back_all"
# The words of option `without_data`: a wave whose collectors have no data to compare passes, or fails.
PASS = "pass"
FAIL = "fail"
_WORDS_BY_OPTION = {"on_failure": (STOP, ROLL_BACK, ROLL_BACK_ALL), "without_data": (PASS, FAIL)}
# The least seconds of a watch. What is silent shows after 36, see watch_length.py; intervals and batches lengthen that.
_SHORTEST_WATCH = 40
_LONGEST_WATCH = 24 * 3600


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


# The keys of an entry that are about its gate.
_GATE_OPTIONS = tuple(field.name for field in fields(Gate))


def read_gate(wave_options: Mapping[Any, Any], option_path: str) -> Gate:
    """Return the gate of an entry of the option, which may have other keys too. Raises Problem for a wrong value.

    `option_path` says in messages where the entry stands, such as `otel_waves[0]`.
    """
    gate = Gate(**{name: wave_options[name] for name in _GATE_OPTIONS if name in wave_options})
    if not _is_host_count(gate.max_failed):
        raise build_wave_problem(
            f"`max_failed` is {gate.max_failed!r}", where=option_path, fix="Give a number of hosts."
        )
    if "watch_seconds" in wave_options and not _is_watch_time(gate.watch_seconds):
        fix = (
            f"Give {_SHORTEST_WATCH} seconds or more, less than a day, or leave it out. A shorter watch finds no fault."
        )
        raise build_wave_problem(f"`watch_seconds` is {gate.watch_seconds!r}", where=option_path, fix=fix)
    if not isinstance(gate.approval, bool):
        raise build_wave_problem(f"`approval` is {gate.approval!r}", where=option_path, fix="Write true or false.")
    for option, allowed_words in _WORDS_BY_OPTION.items():
        chosen_word = getattr(gate, option)
        if chosen_word not in allowed_words:
            wrong = f"`{option}` is {chosen_word!r}{suggest_word(str(chosen_word), allowed_words)}"
            fix = f"Use {', '.join(allowed_words[:-1])} or {allowed_words[-1]}."
            raise build_wave_problem(wrong, where=option_path, fix=fix)
    return gate


def check_wave_keys(wave_options: Mapping[Any, Any], own_keys: tuple[str, ...], option_path: str) -> None:
    """Raise Problem for a key of an entry that is neither one of `own_keys` nor an option of its gate."""
    known_keys = (*own_keys, *_GATE_OPTIONS)
    for key in wave_options:
        if key not in known_keys:
            wrong = f"there is no option '{key}'{suggest_word(str(key), known_keys)}"
            raise build_wave_problem(wrong, where=option_path, fix=f"Use {', '.join(known_keys)}.")


def build_wave_problem(wrong: str, *, fix: str, where: str = WAVES_VARIABLE) -> Problem:
    """Return the error that the option `otel_waves` is malformed."""
    return Problem(wrong, asked=ACTION, where=where, fix=fix)


def _is_host_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_watch_time(value: Any) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and _SHORTEST_WATCH <= value < _LONGEST_WATCH
