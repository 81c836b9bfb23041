# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _arguments, _role_options

SPEC = {
    "endpoint": {"description": "Where to.", "required": True},
    "size": {"description": ["How", "much."], "type": "int", "default": 8},
    "share": {"type": "float"},
    "tls": {"type": "dict", "options": {"insecure": {"description": "x", "type": "bool", "default": False}}},
    "headers": {"type": "dict"},
    "paths": {"type": "list", "elements": "path"},
    "either": {"type": "raw"},
    "version": {"type": "str"},
    "when": {"choices": ["yes", "no"]},
    "roles": {"type": "list", "elements": "dict", "options": {"name": {}}},
}


def test_options_get_types_and_defaults() -> None:
    values = {"endpoint": "x", "size": "9", "tls": {"insecure": "yes"}}
    others = {
        "share": None,
        "headers": None,
        "paths": None,
        "either": None,
        "version": None,
        "when": None,
        "roles": None,
    }
    assert _arguments.validate_values(values, SPEC, "it") == {
        **others,
        "endpoint": "x",
        "size": 9,
        "tls": {"insecure": True},
    }
    values = {"endpoint": "x", "either": [{"a": "b"}], "paths": "a,b", "headers": "a=b"}
    values |= {"version": 2, "when": False, "roles": ["name=a", '{"name": "b"}']}
    found = {"size": 8, "share": None, "tls": None, "either": [{"a": "b"}], "paths": ["a", "b"], "headers": {"a": "b"}}
    found |= {"version": "2", "when": "no", "roles": [{"name": "a"}, {"name": "b"}]}
    assert _arguments.validate_values(values, SPEC, "it") == {"endpoint": "x", **found}


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"endpont": "x"}, r"it has no option 'endpont'; did you mean 'endpoint'\? Options: either, endpoint, headers"),
        ({1: "x"}, r"it has no option '1' Options|it has no option '1'\. Options"),
        ({}, r"it: missing required arguments: endpoint\. Give what is missing\."),
        ({"endpoint": "x", "share": "nan"}, r"option 'share' of it is nan\. Use a number\."),
        ({"endpoint": "x", "share": float("inf")}, r"option 'share' of it is inf\. Use a number\."),
        ({"endpoint": "x", "size": "many"}, r"option 'size' of it must be a number, not 'many'\. Write `size: 1`\."),
        (
            {"endpoint": "x", "tls": {"insecure": "maybe"}},
            r"option 'tls.insecure' of it must be true or false, not 'maybe'\. Write `insecure: true`\.",
        ),
        ({"endpoint": "x", "tls": {"secure": True}}, r"it has no option 'tls\.secure'; did you mean 'insecure'"),
        (
            {"endpoint": {"host": "x"}},
            r"option 'endpoint' of it must be text, not a mapping\. Write `endpoint: TEXT`\.",
        ),
        ({"endpoint": ["x"]}, r"option 'endpoint' of it must be text, not a list"),
        ({"endpoint": "x", "size": [1]}, r"option 'size' of it must be a number, not a list\. Write `size: 1`\."),
        (
            {"endpoint": "x", "tls": [1]},
            r"option 'tls' of it must be a mapping, not a list\. Write a mapping of in",
        ),
        ({"endpoint": "x", "tls": {"insecure": []}}, r"option 'tls\.insecure' of it must be true or false, not a list"),
        (
            {"endpoint": "x", "headers": [{"a": 1}]},
            r"'headers' of it must be a mapping, not a list\. Write .headers: \{",
        ),
        (
            {"endpoint": "x", "paths": {"a": 1}},
            r"'paths' of it must be a list, not a mapping\. Write `paths: \[ITEM\]`",
        ),
        ({"endpoint": "x", "paths": [{"a": 1}]}, r"option 'paths\[0\]' of it must be text, not a mapping"),
        ({"endpoint": "x", "paths": ["a", ["b"]]}, r"option 'paths\[1\]' of it must be text, not a list"),
        ({"endpoint": "x", "paths": [{"a": 1}]}, r"Write `paths: \[TEXT\]`"),
        ({"endpoint": False}, r"option 'endpoint' of it must be text, not true or false"),
        ({"endpoint": "x", "size": True}, r"option 'size' of it must be a number, not true or false"),
        ({"endpoint": "x", "tls": 3}, r"option 'tls' of it must be a mapping, not a number"),
        ({"endpoint": "x", "tls": "on"}, r"'tls' of it must be a mapping, not text\. Write a mapping of insecure"),
        ({"endpoint": "x", "headers": "on"}, r"option 'headers' of it must be a mapping, not text"),
        ({"endpoint": "x", "roles": "a"}, r"option 'roles\[0\]' of it must be a mapping, not text"),
        ({"endpoint": "x", "roles": ["name=a", "b"]}, r"option 'roles\[1\]' of it must be a mapping, not text"),
        ({"endpoint": "x", "roles": [None]}, r"option 'roles\[0\]' of it must be a mapping, not null"),
        ({"endpoint": "x", "version": 0.160}, r"it as the number 0\.16\. Write it in quotes, as in `version: '1\.20'`"),
    ],
)
def test_wrong_options_are_explained(values: dict[Any, Any], says: str) -> None:
    with pytest.raises(Problem, match=says):
        _arguments.validate_values(values, SPEC, "it")


