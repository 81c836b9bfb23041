# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain data, and where a character stands in the file of a user."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _inputs, _yaml

from tests.support.cases import cases


@pytest.mark.parametrize("value", [None, True, 0, 1.5, "x", [], {}, {1: None}])
def test_plain_data_stays_as_it_is(value: Any) -> None:
    assert _yaml.strip_ansible_types(value) == value
    assert type(_yaml.strip_ansible_types(value)) is type(value)


def test_a_tuple_becomes_a_list() -> None:
    assert _yaml.strip_ansible_types({"a": (1, 2)}) == {"a": [1, 2]}


class Unsafe(str):
    """A text as ansible-core 2.18 has it: its text form is of the same type again."""

    def __str__(self) -> str:
        return self


def test_texts_of_older_cores_become_plain_texts() -> None:
    assert type(_yaml.strip_ansible_types([Unsafe("a")])[0]) is str
    assert _yaml.dump({Unsafe("a"): Unsafe("b")}) == "a: b\n"
    assert _yaml.parse_or_none(Unsafe("a: b")) == {"a": "b"}


@cases(
    "text, path, offset, place",
    ("a: b c d", ("a",), 4, (1, 8)),
    ("a:\n  - b c", ("a", 0), 2, (2, 7)),
    ("- 'b '' c'", (0,), 4, (1, 9)),
    ('- "b \\" c"', (0,), 4, (1, 9)),
    ("a: |\n  b c\n  d e", ("a",), 6, (3, 0)),
    ("a: >\n  b c\n  d e", ("a",), 6, (1, 4)),
    ("a: b\n  c", ("a",), 2, (1, 4)),
    ("a:\n    b c", ("a",), 2, (2, 7)),
    ("a: bc", ("a",), 1, (1, 1)),
)
def test_the_place_of_a_character_in_a_text(text: str, path: Any, offset: int, place: tuple[int, int]) -> None:
    position = _yaml.load(text, "f").positions[path].locate_character(offset)
    assert (position.line, position.column) == place


CONFIG_MAP = """
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data:
  relay: |
    receivers: {otlp: {}}
    exporters: {debug: {}}
    processors:
      filter:
        traces:
          span: ['name = 1']
    service: {pipelines: {traces: {receivers: [otlp], exporters: [debug]}}}
"""


def test_a_character_of_a_config_in_a_config_map_is_found_in_the_file(tmp_path: Any) -> None:
    file = tmp_path / "a.yml"
    file.write_text(CONFIG_MAP)
    (found,) = _inputs.collect_inputs([str(file)], None).inputs
    position = found.locate(("processors", "filter", "traces", "span", 0)).locate_character(5)
    assert (position.line, position.column) == (12, 24)
