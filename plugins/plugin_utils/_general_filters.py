# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of recipes that know nothing of the Collector, but of mappings, texts and JSON. Private.

`_recipe_filters.py` gives them their names in templates. For example, `{{ {'a': none, 'b': 1} | given }}` is
`{'b': 1}`, by `drop_empty_values`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from ..module_utils._collector import ottl_builders
from ..module_utils._otelcol.errors import Problem
from ..module_utils._otelcol.needs.quantities import parse_duration

# Characters that JSON for YAML has escaped: U+007F to U+FFFF. So wide a range takes long to compile, the rest does not.
_CHARACTERS_TO_ESCAPE = re.compile("[^\x00-\x7e\U00010000-\U0010ffff]")


def drop_empty_values(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mapping without the keys whose value is null or an empty text."""
    return {key: value for key, value in mapping.items() if value not in (None, "")}


def list_names_and_values(mapping: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a mapping as the telemetry of the service takes it: a list of names and values."""
    return [{"name": name, "value": value} for name, value in mapping.items()]


def check_values_once(rows: Sequence[Mapping[str, Any]], key: str) -> Sequence[Mapping[str, Any]]:
    """Return rows in which a key, or the items of its list, has no value twice. Raises Problem for one that does."""
    seen_values: list[Any] = []
    for row in rows:
        for value in row[key] if isinstance(row[key], list) else [row[key]]:
            if value in seen_values:
                raise Problem(f"'{value}' is there twice in `{key}`", fix="Keep one of the two.")
            seen_values.append(value)
    return rows


def check_rising_bounds(bounds: Sequence[Any]) -> Sequence[Any]:
    """Return the upper bounds of a histogram, as numbers or as Go durations. Raises Problem if they do not rise.

    Bounds with a variable are not compared.
    """
    if any("$" in str(bound) for bound in bounds):
        return bounds
    for lower_bound, upper_bound in pairwise(bounds):
        is_rising = _measure_bound(lower_bound) < _measure_bound(upper_bound)  # false for nan too
        if not is_rising:
            wrong = f"bound '{upper_bound}' of a histogram stands after '{lower_bound}', and is not larger"
            raise Problem(wrong, fix="Write `buckets` from the smallest bound to the largest one, each once.")
    return bounds


def _measure_bound(bound: Any) -> float:
    return parse_duration(bound) if isinstance(bound, str) else float(bound)


def build_any_of_condition(values: Iterable[str], path: str) -> str:
    """Return a condition of OTTL: a path has one of these values."""
    return " or ".join(f"{path} == {ottl_builders.ottl_text(value)}" for value in values)


def match_whole_values(texts: Iterable[str]) -> list[str]:
    """Return a regular expression (RE2) for each text, which matches nothing but the whole of it."""
    return [rf"\A{re.escape(text)}\z" for text in texts]


def convert_to_json(value: Any) -> str:
    """Return a value as JSON, which is YAML: what is inserted with this needs neither indentation nor quotes.

    YAML has no pairs of surrogates, as which JSON writes characters from U+10000 on, so these stay as they are. Others
    are escaped, because YAML reads some of them as line ends and refuses some.
    """
    return _CHARACTERS_TO_ESCAPE.sub(
        lambda match: f"\\u{ord(match[0]):04x}", json.dumps(value, default=str, ensure_ascii=False)
    )
