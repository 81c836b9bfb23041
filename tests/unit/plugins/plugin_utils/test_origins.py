# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a value of Ansible stands in a file."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.paths import Position
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _origins
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _yaml

from tests.support.cases import cases

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


@cases(
    "path, line, column",
    (("receivers", "otlp", "port"), 3, 12),
    (("receivers", "otlp"), 3, 5),
    (("lists", 0), 4, 11),
    (("lists", 1, "b"), 4, 15),
    (("flag",), 5, 3),
)
def test_a_value_of_the_inventory_has_a_place(loaded: Any, path: Any, line: int, column: int) -> None:
    position = _origins.collect_positions(loaded)[path]
    assert (position.file.endswith("all.yml"), position.line, position.column) == (True, line, column)


def test_plain_data_has_no_places() -> None:
    assert _origins.collect_positions({"a": [1, "x"]}) == {}


def test_places_of_older_versions_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    class Text(str):
        ansible_pos = ("f.yml", 2, 3)

    monkeypatch.setattr(_origins, "Origin", None)
    assert _origins.collect_positions({"a": Text("x"), Text("b"): 1}) == {
        ("a",): Position("f.yml", 2, 3),
        ("b",): Position("f.yml", 2, 3),
    }


def test_an_entry_of_older_versions_begins_at_its_first_key(monkeypatch: pytest.MonkeyPatch) -> None:
    class Text(str):
        ansible_pos = ("f.yml", 2, 3)

    monkeypatch.setattr(_origins, "Origin", None)
    entries = [{Text("a"): 1, "b": 2}, {}, {"b": 2}]
    positions = [_origins.position_of_entry(entries, index) for index in range(3)]
    assert positions == [Position("f.yml", 2, 3), Position(), Position()]


def test_plain_data_is_what_it_was_without_ansibles_types(loaded: Any) -> None:
    plain = _yaml.strip_ansible_types(loaded)
    assert plain == {"receivers": {"otlp": {"port": 1}}, "lists": ["a", {"b": "c"}], "flag": True}
    assert [type(plain["lists"][0]), type(plain["receivers"]["otlp"]["port"]), type(plain["flag"])] == [str, int, bool]
    assert {type(key) for key in plain} == {str}
