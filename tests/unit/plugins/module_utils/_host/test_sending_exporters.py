# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which gateways an exporter sends to by its address."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host.host_groups import Gateway, GroupAddress
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host.sending_exporters import find_sending_exporters


@pytest.mark.parametrize(
    "endpoint",
    [
        "gateways.internal:4317",
        "http://gateways.internal:4317",
        "https://gateways.internal:4317/",
        "http://gateways.internal:4317/v1/traces",
        "dns:///gateways.internal:4317",
        "dns://192.0.2.53/gateways.internal:4317",
    ],
)
def test_an_address_leads_to_its_gateways_however_it_is_written(endpoint: str) -> None:
    gateways = (Gateway("gw1", "gateway", "192.0.2.1", 4317), Gateway("gw2", "gateway", "192.0.2.2", 4317))
    address = GroupAddress(gateways, "gateways.internal:4317", "gateways.internal")
    config = {"exporters": {"otlp": {"endpoint": endpoint}}}
    assert tuple(sending.gateway for sending in find_sending_exporters(config, address)) == gateways


def test_an_address_that_only_ends_like_the_one_of_the_group_is_another() -> None:
    address = GroupAddress((Gateway("gw1", "gateway", "192.0.2.1", 4317),), "192.0.2.1:4317")
    config = {"exporters": {"otlp": {"endpoint": "https://eu-192.0.2.1:4317/"}}}
    assert not list(find_sending_exporters(config, address))
