# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who sends is removed before who receives."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host.removal_stages import (
    InventoryCollector,
    Removal,
    check_senders,
    order_in_stages,
    read_removal,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

AGENT, GATEWAY, CENTRAL = (
    InventoryCollector("web1", "agent"),
    InventoryCollector("gw1", "gateway"),
    InventoryCollector("hub", "gateway"),
)


def test_a_collector_goes_after_all_that_send_to_it() -> None:
    stages = order_in_stages({CENTRAL: {GATEWAY, AGENT}, GATEWAY: {AGENT}})
    assert stages == [[AGENT], [GATEWAY], [CENTRAL]]


def test_collectors_of_a_circle_have_no_order_and_what_sends_to_them_goes_first() -> None:
    stages = order_in_stages({GATEWAY: {CENTRAL, AGENT}, CENTRAL: {GATEWAY}})
    assert set(stages[0]) == {AGENT, CENTRAL}
    assert stages[1] == [GATEWAY]


def test_nobody_sends() -> None:
    assert order_in_stages({}) == []


def test_a_collector_that_the_plan_does_not_name_is_of_the_first_stage() -> None:
    receivers = {"gateway": {"stage": 1, "senders": ["web1"]}}
    assert read_removal("gateway", receivers) == Removal(1, ("web1",))
    assert read_removal("trial", receivers) == Removal(0, ())


def test_a_collector_stays_while_a_host_that_sends_to_it_failed() -> None:
    check_senders("gateway", ["web1", "web2"], ["web1", "web2", "gw1"])
    with pytest.raises(Problem, match="collector gateway gets data of web2, where this run could not remove them"):
        check_senders("gateway", ["web1", "web2"], ["web1", "gw1"])
