# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A page has the forecasts of hosts whose collectors change."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._told_forecasts import (
    TOLD_VARIABLE,
    collect_told_forecasts,
)


def test_a_host_that_told_nothing_has_no_forecast_on_the_page() -> None:
    hostvars = {
        "web1": {TOLD_VARIABLE: {"markdown": "web1 sends more"}},
        "web2": {TOLD_VARIABLE: {"markdown": ""}},
        "web3": {},
    }
    (forecasts,) = collect_told_forecasts({"hostvars": hostvars, "ansible_play_hosts_all": list(hostvars)})
    assert (forecasts.host, forecasts.markdown) == ("web1", "web1 sends more")
    assert collect_told_forecasts({}) == []
