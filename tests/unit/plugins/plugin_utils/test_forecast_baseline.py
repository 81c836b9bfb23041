# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was before comes from one place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._forecast_baseline import find_baseline
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._testing.chosen_collector import ChosenConfig

ARGUMENTS: dict[str, Any] = {
    **{"host": "web1", "collectors": [{"name": "agent"}], "resources": [{"kind": "ConfigMap"}]},
    **dict.fromkeys(("host_running", "kept_path", "gitops_path")),
}


def test_objects_of_the_cluster_are_what_was_before() -> None:
    assert find_baseline(ARGUMENTS).as_arguments() == {
        "collectors": [{"name": "agent"}],
        "kept_configs": None,
        "resources": [{"kind": "ConfigMap"}],
    }


def test_collectors_of_a_linux_host_are_named_after_it() -> None:
    running = [{"name": "agent", "config": "receivers: {}\n", "program": "contrib 0.158.0"}]
    given = {**ARGUMENTS, "resources": None, "host_running": running, "host_files": []}
    found = find_baseline(given)
    assert list(found.kept_configs or ()) == ["web1/agent"]
    assert found.resources is None


def test_configs_of_kept_figures_have_no_image(tmp_path: Path) -> None:
    row = {"name": "shop/agent", "release": "", "passed": True, "config": {"receivers": {}}, "sum": "", "polls": []}
    (tmp_path / "web1.json").write_text(json.dumps({"kept": "now", "collectors": [row]}), encoding="utf-8")
    found = find_baseline({**ARGUMENTS, "kept_path": str(tmp_path)})
    assert found.resources is None
    (kept_config,) = (found.kept_configs or {}).items()
    assert kept_config == ("shop/agent", ChosenConfig({"receivers": {}}, "", "the figures of before"))


def test_in_a_repository_only_what_an_earlier_run_wrote_was_before(tmp_path: Path) -> None:
    found = find_baseline({**ARGUMENTS, "gitops_path": str(tmp_path)})
    assert (found.kept_configs, found.resources) == (None, [])
