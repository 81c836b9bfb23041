# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rights that the strategy of a change needs are asked for before anything is written."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.live import purpose_rights
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.rbac_roles import RbacGrant
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.rights import Right
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ...fake_api import FakeApi
from .account import Account
from .bundle_helpers import NAMESPACE
from .rollouts import collector
from .test_canary import CANARY, NAME, change, cluster

NEEDED = [
    ("DaemonSet", "canary", Right("create", "", "pods/eviction")),
    ("DaemonSet", "canary", Right("get", "", "pods/proxy")),
    ("Deployment", "canary", Right("get", "", "pods/log")),
    ("StatefulSet", "canary", Right("list", "", "pods")),
    ("StatefulSet", "canary", Right("list", "apps", "controllerrevisions")),
    ("Deployment", "rolling", Right("patch", "apps", "deployments")),
    ("Deployment", "rolling", Right("delete", "", "configmaps")),
]


def account(api: FakeApi, kind: str, strategy: str, *without: Right) -> Account:
    bundle = [NAMESPACE, *collector("second", kind)]
    given = purpose_rights.list_grants(bundle, changes={NAME: {**CANARY, "strategy": strategy}})
    return Account(api, {*given} - {RbacGrant("ns", one) for one in without})


def written(api: FakeApi) -> list[Any]:
    return [one for one in api.requests if one[0] in ("PATCH", "DELETE") and "dryRun" not in one[2]]


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize(("kind", "strategy", "right"), NEEDED, ids=str)
def test_a_change_without_a_right_of_its_strategy_writes_nothing(
    kind: str, strategy: str, right: Right, check: bool
) -> None:
    api = cluster(kind)
    account(api, kind, strategy, right)
    before = api.clock.now
    with pytest.raises(Problem, match="may not change the collector ns/a with `strategy: ") as refused:
        change(api, "second", kind, change={"strategy": strategy}, check=check)
    assert f"{right.verb} {right.resource}" in str(refused.value)
    assert f"`strategy: {strategy}`" in str(refused.value)
    assert (written(api), api.clock.now) == ([], before)


def test_the_rights_of_the_strategy_are_enough_and_an_unchanged_collector_is_asked_nothing() -> None:
    api = cluster("DaemonSet")
    held = account(api, "DaemonSet", "canary")
    assert change(api, "second", "DaemonSet")["changed"]
    assert RbacGrant("ns", Right("list", "", "pods")) in held.used
    asked = len(api.sent("POST"))
    assert not change(api, "second", "DaemonSet")["changed"]
    assert len(api.sent("POST")) == asked
