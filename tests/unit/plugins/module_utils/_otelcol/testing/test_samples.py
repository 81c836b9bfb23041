# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing.regex_sample import make_sample_text
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing.samples import (
    FIELD_ABSENT,
    find_fields_meeting,
)

from tests.support.cases import cases


@cases(
    "condition, wanted",
    ("", [{}]),
    ('name == "a"', [{("name",): "a"}]),
    ('"a" == span.name', [{("name",): "a"}]),
    ('span.name != "a"', [{("name",): "not a"}]),
    ('attributes["a"]["b"] == true', [{("attributes", "a", "b"): True}]),
    ('attributes["a"] != nil', [{("attributes", "a"): "text"}]),
    ('attributes["a"] == nil', [{("attributes", "a"): FIELD_ABSENT}]),
    ('3 < attributes["n"]', [{("attributes", "n"): 4}]),
    ('not (attributes["n"] > 3)', [{("attributes", "n"): 3}]),
    ('attributes["n"] < -1.5', [{("attributes", "n"): -2.5}]),
    ("span.kind == SPAN_KIND_SERVER", [{("kind",): "server"}]),
    ('span.kind.string == "Server"', [{("kind",): "server"}]),
    ("status.code == STATUS_CODE_ERROR", [{("status",): "error"}]),
    ("log.severity_number >= SEVERITY_NUMBER_WARN2", [{("severity",): 14}]),
    ('log.body["k"] == "v"', [{("body", "k"): "v"}]),
    ('IsMatch(resource.attributes["a"], "^b+$")', [{("resource", "a"): "b"}]),
    ("kind != SPAN_KIND_INTERNAL", [{("kind",): "server"}]),
    ('span.kind.string != "Server"', [{("kind",): "internal"}]),
    ("status.code != STATUS_CODE_UNSET", [{("status",): "ok"}]),
    ("metric.type != METRIC_DATA_TYPE_GAUGE", [{("type",): "sum"}]),
    ('not IsMatch(name, "^b")', [{("name",): "~"}]),
    ('not IsMatch(name, "debug")', [{("name",): "~"}]),
    ('not IsMatch(name, "~")', [{("name",): "text"}]),
    ('not IsMatch(name, ".*")', []),
    ('not HasPrefix(name, "x")', [{("name",): "not x"}]),
    ('not HasPrefix(name, "not")', [{("name",): "~"}]),
    ('not HasSuffix(name, "x")', [{("name",): "~"}]),
    ('not HasSuffix(name, "")', []),
    ('not IsString(attributes["a"])', [{("attributes", "a"): 1}]),
    ('not IsInt(attributes["a"])', [{("attributes", "a"): "text"}]),
    ('ToLowerCase(instrumentation_scope.name) == "x"', [{("scope", "name"): "x"}]),
    ('spanevent.name == "e"', [{("events", 0, "name"): "e"}]),
    ('HasAttrKeyOnDatapoint("k")', [{("attributes", "k"): "text"}]),
    ('name == "a" or name == "b"', [{("name",): "a"}, {("name",): "b"}]),
    ('not (name == "a" or kind == SPAN_KIND_CLIENT)', [{("name",): "not a", ("kind",): "internal"}]),
    ('name == "a" and name == "b"', []),
    ('name == "a" and (status.message == "m" or true)', [{("name",): "a", ("message",): "m"}, {("name",): "a"}]),
    ("a.compare.b", []),
    ("false", []),
    ("Len(name) > 3", []),
    ('name == attributes["a"]', []),
    ("trace_id != SpanID(0x00)", []),
    ("not a condition ==", []),
    ('== "a"', []),
    ("HasAttrKeyOnDatapoint()", []),
    ('String() == "a"', []),
    ('IsMatch(name, ) and name == "b"', []),
)
def test_fields_that_meet_a_condition_come_from_its_literals(condition: str, wanted: list[dict[Any, Any]]) -> None:
    assert find_fields_meeting(condition, "span") == wanted


@cases(
    "pattern",
    "^/(healthz|readyz)$",
    "token=[^&]+",
    r"^user\.",
    "[0-9]{4}-[0-9]{4}",
    "(?i)error|fail",
    r"^\{",
    "a?b*c+?d",
    r"(?P<y>\d{4})-(?:a|b){2,3}\w\s\S\D",
    r"[\]a][]b]",
    "[^ax1_]",
    r"x\x",
    "",
)
def test_a_sample_matches_its_pattern(pattern: str) -> None:
    assert re.search(pattern.replace(r"x\x", "xx"), make_sample_text(pattern))


@cases(
    "pattern, text",
    (r"[^\pL]", "1"),
    (r"[^\p{Lu}]x", "ax"),
    (r"[^\x{41}\x42]", "a"),
    (r"[^a-zA-Z[:digit:]_]", " "),
    (r"\p{L}+", "a"),
    (r"\pN", "1"),
    (r"\PL", "1"),
    (r"\x41bc", "Abc"),
    (r"\x{1F600}", "\U0001f600"),
    (r"[\x41-\x5a]+", "A"),
    (r"[[:^digit:]]+", "a"),
    (r"[\pL]", "a"),
    ("(" * 3000 + ")" * 3000, ""),
)
def test_a_sample_of_what_go_alone_writes(pattern: str, text: str) -> None:
    assert make_sample_text(pattern) == text


def test_a_sample_of_a_class_that_python_does_not_know_is_in_it() -> None:
    assert make_sample_text("[[:alpha:]]x[^[:digit:]]") == "axa"
