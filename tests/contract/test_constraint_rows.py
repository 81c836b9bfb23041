# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every row of constraints.json reads any value at any of its keys: a fault or none, and never an exception."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.catalogue.rows import ANY_KEY, Row
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.constraint_rows import make_constraint

from .fuzzing import ODD
from .source import text

ROWS: list[dict[str, Any]] = json.loads(text("plugins/plugin_utils/_otelcol/_data/catalogue/constraints.json"))
CHECKED = [
    pytest.param(row, id=f"{number} {row['at'][:60]}") for number, row in enumerate(ROWS) if make_constraint(row)
]
PLACE = ("receivers", "a", 0)  # a list item, where null is a value too
# What most settings are, and what a decoder would convert.
VALUES: tuple[Any, ...] = (*ODD, 1, 4, 0.5, "a", "1", "1s", "-1s", "a/b", ["a"], [1], [None], [["a"]], [{}], {"a": 1})


def keys_of(asked: Any) -> Iterator[str]:
    """Yield the keys of settings that a check looks at: its own, and those that it names as their values."""
    if isinstance(asked, str):
        yield from asked.split("|")
    elif isinstance(asked, dict):
        for key, value in asked.items():
            yield from (key, *(keys_of(value) if isinstance(value, str) else ()))
    elif isinstance(asked, list):
        for item in asked:
            yield from keys_of(item)


def settings_with(key: str, value: Any) -> Iterator[Any]:
    """Yield settings that have a value at a key such as `tls.files.*`, whose star is an index or a name."""
    made = [value]
    for step in reversed(key.split(".")):
        made = [around for item in made for around in ([[item], {"a": item}] if step == ANY_KEY else [{step: item}])]
    yield from made


def settings_of(row: Row) -> Iterator[Any]:
    """Yield every value in the place of all settings of a row, then at each of its keys."""
    yield from VALUES
    made = make_constraint(row)
    assert made
    for key in dict.fromkeys(key for _check, asked in made[0].checks for key in keys_of(asked)):
        for value in VALUES:
            yield from settings_with(key, value)


@pytest.mark.parametrize("row", CHECKED)
def test_a_row_reads_any_value(row: Row) -> None:
    made = make_constraint(row)
    assert made
    failed = []
    for settings in settings_of(row):
        for check, asked in made[0].checks:
            try:
                list(check(asked, settings, PLACE, row))
            except Exception as broken:
                failed.append(f"{settings!r:.200}: {broken!r}")
    assert failed == []


@pytest.mark.parametrize("row", [row for row in ROWS if "range" in row], ids=lambda row: row["at"][:60])
def test_a_range_has_a_least_or_a_most(row: Row) -> None:
    for least, most in row["range"].values():
        assert (least, most) != (None, None)
        assert None in (least, most) or least <= most
