# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What rows of the catalogue say beside an endpoint and a port; test_derive.py has the usual ones."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.needs.listeners import (
    listeners,
    started,
    waits_for_clients,
)

from ..helpers import LISTENERS, running


@pytest.mark.parametrize(
    ("settings", "host"), [({}, "0.0.0.0"), ({"hostname": "localhost"}, "localhost"), ({"port": 2055}, "")]
)
def test_a_host_may_stand_beside_its_port(settings: Any, host: str) -> None:
    config = running(receivers={"netflow": settings})
    (found,) = [item for item in listeners(config, started(config), LISTENERS) if item.part]
    assert (found.host, found.port, found.protocol, found.name) == (host, 2055, "UDP", "netflow")


@pytest.mark.parametrize(
    ("settings", "waits"), [({}, True), ({"webhook": {}}, True), ({"scrapers": {"scraper": {}}}, False)]
)
def test_a_type_that_can_listen_or_ask_does_what_its_settings_say(settings: Any, waits: bool) -> None:
    config = running(receivers={"github": settings})
    assert waits_for_clients("receivers", "github", config, LISTENERS) is waits
