# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A playbook that gives the roles their states does what its name says, whatever the command line says of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import plays

COLLECTOR = {"name": "gateway", "recipes": ["otlp_ingest", "debug_output"]}
CLUSTER = {"otel_collectors": [COLLECTOR]}
HOST = {
    "ansible_connection": "local",
    "otel_host_program": {"path": "/usr/bin/otelcol-contrib"},
    "otel_host_collectors": [COLLECTOR],
}
REFUSED = "a variable of the command line overrides it"


def list_state_variables() -> list[str]:
    """Return the variables of all roles whose values are states."""
    names: set[str] = set()
    for defaults in plays.ROOT.glob("roles/*/defaults/main.yml"):
        names.update(yaml.safe_load(defaults.read_text(encoding="utf-8")) or {})
    return sorted(name for name in names if name.endswith("_state"))


def run(folder: Path, playbook: str, groups: dict[str, Any], *more: str) -> tuple[int, str]:
    inventory = folder / "hosts.yml"
    inventory.write_text(yaml.safe_dump({"all": {"children": groups}}), encoding="utf-8")
    done = plays.run_playbook("-i", str(inventory), f"playbooks/{playbook}.yml", *more)
    return done.returncode, " ".join((done.stdout + done.stderr).split())


@pytest.mark.parametrize("variable", list_state_variables())
def test_no_state_of_a_role_is_overridden(tmp_path: Path, variable: str) -> None:
    status, output = run(tmp_path, "render", {"clusters": {"hosts": {"eu": CLUSTER}}}, "-e", f"{variable}=absent")
    assert status != 0, output
    assert f"{REFUSED}: absent" in output


@pytest.mark.parametrize(
    ("playbook", "state"), [("render", "absent"), ("verify", "absent"), ("remove", "present"), ("remove", "rendered")]
)
@pytest.mark.parametrize("group", ["clusters", "otel_linux"])
def test_nothing_happens_before_it_is_refused(tmp_path: Path, playbook: str, state: str, group: str) -> None:
    variable, variables = ("otel_host_state", HOST) if group == "otel_linux" else ("otel_collector_state", CLUSTER)
    groups = {group: {"hosts": {"web1": variables}}}
    status, output = run(tmp_path, playbook, groups, "-e", f"{variable}={state}")
    assert status != 0, output
    assert f"{REFUSED}: {state}" in output
    assert output.count("TASK [") == 1


def test_a_state_of_the_inventory_is_no_override(tmp_path: Path) -> None:
    """Playbook site serves hosts by their states, so an inventory may name one."""
    groups = {"clusters": {"hosts": {"eu": CLUSTER | {"otel_collector_state": "absent"}}}}
    status, output = run(tmp_path, "render", groups)
    assert status == 0, output
