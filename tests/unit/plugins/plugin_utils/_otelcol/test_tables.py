# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Only a file with all tables is a catalogue that a newer version of the collection published."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.catalogue.rows import TABLE_FORMAT, TABLES
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _tables

WHOLE: dict[str, Any] = {name: [] for name in TABLES}


def test_the_tables_of_a_file_are_taken() -> None:
    assert _tables.parse_published_tables(json.dumps({"format": TABLE_FORMAT, "tables": WHOLE}), "new.json") == WHOLE


@pytest.mark.parametrize(
    "content",
    [
        {"format": TABLE_FORMAT, "tables": list(TABLES)},
        {"format": TABLE_FORMAT, "tables": dict(list(WHOLE.items())[1:])},
        {"format": TABLE_FORMAT + 1, "tables": WHOLE},
        {"tables": WHOLE},
        [TABLE_FORMAT],
        None,
    ],
)
def test_a_file_without_all_tables_is_refused(content: Any) -> None:
    with pytest.raises(Problem, match=r"new\.json is not a catalogue of Collectors"):
        _tables.parse_published_tables(json.dumps(content), "new.json")
