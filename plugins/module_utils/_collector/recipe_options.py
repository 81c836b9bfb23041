# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of a recipe's options: their limits, what they need, and what they replace. Private.

An option in `recipe.yml` has, beside its type, rules that are checked here:

    port: {type: int, range: [0, 65535]}             a number from 0 to 65535
    series_limit: {type: int, range: [1]}            1 or more
    signals: {type: list, range: [1]}                1 entry or more; also of a mapping
    max_size: {type: int, needs: {protocols: grpc}}  has an effect only if option protocols is, or lists, `grpc`
    client_ca: {type: str, needs: {tls: null}}       has an effect only if option tls has any value
    ca: {type: str, needs: {insecure: false}}        has an effect only if option insecure is false
    to: {type: str, instead_of: endpoint}            replaces option endpoint, which is required otherwise
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from .._otelcol.errors import Problem


def check_options(name: str, values: Mapping[str, Any], options: Mapping[str, Any], outer_path: str = "") -> None:
    """Raise Problem for a number out of its `range`, and for an option that has no effect without what it `needs`.

    `range` has the least and the largest number, or the least alone. `needs` has other options and the value that each
    must have or list; null stands for any value. Options of options have both too; `outer_path` is where these are.
    """
    for key, option in options.items():
        rules = option or {}
        value = values.get(key)
        path = f"{outer_path}{key}"
        _check_range(f"option '{path}' of recipe '{name}'", value, rules)
        if not value:  # an option that is not used needs nothing
            continue
        _check_needs(f"option '{path}' of recipe '{name}'", key, values, rules.get("needs") or {})
        inner_options = rules.get("options") or {}
        if isinstance(value, list):
            for index, item in enumerate(value):
                check_options(name, item or {}, inner_options, f"{path}[{index}].")
        elif isinstance(value, Mapping):
            check_options(name, value, inner_options, f"{path}.")


def _check_needs(option_words: str, key: str, values: Mapping[str, Any], needs: Mapping[str, Any]) -> None:
    """Raise Problem for an option that has no effect without what it needs."""
    for needed_option, needed_value in needs.items():
        if _has_value(values.get(needed_option), needed_value):
            continue
        missing_words = _describe_needed_value(needed_option, needed_value)
        wrong = f"{option_words} has no effect without {missing_words}"
        raise Problem(wrong, fix=f"Set {missing_words}, or remove `{key}`.")


def _describe_needed_value(option: str, needed_value: Any) -> str:
    """Return what an option needs in words, such as `grpc in protocol`."""
    if needed_value is None:
        return f"`{option}`"
    if needed_value is False:
        return f"`{option}: false`"
    return f"{needed_value} in `{option}`"


def _has_value(option_value: Any, needed_value: Any) -> bool:
    """Return whether an option has or lists a value; any value will do if `needed_value` is None."""
    if needed_value is None:
        return bool(option_value)
    if isinstance(option_value, list):
        return needed_value in option_value
    return bool(needed_value == option_value)


def apply_alternatives(name: str, values: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a recipe for the values that are given.

    An option with `instead_of` replaces the one that it names, which is not required then. Raises Problem if both are
    given.
    """
    adjusted_options = dict(options)
    for key, option in options.items():
        replaced_option = (option or {}).get("instead_of")
        if replaced_option and values.get(key):
            if values.get(replaced_option):
                wrong = f"options '{key}' and '{replaced_option}' of recipe '{name}' exclude each other"
                raise Problem(wrong, fix="Remove one of the two.")
            adjusted_options[replaced_option] = {**options[replaced_option], "required": False}
    return adjusted_options


def _check_range(option_words: str, value: Any, rules: Mapping[str, Any]) -> None:
    """Raise Problem for a number out of its limits: the least and the largest number, or the least alone.

    Of a list or a mapping, the least number is that of its entries.
    """
    limits: Sequence[float] = rules.get("range") or ()
    if value is None or not limits:
        return
    if isinstance(value, (list, Mapping)):
        _check_entry_count(option_words, len(value), limits[0], is_required=bool(rules.get("required")))
    else:
        _check_number(option_words, value, limits)


def _check_entry_count(option_words: str, entry_count: int, minimum: float, *, is_required: bool) -> None:
    """Raise Problem for a list or a mapping with fewer entries than it must have."""
    if entry_count < minimum:
        other_way = "" if is_required else ", or leave the option out"
        raise Problem(f"{option_words} has {entry_count} entries", fix=f"Give {minimum} or more{other_way}.")


def _check_number(option_words: str, value: float, limits: Sequence[float]) -> None:
    """Raise Problem for a number below the first limit, or above the second one if there are two."""
    minimum = limits[0]
    maximum = limits[1] if len(limits) > 1 else math.inf
    # `not` stands before the comparison, because no comparison with nan holds: so nan is refused too.
    if not minimum <= value <= maximum:
        allowed = f"{minimum} or more" if maximum == math.inf else f"a number from {minimum} to {maximum}"
        raise Problem(f"{option_words} is {value}", fix=f"Give {allowed}.")
