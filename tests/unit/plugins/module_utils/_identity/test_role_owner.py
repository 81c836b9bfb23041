# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity import role, role_owner
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ..helpers import cases
from .made_roles import ACCOUNT, made, wish


@cases(
    "tags, cluster, expected",
    ({}, "eu-west-1/prod", False),
    (made()["tags"], "eu-west-1/prod", True),
    (made()["tags"], "eu-west-1/dev", False),
    (made()["tags"], "us-east-1/prod", False),
)
def test_whose_a_role_is(tags: dict[str, str], cluster: str, expected: bool) -> None:
    arn = role_owner.cluster_arn("arn:aws:iam::123456789012:role/path/a", *cluster.split("/"))
    assert role_owner.is_own_role({"tags": tags}, arn, ACCOUNT) is expected


OURS = made()["tags"]


@cases(
    "live, asked, words",
    ({"tags": {}}, {}, "it exists, and is not ours"),
    ({"tags": OURS | {role.ACCOUNT_TAG: "a/b"}}, {"may_adopt": True}, "it is the role of a/b"),
    ({"tags": OURS | {role.CLUSTER_TAG: "arn:x"}}, {"may_adopt": True}, "in arn:x"),
    ({"tags": OURS}, {"path": "/x/"}, "its path is /, and IAM cannot change that"),
)
def test_what_is_not_ours_is_refused(live: dict[str, Any], asked: dict[str, Any], words: str) -> None:
    with pytest.raises(Problem) as told:
        role_owner.check_role_change("role", made() | live, wish(**asked))
    assert words in str(told.value)


def test_what_is_ours_or_may_be_adopted_is_not() -> None:
    role_owner.check_role_change("role", made(), wish(path="/"))
    role_owner.check_role_change("role", made() | {"tags": {}, "path": "/theirs/"}, wish(may_adopt=True, path="/"))
