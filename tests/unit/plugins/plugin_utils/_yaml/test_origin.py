# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.config.paths import Position
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _yaml
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _yaml as origin

TEXT = """\
config:
  receivers:
    otlp: {port: 1}
  lists: [a, {b: c}]
  flag: true
"""


@pytest.fixture
def loaded(tmp_path: Any) -> Any:
    """Return data as Ansible reads it from an inventory."""
    file = tmp_path / "all.yml"
    file.write_text(TEXT)
    return DataLoader().load_from_file(str(file))["config"]


@pytest.mark.parametrize(
    ("path", "line", "column"),
    [
        (("receivers", "otlp", "port"), 3, 12),
        (("receivers", "otlp"), 3, 5),
        (("lists", 0), 4, 11),
        (("lists", 1, "b"), 4, 15),
        (("flag",), 5, 3),
    ],
)
def test_a_value_of_the_inventory_has_a_place(loaded: Any, path: Any, line: int, column: int) -> None:
    position = origin.positions(loaded)[path]
    assert (position.file.endswith("all.yml"), position.line, position.column) == (True, line, column)


def test_plain_data_has_no_places() -> None:
    assert origin.positions({"a": [1, "x"]}) == {}


def test_places_of_older_versions_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    class Text(str):
        ansible_pos = ("f.yml", 2, 3)

    monkeypatch.setattr(origin, "Origin", None)
    assert origin.positions({"a": Text("x"), Text("b"): 1}) == {
        ("a",): Position("f.yml", 2, 3),
        ("b",): Position("f.yml", 2, 3),
    }


def test_plain_data_is_what_it_was_without_ansibles_types(loaded: Any) -> None:
    plain = origin.plain(loaded)
    assert plain == {"receivers": {"otlp": {"port": 1}}, "lists": ["a", {"b": "c"}], "flag": True}
    assert [type(plain["lists"][0]), type(plain["receivers"]["otlp"]["port"]), type(plain["flag"])] == [str, int, bool]
    assert {type(key) for key in plain} == {str}


@pytest.mark.parametrize("value", [None, True, 0, 1.5, "x", [], {}, {1: None}])
def test_plain_data_stays_as_it_is(value: Any) -> None:
    assert origin.plain(value) == value
    assert type(origin.plain(value)) is type(value)


def test_a_tuple_becomes_a_list() -> None:
    assert origin.plain({"a": (1, 2)}) == {"a": [1, 2]}


class Unsafe(str):
    """A text as ansible-core 2.18 has it: its text form is of the same type again."""

    def __str__(self) -> str:
        return self


def test_texts_of_older_cores_become_plain_texts() -> None:
    assert type(origin.plain([Unsafe("a")])[0]) is str
    assert _yaml.dump({Unsafe("a"): Unsafe("b")}) == "a: b\n"
    assert _yaml.parsed(Unsafe("a: b")) == {"a": "b"}
