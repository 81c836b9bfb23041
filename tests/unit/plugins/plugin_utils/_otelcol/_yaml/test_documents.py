# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.paths import Position
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.yaml.key_delimiter import spread_document
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.yaml.yaml_documents import cut_document_part
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.support.cases import cases

SCALARS: list[tuple[str, Any]] = [
    ("yes", "yes"), ("no", "no"), ("on", "on"), ("off", "off"), ("y", "y"), ("Yes", "Yes"),
    ("true", True), ("True", True), ("FALSE", False), ("tRue", "tRue"),
    ("null", None), ("~", None), ("NULL", None), ("", None), ("nULL", "nULL"), ("None", "None"),
    ("1", 1), ("-1", -1), ("+1", 1), ("1_000", 1000), ("0", 0),
    ("0123", 83), ("-010", -8), ("08", 8.0), ("-0_9", -9.0), ("0o14", 12), ("0x1F", 31), ("0b11", 3), ("0xZ", "0xZ"),
    ("1:30", "1:30"), ("4317:4317", "4317:4317"), ("1.5", 1.5), ("1.", 1.0), (".5", 0.5), ("1e3", 1000.0),
    ("-1.5E-3", -0.0015), (".inf", math.inf), ("-.Inf", -math.inf), ("1.2.3", "1.2.3"), ("1e", "1e"), (".", "."),
    ("-0x1F", -31), ("+0X1_f", 31), ("-0b1_1", -3), ("0O17", 15), ("0_7", 7), ("0x", "0x"), ("0b12", "0b12"),
    ("1_000.5", 1000.5), ("1__0._5", 10.5), (".5_0", 0.5), ("._5", "._5"), ("1_0e1_0", 1e11), ("1e_3", 1000.0),
    ("_1", "_1"), ("1e_", "1e_"),
    ("0" + "8" * 400, "0" + "8" * 400), ("1e308", 1e308), ("1e999", "1e999"), ("-1_0.e999", "-1_0.e999"),
    ("2001-12-14", "2001-12-14"), ("=", "="), ("<<", "<<"), ("5s", "5s"), ("512Mi", "512Mi"), ("-", [None]),
    ("'1'", "1"), ('"true"', "true"), ("!!str 1", "1"), ("!!int '7'", 7),
    ("${env:A}", "${env:A}"), ("1" * 5000, "1" * 5000),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), SCALARS)
def test_a_scalar_is_what_the_collector_takes_it_for(text: str, value: Any) -> None:
    assert same(_yaml.load(text, "f").data, value)


def test_not_a_number_is_read() -> None:
    assert math.isnan(_yaml.load(".nan", "f").data)


