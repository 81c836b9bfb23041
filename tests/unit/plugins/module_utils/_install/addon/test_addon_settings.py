# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of an add-on: what differs, the request that changes it, and what a violation of the schema says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity import assignment
from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity.live.aws_api import changes
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.addon import (
    addon_settings as addons,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.addon.addon_settings import (
    Violation,
    mismatch,
    said,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.live.addon_plan import violations
from hypothesis import given
from hypothesis import strategies as st

from ...helpers import cases, rows

LIVE = rows("""
  {version: v1, service_account_role_arn: role, configuration_values: {a: 1}, namespace: ns, tags: {t: "1"}}
""")
SENT = {"addonVersion": "v1", "serviceAccountRoleArn": "role", "configurationValues": '{"a": 1}'}


@cases(
    "wanted, request_",
    ({}, {}),
    (LIVE, {}),
    ({"tags": {}}, {}),  # tags go their own way
    ({"version": "v2"}, SENT | {"addonVersion": "v2"}),
    ({"service_account_role_arn": ""}, {"addonVersion": "v1", "configurationValues": '{"a": 1}'}),
    ({"configuration_values": {}}, SENT | {"configurationValues": "{}"}),
)
def test_an_update_says_what_stays_too(wanted: dict[str, Any], request_: dict[str, Any]) -> None:
    assert addons.update(LIVE, wanted, changes(LIVE, wanted), repair=False) == request_


def test_a_repair_says_everything() -> None:
    assert addons.update(LIVE, {}, [], repair=True)["addonVersion"] == "v1"


def test_identities_are_sent_only_where_they_differ() -> None:
    live = LIVE | {"pod_identity_associations": {"a": "x"}}
    wanted = {"pod_identity_associations": {"b": "y", "a": "x"}}
    sent = addons.update(live, wanted, changes(live, wanted), repair=False)
    assert [item["serviceAccount"] for item in sent["podIdentityAssociations"]] == ["a", "b"]
    assert "podIdentityAssociations" not in addons.update(live, {"version": "v2"}, ["version"], repair=False)
    none = {"pod_identity_associations": {}}
    assert addons.update(live, none, [*none], repair=False)["podIdentityAssociations"] == []


def test_what_describe_says_and_what_create_takes_are_the_same() -> None:
    wanted = LIVE | {"pod_identity_associations": {"a": "x"}}
    request = addons.creation(wanted)
    described = {**request, "configurationValues": request["configurationValues"]}
    assert addons.settings(described, json.loads, {"a": "x"}) == wanted
    assert addons.settings(None, json.loads) == {}


def test_a_move_is_refused() -> None:
    assert addons.moved(LIVE, {"namespace": "other"}, "adot")
    for live, wanted in ((LIVE, {"namespace": "ns"}), ({}, {"namespace": "other"}), (LIVE, {})):
        assert not addons.moved(live, wanted, "adot")


@given(st.text(min_size=1), st.text(min_size=1))
def test_secrets_are_hidden_and_still_told_apart(one: str, two: str) -> None:
    def show(text: str) -> Any:
        return addons.shown({"list": [{"api_key": text}], "plain": 1}, "salt")

    assert show(one)["list"][0]["api_key"].startswith("***")
    assert (show(one) == show(two)) is (one == two)
    assert show(one)["plain"] == 1


def test_secrets_of_env_entries_are_hidden_by_their_name() -> None:
    env = [{"name": "DD_API_KEY", "value": "s3cret"}, {"name": "PLACE", "value": "here"}]
    tree = {"env": env, "n": {"password": 47}}
    assert sorted(addons.secrets_of(tree)) == ["47", "s3cret"]
    shown = addons.shown(tree, "salt")
    assert (shown["env"][0]["name"], shown["env"][1]) == ("DD_API_KEY", env[1])
    assert "s3cret" not in str(shown)


ASSOCIATION = {"roleArn": "r", "policy": '{"Version": "1"}', "disableSessionTags": True, "tags": {"a": "b"}}


def test_an_association_in_our_words() -> None:
    found = assignment.settings(ASSOCIATION)
    assert found["policy"] == {"Version": "1"}
    sent = {key: value for key, value in ASSOCIATION.items() if key != "tags"}
    assert assignment.request(found, list(found)) == sent | {"targetRoleArn": ""}
    assert assignment.request({"policy": {}}, ["policy"]) == {"policy": ""}


@cases(
    "live, wanted, words",
    ({"ownerArn": "arn:addon"}, {}, "the add-on arn:addon owns it"),
    (None, {"policy": {"a": 1}}, "only without session tags"),
    (ASSOCIATION, {"disable_session_tags": False}, "only without session tags"),
    (None, {"policy": {"a": 1}, "disable_session_tags": True}, ""),
    (ASSOCIATION, {"role_arn": "other"}, ""),
)
def test_what_an_association_cannot_be(live: Any, wanted: dict[str, Any], words: str) -> None:
    problem = assignment.impossible(live, wanted)
    assert words in str(problem) if words else problem is None


SCHEMA = rows("""
$schema: http://json-schema.org/draft-07/schema#
type: object
additionalProperties: false
required: [must]
definitions: {cpu: {type: object, properties: {cpu: {type: [string, "null"]}}}}
properties:
  must: {}
  count: {type: integer, minimum: 1, maximum: 3}
  mode: {enum: [a, b]}
  name: {type: string, pattern: ^x, minLength: 2, maxLength: 4}
  list: {type: array, items: {type: string}, minItems: 1, maxItems: 2}
  limits: {$ref: "#/definitions/cpu"}
  either: {anyOf: [{type: object, properties: {deep: {type: boolean}}}, {type: "null"}]}
  fixed: {const: 1}
  other: {not: {}}
  remote: {$ref: "https://example.com/never-fetched.json"}
""")
# Values besides `must: 1`, then what is said of them.
VIOLATIONS = rows("""
- [{}]
- [{cuont: 1}, "'cuont' is not known here; did you mean 'count'?"]
- [{count: s3cret}, "count: must be integer, is string"]
- [{count: 0}, "count: must be at least 1"]
- [{count: 9}, "count: must be at most 3"]
- [{mode: s3cret}, "mode: must be one of a, b"]
- [{name: y}, "name: must have at least 2 characters", "name: must match ^x"]
- [{name: xs3cret}, "name: must have at most 4 characters"]
- [{list: []}, "list: must have at least 1 items"]
- [{list: [a, 2, c]}, "list: must have at most 2 items", "list[1]: must be string, is integer"]
- [{limits: {cpu: 1.5}}, "limits.cpu: must be string or null, is number"]
- [{either: {deep: s3cret}}, "either.deep: must be boolean, is string"]
- [{fixed: 2}, "fixed: must be 1"]
- [{other: s3cret}, "other: does not fulfil 'not' of the schema"]
""")


@pytest.mark.parametrize("row", VIOLATIONS, ids=str)
def test_a_violation_names_its_place_and_no_value(row: list[Any]) -> None:
    values, *lines = row
    found = sorted(said(violation) for violation in violations(SCHEMA, {"must": 1} | values))
    assert found == sorted(lines)
    assert "s3cret" not in str(found)


def test_what_is_missing_is_named() -> None:
    assert [said(violation) for violation in violations(SCHEMA, {})] == ["missing: must"]


def test_references_are_not_fetched() -> None:
    with pytest.raises(Exception, match=r"Unresolvable.*never-fetched"):
        list(violations(SCHEMA, {"must": 1, "remote": 1}))


def test_many_violations_are_not_all_told_and_none_is_no_problem() -> None:
    assert mismatch([], "adot", "v1", ours=True) is None
    many = [Violation((f"key{number:02}",), "type", "string", 1) for number in range(30)]
    text = str(mismatch(many, "adot", "v1", ours=True))
    assert "key19" in text
    assert "key20" not in text
    assert "and 10 more" in text
