# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from itertools import permutations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.migrate.data_edits import (
    Add,
    Drop,
    Put,
    RenameKey,
    apply_edits,
)


def test_edits_may_be_given_in_any_order() -> None:
    config = {"a": {"old": 0}, "list": ["x", "y", "z"]}
    edits = [RenameKey(("a",), "b"), RenameKey(("a", "old"), "new"), Drop(("list", 0)), Put(("list", 2), "w")]
    for ordered_edits in permutations(edits):
        assert apply_edits(config, ordered_edits) == {"b": {"new": 0}, "list": ["y", "w"]}


def test_an_edit_at_a_place_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(KeyError):
        apply_edits({"exporters": {}}, [Add(("exporters", "otlp", "sending_queue"), {})])
