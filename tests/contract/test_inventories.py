# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventories of the collection are read without a warning."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml

from .source import files, text

MERGE_KEY = "<<"


def overridden_keys(node: yaml.Node | None) -> Iterator[str]:
    """Yield the keys that a mapping has beside `<<: *other` and that the other has too: Ansible warns of them."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from overridden_keys(item)
    if isinstance(node, yaml.MappingNode):
        value_by_key = {key.value: value for key, value in node.value}
        merged = value_by_key.get(MERGE_KEY)
        if isinstance(merged, yaml.MappingNode):
            yield from (key.value for key, _value in merged.value if key.value in value_by_key)
        for value in value_by_key.values():
            yield from overridden_keys(value)


def test_a_key_beside_a_merge_is_found() -> None:
    assert list(overridden_keys(yaml.compose("{a: &a {b: 1, c: 2}, d: [{<<: *a, b: 3}]}"))) == ["b"]
    assert list(overridden_keys(yaml.compose("{a: &a {b: 1}, d: [{<<: *a, e: 3}]}"))) == []


@pytest.mark.parametrize("path", files("inventories/*.yml", "examples/*.yml", "playbooks/*.yml", "roles/*.yml"))
def test_no_file_overrides_a_key_of_a_merge(path: str) -> None:
    found = [key for document in yaml.compose_all(text(path)) for key in overridden_keys(document)]
    assert found == []