def test_values_that_are_checked_stay_and_prose_is_no_part_of_an_argument_spec() -> None:
    values = {"endpoint": "x", "tls": {}}
    _arguments.validate_values(values, SPEC, "it")
    assert values == {"endpoint": "x", "tls": {}}
    wanted = {"type": "dict", "options": {"insecure": {"type": "bool", "default": False}}}
    assert _arguments.build_argument_spec(SPEC)["tls"] == wanted


def test_options_that_are_kept_give_every_value_defaults_of_its_own() -> None:
    level = {"type": "str", "choices": ["low", "high"]}
    known = _arguments.DocumentedOptions({"tls": {"type": "dict", "default": {}, "options": {"level": level}}})
    first = _arguments.validate_values({}, known, "it")
    first["tls"]["level"] = "broken"
    assert _arguments.validate_values({}, known, "it") == {"tls": {"level": None}}


def test_a_certificate_has_lines() -> None:
    known = _role_options.read_all_role_options("otel_collector")
    route = {"host": "a", "destination_ca": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"}
    given = {"otel_collector_openshift_route": route}
    assert (
        _arguments.validate_values(given, known, "it")["otel_collector_openshift_route"]["destination_ca"].count("\n")
        == 3
    )


GO, PROMETHEUS = {"description": "How long, a Go duration."}, {"description": "How often, a Prometheus duration."}


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        (GO, 30, r"option 'a' of it is 30, a duration without a unit\. Write '30s'"),
        (GO, "30", "a duration without a unit"),
        (GO, 1.5, r"is 1.5, a duration without a unit\. Write '1.5s'"),
        (GO, "1d", "option 'a' of it is '1d', which is no duration"),
        (GO, "30 s", "which is no duration"),
        (GO, "soon", "which is no duration"),
        (PROMETHEUS, 30, r"a duration without a unit\. Write '30s'"),
        (PROMETHEUS, 1.5, r"a duration without a unit\. Write '1500ms'"),
        (PROMETHEUS, "1.5s", "which is no duration"),
        (PROMETHEUS, "5m1h", "which is no duration"),
    ],
)
def test_a_duration_has_a_unit(option: dict[str, Any], value: Any, says: str) -> None:
    with pytest.raises(Problem, match=says):
        _arguments.validate_values({"a": value}, {"a": option}, "it")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *((GO, value) for value in ("30s", "1h30m", "1.5h", "500ms", "10us", 0, "0", "", None, "${env:WAIT}")),
        *((PROMETHEUS, value) for value in ("30s", "1d", "1h30m", "2w")),
        ({"description": "How many."}, 30),
    ],
)
def test_other_values_stay(option: dict[str, Any], value: Any) -> None:
    assert _arguments.validate_values({"a": value}, {"a": option}, "it")["a"] == (None if value is None else str(value))


def test_elements_of_a_list_are_durations_too() -> None:
    option = {"type": "list", "elements": "str", "description": "Bounds, as Go durations."}
    with pytest.raises(Problem, match=r"option 'a\[1\]' of it is 250, a duration without a unit"):
        _arguments.validate_values({"a": ["5ms", 250]}, {"a": option}, "it")
