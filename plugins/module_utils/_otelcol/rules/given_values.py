# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the values that settings give to a key, if they are known before the Collector starts. Private.

The checks of constraints.json and other rules ask here. A key is a path below some settings, as the tables write it.
Its values are those that are given literally: null is none, and neither is a text with a variable, whose value nobody
knows here. For example, with the settings `{tls: {ca_file: /ca.pem, cert_file: "${env:CERT}"}}`:

- `tls.ca_file` has the value `/ca.pem` at the path `("tls", "ca_file")`
- `tls.cert_file` and `tls.key_file` have none
- `tls.*` has the value `/ca.pem` alone
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from ..catalogue.reference_keys import walk_pattern
from ..config.paths import Path, value_at

# What a variable begins with, such as `${env:NAME}`.
EXPANSION_START = "${"


def find_values(settings: Any, key: str, path: Path) -> Iterable[tuple[Path, Any]]:
    """Return path and value of a key, where it is given literally; a key such as `tls.*` may have several.

    `path` is that of the settings in the config. The paths that are returned begin with it.
    """
    if "." in key:
        return _find_nested_values(settings, key, path)
    # Most keys have one step, and this way is much faster for them.
    value = settings.get(key) if isinstance(settings, dict) else None
    return (((*path, key), value),) if _is_given_literally(value) else ()


def find_texts(keys: Iterable[str], settings: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield path and text of each of the keys that has a text. Rule `wrong-type` reports values of other types."""
    for key in keys:
        for value_path, value in find_values(settings, key, path):
            if isinstance(value, str):
                yield value_path, value


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


def _find_nested_values(settings: Any, key: str, path: Path) -> Iterator[tuple[Path, Any]]:
    """Yield path and value of everything that a key of several steps leads to.

    The decoder reads null in a list of texts as an empty text, and so does this.
    """
    steps = split_key(key)
    for value_path, value in walk_pattern(settings, steps, path):
        is_null_in_list = value is None and isinstance(value_path[-1], int)
        if is_null_in_list:
            yield value_path, ""
        elif _is_given_literally(value):
            yield value_path, value
    if key.endswith(".*"):
        yield from _split_text(settings, steps[:-1], path)


def _split_text(settings: Any, list_steps: Path, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield the parts of a text that is given in place of a list: the decoder reads `a,b` as `[a, b]`."""
    text = value_at(settings, list_steps)
    if isinstance(text, str) and text and EXPANSION_START not in text:
        for part in text.split(","):
            yield (*path, *list_steps), part
