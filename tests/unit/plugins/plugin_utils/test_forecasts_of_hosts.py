# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was before comes from one place, and a page has the forecasts of hosts whose collectors change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._forecasts_of_hosts import (
    TOLD_VARIABLE,
    collect_told_forecasts,
    find_baseline,
)

ARGUMENTS: dict[str, Any] = {
    **{"host": "web1", "collectors": [{"name": "agent"}], "resources": [{"kind": "ConfigMap"}]},
    **dict.fromkeys(("host_running", "kept_path", "gitops_path")),
}


def test_objects_of_the_cluster_are_what_was_before() -> None:
    assert find_baseline(ARGUMENTS).as_arguments() == {
        "collectors": [{"name": "agent"}],
        "kept": None,
        "resources": [{"kind": "ConfigMap"}],
    }


def test_collectors_of_a_linux_host_are_named_after_it() -> None:
    running = [{"name": "agent", "config": "receivers: {}\n", "program": "contrib 0.158.0"}]
    given = {**ARGUMENTS, "resources": None, "host_running": running, "host_files": []}
    found = find_baseline(given)
    assert list(found.kept_configs or ()) == ["web1/agent"]
    assert found.cluster_resources is None


def test_in_a_repository_only_what_an_earlier_run_wrote_was_before(tmp_path: Path) -> None:
    found = find_baseline({**ARGUMENTS, "gitops_path": str(tmp_path)})
    assert (found.kept_configs, found.cluster_resources) == (None, [])


def test_a_host_that_told_nothing_has_no_forecast_on_the_page() -> None:
    hostvars = {
        "web1": {TOLD_VARIABLE: {"markdown": "web1 sends more"}},
        "web2": {TOLD_VARIABLE: {"markdown": ""}},
        "web3": {},
    }
    (forecasts,) = collect_told_forecasts({"hostvars": hostvars, "ansible_play_hosts_all": list(hostvars)})
    assert (forecasts.host, forecasts.markdown) == ("web1", "web1 sends more")
    assert collect_told_forecasts({}) == []
