# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbook diagnose adds `diagnose_collectors` to the collectors of the inventory, however the inventory gives them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support import plays

RECIPES = ["otlp_ingest", "debug_output"]
CONFIG = {
    "receivers": {"otlp": {"protocols": {"grpc": {}}}},
    "exporters": {"debug": {}},
    "service": {"pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["debug"]}}},
}
OTHERS = {"diagnose_collectors": [{"namespace": "tracing", "name": "gateway"}]}
# The forms in which an inventory gives collectors.
FORMS: dict[str, dict[str, Any]] = {
    "list": {"otel_collectors": [{"recipes": RECIPES}]},
    "instances": {"otel_collector_instances": [{"recipes": RECIPES}]},
    "recipes": {"otel_collector_recipes": RECIPES},
    "config": {"otel_collector_config": CONFIG},
}


def test_collectors_of_others_are_added_to_those_of_the_inventory(tmp_path: Path) -> None:
    hosts = {name: {**OTHERS, **form} for name, form in FORMS.items()} | {"none": OTHERS}
    done = plays.run(tmp_path, "playbooks/diagnose.yml", hosts, "--skip-tags", "otel_target")
    rendering = done.stdout.partition("render | Validate every config")[2].partition("TASK [")[0]
    rendered_hosts = {name for name in hosts if f"ok: [{name}]" in rendering}
    assert rendered_hosts == set(FORMS), json.dumps(done.stdout)
