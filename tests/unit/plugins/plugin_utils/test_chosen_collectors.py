# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Some collectors of many, by their names."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._chosen_collectors import select_collectors

GATEWAY, SECOND, AGENT = (
    {"namespace": namespace, "name": name}
    for namespace, name in (("obs", "gateway"), ("shop", "gateway"), ("obs", "agent"))
)
ALL = [GATEWAY, SECOND, AGENT]
SELECTED = {"namespace": "shop", "selector": "app=otel"}


@pytest.mark.parametrize(
    ("only", "found"),
    [
        ([], ALL),
        (["gateway"], [GATEWAY, SECOND]),
        (["shop/gateway"], [SECOND]),
        (["agent", "shop/gateway"], [SECOND, AGENT]),
    ],
)
def test_a_name_without_a_namespace_is_that_of_any(only: list[str], found: list[dict[str, str]]) -> None:
    assert select_collectors(ALL, only) == found


def test_collectors_of_hosts_have_no_namespace() -> None:
    assert select_collectors([{"name": "agent"}, {"name": "backend"}], ["backend"]) == [{"name": "backend"}]


@pytest.mark.parametrize("asked", ["gatewy", "obs/gatewy", "obs", "other/gateway", "", "../gateway"])
def test_a_name_that_none_has_is_told(asked: str) -> None:
    with pytest.raises(Problem, match="there is no collector"):
        select_collectors([*ALL, SELECTED], ["agent", asked] if asked else ["x"])
    with pytest.raises(Problem, match="There are none"):
        select_collectors([], ["agent"])
