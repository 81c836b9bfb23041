# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the values that settings give to a key, if they are known before the Collector starts. Private.

The checks of constraints.json and other rules ask here. A key is a path below some settings, as the tables write it.
Its values are those that are given literally. For example, of these settings

    {tls: {ca_file: /ca.pem, cert_file: "${env:CERT}", key_file: null}, urls: [a, null], topics: "b,c"}

| key | values, each with its path | because |
|---|---|---|
| `tls.ca_file` | `/ca.pem` at `("tls", "ca_file")` | |
| `tls.cert_file` | none | nobody knows here what the variable has |
| `tls.key_file` | none | null is no value |
| `tls.*` | `/ca.pem` at `("tls", "ca_file")` | the others are as above |
| `urls.*` | `a` at `("urls", 0)`, an empty text at `("urls", 1)` | the decoder reads null in a list as an empty text |
| `topics.*` | `b` and `c`, both at `("topics",)` | the decoder reads `b,c` as `[b, c]` |
| `topics` | `b,c` at `("topics",)` | |
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, Generic, NamedTuple, TypeVar

from ..catalogue.reference_keys import walk_pattern
from ..config.paths import Path, value_at

# What a variable begins with, such as `${env:NAME}`.
EXPANSION_START = "${"
_Value = TypeVar("_Value")


class GivenValue(NamedTuple, Generic[_Value]):
    """A value that settings give to a key, and where it stands in the config."""

    path: Path
    value: _Value


def find_values(settings: Any, key: str, path: Path) -> list[GivenValue[Any]]:
    """Return the values of a key that are given literally; a key such as `tls.*` may have several.

    `path` is that of the settings in the config. The paths of the values begin with it.
    """
    if "." in key:
        return list(_walk_to_values(settings, key, path))
    # Most keys have one step, and this way is much faster for them.
    value = settings.get(key) if isinstance(settings, dict) else None
    if not _is_given_literally(value):
        return []
    return [GivenValue((*path, key), value)]


def find_texts(keys: Iterable[str], settings: Any, path: Path) -> Iterator[GivenValue[str]]:
    """Yield the values of some keys that are texts. Rule `wrong-type` reports values of other types."""
    for key in keys:
        for value_path, value in find_values(settings, key, path):
            if isinstance(value, str):
                yield GivenValue(value_path, value)


@cache
def split_key(key: str) -> tuple[str, ...]:
    """Return the path of a key: `("tls", "ca_file")` for `tls.ca_file`."""
    return tuple(key.split("."))


def is_expanded(text: str) -> bool:
    """Whether the Collector replaces a part of a text, as in `${env:HOST}:4317`; `${` without `}` stays as it is."""
    return EXPANSION_START in text and "}" in text.partition(EXPANSION_START)[2]


def _is_given_literally(value: Any) -> bool:
    """Whether a value is given, and no variable decides a part of it."""
    if isinstance(value, str):
        return not is_expanded(value)
    return value is not None


def _walk_to_values(settings: Any, key: str, path: Path) -> Iterator[GivenValue[Any]]:
    """Yield the values of a key that has several steps."""
    steps = split_key(key)
    for value_path, value in walk_pattern(settings, steps, path):
        is_null_in_list = value is None and isinstance(value_path[-1], int)
        if is_null_in_list:
            yield GivenValue(value_path, "")
        elif _is_given_literally(value):
            yield GivenValue(value_path, value)
    if key.endswith(".*"):
        yield from _split_text(settings, steps[:-1], path)


def _split_text(settings: Any, list_steps: Path, path: Path) -> Iterator[GivenValue[str]]:
    """Yield the parts of a text that is given in place of a list."""
    text = value_at(settings, list_steps)
    if not isinstance(text, str) or not text:
        return
    # Also `${` without `}`, which no Collector replaces: it may be a mistake in a variable, so the parts mean nothing.
    if EXPANSION_START in text:
        return
    for part in text.split(","):
        yield GivenValue((*path, *list_steps), part)
