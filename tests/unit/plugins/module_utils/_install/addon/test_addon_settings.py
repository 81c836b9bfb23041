# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of an add-on: what differs, and the request that changes it."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity.live.aws_changes import list_changed_settings
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.addon import (
    addon_settings as addons,
)

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
    assert addons.build_update_request(LIVE, wanted, list_changed_settings(LIVE, wanted), repair=False) == request_


def test_a_repair_says_everything() -> None:
    assert addons.build_update_request(LIVE, {}, [], repair=True)["addonVersion"] == "v1"


def test_identities_are_sent_only_where_they_differ() -> None:
    live = LIVE | {"pod_identity_associations": {"a": "x"}}
    wanted = {"pod_identity_associations": {"b": "y", "a": "x"}}
    sent = addons.build_update_request(live, wanted, list_changed_settings(live, wanted), repair=False)
    assert [item["serviceAccount"] for item in sent["podIdentityAssociations"]] == ["a", "b"]
    assert "podIdentityAssociations" not in addons.build_update_request(
        live, {"version": "v2"}, ["version"], repair=False
    )
    none = {"pod_identity_associations": {}}
    assert addons.build_update_request(live, none, [*none], repair=False)["podIdentityAssociations"] == []


def test_what_describe_says_and_what_create_takes_are_the_same() -> None:
    wanted = LIVE | {"pod_identity_associations": {"a": "x"}}
    request = addons.build_creation_request(wanted)
    described = {**request, "configurationValues": request["configurationValues"]}
    assert addons.addon_settings(described, json.loads, {"a": "x"}) == wanted
    assert addons.addon_settings(None, json.loads) == {}


def test_a_move_is_refused() -> None:
    assert addons.find_namespace_move(LIVE, {"namespace": "other"}, "adot")
    for live, wanted in ((LIVE, {"namespace": "ns"}), ({}, {"namespace": "other"}), (LIVE, {})):
        assert not addons.find_namespace_move(live, wanted, "adot")
