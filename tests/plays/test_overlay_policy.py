# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file of another team that touches more than `overlay_policy` allows stops the run, on clusters and on hosts."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import plays

PLATFORM = "exporters: {otlp_grpc/gateway: {sending_queue: {queue_size: 77}}}\n"
ALLOWED = "processors: &all\n  filter/noise: {logs: {log_record: ['false']}}\nextensions: {zpages: null}\n"
MERGED = "base: &base\n  debug: {verbosity: detailed}\nexporters: {<<: *base}\n"
DELETED = "processors: {filter/a: null}\nservice:\n  pipelines:\n    logs: null\n"
ROLES: dict[str, dict[str, Any]] = {
    "otel_collector": {"otel_collector_state": "rendered"},
    "otel_host": {"otel_host_state": "rendered", "otel_host_program": {"path": "/usr/bin/otelcol-contrib"}},
}
ITEMS = {"otel_collector": "otel_collectors", "otel_host": "otel_host_collectors"}


def render(
    tmp_path: Path, role: str, overlay: str, name: str = "shop.yaml", **more: Any
) -> subprocess.CompletedProcess[str]:
    """Run a role for one collector with a baseline and an overlay in a file of this name."""
    (tmp_path / "platform.yaml").write_text(PLATFORM, encoding="utf-8")
    (tmp_path / name).write_text(overlay, encoding="utf-8")
    play = [{"hosts": "all", "gather_facts": False, "tasks": [
        {"ansible.builtin.include_role": {"name": f"o11y.opentelemetry.{role}"}}]}]  # fmt: skip
    (tmp_path / "play.yml").write_text(yaml.safe_dump(play), encoding="utf-8")
    files = [str(tmp_path / "platform.yaml"), str(tmp_path / name)]
    forward = {"otlp_forward": {"endpoint": "gateway.example.com:4317"}}
    item = {"name": "agent", "recipes": ["otlp_ingest", forward], "config_files": files, **more}
    policy = {"baseline": files[:1], "components": {"processors": ["filter"]}, "sections": ["extensions"]}
    given = {**ROLES[role], ITEMS[role]: [item], f"{role}_overlay_policy": policy}
    (tmp_path / "variables.json").write_text(json.dumps(given), encoding="utf-8")
    return plays.run(tmp_path, str(tmp_path / "play.yml"), {"one": {}}, "-e", f"@{tmp_path / 'variables.json'}")


@pytest.mark.parametrize("role", ROLES)
def test_what_the_policy_allows_and_the_baseline_pass(tmp_path: Path, role: str) -> None:
    done = render(tmp_path, role, ALLOWED)
    assert done.returncode == 0, done.stdout + done.stderr


BREACHES = [
    ("otel_collector", MERGED, "exporters.debug.verbosity (at {shop}:"),
    ("otel_host", DELETED, "service.pipelines.logs (at {shop}:4:"),
]


@pytest.mark.parametrize(("role", "overlay", "words"), BREACHES)
def test_a_breach_names_its_file_and_line_and_what_is_allowed(
    tmp_path: Path, role: str, overlay: str, words: str
) -> None:
    done = render(tmp_path, role, overlay)
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 2
    assert f"touches {words.format(shop=tmp_path / 'shop.yaml')}" in said
    assert "Allowed: extensions; processors of type filter." in said


def test_a_collector_cannot_bring_a_policy_of_its_own(tmp_path: Path) -> None:
    done = render(tmp_path, "otel_host", DELETED, overlay_policy={"sections": ["service"]})
    assert done.returncode == 2
    assert "overlay_policy" in done.stdout + done.stderr
