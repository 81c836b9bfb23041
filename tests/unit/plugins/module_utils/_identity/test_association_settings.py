# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity.association_settings import (
    association_settings,
    build_association_request,
    find_impossible_change,
)

from ..helpers import cases

ASSOCIATION = {"roleArn": "r", "policy": '{"Version": "1"}', "disableSessionTags": True, "tags": {"a": "b"}}


def test_an_association_in_our_words() -> None:
    found = association_settings(ASSOCIATION)
    assert found["policy"] == {"Version": "1"}
    sent = {key: value for key, value in ASSOCIATION.items() if key != "tags"}
    assert build_association_request(found, list(found)) == sent | {"targetRoleArn": ""}
    assert build_association_request({"policy": {}}, ["policy"]) == {"policy": ""}


@cases(
    "live, wanted, words",
    ({"ownerArn": "arn:addon"}, {}, "the add-on arn:addon owns it"),
    (None, {"policy": {"a": 1}}, "only without session tags"),
    (ASSOCIATION, {"disable_session_tags": False}, "only without session tags"),
    (None, {"policy": {"a": 1}, "disable_session_tags": True}, ""),
    (ASSOCIATION, {"role_arn": "other"}, ""),
)
def test_what_an_association_cannot_be(live: Any, wanted: dict[str, Any], words: str) -> None:
    problem = find_impossible_change(live, wanted)
    assert words in str(problem) if words else problem is None
