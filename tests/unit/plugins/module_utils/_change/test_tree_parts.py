# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A part of a tree is in it, whatever else the tree has."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.tree_parts import is_within


def test_a_part_is_within_a_whole_that_has_more() -> None:
    whole = {"a": {"b": 1, "c": [{"name": "x", "v": 1}, 2]}}
    assert is_within({"a": {"c": [{"name": "x"}]}}, whole)
    assert not is_within({"a": {"b": 2}}, whole)
    assert not is_within({"a": {"c": [3]}}, whole)
    assert not is_within({"a": []}, whole)