@cases(
    "text, data",
    ("", None),
    ("# only a comment", None),
    ("a: &x {b: 1}\nc: *x", {"a": {"b": 1}, "c": {"b": 1}}),
    ("a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  c: 3", {"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 3}}),
    ("d:\n  c: 3\n  <<: {c: 1, b: 2}", {"d": {"c": 3, "b": 2}}),
    ("d:\n  <<: [{a: 1, b: 1}, {b: 2, c: 2}]", {"d": {"a": 1, "b": 1, "c": 2}}),
    ("d:\n  <<: 5\n  a: 1", {"d": {"a": 1}}),
    ("'<<': {a: 1}", {"<<": {"a": 1}}),
    ("2: a\n~: c", {2: "a", None: "c"}),
    ("a: |\n  x\n  y\nb: >-\n  x\n  y", {"a": "x\ny\n", "b": "x y"}),
)
def test_a_document_is_data(text: str, data: Any) -> None:
    document = _yaml.load(text, "f")
    assert (document.data, document.duplicates) == (data, ())


TEXT = """\
receivers:
  otlp: {protocols: {grpc: }}
service:
  pipelines:
    traces:
      receivers: [otlp, zipkin]
      exporters:
        - debug
"""


@cases(
    "path, line, column",
    ((), 1, 1),
    (("receivers",), 1, 1),
    (("receivers", "otlp"), 2, 3),
    (("receivers", "otlp", "protocols", "grpc"), 2, 22),
    (("service", "pipelines", "traces", "receivers", 1), 6, 25),
    (("service", "pipelines", "traces", "exporters", 0), 8, 11),
)
def test_every_path_has_a_place(path: tuple[Any, ...], line: int, column: int) -> None:
    assert _yaml.load(TEXT, "a.yml").positions[path] == Position("a.yml", line, column)


def test_a_key_of_a_merged_mapping_stands_where_it_was_written() -> None:
    positions = _yaml.load("a: &x\n  b: 1\nc:\n  <<: *x\n  d: 2", "f").positions
    assert positions[("c", "d")].line == 5
    assert positions[("c", "b")].line == 2


@cases(
    "text, path, line",
    ("a: &x\n  b: 1\nc: *x", ("c",), 3),
    ("a: &x\n  b: 1\nc: *x", ("c", "b"), 2),
    ("a: &x 1\nc:\n- *x", ("c", 0), 3),
    ("d:\n  c: 3\n  <<:\n    c: 1", ("d", "c"), 2),
    ("d:\n  <<:\n  - a: 1\n  - a: 2\n    b: 3", ("d", "a"), 3),
    ("d:\n  <<:\n  - a: 1\n  - a: 2\n    b: 3", ("d", "b"), 5),
    ("a: 1\nb: 2\na:\n  c: 3", ("a",), 3),
    ("a: 1\nb: 2\na:\n  c: 3", ("a", "c"), 4),
)
def test_what_is_repeated_stands_where_the_value_that_counts_was_written(
    text: str, path: tuple[Any, ...], line: int
) -> None:
    assert _yaml.load(text, "f").positions[path].line == line


@cases("path", ("b",), ("a", 2), ("a", "b"), ("a", 0, "c"))
def test_a_path_that_leads_nowhere_has_no_place(path: tuple[Any, ...]) -> None:
    positions = _yaml.load("a: [x, y]", "f").positions
    assert path not in positions
    with pytest.raises(KeyError):
        positions[path]


def test_keys_that_stand_twice_are_found_with_their_second_place() -> None:
    document = _yaml.load("a: 1\nb: {c: 1, c: 2, c: 3}\na: 2", "f")
    assert document.data == {"a": 2, "b": {"c": 3}}
    places = [(("b", "c"), 2, 11), (("b", "c"), 2, 17), (("a",), 3, 1)]
    assert document.duplicates == tuple((path, Position("f", line, column)) for path, line, column in places)


@pytest.mark.parametrize("text", ["1: a\ntrue: b", "0: a\nfalse: b", "1: a\n1.0: b"])
def test_keys_that_python_takes_for_one_are_told(text: str) -> None:
    """The Collector tells them apart, but one of their values is lost here, also to Ansible."""
    document = _yaml.load(text, "f")
    assert len(document.data) == 1
    assert [position.line for _path, position in document.duplicates] == [2]


@pytest.mark.parametrize("text", ["a:\n  b: {c: 1, c: 2}", "a::b: {c: 1, c: 2}"])
def test_a_part_of_a_document_has_its_data_its_places_and_its_duplicates(text: str) -> None:
    part = cut_document_part(spread_document(_yaml.load(text, "f")), ("a", "b"))
    assert part.data == {"c": 2}
    assert ("a",) not in part.positions
    assert part.positions["c",].line == len(text.splitlines())
    assert [path for path, _position in part.duplicates] == [("c",)]


def test_a_key_that_is_no_scalar_becomes_text() -> None:
    (key,) = _yaml.load("{a: b}: 1", "f").data
    assert isinstance(key, str)


@cases(
    "text, where",
    ("a: ]", "f:1:4"),
    ("a: 1\n b: 2", "f:2:3"),
    ("a: b: c", "f:1:5"),
    ("a:\n\t- b", "f:2:1"),
    ("a: *nobody", "f:1:4"),
    ("a: 1\n---\nb: 2", "f:2:1"),
    ('a: "x', "f:1:6"),
)
def test_a_mistake_is_reported_with_its_place(text: str, where: str) -> None:
    with pytest.raises(Problem) as refused:
        _yaml.load(text, "f")
    assert refused.value.wrong.startswith("this is not valid YAML: ")
    assert refused.value.where == where
    assert refused.value.fix


CYCLES = ("a: &x [*x]", "&x {a: {b: *x}}", "a: &x {<<: *x}")


@pytest.mark.parametrize("text", ["a: \x07", "a: \ud800", *CYCLES, "[" * 3000 + "]" * 3000], ids=range(6))
def test_what_is_no_text_contains_itself_or_has_no_end_is_refused_with_its_file(text: str) -> None:
    with pytest.raises(Problem, match="this is not valid YAML") as refused:
        _yaml.load(text, "f")
    assert refused.value.where.startswith("f")


@cases(
    "data, text",
    ({"b": 1, "a": [1, {"c": None}]}, "b: 1\na:\n- 1\n- c: null\n"),
    ("1", "'1'\n"),
    ("yes", "'yes'\n"),
    ("0o14", "'0o14'\n"),
    ("1:30", "'1:30'\n"),
    ("2001-12-14", "'2001-12-14'\n"),
    ("null", "'null'\n"),
    ("", "''\n"),
    ("1e3", "'1e3'\n"),
    ("a\nb\n", "|\n  a\n  b\n"),
    ({"x": "a: b"}, "x: 'a: b'\n"),
    ({"x": "${env:A}"}, "x: ${env:A}\n"),
    ({}, "{}\n"),
    ({"a": "é"}, "a: é\n"),
    ({"a": "x " * 200 + "y"}, "a: " + "x " * 200 + "y\n"),
)
def test_text_is_written_as_people_would(data: Any, text: str) -> None:
    assert _yaml.dump(data) == text if isinstance(data, dict) else _yaml.dump({"v": data}) == f"v: {text}"


def test_documents_are_separated_and_nothing_is_an_alias() -> None:
    shared = {"x": 1}
    assert _yaml.dump({"a": shared}, {"b": shared, "c": shared}) == "---\na:\n  x: 1\n---\nb:\n  x: 1\nc:\n  x: 1\n"


NUMBERS = st.from_regex(r"[-+]?[0-9._:xob]{1,6}([eE][-+]?[0-9]+)?", fullmatch=True)
TEXTS = st.text() | NUMBERS | st.sampled_from([text for text, _value in SCALARS])
NAMES = st.text() | st.sampled_from(["y", "1", "<<"])
trees: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


def same(one: Any, two: Any) -> bool:
    """Equal in value and in type, all the way down."""
    if type(one) is not type(two):
        return False
    if isinstance(one, dict):
        return list(one) == list(two) and all(same(one[key], two[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(two) and all(map(same, one, two))
    return bool(one == two)


@given(trees)
def test_what_is_written_reads_as_the_same(tree: Any) -> None:
    assert same(_yaml.load(_yaml.dump(tree), "f").data, tree)


def paths_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(inner for key, item in pairs for inner in paths_of(item, (*path, key)))]


@given(trees)
def test_the_paths_with_a_place_are_those_of_the_data(tree: Any) -> None:
    assert list(_yaml.load(_yaml.dump(tree), "f").positions) == paths_of(tree)


@given(trees)
def test_readers_of_older_yaml_take_no_text_for_something_else(tree: Any) -> None:
    def texts(value: Any) -> list[str]:
        if isinstance(value, dict):
            return [item for pair in value.items() for part in pair for item in texts(part)]
        if isinstance(value, list):
            return [item for part in value for item in texts(part)]
        return [value] * isinstance(value, str)

    assert texts(yaml.safe_load(_yaml.dump(tree))) == texts(tree)


def test_a_stream_is_documents_with_places_in_the_whole_text() -> None:
    first, second = _yaml.load_all("a: 1\n---\n# between\nb: {c: 2}\n", "f")
    assert (first.data, second.data) == ({"a": 1}, {"b": {"c": 2}})
    assert second.positions["b", "c"] == Position("f", 4, 5)


def test_an_anchor_is_known_in_its_own_document_only() -> None:
    with pytest.raises(Problem, match=r"an alias has no anchor \(at f:3:4\)"):
        list(_yaml.load_all("a: &x 1\n---\nb: *x\n", "f"))


@pytest.mark.parametrize("sign", ["!", "*", "!a!", "&a &", "*a *", "%", "@", "`"])
def test_a_password_without_quotes_is_not_shown(sign: str) -> None:
    with pytest.raises(Problem) as raised:
        list(_yaml.load_all(f"user: a\npassword: {sign}Summer2026secret\n", "f"))
    assert "Summer" not in str(raised.value)
    assert "f:2" in str(raised.value)


@pytest.mark.parametrize(
    "value", ["!!word", "!!word x", "!!word {}", "!!word []", "!<x:y> z", "!!python/name:a.b", "!w"]
)
def test_a_tag_that_yaml_does_not_have_is_refused(value: str) -> None:
    """The Collector takes `!!word` for a text without characters, and a mapping under it as if it had no tag."""
    with pytest.raises(Problem, match="a tag is unknown") as problem:
        _yaml.load(f"a: {value}\n", "c.yaml")
    assert "word" not in str(problem.value)


@pytest.mark.parametrize(
    ("value", "data"),
    [("!!str 5", "5"), ("!!map {}", {}), ("!!seq []", []), ('!!int "5"', 5), ("!!float 5", 5.0), ("!!null", None)],
)
def test_a_tag_of_yaml_says_what_a_value_is(value: str, data: Any) -> None:
    assert _yaml.load(f"a: {value}\n", "c.yaml").data == {"a": data}


@pytest.mark.parametrize(
    "value",
    [
        "!!int x",
        "!!int 5.5",
        "!!bool yes",
        "!!null x",
        "!!float x",
        "!!float 1e999",
        "!!int",
        "!!int true",
        "!!float true",
        "!!bool 1",
    ],
)
def test_a_value_that_is_not_what_its_tag_says_is_refused(value: str) -> None:
    with pytest.raises(Problem, match="a value has the tag !!") as problem:
        _yaml.load(f"a: {value}\n", "c.yaml")
    assert problem.value.where == "c.yaml:1:4"


def test_a_tag_of_another_program_is_named() -> None:
    with pytest.raises(Problem, match="the tag !Sub is unknown"):
        list(_yaml.load_all("a: !Sub x\n", "f"))


def chain(first: str, then: str, size: int) -> str:
    """Return anchors a0, a1, … where each refers to the one before, @."""
    return "\n".join([f"a0: &a0 {first}", *(f"a{n}: &a{n} {then.replace('@', f'*a{n - 1}')}" for n in range(1, size))])


KEYS = "{" + ", ".join(f"k{number}: {{x: 1}}" for number in range(50)) + "}"
# Since libyaml 0.2.6, which comes with PyYAML 6.0.4, the parser itself has a limit.
REPEATS, DEEP = "its aliases repeat too much", "it nests deeper than 150 levels|exceeded maximum nesting depth"


@cases(
    "text, words",
    pytest.param(chain("[x, x]", f"[{', '.join('@' * 10)}]", 12), REPEATS, id="aliases"),
    pytest.param(chain(KEYS, "{x: {<<: @}, y: {<<: @}}", 30), REPEATS, id="merged keys"),
    pytest.param(chain("[x]", "[@]", 300), DEEP, id="deep aliases"),
    pytest.param("[" * 100_000, DEEP, id="flow"),
    pytest.param("- " * 100_000, DEEP, id="dashes"),
    pytest.param("{a: " * 100_000, DEEP, id="mappings"),
)
def test_text_that_grows_without_end_is_refused_soon(text: str, words: str) -> None:
    with pytest.raises(Problem, match=words) as refused:
        _yaml.load(text, "f")
    assert refused.value.where.startswith("f:")


@given(st.text(alphabet="ab:{}[]-&*|>!'\"#%@`\n\t ,<?\r", max_size=80))
def test_no_text_crashes_the_reader(text: str) -> None:
    try:
        documents = list(_yaml.load_all(text, "f"))
    except Problem as problem:
        assert problem.wrong.startswith("this is not valid YAML: ")
    else:
        assert all(position.line > 0 for document in documents for position in document.positions.values())
